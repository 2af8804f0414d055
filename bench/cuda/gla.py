"""Checks and times the chunked recurrence with a decay for each row of the state (gla_*.cu). Arguments: check, time (default both); small: check at small shapes, for
compute-sanitizer. `python3 gla.py` takes about a minute, most of it nvcc."""
from gs import *
from state_pass import PASS, Walk, pass_function
L64, I = C.c_longlong, C.c_int
t00 = time.time(); what = sys.argv[1:] or ["check", "time"]
class Gla(C.Structure):
    _fields_ = [(n, P) for n in "q k v g ids states through y dy after dq dk dv dg".split()] + [(n + "_stride", L64) for n in "q k v y dy dq dk dv".split()] + [(n, I) for n in "batch length chunks heads reverse late adjoint pad".split()]
up = lambda a, b: (a + b - 1) // b
HEAD = ["common.cu", "split_mma.cu", "tiles.cu"]; io = lambda f32: {"GS_F32_IO": 1} if f32 else {}
def programs(f32, n, p): return [(HEAD + ["gla_args.cu", f], dict(GS_GLA_N=n, GS_GLA_P=p, **io(f32))) for f in ("gla_fwd.cu", "gla_bwd.cu")]
class Case: # as GlaKernels
    def __init__(s, B, L, H, n, p, f32=0, packed=0, late=0, reverse=0, seed=1, forced=0):
        r = torch.Generator(device="cuda").manual_seed(seed); rn = lambda *a: torch.randn(*a, generator=r, device="cuda"); t = torch.float32 if f32 else torch.bfloat16; es = 4 if f32 else 2
        s.B, s.L, s.H, s.n, s.p, s.f32, s.late, s.reverse = B, L, H, n, p, f32, late, reverse; s.q, s.k, s.v, s.dy = rn(B, L, H * n).to(t), (rn(B, L, H * n) * n ** -0.5).to(t), rn(B, L, H * p).to(t), rn(B, L, H * p).to(t)
        s.g = -0.1 * (2 * rn(B, L, H * n)).exp(); s.ids = (torch.rand(B, L, generator=r, device="cuda") < 0.02).int().cumsum(1).int().contiguous() if packed else None; s.before, s.dlast = rn(B, H, n, p), rn(B, H, n, p)
        s.chunks = up(L, 16); nan = lambda *a, dt=torch.float32: torch.full(a, float("nan"), device="cuda", dtype=dt); s.states, s.after, s.through = nan(B, s.chunks, H, n, p, dt=t), nan(B, s.chunks, H, n, p, dt=t), nan(B, s.chunks, H, n)
        s.last, s.dbefore, s.y, s.dq, s.dk, s.dv, s.dg = nan(B, H, n, p), nan(B, H, n, p), nan(B, L, H * p, dt=t), nan(B, L, H * n, dt=t), nan(B, L, H * n, dt=t), nan(B, L, H * p, dt=t), nan(B, L, H * n)
        a = s.a = Gla(*map(ptr, (s.q, s.k, s.v, s.g, s.ids, s.states, s.through, s.y, s.dy, s.after, s.dq, s.dk, s.dv, s.dg)), H * n, H * n, H * p, H * p, H * p, H * n, H * n, H * p, B, L, s.chunks, H, reverse, late, 0, 0)
        b = s.b = Gla.from_buffer_copy(a); b.adjoint, b.k, b.v, b.v_stride, b.states = 1, a.q, a.dy, H * p, ptr(s.after)
        tile = lambda rows, w: rows * (w * es + 16); sums = 16 * (n + 4) * 4; f, g = (Module(*x) for x in programs(f32, n, p)); grid = (s.chunks * H, 1, B)
        s.f_states = f.fn("gs_gla_states", tile(16, n) + 2 * tile(16, p), 32); s.f_out = f.fn("gs_gla_out", 2 * tile(16, n) + tile(16, p) + tile(n, p) + tile(16, 16) + sums, 32)
        s.f_bwd = g.fn("gs_gla_bwd", 3 * tile(16, n) + 2 * tile(16, p) + 2 * tile(n, p) + tile(16, 16) + 3 * sums + 1280, 32); s.f_pass = pass_function(f32); own = (B, s.chunks, H * n * p, p)
        s.c, s.d = Walk(s.f_pass, f32, s.states, s.through, s.before, s.last, *own, 0, forced), Walk(s.f_pass, f32, s.after, s.through, s.dlast, s.dbefore, *own, 1, forced)
        s.steps = {"states": lambda: s.f_states(grid, s.a), "pass": s.c, "out": lambda: s.f_out(grid, s.a), "back: states": lambda: s.f_states(grid, s.b), "back: pass": s.d, "back: main": lambda: s.f_bwd(grid, s.a)}
    def forward(s): [s.steps[k]() for k in ("states", "pass", "out")]
    def backward(s): [s.steps[k]() for k in ("back: states", "back: pass", "back: main")]
    def results(s): return dict(y=s.y, last=s.last, dq=s.dq, dk=s.dk, dv=s.dv, dg=s.dg, dbefore=s.dbefore)
    def truth(s): # position by position, in double precision
        B, L, H, n, p = s.B, s.L, s.H, s.n, s.p; x = {k: t.double().detach().requires_grad_() for k, t in dict(q=s.q, k=s.k, v=s.v, g=s.g, before=s.before).items()}; order = range(L - 1, -1, -1) if s.reverse else range(L); S, y, prev = x["before"], [None] * L, None
        q, k, v, g = (x[i].view(B, L, H, -1) for i in "qkvg")
        for t in order:
            if s.ids is not None and prev is not None: S = S * (s.ids[:, t] == s.ids[:, prev])[:, None, None, None]
            if s.late: y[t] = torch.einsum("bhn,bhnp->bhp", q[:, t], S)
            S = S * g[:, t].exp()[..., None] + k[:, t][..., None] * v[:, t][..., None, :]; prev = t
            if not s.late: y[t] = torch.einsum("bhn,bhnp->bhp", q[:, t], S)
        y = torch.stack(y, 1).reshape(B, L, H * p); ((y * s.dy.double()).sum() + (S * s.dlast.double()).sum()).backward(); return dict(y=y.detach(), last=S.detach(), **{"d" + i: x[i].grad for i in x})
    def check(s, name):
        s.forward(); s.backward(); torch.cuda.synchronize(); r, t = s.results(), s.truth(); e = {k: rel(r[k].reshape(t[k].shape), t[k]) for k in t}; first = {k: r[k].clone() for k in r}; s.forward(); s.backward(); torch.cuda.synchronize()
        same = all(torch.equal(first[k], r[k]) for k in t); print("ok  " if max(e.values()) < (1e-5 if s.f32 else 8e-3) and same else "FAIL", name, " ".join(f"{k} {v:.1e}" for k, v in e.items()), "" if same else "bits differ", flush=True)
