"""Forward scan kernels: errors against fp64, repeatability, time.
usage: scan_forward.py [check] [time] [layer] [tiny] [sass]     needs torch and nvcc
layer: dt_proj, both scans and gate of an inference layer, by kernels of their own and fused; tiny: small shapes, for compute-sanitizer"""
import ctypes as C, math, re, subprocess, sys, time
from gs import Module, build_all, bench, clocks, rel, ptr, P, N, SMS, torch
FILES = ["common.cu", "scan_fwd_args.cu", "scan_fwd_project.cu"]
class Scan(C.Structure):
    _fields_ = [(n, P) for n in "u delta bmat cmat a skip bias h0 ids y ckpt h_last dt dt_weight delta_out z add ends sums".split()] + [(n, C.c_longlong) for n in "u_stride delta_stride b_stride c_stride dt_stride z_stride".split()] + [("reverse", C.c_int), ("pad", C.c_int)]
class Args(C.Structure):
    _fields_ = [("s", Scan * 4), ("ticket", P), ("ring", P)] + [(n, C.c_int) for n in "scans batch length d_inner segments steps tiles groups zero pad".split()]

class Gate(C.Structure):
    _fields_ = [(n, P) for n in "y0 y1 z out sum dout g dz".split()] + [(n, C.c_longlong) for n in "y0_stride y1_stride z_stride out_stride dout_stride g_stride dz_stride".split()] + [("pieces", C.c_int), ("vecs", C.c_int)]

