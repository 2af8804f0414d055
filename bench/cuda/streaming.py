"""Checks and times the kernels that stream: convolution, gate, norm. GB/s and the share of a device copy's."""
from gs import *
t00 = time.time(); F, I, L64 = torch.nn.functional, C.c_int, C.c_longlong
class Dir(C.Structure): _fields_ = [(n, P) for n in "weight bias before u du dbefore".split()] + [("u_stride", L64), ("du_stride", L64)]
class Conv(C.Structure):
    _fields_ = [("d", Dir * 2)] + [(n, P) for n in "x ids dx part".split()] + [(n, L64) for n in ("x_stride", "dx_stride")] + [(n, I) for n in "batch length channels directions tiles rows lead tail".split()]
class Gate(C.Structure):
    _fields_ = [(n, P) for n in "y0 y1 z out sum dout g dz".split()] + [(n + "_stride", L64) for n in "y0 y1 z out dout g dz".split()] + [("pieces", I), ("vecs", I)]
class Norm(C.Structure):
    _fields_ = [(n, P) for n in "h r weight r_out y rstd dy dr_out dr dh part".split()] + [("rows", I), ("width", I), ("eps", C.c_float), ("pad", I)]
class SumRows(C.Structure): _fields_ = [("in_", P), ("out", P), ("rows", I), ("columns", I)]
up = lambda a, b: -(-a // b)
CA = ["common.cu", "conv_args.cu"]
FWD = {k: (CA + ["conv_fwd.cu"], d) for k, d in {"": {}, "ids": {"GS_CONV_IDS": 1}, "f32": {"GS_F32_IO": 1, "GS_CONV_IDS": 1}}.items()}
def bw(dirs, warps=4, stages=3, blocks=None, **more): # dirs 1 forward, 2 reverse, 3 both
    return (CA + ["conv_bwd.cu"], {"GS_CONV_DIRS": dirs, "GS_CONV_WARPS": warps, "GS_CONV_STAGES": stages, "GS_CONV_BWD_BLOCKS": blocks or 20 // warps, **more})
BWD = {"": bw(3), "ids": bw(3, GS_CONV_IDS=1), "one": bw(1), "rev": bw(2), "f32": bw(3, GS_F32_IO=1, GS_CONV_IDS=1)}
GATE = {v: (["common.cu", "gate.cu"], {"GS_GATE_VECS": v}) for v in (1,)}
NORM = (["common.cu", "rmsnorm.cu"], {}); RED = (["common.cu", "reduce.cu"], {})
build_all(list(FWD.values()) + list(BWD.values()) + list(GATE.values()) + [NORM, RED])
print("built", round(time.time() - t00, 1), flush=True)
red = Module(*RED).fn("gs_sum_rows", 0, 1024)
def segments(rows, sequences, slots): # as ConvKernels.Segments
    best = None
    for n in range(1, min(1024, up(rows, 32)) + 1):
        each = up(rows, n); needed = up(rows, each); cost = up(needed * sequences, slots) * (each + 30); best = min(best or (cost, needed, each), (cost, needed, each))
    return best[1:]
class ConvCase:
    def __init__(s, B, L, D, dirs, f32=0, ids=0, before=0, gap=0, seed=1):
        g = torch.Generator(device="cuda").manual_seed(seed); dt = torch.float32 if f32 else torch.bfloat16
        rn = lambda *a, t=dt: torch.randn(*a, generator=g, device="cuda", dtype=torch.float32).to(t)
        wide = lambda: torch.full((B, L, D + gap), float("nan"), device="cuda", dtype=dt)[:, :, gap:]
        s.B, s.L, s.D, s.dirs, s.f32 = B, L, D, dirs, f32; s.which = [q for q in (0, 1) if dirs >> q & 1]
        s.x = wide(); s.x.copy_(rn(B, L, D)); s.dx = wide(); s.w, s.b, s.h, s.u, s.du, s.dh = {}, {}, {}, {}, {}, {}
        s.ids = torch.cumsum((torch.rand(B, L, generator=g, device="cuda") < (0.1 if L < 5000 else 1e-3)).int(), 1).int() if ids else None
        s.a = Conv(); s.a.x, s.a.ids, s.a.dx = ptr(s.x), ptr(s.ids), ptr(s.dx); s.a.x_stride = s.a.dx_stride = D + gap; s.a.batch, s.a.length, s.a.channels, s.a.directions = B, L, D, dirs
        for q in s.which:
            s.w[q], s.b[q], s.h[q] = rn(D, 4, t=torch.float32) * 0.5, rn(D, t=torch.float32), rn(B, 3, D) if before else None
            s.u[q], s.du[q], s.dh[q] = torch.full_like(rn(1), float("nan")).expand(B, L, D).clone(), rn(B, L, D), torch.zeros(B, 3, D, device="cuda", dtype=dt) if before else None
            d = s.a.d[q]; d.weight, d.bias, d.before, d.u, d.du, d.dbefore = (ptr(v[q]) for v in (s.w, s.b, s.h, s.u, s.du, s.dh)); d.u_stride = d.du_stride = D
        s.lead, s.tail = (3 if before and 0 in s.which else 0), (3 if before and 1 in s.which else 0)
    def fwd(s, mod, rows=4):
        f = mod.fn("gs_conv_fwd", 0, 256); tiles = up(s.L, 8 * rows); grid = (tiles * up(s.D, 256) * len(s.which), s.B)
        return (lambda: f(grid, s.a)), f
    def bwd(s, mod):
        n = len(s.which); d = mod.defs; w = d["GS_CONV_WARPS"]; s.a.lead, s.a.tail = s.lead, s.tail
        f = mod.fn("gs_conv_bwd", d["GS_CONV_STAGES"] * (1 + n) * 8 * w * 64 * (4 if s.f32 else 2), w * 32); groups = up(s.D, 64 * w)
        s.a.tiles, s.a.rows = segments(s.L + s.lead + s.tail, s.B * groups, SMS * f.occ); y = s.a.tiles * s.B
        s.part = torch.full((y, n, 5, s.D), float("nan"), device="cuda"); s.sum = torch.full((n, 5, s.D), float("nan"), device="cuda"); s.a.part = ptr(s.part)
        r = SumRows(ptr(s.part), ptr(s.sum), y, n * 5 * s.D); s.keep = r
        return (lambda: (f((groups, y), s.a), red(up(n * 5 * s.D, 32), r))), f
    def check(s, name):
        X = s.x.double().requires_grad_(); tot = 0; leaves = [X]; es = {}
        for q in s.which:
            W, Bi, H = s.w[q].double().requires_grad_(), s.b[q].double().requires_grad_(), (s.h[q].double() if s.h[q] is not None else torch.zeros(s.B, 3, s.D, device="cuda", dtype=torch.float64)).requires_grad_()
            o = X.flip(1) if q else X; full = torch.cat([H, o], 1); cut = None
            if s.ids is not None: i = s.ids.flip(1) if q else s.ids; seg = torch.cumsum(torch.cat([torch.zeros_like(i[:, :1]), (i[:, 1:] != i[:, :-1]).int()], 1), 1)
            y = Bi + torch.zeros_like(o)
            for j in range(4):
                m = torch.ones(s.B, s.L, 1, device="cuda", dtype=torch.float64)
                if s.ids is not None and j: m[:, j:, 0] = (seg[:, j:] == seg[:, :-j]).double(); m[:, :j, 0] = (seg[:, :j] == 0).double()
                y = y + W[:, 3 - j] * full[:, 3 - j:3 - j + s.L] * m
            y = y * torch.sigmoid(y); y = y.flip(1) if q else y; es[f"u{q}"] = rel(s.u[q], y); tot = tot + (y * s.du[q].double()).sum(); leaves += [W, Bi, H]
        g = torch.autograd.grad(tot, leaves); es["dx"] = rel(s.dx, g[0])
        for k, q in enumerate(s.which):
            flat = s.sum[k].reshape(-1); es[f"dw{q}"] = rel(flat[:4 * s.D].view(s.D, 4), g[1 + 3 * k]); es[f"db{q}"] = rel(flat[4 * s.D:], g[2 + 3 * k])
            if s.h[q] is not None: es[f"dh{q}"] = rel(s.dh[q], g[3 + 3 * k])
        bad = max(es.values()); print("ok  " if bad < (1e-5 if s.f32 else 4e-3) else "FAIL", name, " ".join(f"{k} {v:.1e}" for k, v in es.items()), flush=True)
fm = {k: Module(*v) for k, v in FWD.items()}; bm = {k: Module(*v) for k, v in BWD.items()}
for B, L, D, dirs, ids, before in [(2, 1, 16, 3, 0, 1), (2, 67, 520, 3, 1, 1), (3, 1029, 512, 3, 0, 1), (2, 997, 512, 3, 1, 0), (1, 300, 512, 1, 0, 1), (1, 300, 256, 2, 0, 1)]:
    for f32 in (0, 1):
        if f32 and dirs != 3: continue
        c = ConvCase(B, L, D, dirs, f32, ids, before, gap=32)
        c.fwd(fm["f32" if f32 else "ids" if ids else ""])[0](); c.bwd(bm["f32" if f32 else ("", "one", "rev", "ids" if ids else "")[dirs]])[0](); torch.cuda.synchronize(); c.check(f"conv {B}x{L}x{D} dirs {dirs} f32 {f32} ids {ids} before {before}")
n = 1 << 29; a = torch.empty(n, device="cuda", dtype=torch.uint8); b = torch.empty_like(a); copy = 2 * n / bench(lambda: b.copy_(a)) / 1e6; print(f"copy {copy:.0f} GB/s", torch.cuda.get_device_name()); del a, b
rows = []
def T(name, f, bytes_, info=None):
    ms = bench(f, 10, 3); rows.append(f"{name:44s} {ms*1e3:8.1f} us {bytes_/ms/1e6:6.0f} GB/s {100*bytes_/ms/1e6/copy:5.1f} % {info or ''}"); print(rows[-1], flush=True)
reg = lambda f: f"regs {f.r.get('regs')} spill {f.r.get('spill')} blocks {f.occ}"
for B, L in [(8, 8192), (1, 131072)]:
    el = B * L * 512
    for dirs in (1, 3):
        n = 2 if dirs == 3 else 1; c = ConvCase(B, L, 512, dirs, gap=512)
        f, fn = c.fwd(fm[""]); T(f"conv fwd {B}x{L} dirs {n}", f, el * (2 + 2 * n), reg(fn))
        for k, m in bm.items():
            if k in ("f32", "ids", "rev") or m.defs["GS_CONV_DIRS"] != dirs: continue
            f, fn = c.bwd(m); T(f"conv bwd {B}x{L} dirs {n} {k}", f, el * (4 + 2 * n), reg(fn))
    c = ConvCase(B, L, 512, 3, gap=512, ids=1); f, fn = c.fwd(fm["ids"]); T(f"conv fwd {B}x{L} dirs 2 with ids", f, el * 6, reg(fn)); f, fn = c.bwd(bm["ids"]); T(f"conv bwd {B}x{L} dirs 2 with ids", f, el * 8, reg(fn)); del c
    y0, y1, z, do = (torch.randn(B * L, 512, device="cuda").bfloat16() for _ in range(4)); xz = torch.randn(B * L, 1024, device="cuda").bfloat16(); dxz = torch.empty_like(xz); out = torch.empty_like(y0)
    z = xz[:, 512:]; dz = dxz[:, 512:]; q = z.double(); sg = torch.sigmoid(q)
    for v, k in GATE.items():
        m = Module(*k); f = m.fn("gs_gate_fwd", 0, 256); g = m.fn("gs_gate_bwd", 0, 256); vecs = 64; grid = up(B * L * vecs, 256 * v)
        ga = Gate(ptr(y0), ptr(y1), ptr(z), ptr(out), None, ptr(do), ptr(out), ptr(dz), 512, 512, 1024, 512, 512, 512, 1024, B * L * vecs, vecs)
        f(grid, ga); e = rel(out, (y0.double() + y1.double()) * q * sg); T(f"gate fwd {B}x{L} vecs {v}", lambda: f(grid, ga), el * 8, reg(f) + f" error {e:.1e}")
        ga.sum = ptr(y0); g(grid, ga); e = max(rel(out, do.double() * q * sg), rel(dz, do.double() * y0.double() * sg * (1 + q * (1 - sg)))); T(f"gate bwd {B}x{L} vecs {v}", lambda: g(grid, ga), el * 10, reg(g) + f" error {e:.1e}")
    del y0, y1, z, do, xz, dxz, out, q, sg, dz
m = Module(*NORM); fo = m.fn("gs_norm_fwd", 0, 256); ba = m.fn("gs_norm_bwd", 0, 256)
for R in (131072, 1048576):
    h = torch.randn(R, 256, device="cuda").bfloat16(); r = torch.randn(R, 256, device="cuda"); ro = torch.empty_like(r); y = torch.empty_like(h); rs = torch.empty(R, device="cuda"); w = torch.rand(256, device="cuda") + 0.5
    dy = torch.randn(R, 256, device="cuda").bfloat16(); dro = torch.randn(R, 256, device="cuda"); dr = torch.empty_like(r); dh = torch.empty_like(h); gf = SMS * fo.occ; gb = SMS * ba.occ; part = torch.empty(gb, 256, device="cuda"); dw = torch.empty(256, device="cuda")
    na = Norm(ptr(h), ptr(r), ptr(w), ptr(ro), ptr(y), ptr(rs), ptr(dy), ptr(dro), ptr(dr), ptr(dh), ptr(part), R, 256, 1e-5, 0); sr = SumRows(ptr(part), ptr(dw), gb, 256)
    T(f"norm fwd {R}x256", lambda: fo(gf, na), R * 256 * 12, reg(fo)); T(f"norm bwd {R}x256 (with sums)", lambda: (ba(gb, na), red(8, sr)), R * 256 * 16, reg(ba))
    na.rstd = None; T(f"norm bwd {R}x256, rstd recomputed", lambda: (ba(gb, na), red(8, sr)), R * 256 * 16)
    del h, r, ro, y, dy, dro, dr, dh
print("\n".join(rows)); print("seconds", round(time.time() - t00, 1))
