"""Checks and times the chunked recurrence with a transition diagonal plus of rank one, RWKV-7's (dplr_*.cu, matrix_pass.cu). Arguments: check, time (default both); small: check at
small shapes, for compute-sanitizer. `python3 dplr.py` takes about two minutes, most of it nvcc."""
from matrix_pass import *
t00 = time.time(); what = sys.argv[1:] or ["check", "time"]
class Gla(C.Structure):
    _fields_ = [(n, P) for n in "q k v g ids states through y dy after dq dk dv dg".split()] + [(n + "_stride", L64) for n in "q k v y dy dq dk dv".split()] + [(n, I) for n in "batch length chunks heads reverse late adjoint pad".split()]
class Dplr(C.Structure): _fields_ = [("s", Gla)] + [(n, P) for n in "a b w kept added read u du da db".split()] + [("a_stride", L64), ("b_stride", L64)]
def programs(f32, n, p): return [(HEAD + ["gla_args.cu", "turned.cu", "dplr_args.cu", f], dict(GS_GLA_N=n, GS_GLA_P=p, **io(f32))) for f in ("dplr_fwd.cu", "dplr_bwd.cu")] + [pass_program(f32, 16, n, p, 1, 1)]
class Case: # as DplrKernels
    def __init__(s, B, L, H, n, p, f32=0, packed=0, reverse=0, cut=None, seed=1):
        r = torch.Generator(device="cuda").manual_seed(seed); rn = lambda *a: torch.randn(*a, generator=r, device="cuda"); t = torch.float32 if f32 else torch.bfloat16; es = 4 if f32 else 2
        s.B, s.L, s.H, s.n, s.p, s.f32, s.reverse = B, L, H, n, p, f32, reverse; keys, vals = (B, L, H * n), (B, L, H * p); s.q, s.k, s.v, s.dy = rn(*keys).to(t), (rn(*keys) * n ** -0.5).to(t), rn(*vals).to(t), rn(*vals).to(t)
        a = rn(B, L, H, n); a = a / a.norm(dim=-1, keepdim=True); s.a, s.b = a.reshape(keys).to(t), (-a * rn(B, L, H, n).sigmoid()).reshape(keys).to(t); s.g = rn(*keys).sigmoid() * -0.6
        s.ids = (torch.rand(B, L, generator=r, device="cuda") < 0.02).int().cumsum(1).int().contiguous() if packed else None; s.before, s.dlast = rn(B, H, n, p), rn(B, H, n, p)
        s.chunks = up(L, 16); nan = lambda *a, dt=torch.float32: torch.full(a, float("nan"), device="cuda", dtype=dt); s.w, s.kept, s.added, s.read, s.dq, s.dk, s.da, s.db = (nan(*keys, dt=t) for _ in range(8)); s.u, s.du, s.y, s.dv = (nan(*vals, dt=t) for _ in range(4))
        s.states, s.after, s.through, s.last, s.dbefore, s.dg = nan(B, s.chunks, H, n, p, dt=t), nan(B, s.chunks, H, n, p, dt=t), nan(B, s.chunks, H, n), nan(B, H, n, p), nan(B, H, n, p), nan(*keys)
        d = s.d = Dplr(); d.s = Gla(*map(ptr, (s.q, s.k, s.v, s.g, s.ids, s.states, s.through, s.y, s.dy, s.after, s.dq, s.dk, s.dv, s.dg)), H * n, H * n, H * p, H * p, H * p, H * n, H * n, H * p, B, L, s.chunks, H, reverse, 0, 0, 0)
        d.a, d.b, d.w, d.kept, d.added, d.read, d.u, d.du, d.da, d.db = map(ptr, (s.a, s.b, s.w, s.kept, s.added, s.read, s.u, s.du, s.da, s.db)); d.a_stride = d.b_stride = H * n
        f, g, m = (Module(*x) for x in programs(f32, n, p)); tile = lambda rows, w: rows * (w * es + 16); k, v, sc, sums, inner = tile(16, n), tile(16, p), tile(16, 16), 16 * (n + 4) * 4, 1280; grid = (s.chunks * H, 1, B)
        s.f_chunks, s.f_out = f.fn("gs_dplr_chunks", 3 * k + v + 2 * sc + sums + inner, 32), f.fn("gs_dplr_out", 3 * k + 2 * v + tile(n, p) + 2 * sc + sums, 32)
        s.f_read, s.f_bwd = g.fn("gs_dplr_read", 3 * k + v + sc + sums, 32), g.fn("gs_dplr_bwd", 4 * (k + v) + 2 * tile(n, p) + 3 * sc + sums + inner + 64 * 52 * 4, 32); s.f_pass = m.fn("gs_matrix_pass", pass_bytes(16, n, p, es, 1), max(n, p) * 2)
        s.cut = cut or segments(16, B * H, s.chunks, SMS * s.f_pass.occ); s.ends, s.turns = nan(B, s.cut, H, n, p), nan(B, s.cut, H, n, n); common = dict(through=ptr(s.through), ends=ptr(s.ends), turns=ptr(s.turns), length=L, chunks=s.chunks, heads=H, reverse=reverse, segments=s.cut, keep=1, third_stride=H * n, more_stride=H * p)
        s.c = Pass(first=ptr(s.w), second=ptr(s.added), third=ptr(s.kept), rows=ptr(s.u), more=ptr(s.v), before=ptr(s.before), last=ptr(s.last), states=ptr(s.states), **common)
        s.e = Pass(first=ptr(s.added), second=ptr(s.w), third=ptr(s.read), rows=ptr(s.du), more=ptr(s.dy), before=ptr(s.dlast), last=ptr(s.dbefore), states=ptr(s.after), back=1, **common)
        s.steps = {"chunks": lambda: s.f_chunks(grid, s.d), "pass": walk(s.f_pass, s.c, H, B), "out": lambda: s.f_out(grid, s.d), "back: read": lambda: s.f_read(grid, s.d), "back: pass": walk(s.f_pass, s.e, H, B), "back: main": lambda: s.f_bwd(grid, s.d)}
        s.fns = dict(zip(s.steps, (s.f_chunks, s.f_pass, s.f_out, s.f_read, s.f_pass, s.f_bwd)))
    def forward(s): [s.steps[k]() for k in s.steps if not k.startswith("back")]
    def backward(s): [s.steps[k]() for k in s.steps if k.startswith("back")]
    def results(s): return dict(y=s.y, last=s.last, dq=s.dq, dk=s.dk, dv=s.dv, da=s.da, db=s.db, dg=s.dg, dbefore=s.dbefore)
    def truth(s): # position by position, in double precision
        B, L, H = s.B, s.L, s.H; x = {k: t.double().detach().requires_grad_() for k, t in dict(q=s.q, k=s.k, v=s.v, a=s.a, b=s.b, g=s.g, before=s.before).items()}; order = range(L - 1, -1, -1) if s.reverse else range(L); S, y, prev = x["before"], [None] * L, None
        q, k, v, a, b, g = (x[i].view(B, L, H, -1) for i in "qkvabg")
        for t in order:
            if s.ids is not None and prev is not None: S = S * (s.ids[:, t] == s.ids[:, prev])[:, None, None, None]
            u = torch.einsum("bhn,bhnp->bhp", a[:, t], S); S = S * g[:, t].exp()[..., None] + b[:, t][..., None] * u[..., None, :] + k[:, t][..., None] * v[:, t][..., None, :]; prev = t; y[t] = torch.einsum("bhn,bhnp->bhp", q[:, t], S)
        y = torch.stack(y, 1).reshape(B, L, -1); ((y * s.dy.double()).sum() + (S * s.dlast.double()).sum()).backward(); return dict(y=y.detach(), last=S.detach(), **{"d" + i: x[i].grad for i in x})
    def check(s, name):
        s.forward(); s.backward(); torch.cuda.synchronize(); r, t = s.results(), s.truth(); e = {k: rel(r[k].reshape(t[k].shape), t[k]) for k in t}; first = {k: r[k].clone() for k in r}; s.forward(); s.backward(); torch.cuda.synchronize()
        same = all(torch.equal(first[k], r[k]) for k in t); print("ok  " if max(e.values()) < (1e-5 if s.f32 else 8e-3) and same else "FAIL", name, "segments", s.cut, " ".join(f"{k} {v:.1e}" for k, v in e.items()), "" if same else "bits differ", flush=True)