CHECK = [(2, 1, 2, 16, 16, 0), (1, 517, 4, 32, 64, 0), (2, 301, 4, 64, 64, 1), (1, 200, 2, 128, 128, 1), (1, 130, 2, 48, 80, 0)]
if "small" in what: CHECK = [(1, 50, 2, 64, 64, 1), (1, 33, 1, 32, 64, 0)]
checking = "check" in what or "small" in what; TIMED = [(4, 32, 64), (4, 64, 64)]
build_all(list(PASS.values()) + [x for _, n, p in TIMED for x in programs(0, n, p)] + [x for c in CHECK if checking for f in (0, 1) for x in programs(f, c[3], c[4])]); print("built", round(time.time() - t00, 1), flush=True)
for B, L, H, n, p, packed in CHECK if checking else []:
    for f32 in (0, 1):
        for late, reverse, forced in ((0, 0, 1), (1, 1, 3)): Case(B, L, H, n, p, f32, packed, late, reverse, forced=forced).check(f"{B}x{L} heads {H} {n}x{p} {'f32' if f32 else 'bf16'} ids {packed} late {late} reverse {reverse} segments {forced}")
if "time" in what:
    print(clocks())
    for H, n, p in TIMED:
        for B, L in ((16, 8192), (1, 131072), (1, 1048576)):
            if n == 64 and L > 131072: continue
            c = Case(B, L, H, n, p); total = 0
            for k, f in list(c.steps.items()) + [(f"pass in {m}", Walk(c.f_pass, 0, c.states, c.through, c.before, c.last, B, c.chunks, H * n * p, p, 0, m)) for m in (1, 2, 4, 8)]:
                ms = bench(f, 10, 3); total += ms if "in" not in k.split() else 0; fn = {"states": c.f_states, "pass": c.f_pass, "out": c.f_out, "main": c.f_bwd}[k.split(": ")[-1].split()[0]]; print(f"{B}x{L} {H} heads {n}x{p} {k:13s} {ms * 1e3:9.1f} us regs {fn.r.get('regs')} spill {fn.r.get('spill')} blocks {fn.occ} smem {fn.smem}" + (f" segments {f.n}" if isinstance(f, Walk) else ""), flush=True)
            fw, bw = bench(c.forward, 10, 3), bench(c.backward, 10, 3); print(f"{B}x{L} {H} heads {n}x{p} forward {fw:.3f} ms, backward {bw:.3f} ms, sum of parts {total:.3f}", flush=True); del c; torch.cuda.empty_cache()
print("seconds", round(time.time() - t00, 1))
