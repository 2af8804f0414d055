"""Small driver-API harness: compile CUDA text with nvcc (or NVRTC), load, launch on torch's stream."""
import ctypes as C, os, subprocess, sys, hashlib, re, json, math, time
from concurrent.futures import ThreadPoolExecutor
import torch
HERE = os.path.dirname(os.path.abspath(__file__)); K = os.path.join(HERE, "..", "..", "src", "Models", "Kernels", "Cuda", "Source"); TMP = os.path.join(__import__("tempfile").gettempdir(), "genoseq-cuda"); os.makedirs(TMP, exist_ok=True)
cu = C.CDLL("libcuda.so.1")
def ck(r, what=""):
    if r: raise RuntimeError(f"CUDA driver error {r} {what}")
def source(files): return "\n".join(open(os.path.join(K, f)).read() for f in files)
def compile_cubin(files, defs, maxreg=None):
    src = source(files); key = hashlib.sha1((src + str(sorted(defs.items()))).encode()).hexdigest()[:16]
    f = f"{TMP}/{key}.cu"; o = f"{TMP}/{key}.cubin"; lg = f"{TMP}/{key}.log"
    if not os.path.exists(o):
        open(f, "w").write(src)
        r = subprocess.run(["nvcc", "-std=c++17", "-O3", "-cubin", "-gencode=arch=compute_90a,code=sm_90a", "-Xptxas", "-v", *[f"-D{k}={v}" for k, v in defs.items()], "-o", o, f], capture_output=True, text=True)
        open(lg, "w").write(r.stdout + r.stderr)
        if r.returncode: print(r.stdout + r.stderr, flush=True); raise RuntimeError(f"compile failed {defs}")
    return o, open(lg).read()
def regs(log):
    out = {}
    name = None
    for l in log.splitlines():
        m = re.search(r"Compiling entry function '(\w+)'", l)
        if m: name = m.group(1)
        m = re.search(r"(\d+) bytes spill stores", l)
        if m and name: out.setdefault(name, {})["spill"] = int(m.group(1))
        m = re.search(r"Used (\d+) registers", l)
        if m and name: out.setdefault(name, {})["regs"] = int(m.group(1))
    return out
class Module:
    def __init__(s, files, defs):
        s.path, s.log = compile_cubin(files, defs); s.defs = defs; s.regs = regs(s.log)
        s.mod = C.c_void_p(); data = open(s.path, "rb").read(); s._d = data
        ck(cu.cuModuleLoadData(C.byref(s.mod), data), "load")
    def fn(s, name, smem=0, threads=128):
        f = C.c_void_p(); ck(cu.cuModuleGetFunction(C.byref(f), s.mod, name.encode()), name)
        if smem > 48 * 1024: ck(cu.cuFuncSetAttribute(f, 8, smem), "smem")
        n = C.c_int(); ck(cu.cuOccupancyMaxActiveBlocksPerMultiprocessor(C.byref(n), f, threads, C.c_size_t(smem)))
        return Fn(f, smem, threads, n.value, s.regs.get(name, {}))
class Fn:
    def __init__(s, f, smem, threads, occ, r): s.f, s.smem, s.threads, s.occ, s.r = f, smem, threads, occ, r
    def __call__(s, grid, arg):
        g = (grid, 1, 1) if isinstance(grid, int) else tuple(grid) + (1,) * (3 - len(grid))
        ps = (C.c_void_p * 1)(C.addressof(arg))
        ck(cu.cuLaunchKernel(s.f, *g, s.threads, 1, 1, s.smem, C.c_void_p(torch.cuda.current_stream().cuda_stream), ps, None), "launch")
def build_all(list_):
    list_ = list({str((f, sorted(d.items()))): (f, d) for f, d in list_}.values())
    with ThreadPoolExecutor(14) as ex: return list(ex.map(lambda a: compile_cubin(*a), list_))