CHECK = [(2, 1, 2, 16, 16, 0, None), (1, 777, 4, 64, 64, 0, None), (2, 301, 2, 48, 80, 1, 3), (1, 200, 2, 128, 128, 1, 2), (1, 130, 2, 32, 64, 0, 1)]
if "small" in what: CHECK = [(1, 50, 2, 64, 64, 1, 2), (1, 33, 1, 48, 96, 0, 1)]
checking = "check" in what or "small" in what; TIMED = [(4, 64, 64)] if "time" in what else []
build_all([x for _, n, p in TIMED for x in programs(0, n, p)] + [x for c in CHECK if checking for f in (0, 1) for x in programs(f, c[3], c[4])]); print("built", round(time.time() - t00, 1), flush=True)
for B, L, H, n, p, packed, cut in CHECK if checking else []:
    for f32 in (0, 1):
        for reverse in (0, 1): Case(B, L, H, n, p, f32, packed, reverse, cut).check(f"{B}x{L} heads {H} {n}x{p} {'f32' if f32 else 'bf16'} ids {packed} reverse {reverse}")
if TIMED: print(clocks())
for H, n, p in TIMED:
    for B, L in ((16, 8192), (1, 131072), (1, 1048576)):
        c = Case(B, L, H, n, p); total = 0
        for k, f in c.steps.items():
            ms = bench(f, 10, 3); total += ms; fn = c.fns[k]; print(f"{B}x{L} {H} heads {n}x{p} {k:11s} {ms * 1e3:9.1f} us regs {fn.r.get('regs')} spill {fn.r.get('spill')} blocks {fn.occ} smem {fn.smem}", flush=True)
        fw, bw = bench(c.forward, 10, 3), bench(c.backward, 10, 3); print(f"{B}x{L} {H} heads {n}x{p} segments {c.cut}: forward {fw:.3f} ms, backward {bw:.3f} ms, sum of parts {total:.3f}; a layer alone {B * L / (fw + bw) / 1e3:.1f} M tokens/s", flush=True); del c; torch.cuda.empty_cache()
print("seconds", round(time.time() - t00, 1))
