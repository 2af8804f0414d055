"""Checks and times the way back through a Mamba layer's small projections: matrix products and the convolution's backward pass by itself against
the kernels that take them in. Arguments: check, time (default both); small: check at small shapes, for compute-sanitizer; sweep: other shapes of the
kernels' blocks."""
from conv import *
t00 = time.time(); what = sys.argv[1:] or ["check", "time"]
class DtDir(C.Structure): _fields_ = [(n, P) for n in "ddelta dt weight ddt".split()] + [(n + "_stride", L64) for n in "ddelta dt ddt".split()]
class Dt(C.Structure): _fields_ = [("d", DtDir * 2), ("part", P)] + [(n, I) for n in "rows channels stages pad".split()]
def dtdefs(D, rank, rows=None, stages=3): # as DtProjectionKernels.Launch
    w = up(D, 64); return (["common.cu", "dt_bwd.cu"], {"GS_DT_RANK": rank, "GS_DT_WARPS": w, "GS_DT_ROWS": rows or (16 if w > 8 else 32), "GS_DT_STAGES": stages})
class DtCase:
    def __init__(s, T, D, rank, dirs=2, seed=3):
        g = torch.Generator(device="cuda").manual_seed(seed); rn = lambda *a: torch.randn(*a, generator=g, device="cuda").bfloat16()
        s.T, s.D, s.rank, s.dirs, s.a = T, D, rank, dirs, Dt(); s.dd = [rn(T, D) for _ in range(dirs)]; s.pr = [rn(T, rank + 32) for _ in range(dirs)]; s.w = [rn(D, rank) * rank ** -0.5 for _ in range(dirs)]
        s.dp = [torch.full((T, rank + 32), float("nan"), device="cuda").bfloat16() for _ in range(dirs)]
        for q in range(dirs): d = s.a.d[q]; d.ddelta, d.dt, d.weight, d.ddt = ptr(s.dd[q]), ptr(s.pr[q]), ptr(s.w[q]), ptr(s.dp[q]); d.ddelta_stride, d.dt_stride, d.ddt_stride = D, rank + 32, rank + 32
    def run(s, mod):
        d = mod.defs; w, rows, tiles = d["GS_DT_WARPS"], d["GS_DT_ROWS"], s.rank // 8; smem = d["GS_DT_STAGES"] * rows * (w * 128 + 16 + (tiles | 1) * 16) + 32 * w * rows // 16 * tiles * 32
        f = mod.fn("gs_dt_bwd", smem, w * 32); total = up(s.T, rows); a = Dt.from_buffer_copy(s.a); a.rows, a.channels = s.T, s.D
        a.stages = up(total, max(1, min(total * s.dirs, SMS * f.occ) // s.dirs)); n = up(total, a.stages); part = torch.full((n, s.dirs, s.D, s.rank), float("nan"), device="cuda"); s.sum = torch.full((s.dirs, s.D, s.rank), float("nan"), device="cuda")
        a.part = ptr(part); r = SumRows(ptr(part), ptr(s.sum), n, s.dirs * s.D * s.rank); keep = (part, s.sum); red = Module(*RED).fn("gs_sum_rows", 0, 1024 if n > 256 else 256)
        return (lambda: (keep, f((n, s.dirs), a), red(up(s.dirs * s.D * s.rank, 32), r))), f
    def check(s, name):
        e = [(rel(s.dp[q][:, :s.rank], s.dd[q].double() @ s.w[q].double()), rel(s.sum[q], s.dd[q].double().t() @ s.pr[q][:, :s.rank].double())) for q in range(s.dirs)]
        print("ok  " if max(a for a, b in e) < 4e-3 and max(b for a, b in e) < 1e-5 else "FAIL", name, " ".join(f"ddt {a:.1e} dw {b:.1e}" for a, b in e), flush=True)
V = {"2x8x2": bw(3, 2, 8, 2, 48)}; DV = {"32x3": dtdefs(512, 16)}; OLD = {"4x1x2": bw(3)}
if "sweep" in what:
    V.update({f"{w}x{g}x{st}": bw(3, w, g, st, 48) for w, g, st in ((4, 4, 2), (4, 5, 2), (2, 8, 3), (1, 16, 2))})
    DV.update({"32x2": dtdefs(512, 16, 32, 2), "16x4": dtdefs(512, 16, 16, 4)}); OLD.update({"4x1x3": bw(3, 4, 1, 3), "4x1x2 20": bw(3, GS_CONV_BWD_BLOCKS=5), "2x1x2": bw(3, 2, 1, 2)})
FWD = {k: (CA + ["conv_fwd.cu"], {"GS_CONV_IDS": k}) for k in (0, 1)}
CHECK = [(2, 1, 16, 3, 0, 1, 48), (2, 67, 520, 3, 1, 1, 40), (3, 1029, 512, 3, 0, 1, 48), (5, 997, 512, 3, 1, 0, 48), (7, 300, 512, 1, 0, 0, 48), (1, 300, 256, 2, 0, 1, 24), (9, 131, 64, 3, 0, 0, 64), (300, 3, 72, 3, 1, 0, 8), (3, 1031, 1024, 3, 0, 0, 64)]
if "small" in what: CHECK = [(2, 67, 520, 3, 1, 1, 40), (6, 100, 128, 3, 0, 0, 48), (1, 30, 64, 2, 0, 1, 24)]
def plan(D, dirs, width, ids): # as BackwardPlan.For
    w = min(2, up(D, 64)); g = 16 // w
    while g > 1 and shared({"GS_CONV_WARPS": w, "GS_CONV_WIDTH": width, "GS_CONV_GROUPS": g, "GS_CONV_STAGES": 2}, 2 if dirs == 3 else 1, 2) > 227 * 1024: g -= 1
    return bw(dirs, w, g, 2, width, GS_CONV_IDS=ids)
DCHECK = [(1, 8, 8, 1), (33, 24, 8, 2), (1031, 72, 16, 2), (4099, 512, 16, 2), (777, 512, 32, 2), (500, 1024, 16, 1), (333, 136, 24, 2)]
if "small" in what: DCHECK = [(33, 24, 8, 2), (200, 512, 16, 2)]
build_all(list(V.values()) + list(DV.values()) + list(OLD.values()) + list(FWD.values()) + [RED] + ([plan(D, d, w, i) for _, _, D, d, i, _, w in CHECK] + [dtdefs(D, r) for _, D, r, _ in DCHECK] if "check" in what or "small" in what else []))
print("built", round(time.time() - t00, 1), flush=True)
vm, om, dm = ({k: Module(*v) for k, v in x.items()} for x in (V, OLD, DV)); fm = {k: Module(*v) for k, v in FWD.items()}
if "check" in what or "small" in what:
    for B, L, D, dirs, ids, before, width in CHECK:
        c = ConvCase(B, L, D, dirs, 0, ids, before, gap=32, width=width); c.fwd(fm[ids])[0](); c.bwd(Module(*plan(D, dirs, width, ids)))[0](); torch.cuda.synchronize(); c.check(f"conv {B}x{L}x{D} dirs {dirs} ids {ids} before {before} width {width}")
    for T, D, r, dirs in DCHECK: c = DtCase(T, D, r, dirs); c.run(Module(*dtdefs(D, r)))[0](); torch.cuda.synchronize(); c.check(f"dt {T}x{D} rank {r} dirs {dirs}")
    for B, L in [(9, 1029)] if "check" in what else []:
        for k, m in list(vm.items()) + list(om.items()):
            if m.defs["GS_CONV_WIDTH"] == 8: continue
            c = ConvCase(B, L, 512, 3, width=m.defs["GS_CONV_WIDTH"]); c.fwd(fm[0])[0](); f, _ = c.bwd(m); f(); torch.cuda.synchronize(); c.check(f"conv {B}x{L}x512 width {c.width} {k}")
            a = (c.dx.clone(), c.sum.clone()); f(); f(); torch.cuda.synchronize()
            if not (torch.equal(a[0], c.dx) and torch.equal(a[1], c.sum)): print("FAIL: not the same bits")
    for k, m in dm.items() if "check" in what else []:
        c = DtCase(5000, 512, 16); f, _ = c.run(m); f(); torch.cuda.synchronize(); c.check(f"dt 5000x512 {k}"); a = (c.dp[1][:, :16].clone(), c.sum.clone()); f(); torch.cuda.synchronize()
        if not (torch.equal(a[0], c.dp[1][:, :16]) and torch.equal(a[1], c.sum)): print("FAIL: not the same bits")
rows = []; reg = lambda f: f"regs {f.r.get('regs')} spill {f.r.get('spill')} blocks {f.occ} smem {f.smem}"
def T(name, f, info=""):
    ms = bench(f, 10, 3); rows.append(f"{name:58s} {ms*1e3:8.1f} us {info}"); print(rows[-1], flush=True)
if "time" in what:
    for B, L in [(128, 1024), (1, 131072)]:
        TT = B * L; c = ConvCase(B, L, 512, 3, gap=512, width=48); e = DtCase(TT, 512, 16); name = f"{B}x{L}"
        u = c.u; flat = [c.th[q].view(TT, 48) for q in (0, 1)]; du = [c.du[q].view(TT, 512) for q in (0, 1)]
        def addmm(): [du[q].addmm_(flat[q], c.pr[q], alpha=1e-3) for q in (0, 1)]
        def dts(): [(torch.mm(e.dd[q], e.w[q], out=e.dp[q][:, :16]), torch.mm(e.dd[q].t(), e.pr[q][:, :16], out_dtype=torch.float32)) for q in (0, 1)]
        def dwx(): [torch.mm(flat[q].t(), du[q], out_dtype=torch.float32) for q in (0, 1)]
        T(f"{name} addmm, both", addmm); T(f"{name} ddt and dWdt by products, both", dts); T(f"{name} dWx, both", dwx)
        for k, m in om.items():
            for fl in (False, True) if B > 1 else (True,): f, fn = c.bwd(m, fl); T(f"{name} conv alone {k} {'end to end' if fl else 'by sequence'}", f, reg(fn))
        old, _ = c.bwd(om["4x1x2"], False)
        for k, m in vm.items():
            f, fn = c.bwd(m); T(f"{name} conv with projections {k}", f, reg(fn))
        for k, m in dm.items():
            f, fn = e.run(m); T(f"{name} dt kernel {k}", f, reg(fn))
        conv, _ = c.bwd(vm["2x8x2"]); dt, _ = e.run(dm["32x3"])
        for r in range(2): T(f"{name} all by products", lambda: (dts(), addmm(), old())); T(f"{name} all by kernels", lambda: (dt(), conv()))
        del c, e, u, flat, du, old, conv, dt
print("seconds", round(time.time() - t00, 1))
