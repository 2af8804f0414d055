"""conv1d and RMSNorm kernels: errors against torch in fp64, time. The scan: scan_forward.py, scan_backward.py."""
import json, os, time
from gs import *
OUT = os.environ.get("OUT", "."); t00 = time.time(); res = {"device": torch.cuda.get_device_properties(0).name, "torch": torch.__version__, "errors": {}, "ms": {}}
CONV = {f"R{r}": (["common.cu", "conv1d.cu"], {"V_ROWS": r}) for r in (16, 32, 64)}; CONV["f32"] = (["common.cu", "conv1d.cu"], {"GS_F32_IO": 1})
NORM = {"bf16": (["common.cu", "rmsnorm.cu"], {}), "f32": (["common.cu", "rmsnorm.cu"], {"GS_F32_IO": 1})}; RED = (["common.cu", "reduce.cu"], {})
build_all(list(CONV.values()) + list(NORM.values()) + [RED])
def T(name, f, el, n=10):
    ms = bench(f, n); res["ms"][name] = ms; print(f"{name}: {ms:.3f} ms {el/ms/1e6:.1f} G/s", clocks(), flush=True); return ms
# conv
red = Module(*RED).fn("gs_sum_rows", 0, 256)
def conv_case(B, L, Dm, mod, rows, f32, rev, ids, ctx, chk=True):
    dt = torch.float32 if f32 else torch.bfloat16; g = torch.Generator(device="cuda").manual_seed(1); rn = lambda *s: torch.randn(*s, generator=g, device="cuda", dtype=dt)
    x, do = rn(B, L, Dm), rn(B, L, Dm); w = torch.randn(Dm, 4, generator=g, device="cuda") * 0.5; bi = torch.randn(Dm, generator=g, device="cuda"); be = rn(B, 3, Dm) if ctx else None
    idt = torch.cumsum((torch.rand(B, L, generator=g, device="cuda") < 0.1).int(), 1).int() if ids else None
    out = torch.full_like(x, float("nan")); dx = torch.full_like(x, float("nan")); dbe = torch.full((B, 3, Dm), float("nan"), device="cuda", dtype=dt) if ctx else None
    gy = -(-L // (4 * rows)); part = torch.full((gy * B, 5 * Dm), float("nan"), device="cuda"); sm = torch.empty(5, Dm, device="cuda")
    a = GsConv(ptr(x), ptr(w), ptr(bi), ptr(be), ptr(idt), ptr(out), ptr(do), ptr(dx), ptr(dbe), ptr(part), Dm, Dm, Dm, Dm, B, L, Dm, rev); s = GsSumRows(ptr(part), ptr(sm), gy * B, 5 * Dm)
    F = mod.fn("gs_conv_fwd", 0, 256); Bk = mod.fn("gs_conv_bwd", 0, 256); grid = (-(-Dm // 256), gy, B)
    fw = lambda: F(grid, a); bw = lambda: (Bk(grid, a), red(-(-5 * Dm // 32), s))
    keep = (x, do, w, bi, be, idt, out, dx, dbe, part, sm)
    if not chk: return fw, bw, keep, F.r, Bk.r
    fw(); bw(); torch.cuda.synchronize()
    X = x.double().requires_grad_(); W = w.double().requires_grad_(); Bi = bi.double().requires_grad_(); Be = (be.double() if ctx else torch.zeros(B, 3, Dm, device="cuda", dtype=torch.float64)).requires_grad_()
    o = X.flip(1) if rev else X; full = torch.cat([Be, o], 1); I = None
    if ids: I = idt.flip(1) if rev else idt
    y = Bi + torch.zeros_like(o)
    for j in range(4):
        m = torch.ones(B, L, 1, device="cuda", dtype=torch.float64)
        if ids and j: m[:, j:, 0] = (I[:, j:] == I[:, :-j]).double()
        y = y + W[:, 3 - j] * full[:, 3 - j:3 - j + L] * m
    y = y * torch.sigmoid(y); y = y.flip(1) if rev else y
    gr = torch.autograd.grad(y, [X, W, Bi, Be], do.double())
    e = dict(out=rel(out, y), dx=rel(dx, gr[0]), dw=rel(sm[:4].flip(0).t(), gr[1]), dbias=rel(sm[4], gr[2]));
    if ctx: e["dbefore"] = rel(dbe, gr[3])
    print("conv", B, L, Dm, "f32" if f32 else "bf16", "rev", rev, "ids", ids, "ctx", ctx, {k: f"{v:.1e}" for k, v in e.items()}, flush=True); res["errors"][f"conv {B} {L} {Dm} f32={f32} rev={rev} ids={ids}"] = e
cm = {k: Module(*v) for k, v in CONV.items()}
for B, L, Dm, rev, ids, ctx in [(2, 1, 16, 0, 0, 1), (2, 2, 512, 1, 0, 1), (3, 1029, 520, 0, 1, 1), (2, 997, 512, 1, 1, 0), (1, 300, 512, 1, 0, 0)]:
    conv_case(B, L, Dm, cm["R32"], 32, 0, rev, ids, ctx); conv_case(B, L, Dm, cm["f32"], 32, 1, rev, ids, ctx)
for B, L in [(8, 8192), (1, 131072)]:
    for r in (16, 32, 64):
        fw, bw, keep, r1, r2 = conv_case(B, L, 512, cm[f"R{r}"], r, 0, 0, 0, 0, chk=False); el = B * L * 512; ms = T(f"conv fwd {B}x{L} R{r} {r1}", fw, el); print("   TB/s", 4 * el / ms / 1e9); ms = T(f"conv bwd {B}x{L} R{r} {r2}", bw, el); print("   TB/s", 6 * el / ms / 1e9)
# norm
nm = {k: Module(*v) for k, v in NORM.items()}
for f32, rows, wd, use_r in [(0, 1001, 256, 1), (0, 77, 200, 0), (1, 1001, 256, 1), (0, 131072, 256, 1), (0, 1048576, 256, 1)]:
    dt = torch.float32 if f32 else torch.bfloat16; M = nm["f32" if f32 else "bf16"]; F = M.fn("gs_norm_fwd", 0, 256); Bk = M.fn("gs_norm_bwd", 0, 256)
    h = torch.randn(rows, wd, device="cuda", dtype=dt); r = torch.randn(rows, wd, device="cuda") if use_r else None; w = torch.rand(wd, device="cuda") + 0.5; ro = torch.empty(rows, wd, device="cuda"); y = torch.empty(rows, wd, device="cuda", dtype=dt); rs = torch.empty(rows, device="cuda")
    dy = torch.randn(rows, wd, device="cuda", dtype=dt); dro = torch.randn(rows, wd, device="cuda"); dr = torch.empty(rows, wd, device="cuda"); dh = torch.empty(rows, wd, device="cuda", dtype=dt); grid = min(-(-rows // 8), SMS * 8); part = torch.empty(grid, wd, device="cuda"); dw = torch.empty(wd, device="cuda")
    a = GsNorm(ptr(h), ptr(r), ptr(w), ptr(ro), ptr(y), ptr(rs), ptr(dy), ptr(dro), ptr(dr), ptr(dh), ptr(part), rows, wd, 1e-5, 0); s = GsSumRows(ptr(part), ptr(dw), grid, wd)
    fw = lambda: F(grid, a); bw = lambda: (Bk(grid, a), red(-(-wd // 32), s)); fw(); bw(); torch.cuda.synchronize()
    if rows < 5000:
        Hh = h.double().requires_grad_(); R = (r.double() if use_r else torch.zeros(rows, wd, device="cuda", dtype=torch.float64)).requires_grad_(); W = w.double().requires_grad_(); q = Hh + R; Y = q * torch.rsqrt((q * q).mean(1, keepdim=True) + 1e-5) * W
        g = torch.autograd.grad([Y, q], [Hh, W], [dy.double(), dro.double()]); e = dict(y=rel(y, Y), r=rel(ro, q), dh=rel(dh, g[0]), dr=rel(dr, g[0]), dw=rel(dw, g[1])); print("norm", rows, wd, f32, {k: f"{v:.1e}" for k, v in e.items()}, F.r, Bk.r); res["errors"][f"norm {rows} {wd} f32={f32}"] = e
    else:
        el = rows * wd; ms = T(f"norm fwd {rows}x{wd}", fw, el); print("   TB/s", 12 * el / ms / 1e9); ms = T(f"norm bwd {rows}x{wd}", bw, el); print("   TB/s", 16 * el / ms / 1e9)
json.dump(res, open(OUT + "/results.json", "w"), indent=1); print("done", time.time() - t00)