class Kernels:
    """rank: dt is projected in the kernels; 0: delta is given."""
    def __init__(s, f32=0, rank=0, defs=None, ck=16):
        s.f32, s.rank, s.ck, d, es, w = f32, rank, ck, {"GS_F32_IO": f32, "GS_CK_STEPS": ck, "GS_DT_RANK": rank, **(defs or {})}, 4 if f32 else 2, -(-rank // 16) * 1024
        s.serial_smem = 3 * (2 * 8 * (32 + N) * es + 16 * rank) + 2 * 8 * 72 * 4 + 2 * 8 * 2 * N * 4 + w + 128
        s.chain_smem = 2 * N * 160 * 4 + 3 * N * 64 + 8 * (16 // ck * N * 16 * es + 16) + 16 + 2 * 2 * 8 * (256 * es + 16)
        s.ends_smem = 2 * (16 * ((32 if rank else 64) + N) * es + 32 * rank) + 64 * N + 16 * 36 * 8 + 128 + N * 128 + w
        serial = lambda **x: (FILES + ["scan_fwd_serial.cu"], {**d, **x})
        s.jobs = [serial(), (FILES + ["scan_ends.cu"], d), (FILES + ["scan_fwd_chain.cu"], {"GS_F32_IO": f32, "GS_CK_STEPS": ck}), (["common.cu", "gate.cu"], {"GS_F32_IO": f32})] + ([] if f32 else [serial(GS_SCAN_GATE=1)]) + ([serial(GS_KEEP_DELTA=1)] if rank else [])
    def load(s):
        s.modules = [Module(*j) for j in s.jobs]; a, b, c, g = s.modules[:4]
        s.main, s.ends, s.chain, s.gate = a.fn("gs_scan_fwd_serial", s.serial_smem, 32), b.fn("gs_scan_ends", s.ends_smem, 32), c.fn("gs_scan_fwd_chain", s.chain_smem, 128), g.fn("gs_gate_fwd", 0, 256)
        s.gated = None if s.f32 else s.modules[4].fn("gs_scan_fwd_serial", s.serial_smem, 32)
        s.keeping = s.modules[5].fn("gs_scan_fwd_serial", s.serial_smem, 32) if s.rank else s.main; return s

class Problem:
    def __init__(s, B, L, D, f32=0, scans=1, rev=(0, 1, 0, 1), ids=False, states=False, gap=0, seed=0, lo=1e-3, rank=16, lean=False, ck=16):
        gen = torch.Generator(device="cuda").manual_seed(seed); s.__dict__.update(B=B, L=L, D=D, f32=f32, scans=scans, rev=rev, rank=rank)
        dt = torch.float32 if f32 else torch.bfloat16; s.ck, s.chunks, s.strips, s.nb = ck, -(-D // 16), -(-D // 32), -(-L // ck)
        rn = lambda *sh, sc=1.0: torch.randn(*sh, generator=gen, device="cuda", dtype=dt) * sc
        rows = lambda w, sc=1.0: rn(B, L, w + gap, sc=sc)[..., :w]
        e = lambda *sh, d=torch.float32: torch.full(sh, float("nan"), device="cuda", dtype=d)
        s.x = []; s.a = a = Args(); a.scans, a.batch, a.length, a.d_inner = scans, B, L, D
        s.ticket = torch.zeros(16, device="cuda", dtype=torch.int32); s.ring = torch.zeros(scans * B * s.chunks * 64 * N + 64, device="cuda", dtype=torch.int64); a.ticket, a.ring = ptr(s.ticket), ptr(s.ring)
        ids_ = torch.cumsum((torch.rand(B, L, generator=gen, device="cuda") < 0.01).int(), 1).int() if ids else None
        for i in range(scans):
            v = type("S", (), {})(); s.x.append(v); v.ids = ids_
            v.u, bc = rows(D), rows(rank + 2 * N); v.dt, v.B, v.C = bc[..., :rank], bc[..., rank:rank + N], bc[..., rank + N:]
            if rank: v.W = rn(D, rank, sc=0.5 * rank ** -0.5); v.delta = (v.dt.reshape(-1, rank) @ v.W.T).view(B, L, D)
            else: v.delta = rows(D, 0.5)
            v.A = -(torch.arange(1, N + 1, device="cuda").float()[None] * (0.5 + torch.rand(D, N, generator=gen, device="cuda")))
            d0 = torch.exp(math.log(lo) + (math.log(0.1) - math.log(lo)) * torch.rand(D, generator=gen, device="cuda")); v.bias = d0 + torch.log(-torch.expm1(-d0))
            v.skip = torch.randn(D, generator=gen, device="cuda"); v.h0 = torch.randn(B, D, N, generator=gen, device="cuda") if states else None
            v.y, v.hl = e(B, L, D, d=dt), e(B, D, N); v.ckpt, v.keep = (None, None) if lean else (e(B, s.nb, s.chunks, N, 16, d=dt), e(B, L, D, d=dt)); q = a.s[i]
            for n, t in dict(u=v.u, delta=v.delta, bmat=v.B, cmat=v.C, a=v.A, skip=v.skip, bias=v.bias, h0=v.h0, ids=v.ids, y=v.y, h_last=v.hl).items(): setattr(q, n, ptr(t))
            q.u_stride, q.delta_stride, q.b_stride, q.c_stride, q.reverse = v.u.stride(1), v.delta.stride(1), v.B.stride(1), v.C.stride(1), rev[i]
            if rank: q.dt, q.dt_weight, q.dt_stride = ptr(v.dt), ptr(v.W), v.dt.stride(1)
        s.warps = scans * B * s.strips; s.z = rn(B, L, 2 * D)[..., D:]; s.out = e(B, L, D, d=dt)
    def save(s, on):
        for i, v in enumerate(s.x): s.a.s[i].ckpt, s.a.s[i].delta_out = (ptr(v.ckpt), ptr(v.keep)) if on else (None, None)
        return s
    def cut(s, segments):
        steps = -(-s.L // (16 * segments)) * 16; s.a.steps, s.a.segments = steps, -(-s.L // steps); nan = float("nan"); s.ends_ = torch.full((s.scans, s.B, s.a.segments, s.D, N), nan, device="cuda"); s.sums_ = torch.full((s.scans, s.B, s.a.segments, s.D), nan, device="cuda")
        for i in range(s.scans): s.a.s[i].ends, s.a.s[i].sums = ptr(s.ends_[i]), ptr(s.sums_[i])
        return s
    def full(s, scans=None): # segments, as ScanPlan.cs chooses them
        warps, slots, best = (scans or s.scans) * s.B * s.strips, 16 * SMS, (1e9, 1)
        for n in range(1, min(max(1, 2 * slots // warps), max(1, s.L // 256)) + 1):
            w = warps * n / slots; best = min(best, ((math.ceil(w) / w if w > 1 else 1 / (1 - math.exp(-3.1 * w))) + (n - 1) * (0.36 * min(s.L / n, 12500) + 190) / s.L, n))
        return best[1]
    def ends(s, k):
        if s.a.segments > 1: k.ends(s.warps * (s.a.segments - 1), s.a)
    def main(s, k): (k.keeping if s.a.s[0].delta_out else k.main)(s.warps * s.a.segments, s.a)
    def serial(s, k): s.ends(k); s.main(k)
    def chain(s, k, groups=4): s.a.groups, s.a.tiles = groups, -(-s.L // 128); k.chain(min(s.a.tiles * s.B * s.scans * -(-s.chunks // groups), SMS * k.chain.occ), s.a)
    # What an inference layer does: by kernels of their own, or one direction after the other with the gate in the second (first: y of the first).
    def project(s):
        for v in s.x: torch.mm(v.dt.reshape(-1, s.rank), v.W.T, out=v.delta.view(-1, s.D))
    def gate(s, k):
        g = Gate(); g.y0, g.y1, g.z, g.out, g.z_stride, g.pieces, g.vecs = ptr(s.x[0].y), ptr(s.x[1].y), ptr(s.z), ptr(s.out), 2 * s.D, s.B * s.L * s.D // 8, s.D // 8
        g.y0_stride = g.y1_stride = g.out_stride = s.D; k.gate(-(-g.pieces // 256), g)
    def plain_layer(s, k): s.project(); s.serial(k); s.gate(k)
    def fused_layer(s, k):
        s.ends(k); one = Args.from_buffer_copy(s.a); one.scans = 1; k.main(s.warps // 2 * s.a.segments, one)
        one.s[0] = s.a.s[1]; q = one.s[0]; q.z, q.z_stride, q.add, q.y = ptr(s.z), 2 * s.D, ptr(s.x[0].y), ptr(s.x[0].y); k.gated(s.warps // 2 * s.a.segments, one)
    def clean(s): return int(s.ticket.abs().sum()) == 0 and int((s.ring != 0).sum()) == 0
    def results(s): return [t.clone() for v in s.x for t in (v.y, v.hl, v.ckpt, v.keep)]

def reference(v, rev, every):
    f = lambda t: None if t is None else t.double()
    u, de, Bm, Cm, A = map(f, (v.u, v.delta, v.B, v.C, v.A)); B, L, D = u.shape; y = torch.empty_like(u); prev = None
    dl = torch.nn.functional.softplus(de + f(v.bias), threshold=1000.0); dlu = dl * u; ck = torch.empty(B, -(-L // every), D, N, device="cuda", dtype=torch.float64)
    h = f(v.h0) if v.h0 is not None else torch.zeros(B, D, N, device="cuda", dtype=torch.float64)
    for j, t in enumerate(range(L - 1, -1, -1) if rev else range(L)):
        if j % every == 0: ck[:, j // every] = h
        if v.ids is not None and prev is not None: h = h * (v.ids[:, t] == v.ids[:, prev]).double()[:, None, None]
        h = torch.exp(dl[:, t, :, None] * A) * h + dlu[:, t, :, None] * Bm[:, t, None, :]; y[:, t] = (h * Cm[:, t, None, :]).sum(-1); prev = t
    return y + f(v.skip) * u, h, ck
KNOWN = {}
def known(p, i): # problems of the same sizes are the same
    key = (p.ck, p.B, p.L, p.D, p.f32, p.rank, i)
    if key not in KNOWN: KNOWN[key] = reference(p.x[i], p.rev[i], p.ck)
    return KNOWN[key]
def errors(p):
    worst = [0, 0, 0]
    for i, v in enumerate(p.x):
        ck = v.ckpt.permute(0, 1, 2, 4, 3).reshape(p.B, p.nb, -1, N)[:, :, :p.D]
        for j, (a, b) in enumerate(zip((v.y, v.hl, ck), known(p, i))): worst[j] = max(worst[j], rel(a, b))
    return "y %.1e h_last %.1e checkpoints %.1e" % tuple(worst)
CASES = ((2, 1029, 256, 5, dict(ids=True, states=True)), (1, 3001, 512, 7, {}), (3, 100, 48, 2, dict(states=True)), (2, 1029, 72, 9, dict(gap=16)), (1, 1, 32, 1, {}))
def check(kernels, cases=CASES, repeat=True):
    for name, k in kernels.items():
        for B, L, D, segments, kw in cases:
            for how in ("serial", "segments", "chain") if k.rank == 0 else ("serial", "segments"):
                p = Problem(B, L, D, k.f32, 2, rank=k.rank or 16, ck=k.ck, **kw).save(True).cut(segments if how == "segments" else 1); (p.chain if how == "chain" else p.serial)(k)
                text = ""
                if k.rank: text += f"delta {max(rel(v.keep, v.dt.double() @ v.W.double().T) for v in p.x):.1e} other than the product's: {sum(int((v.keep != v.delta).sum()) for v in p.x)}"
                if k.gated and how != "chain":
                    p.gate(k); y = [v.y.clone() for v in p.x]; p.save(False).fused_layer(k); f = (y[0].double() + y[1].double()) * torch.nn.functional.silu(p.z.double())
                    text += f" gated {rel(p.x[0].y, f):.1e} as the gate's: {torch.equal(p.x[0].y, p.out)}"; p.x[0].y.copy_(y[0])
                print("error", name, how, (B, L, D), errors(p), text, "" if p.clean() else "NOT CLEAN", flush=True)
        if not repeat: continue
        p = Problem(8, 5000, 512, k.f32, 2, ck=k.ck).save(True)
        for how in (1, 8, 0) if k.rank == 0 else (1, 8):
            runs = [(p.cut(max(how, 1)), (p.serial if how else p.chain)(k), p.results())[2] for _ in range(6)]
            print(name, f"{how} segments" if how else "chain", "bitwise equal over 6 runs:", all(torch.equal(a, b) for r in runs for a, b in zip(r, runs[0]) if not torch.isnan(a).all()), flush=True)
def layer(kernels, plain, shapes):
    for B, L, segments in shapes:
        p = Problem(B, L, 512, 0, 2, rank=16, lean=True); el = 2 * B * L * 512 / 1e6; p.cut(p.full()); n = 10 if B <= 4 else 4
        print(f"2 x {B} x {L}: dt_proj {bench(p.project, n):.3f} gate {bench(lambda: p.gate(plain), n):.3f} ms; by kernels {bench(lambda: p.plain_layer(plain), n):.3f} chain {bench(lambda: (p.project(), p.chain(plain), p.gate(plain)), n):.3f}", flush=True)
        for S in segments:
            p.cut(S)
            for name, k in kernels.items():
                one = Args.from_buffer_copy(p.a); one.scans = 1; t = bench(lambda: p.fused_layer(k), n)
                print(f"   {name} {p.a.segments} segments: fused {t:.3f} ms ({t * 262144 / B / L:.3f} for 262144 rows), ends {bench(lambda: p.ends(k), n):.3f}, both directions at once {bench(lambda: p.main(k), n):.3f}, one {bench(lambda: k.main(p.warps // 2 * p.a.segments, one), n):.3f}", flush=True)
        del p; torch.cuda.empty_cache()
SHAPES = ((1, 64, 1024), (1, 8, 8192), (1, 1, 131072), (1, 1, 1048576), (2, 2, 131072), (2, 256, 1024))
def timing(kernels, shapes=SHAPES):
    rows = []
    for scans, B, L in shapes:
        p = Problem(B, L, 512, 0, scans, ck=min(k.ck for k in kernels.values())); el = scans * B * L * 512 / 1e6; n = 6 if L > 500000 or scans * B > 200 else 10
        for name, k in kernels.items():
            p.cut(p.full()).save(True); p.serial(k); ref = [v.y.clone() for v in p.x]; row = f"{scans} x {B} x {L} {name}:"
            if scans * B * L * 512 < 2e8: row += f" ends {bench(lambda: p.ends(k), n) if p.a.segments > 1 else 0:.3f} ms"
            for save in (0, 1): row += f" serial, {p.a.segments} segments{' save' if save else ''} {el / bench(lambda: p.save(save).serial(k), n):.1f} (main {el / bench(lambda: p.main(k), n):.1f})"
            if scans * B <= 64 and k.rank == 0:
                for save in (0, 1): row += f" chain{' save' if save else ''} {el / bench(lambda: p.save(save).chain(k), n):.1f}"
                row += f" differs {max(rel(v.y[:, :65536], r[:, :65536]) for v, r in zip(p.x, ref)):.1e}{'' if p.clean() else ' NOT CLEAN'}"
            rows.append(row); print(row, flush=True)
        del p, ref; torch.cuda.empty_cache()
    return rows
def sass(module, fn, least=150):
    """Lengths and instruction counts of the innermost long loops."""
    t = subprocess.run(["cuobjdump", "-sass", "-fun", fn, module.path], capture_output=True, text=True).stdout
    ins = [(int(m.group(1), 16), m.group(2)) for m in re.finditer(r"/\*([0-9a-f]{4,5})\*/\s+(.*?);", t)]; pos = {a: i for i, (a, _) in enumerate(ins)}; out = []
    for i, (a, x) in enumerate(ins):
        m = re.search(r"BRA(?:\.U)?\s+(?:\S+,\s*)?0x([0-9a-f]+)", x); j = pos.get(int(m.group(1), 16), i) if m else i
        if i - j > least: out.append([y for _, y in ins[j:i + 1]])
    return out
def histogram(body):
    h = {}
    for y in body: o = re.sub(r"^@!?U?P\w+\s+", "", y).split()[0].split(".")[0]; h[o] = h.get(o, 0) + 1
    return len(body), dict(sorted(h.items(), key=lambda kv: -kv[1])[:20])
if __name__ == "__main__":
    t0 = time.time(); want = sys.argv[1:] or ["check", "time"]; K = {"bf16": Kernels(0), "dt16": Kernels(0, 16), "dt8": Kernels(0, 8), "dt24": Kernels(0, 24), "dt32": Kernels(0, 32), "f32": Kernels(1)}; build_all([j for k in K.values() for j in k.jobs])
    for n, k in K.items(): k.load(); print(n, *(f"{w} {f.r} {f.occ} blocks/SM;" for w, f in dict(main=k.main, keeping=k.keeping, ends=k.ends, chain=k.chain, gated=k.gated).items() if f), flush=True)
    if "sass" in want:
        for m, f in zip(K["bf16"].modules, ("gs_scan_fwd_serial", "gs_scan_ends", "gs_scan_fwd_chain")): print(f, [histogram(b) for b in sass(m, f)][:4], flush=True)
    if "check" in want: check(K)
    if "tiny" in want: check(K, ((1, 300, 72, 3, dict(ids=True, states=True)),), False)
    if "time" in want: timing({n: K[n] for n in ("bf16", "dt16")})
    if "layer" in want: layer({"dt16": K["dt16"]}, K["bf16"], ((2, 131072, (16, 24, 33, 48)), (4, 131072, (12, 16)), (16, 131072, (2, 4)), (32, 131072, (1, 2))))
    print("clocks", clocks(), "seconds", round(time.time() - t0, 1))
