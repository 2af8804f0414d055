"""Checks and times the kernels that stream: convolution, gate, norm. GB/s and the share of a device copy's."""
from gate_norm import *
t00 = time.time()
FWD = {k: (CA + ["conv_fwd.cu"], d) for k, d in {"": {}, "ids": {"GS_CONV_IDS": 1}, "f32": {"GS_F32_IO": 1, "GS_CONV_IDS": 1}}.items()}
BWD = {"": bw(3), "ids": bw(3, GS_CONV_IDS=1), "one": bw(1), "rev": bw(2), "f32": bw(3, GS_F32_IO=1, GS_CONV_IDS=1)}
build_all(list(FWD.values()) + list(BWD.values()) + [GATE, NORM, RED])
print("built", round(time.time() - t00, 1), flush=True)
red = Module(*RED).fn("gs_sum_rows", 0, 1024)
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
    m = Module(*GATE); f = m.fn("gs_gate_fwd", 0, 256); g = m.fn("gs_gate_bwd", 0, 256); vecs = 64; grid = up(B * L * vecs, 256)
    ga = Gate(ptr(y0), ptr(y1), ptr(z), ptr(out), None, ptr(do), ptr(out), ptr(dz), 512, 512, 1024, 512, 512, 512, 1024, B * L * vecs, vecs)
    f(grid, ga); e = rel(out, (y0.double() + y1.double()) * q * sg); T(f"gate fwd {B}x{L}", lambda: f(grid, ga), el * 8, reg(f) + f" error {e:.1e}")
    ga.y1 = ga.out = None; g(grid, ga); e = max(rel(out, do.double() * q * sg), rel(dz, do.double() * y0.double() * sg * (1 + q * (1 - sg)))); T(f"gate bwd {B}x{L}", lambda: g(grid, ga), el * 10, reg(g) + f" error {e:.1e}")
    ga.y1 = ptr(y1); ga.g = ptr(do); ga.out = ptr(y0); T(f"gate bwd and out {B}x{L}", lambda: g(grid, ga), el * 14)
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
