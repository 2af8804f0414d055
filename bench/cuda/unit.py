"""Queries and keys brought to length 1 (unit.cu): check against fp64 with odd rows, widths and strides, every result twice; then time. `python3 unit.py` takes half a minute."""
from gs import *
I = C.c_int
class Unit(C.Structure):
    _fields_ = [(n, P) for n in "x q k dq dk dx".split()] + [("x_stride", C.c_longlong), ("count", I), ("heads", I), ("width", I), ("eps", C.c_float), ("scale", C.c_float), ("pad", I)]
def lanes(width):
    n = 1
    while 8 * n < width: n *= 2
    return n
def program(f32, width): return (["common.cu", "unit.cu"], {"GS_UNIT_LANES": lanes(width), **({"GS_F32_IO": 1} if f32 else {})})
class Case: # as UnitKernels
    def __init__(s, rows, heads, width, gap, f32):
        t = torch.float32 if f32 else torch.bfloat16; rn = lambda w: torch.randn(rows, w, device="cuda").to(t); s.wide = rn(2 * heads * width + gap); s.x = s.wide[:, :2 * heads * width]
        s.dq, s.dk = rn(heads * width), rn(heads * width); s.q, s.k, s.dx = torch.empty_like(s.dq), torch.empty_like(s.dk), torch.empty(rows, 2 * heads * width, device="cuda", dtype=t)
        s.a = Unit(*map(ptr, (s.x, s.q, s.k, s.dq, s.dk, s.dx)), s.x.stride(0), rows * 2 * heads, heads, width, 1e-6, width ** -0.5, 0); s.shape = (rows, 2, heads, width)
        m = Module(*program(f32, width)); s.f, s.r = m.fn("gs_unit_fwd", 0, 256), m.fn("gs_unit_bwd", 0, 256); grid = lambda f: min(-(-s.a.count * lanes(width) // 256), SMS * f.occ)
        s.forward, s.backward = (lambda: s.f(grid(s.f), s.a)), (lambda: s.r(grid(s.r), s.a))
    def check(s, limit):
        s.forward(); s.backward(); got = [t.clone() for t in (s.q, s.k, s.dx)]; s.forward(); s.backward(); same = all(torch.equal(a, b) for a, b in zip(got, (s.q, s.k, s.dx)))
        x = s.x.double().reshape(s.shape).requires_grad_(); n = x * (x.square().sum(-1, keepdim=True) + 1e-6).rsqrt(); q, k = n[:, 0] * s.shape[3] ** -0.5, n[:, 1]
        g = torch.autograd.grad((q, k), x, (s.dq.double().reshape(q.shape), s.dk.double().reshape(k.shape)))[0]; e = [rel(a.reshape(b.shape), b.detach()) for a, b in zip(got, (q, k, g))]
        print("ok  " if max(e) < limit and same else "FAIL", s.shape, s.x.dtype, " ".join(f"{v:.1e}" for v in e), "" if same else "bits differ", flush=True)
for rows in (1, 77, 4999):
    for heads, width, gap in ((1, 8, 0), (4, 48, 384), (3, 200, 8)):
        for f32 in (0, 1): Case(rows, heads, width, gap, f32).check(2e-6 if f32 else 3e-3)
print(clocks()); c = Case(131072, 4, 48, 384, 0); n = 131072 * 384e-9
for name, f, size in (("forward", c.forward, 4), ("backward", c.backward, 6)): ms = bench(f); print(f"131072 x 2 x 4 x 48 {name} {ms * 1e3:.1f} us {size * n / ms:.2f} TB/s")
