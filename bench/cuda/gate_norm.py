"""Arguments of gate.cu and rmsnorm.cu, and, run by itself, their checks against fp64: odd numbers of rows, widths that fill no warp,
strides, absent arguments, both types, one block to many; every result twice, bit by bit."""
from conv import *
class Gate(C.Structure):
    _fields_ = [(n, P) for n in "y0 y1 z out sum dout g dz".split()] + [(n + "_stride", L64) for n in "y0 y1 z out dout g dz".split()] + [("pieces", I), ("vecs", I)]
class Norm(C.Structure):
    _fields_ = [(n, P) for n in "h r weight r_out y rstd dy dr_out dr dh part".split()] + [("rows", I), ("width", I), ("eps", C.c_float), ("pad", I), ("bias", P)]
GATE = (["common.cu", "gate.cu"], {}); NORM = (["common.cu", "rmsnorm.cu"], {})
ROWS = (1, 2, 7, 31, 257, 1021, 4999)
wrong = []
def judge(name, holds):
    if not holds: wrong.append(name); print("WRONG", name, flush=True)
def near(name, got, want, limit):
    e = rel(got, want); judge(f"{name}: {e:.1e}, allowed {limit:g}", e <= limit); return e
def twice(name, run, outputs):
    run(); first = [t.clone() for t in outputs]; run(); judge(f"{name}: two runs differ", all(torch.equal(a, b) for a, b in zip(first, outputs)))
def check_gate(fwd, bwd, dtype, rows, width, gap, two):
    limit = 4e-3 if dtype == torch.bfloat16 else 5e-6; name = f"gate {rows} x {width} gap {gap} directions {1 + two} {dtype}"
    t = {n: torch.randn(rows, width + gap, device="cuda").to(dtype)[:, :width] for n in "y1 z out dout g dz".split()}
    t["y0"] = torch.randn(rows, width, device="cuda").to(dtype); kept = torch.empty_like(t["y0"])
    a = Gate(pieces=rows * width // 8, vecs=width // 8); grid = up(a.pieces, 256)
    for n, v in t.items(): setattr(a, n, ptr(v)); setattr(a, n + "_stride", v.stride(0))
    if not two: a.y1 = None
    a.sum = ptr(kept) if two else None
    total = t["y0"].double() + (t["y1"].double() if two else 0); z = t["z"].double(); s = torch.sigmoid(z)
    twice(name, lambda: fwd(grid, a), [t["out"]]); worst = near(name + " out", t["out"], total * z * s, limit)
    if two: worst = max(worst, near(name + " sum", kept, total, limit))
    else: kept = t["y0"]
    d = t["dout"].double(); out = t["out"].clone(); t["out"].zero_(); twice(name + " and out", lambda: bwd(grid, a), [t["g"], t["dz"], t["out"]])
    judge(name + ": out is not the forward kernel's", torch.equal(out, t["out"])); g, dz = t["g"].clone(), t["dz"].clone(); a.y0, a.y0_stride, a.y1, a.out = ptr(kept), kept.stride(0), None, None
    twice(name, lambda: bwd(grid, a), [t["g"], t["dz"]]); judge(name + ": gradients of the sum are not those of its parts", torch.equal(g, t["g"]) and torch.equal(dz, t["dz"]))
    return max(worst, near(name + " g", t["g"], d * z * s, limit), near(name + " dz", t["dz"], d * kept.double() * s * (1 + z * (1 - s)), limit))
def check_norm(fwd, bwd, add, dtype, rows, width, has_h, has_r, has_dr, blocks):
    limit = 4e-3 if dtype == torch.bfloat16 else 5e-6; name = f"norm {rows} x {width} h {has_h} r {has_r} dr' {has_dr} blocks {blocks} {dtype}"
    rn = lambda t: torch.randn(rows, width, device="cuda").to(t)
    h, r, dy, dro, w = rn(dtype), rn(torch.float32), rn(dtype), rn(torch.float32), torch.rand(width, device="cuda") + 0.5
    y, dh, ro, dr, rs, dw, part = torch.empty_like(h), torch.empty_like(h), torch.empty_like(r), torch.empty_like(r), torch.empty(rows, device="cuda"), torch.empty(width, device="cuda"), torch.empty(blocks, width, device="cuda")
    a = Norm(ptr(h) if has_h else None, ptr(r) if has_r else None, ptr(w), ptr(ro), ptr(y), ptr(rs), ptr(dy), ptr(dro) if has_dr else None, ptr(dr), ptr(dh), ptr(part), rows, width, 1e-5, 0); sums = SumRows(ptr(part), ptr(dw), blocks, width)
    x = ((h.double() if has_h else 0) + (r.double() if has_r else 0)).requires_grad_(); wd = w.double().requires_grad_(); want = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * wd
    gx, gw = torch.autograd.grad(want, (x, wd), dy.double()); gx = gx + (dro.double() if has_dr else 0)
    twice(name, lambda: fwd(blocks, a), [y, ro, rs]); worst = max(near(name + " y", y, want.detach(), limit), near(name + " r'", ro, x.detach(), 1e-6))
    for kept in (True, False): # rstd of the forward pass, or computed again
        a.rstd = ptr(rs) if kept else None
        twice(name, lambda: (bwd(blocks, a), add(up(width, 32), sums)), [dr, dh, dw]); worst = max(worst, near(name + " dr", dr, gx, 1e-5), near(name + " dh", dh, gx, limit), near(name + " dw", dw, gw, 1e-5))
    return worst
if __name__ == "__main__":
    typed = lambda k, t, **more: (k[0], dict(more, **({"GS_F32_IO": 1} if t == torch.float32 else {}))); types = (torch.bfloat16, torch.float32)
    build_all([RED, *(typed(GATE, t) for t in types), *(typed(NORM, t, GS_NORM_VECS=v) for t in types for v in (1, 3))]); add = Module(*RED).fn("gs_sum_rows", 0, 1024)
    for t in types:
        m = Module(*typed(GATE, t)); f, b = m.fn("gs_gate_fwd", 0, 256), m.fn("gs_gate_bwd", 0, 256)
        print("gate", t, f"worst {max(check_gate(f, b, t, r, w, gap, two) for r in ROWS for w in (8, 24, 520) for gap in (0, 40) for two in (False, True)):.1e}", flush=True)
        for v, widths in ((1, (8, 104, 256)), (3, (520, 768))):
            m = Module(*typed(NORM, t, GS_NORM_VECS=v)); f, b = m.fn("gs_norm_fwd", 0, 256), m.fn("gs_norm_bwd", 0, 256)
            print("norm", t, "pieces of a lane", v, f"worst {max(check_norm(f, b, add, t, r, w, *has, n) for r in ROWS for w in widths for has in ((1, 1, 1), (1, 0, 0), (0, 1, 1)) for n in (1, 3, SMS * f.occ)):.1e}", flush=True)
    print(f"{len(wrong)} wrong" if wrong else "gate and norm agree everywhere, every result twice the same bits"); raise SystemExit(bool(wrong))