def bench(f, n=10, warm=3):
    for _ in range(warm): f()
    ev = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(n)]
    for a, b in ev: a.record(); f(); b.record()
    torch.cuda.synchronize()
    return sorted(a.elapsed_time(b) for a, b in ev)[n // 2]
def clocks():
    try:
        import pynvml as nv
        nv.nvmlInit(); h = nv.nvmlDeviceGetHandleByIndex(0)
        return nv.nvmlDeviceGetClockInfo(h, 1), nv.nvmlDeviceGetClockInfo(h, 2), nv.nvmlDeviceGetPowerUsage(h) // 1000
    except Exception as e: return (str(e),)
def rel(a, b):
    a = a.double(); b = b.double(); return ((a - b).norm() / (b.norm() + 1e-300)).item()

# ---------------------------------------------------------------- scan
P = C.c_void_p
class GsScan(C.Structure):
    _fields_ = [(n, P) for n in "u delta z bmat cmat a skip bias h0 ids out h_last y ckpt dout dh_last du ddelta dz dh0 part_bc part_p".split()] + \
               [(n, C.c_longlong) for n in "u_stride delta_stride z_stride b_stride c_stride out_stride dout_stride".split()] + [("reverse", C.c_int), ("pad", C.c_int)]
class GsArgs(C.Structure):
    _fields_ = [("s", GsScan * 4), ("ticket", P), ("ring", P), ("scans", C.c_int), ("batch", C.c_int), ("length", C.c_int), ("d_inner", C.c_int), ("tiles", C.c_int), ("zero", C.c_int), ("groups", C.c_int)]
class GsReduceBc(C.Structure):
    _fields_ = [("part", P * 4), ("db", P * 4), ("dc", P * 4), ("reverse", C.c_int * 4), ("sets", C.c_int), ("batch", C.c_int), ("length", C.c_int), ("padded", C.c_int), ("db_stride", C.c_longlong), ("dc_stride", C.c_longlong)]
class GsReduceP(C.Structure):
    _fields_ = [("part", P * 4), ("da", P * 4), ("dskip", P * 4), ("dbias", P * 4), ("batch", C.c_int), ("d_inner", C.c_int)]
SCAN = ["common.cu", "scan_args.cu"]
N = 16
def ptr(t): return None if t is None else t.data_ptr()
class ScanKernels:
    def __init__(s, f32=0, ck32=0, tl=8, fb=3, bb=2, greg=1, extra=None, fx=None, bx=None, pad=16, ww=1):
        s.ww = ww; es = 4 if f32 else 2; s.wsm = ww * (4 * (3 * 8 * 32 * es + 2 * 8 * 16 * es) + 8 * 32 * 4)
        s.f32, s.ck32, s.tl = f32, ck32, tl
        d = {"GS_F32_IO": f32, "GS_CK_F32": ck32, **(extra or {})}
        df = {**d, "GS_TL": tl};
        if fb: df["GS_FWD_BLOCKS"] = fb
        db = {**d, "GS_BWD_BLOCKS": bb, "GS_G_REGS": greg}
        df.update(fx or {}); db.update(bx or {}); pass
        s.key = (df, db)
        row = N * 16 * (4 if ck32 else 2) + 16; tc = 16 * tl
        s.tc = tc; s.fsm = 2 * (16 * (336 if tl == 16 else 168) + 16) * 4 + 2 * N * tl * 80 + 3 * N * 64 + tl * row + 16 + 2 * 6 * (1 + f32) * 16 * tl * 16
        s.bsm = 3 * 2704 * 4 + 2048 + 2 * N * 8 * pad * 4 + 2 * N * 128 * 4 + 4 * N * 64 + 256 + 512 + 8 * row + 16 + 18 * (1 + f32) * 128 * 16
    def jobs(s): return [(SCAN + ["scan_fwd.cu"], s.key[0]), (SCAN + ["scan_bwd.cu"], s.key[1]), (SCAN + ["scan_reduce.cu"], {"GS_F32_IO": s.f32}), (SCAN + ["scan_fwd_wide.cu"], {**s.key[0], "GS_WIDE_WARPS": s.ww})]
    def load(s):
        j = s.jobs()
        s.fwd = Module(*j[0]).fn("gs_scan_fwd", s.fsm, 16 * s.tl)
        s.bwd = Module(*j[1]).fn("gs_scan_bwd", s.bsm, 128)
        s.wide = Module(*j[3]).fn("gs_scan_fwd_wide", s.wsm, 32 * s.ww)
        m = Module(*j[2]); s.rbc = m.fn("gs_scan_reduce_bc"); s.rp = m.fn("gs_scan_reduce_p")
        return s
torch.zeros(1, device="cuda"); torch.cuda.synchronize()
SMS = torch.cuda.get_device_properties(0).multi_processor_count
class Problem:
    """One or more scans over [B, L, D] with everything allocated."""
    def __init__(s, B, L, D, f32=0, ck32=0, groups=4, scans=1, rev=(0, 1, 0, 1), ids=False, gate=True, states=False, seed=0, groups_f=2, maxtl=16, packed=False, save=True):
        g = torch.Generator(device="cuda").manual_seed(seed); s.__dict__.update(B=B, L=L, D=D, f32=f32, ck32=ck32, groups=groups, groups_f=groups_f, scans=scans, rev=rev, save=save)
        dt = torch.float32 if f32 else torch.bfloat16
        rn = lambda *sh, sc=1.0: (torch.randn(*sh, generator=g, device="cuda", dtype=dt) * sc)
        s.chunks = (D + 15) // 16; s.sets = -(-s.chunks // groups); s.nb = (L + 15) // 16; s.tiles_b = -(-L // 128)
        s.x = []
        for i in range(scans):
            v = type("S", (), {})(); s.x.append(v)
            if packed: xz = rn(B, L, 2 * D); v.u, v.z = xz[..., :D], xz[..., D:]; bc = rn(B, L, 48); v.B, v.C = bc[..., 16:32], bc[..., 32:48]
            else: v.u = rn(B, L, D); v.z = rn(B, L, D) if gate else None; v.B = rn(B, L, N); v.C = rn(B, L, N)
            v.delta = rn(B, L, D, sc=0.5); v.dout = rn(B, L, D)
            v.A = -(torch.arange(1, N + 1, device="cuda").float()[None] * (0.5 + torch.rand(D, N, generator=g, device="cuda")))
            d0 = torch.exp(math.log(1e-3) + (math.log(0.1) - math.log(1e-3)) * torch.rand(D, generator=g, device="cuda")); v.bias = d0 + torch.log(-torch.expm1(-d0))
            v.skip = torch.randn(D, generator=g, device="cuda")
            v.h0 = torch.randn(B, D, N, generator=g, device="cuda") if states else None
            v.dhl = torch.randn(B, D, N, generator=g, device="cuda") if states else None
            v.ids = torch.cumsum((torch.rand(B, L, generator=g, device="cuda") < 0.01).int(), 1).int() if ids else None
            e = lambda *sh, d=dt: torch.full(sh, float("nan"), device="cuda", dtype=d)
            v.out = e(B, L, D); v.y = e(B, L, D) if gate else None; v.hl = e(B, D, N, d=torch.float32); v.ckpt = e(B, s.nb, s.chunks, N, 16, d=torch.float32 if ck32 else torch.bfloat16)
            v.du = e(B, L, D); v.dd = e(B, L, D); v.dz = e(B, L, D) if gate else None; v.dh0 = e(B, D, N, d=torch.float32)
            v.pbc = e(s.sets, B, 2 * N, s.tiles_b * 128, d=torch.float32); v.pp = e(B, s.chunks, N * 16 + 32, 1, d=torch.float32)
            v.dB = e(B, L, N); v.dC = e(B, L, N); v.dA = e(D, N, d=torch.float32); v.dskip = e(D, d=torch.float32); v.dbias = e(D, d=torch.float32)
        s.ticket = torch.zeros(64, device="cuda", dtype=torch.int32); s.ring = torch.zeros(scans * B * s.chunks * 4 * (2 * N * 16 + 32) + 64, device="cuda", dtype=torch.int64)
        s.a = GsArgs(); a = s.a
        for i, v in enumerate(s.x):
            q = a.s[i]
            for n, t in dict(u=v.u, delta=v.delta, z=v.z, bmat=v.B, cmat=v.C, a=v.A, skip=v.skip, bias=v.bias, h0=v.h0, ids=v.ids, out=v.out, h_last=v.hl, y=v.y if save else None, ckpt=v.ckpt if save else None, dout=v.dout, dh_last=v.dhl, du=v.du, ddelta=v.dd, dz=v.dz, dh0=v.dh0, part_bc=v.pbc, part_p=v.pp).items(): setattr(q, n, ptr(t))
            q.u_stride = v.u.stride(1); q.delta_stride = D; q.z_stride = v.z.stride(1) if v.z is not None else 0; q.b_stride = v.B.stride(1); q.c_stride = v.C.stride(1); q.out_stride = D; q.dout_stride = D; q.reverse = rev[i]
        a.ticket = ptr(s.ticket); a.ring = ptr(s.ring); a.scans, a.batch, a.length, a.d_inner = scans, B, L, D
        s.ab = GsArgs.from_buffer_copy(a); s.ab.tiles = s.tiles_b; s.ab.groups = groups; s.af = a
        s.rb = GsReduceBc(); s.rp = GsReduceP()
        for i, v in enumerate(s.x):
            s.rb.part[i] = ptr(v.pbc); s.rb.db[i] = ptr(v.dB); s.rb.dc[i] = ptr(v.dC); s.rb.reverse[i] = rev[i]
            s.rp.part[i] = ptr(v.pp); s.rp.da[i] = ptr(v.dA); s.rp.dskip[i] = ptr(v.dskip); s.rp.dbias[i] = ptr(v.dbias)
        s.rb.sets, s.rb.batch, s.rb.length, s.rb.padded = s.sets, B, L, s.tiles_b * 128; s.rb.db_stride = s.rb.dc_stride = N; s.rp.batch, s.rp.d_inner = B, D
    def fwd(s, k):
        s.af.tiles = -(-s.L // k.tc); s.af.groups = s.groups_f
        total = s.af.tiles * s.B * s.scans * -(-s.chunks // s.groups_f)
        k.fwd(min(total, SMS * k.fwd.occ), s.af)
    def fwdw(s, k): k.wide(-(-s.scans * s.B * (-(-s.D // 32)) // k.ww), s.af)
    def set_groups_b(s, g):
        s.groups = g; s.sets = -(-s.chunks // g); s.ab.groups = g; s.rb.sets = s.sets
        for i, v in enumerate(s.x):
            v.pbc = torch.empty(s.sets, s.B, 2 * N, s.tiles_b * 128, device="cuda"); s.ab.s[i].part_bc = ptr(v.pbc); s.rb.part[i] = ptr(v.pbc)
    def bwd(s, k):
        total = s.tiles_b * s.B * s.scans * s.sets
        k.bwd(min(total, SMS * k.bwd.occ), s.ab)
        k.rbc((s.tiles_b, s.B, s.scans), s.rb); k.rp((s.chunks, s.scans), s.rp)
def stuck(p, what):
    t = p.ticket.tolist()
    if t[8]:
        print("STUCK", what, dict(zip("count kernel k chunk n ch seen block thread spins".split(), t[8:18])), flush=True); p.ticket.zero_(); p.ring.zero_(); return True
    return False
def ref_scan(v, rev, dtype=torch.float64):
    """fp64 by the recurrence; returns dict. Sequential in time, vectorised over batch and channels."""
    f = lambda t: None if t is None else t.to(dtype)
    u, de, z, Bm, Cm, A, sk, bi, dout = map(f, (v.u, v.delta, v.z, v.B, v.C, v.A, v.skip, v.bias, v.dout))
    B, L, D = u.shape; order = list(range(L - 1, -1, -1)) if rev else list(range(L))
    dl = torch.nn.functional.softplus(de + bi, threshold=1000.0); sg = torch.sigmoid(z) if z is not None else None
    g = dout * z * sg if z is not None else dout; dlu = dl * u
    rs = torch.zeros(B, L, device=u.device, dtype=torch.bool)
    if v.ids is not None:
        if rev: rs[:, :-1] = v.ids[:, :-1] != v.ids[:, 1:]
        else: rs[:, 1:] = v.ids[:, 1:] != v.ids[:, :-1]
    keep = (~rs).to(dtype)
    h = f(v.h0) if v.h0 is not None else torch.zeros(B, D, N, device=u.device, dtype=dtype)
    H = torch.empty(L, B, D, N, device=u.device, dtype=dtype); Pp = torch.empty_like(H); y = torch.empty_like(u)
    for t in order:
        a = torch.exp(dl[:, t, :, None] * A) * keep[:, t, None, None]; Pp[t] = a * h; h = Pp[t] + dlu[:, t, :, None] * Bm[:, t, None, :]; H[t] = h
    y = torch.einsum("lbdn,bln->bld", H, Cm) + sk * u
    r = dict(out=y * z * sg if z is not None else y, hl=h)
    r["dC"] = torch.einsum("lbdn,bld->bln", H, g)
    lam = f(v.dhl) if v.dhl is not None else torch.zeros(B, D, N, device=u.device, dtype=dtype)
    for t in reversed(order):
        l = Cm[:, t, None, :] * g[:, t, :, None] + lam; H[t] = l; lam = l * torch.exp(dl[:, t, :, None] * A) * keep[:, t, None, None]
    r["dB"] = torch.einsum("lbdn,bld->bln", H, dlu); lb = torch.einsum("lbdn,bln->bld", H, Bm)
    H *= Pp; wa = torch.einsum("lbdn,dn->bld", H, A); r["dA"] = torch.einsum("lbdn,bld->dn", H, dl)
    r["du"] = sk * g + dl * lb; dd = (u * lb + wa) * torch.sigmoid(de + bi); r["dd"] = dd; r["dbias"] = dd.sum((0, 1)); r["dskip"] = (g * u).sum((0, 1)); r["dh0"] = lam
    if z is not None: r["dz"] = dout * y * sg * (1 + z * (1 - sg))
    return r
NAMES = ["out", "hl", "du", "dd", "dz", "dB", "dC", "dA", "dskip", "dbias", "dh0"]
def check(p, k, label, tol=None, wide=False):
    (p.fwdw if wide else p.fwd)(k); p.bwd(k); torch.cuda.synchronize()
    bad = int(p.ticket.abs().sum()) or int((p.ring != 0).sum())
    worst = {}
    for i, v in enumerate(p.x):
        r = ref_scan(v, p.rev[i])
        for n in NAMES:
            if n in r: e = rel(getattr(v, n), r[n]); worst[n] = e if not e <= worst.get(n, -1) else worst[n]
    print(label, "clean" if not bad else "NOT CLEAN", " ".join(f"{n} {e:.1e}" for n, e in worst.items()), flush=True)
    return worst

class GsConv(C.Structure):
    _fields_ = [(n, P) for n in "x weight bias before ids out dout dx dbefore part".split()] + [(n, C.c_longlong) for n in "x_stride out_stride dout_stride dx_stride".split()] + [(n, C.c_int) for n in "batch length channels reverse".split()]
class GsSumRows(C.Structure): _fields_ = [("in_", P), ("out", P), ("rows", C.c_int), ("columns", C.c_int)]
class GsNorm(C.Structure):
    _fields_ = [(n, P) for n in "h r weight r_out y rstd dy dr_out dr dh part".split()] + [("rows", C.c_int), ("width", C.c_int), ("eps", C.c_float), ("pad", C.c_int)]
