"""Checks and times the chunked delta rule (delta_*.cu, matrix_pass.cu). Arguments: check, time (default both); small: check at small shapes, for compute-sanitizer.
`python3 delta.py` takes about two minutes, most of it nvcc."""
from matrix_pass import *
t00 = time.time(); what = sys.argv[1:] or ["check", "time"]
class Ssd(C.Structure):
    _fields_ = [(n, P) for n in "q k v g scale skip ids states through y dy after dq dk dv dg dscale dskip".split()] + [(n + "_stride", L64) for n in "q k v y dy dq dk dv".split()] + [(n, I) for n in "batch length chunks heads groups reverse adjoint pad".split()]
class Delta(C.Structure): _fields_ = [("s", Ssd)] + [(n, P) for n in "w kept read written dwritten dbeta".split()]
def programs(f32, n, p):
    d = dict(GS_SSD_Q=32 if f32 else 64, GS_SSD_N=n, GS_SSD_P=p, **io(f32)); S = HEAD + ["ssd_args.cu", "ssd_tiles.cu"]; T = S + ["turned.cu", "triangle.cu", "delta_args.cu"]
    return [(S + ["ssd_fwd.cu"], d), (S + ["ssd_bwd.cu"], d), (T + ["delta_fwd.cu"], d), (T + ["delta_bwd.cu"], d)] + [pass_program(f32, 32 if f32 else 64, n, p, t, 0) for t in (0, 1)]
class Case: # as DeltaKernels
    def __init__(s, B, L, H, n, p, f32=0, packed=0, reverse=0, cut=None, seed=1):
        r = torch.Generator(device="cuda").manual_seed(seed); rn = lambda *a: torch.randn(*a, generator=r, device="cuda"); t = torch.float32 if f32 else torch.bfloat16; es = 4 if f32 else 2; unit = lambda x: (x / x.norm(dim=-1, keepdim=True)).reshape(B, L, H * n).to(t)
        s.B, s.L, s.H, s.n, s.p, s.f32, s.reverse = B, L, H, n, p, f32, reverse; s.q, s.k, s.v, s.dy = unit(rn(B, L, H, n)), unit(rn(B, L, H, n)), rn(B, L, H * p).to(t), rn(B, L, H * p).to(t)
        s.g, s.beta = -0.1 * rn(B, L, H).exp(), rn(B, L, H).sigmoid(); s.ids = (torch.rand(B, L, generator=r, device="cuda") < 0.02).int().cumsum(1).int().contiguous() if packed else None; s.before, s.dlast = rn(B, H, n, p), rn(B, H, n, p)
        Q = 32 if f32 else 64; s.chunks = up(L, Q); nan = lambda *a, dt=torch.float32: torch.full(a, float("nan"), device="cuda", dtype=dt); keys, vals = (B, L, H * n), (B, L, H * p)
        s.w, s.kept, s.read, s.written, s.dwritten, s.y = nan(*keys, dt=t), nan(*keys, dt=t), nan(*keys, dt=t), nan(*vals, dt=t), nan(*vals, dt=t), nan(*vals, dt=t); s.states, s.after = nan(B, s.chunks, H, n, p, dt=t), nan(B, s.chunks, H, n, p, dt=t); s.through = nan(B, s.chunks, H)
        s.last, s.dbefore, s.dq, s.dk, s.dv, s.dg, s.dbeta = nan(B, H, n, p), nan(B, H, n, p), nan(*keys, dt=t), nan(*keys, dt=t), nan(*vals, dt=t), nan(B, L, H), nan(B, L, H)
        a = s.a = Ssd(); a.q, a.k, a.v, a.g, a.ids, a.states, a.y, a.dy, a.after, a.dq, a.dk, a.dv, a.dg = map(ptr, (s.q, s.k, s.written, s.g, s.ids, s.states, s.y, s.dy, s.after, s.dq, s.dk, s.dwritten, s.dg)); a.q_stride = a.k_stride = a.dq_stride = a.dk_stride = H * n; a.v_stride = a.y_stride = a.dy_stride = a.dv_stride = H * p
        a.batch, a.length, a.chunks, a.heads, a.groups, a.reverse = B, L, s.chunks, H, H, reverse; d = s.d = Delta(); d.s = a; d.s.v, d.s.dv, d.s.scale, d.s.through = ptr(s.v), ptr(s.dv), ptr(s.beta), ptr(s.through); d.w, d.kept, d.read, d.written, d.dwritten, d.dbeta = map(ptr, (s.w, s.kept, s.read, s.written, s.dwritten, s.dbeta))
        f, g, m, b, pf, pb = (Module(*x) for x in programs(f32, n, p)); kb, vb, sb, db, T = Q * (n * es + 16), Q * (p * es + 16), n * (p * es + 16), (5 * Q + 4) * 4, 2 * Q; qb, inner = Q * (Q * es + 16), Q // 16 * 1280; grid, W = (s.chunks * H, 1, B), max(n, p) * 2
        s.f_out, s.f_ssd = f.fn("gs_ssd_out", 2 * kb + vb + sb + Q * (max(p, Q) * es + 16) + db, T), g.fn("gs_ssd_bwd", 2 * (kb + vb + sb + qb) + db + (2 * Q + Q // 16 * (Q + 2)) * 4, T)
        s.f_chunks, s.f_read, s.f_bwd = m.fn("gs_delta_chunks", kb + vb + qb + db + inner, T), b.fn("gs_delta_read", 2 * kb + vb + qb + db, T), b.fn("gs_delta_bwd", kb + 3 * vb + 2 * qb + sb + db + (3 + Q // 16) * Q * 4 + inner, T)
        s.f_pass, s.f_back = pf.fn("gs_matrix_pass", pass_bytes(Q, n, p, es, 0), W), pb.fn("gs_matrix_pass", pass_bytes(Q, n, p, es, 1), W); s.cuts = [cut or segments(Q, B * H, s.chunks, SMS * k.occ) for k in (s.f_pass, s.f_back)]
        most = max(s.cuts); s.ends, s.turns = nan(B, most, H, n, p), nan(B, most, H, n, n); common = dict(through=ptr(s.through), ends=ptr(s.ends), turns=ptr(s.turns), length=L, chunks=s.chunks, heads=H, reverse=reverse)
        s.c = Pass(first=ptr(s.w), second=ptr(s.kept), rows=ptr(s.written), before=ptr(s.before), last=ptr(s.last), states=ptr(s.states), segments=s.cuts[0], keep=1, **common)
        s.e = Pass(first=ptr(s.kept), second=ptr(s.w), third=ptr(s.read), third_stride=H * n, rows=ptr(s.dwritten), more=ptr(s.dy), more_stride=H * p, before=ptr(s.dlast), last=ptr(s.dbefore), states=ptr(s.after), segments=s.cuts[1], back=1, **common)
        s.steps = {"chunks": lambda: s.f_chunks(grid, s.d), "pass": walk(s.f_pass, s.c, H, B), "out": lambda: s.f_out(grid, s.a), "back: read": lambda: s.f_read(grid, s.d), "back: pass": walk(s.f_back, s.e, H, B), "back: ssd": lambda: s.f_ssd(grid, s.a), "back: main": lambda: s.f_bwd(grid, s.d)}
        s.fns = dict(zip(s.steps, (s.f_chunks, s.f_pass, s.f_out, s.f_read, s.f_back, s.f_ssd, s.f_bwd)))
    def forward(s): [s.steps[k]() for k in s.steps if not k.startswith("back")]
    def backward(s): [s.steps[k]() for k in s.steps if k.startswith("back")]
    def results(s): return dict(y=s.y, last=s.last, dq=s.dq, dk=s.dk, dv=s.dv, dg=s.dg, dbeta=s.dbeta, dbefore=s.dbefore)
    def truth(s): # position by position, in double precision
        B, L, H = s.B, s.L, s.H; x = {k: t.double().detach().requires_grad_() for k, t in dict(q=s.q, k=s.k, v=s.v, g=s.g, beta=s.beta, before=s.before).items()}; order = range(L - 1, -1, -1) if s.reverse else range(L); S, y, prev = x["before"], [None] * L, None
        q, k, v = (x[i].view(B, L, H, -1) for i in "qkv")
        for t in order:
            if s.ids is not None and prev is not None: S = S * (s.ids[:, t] == s.ids[:, prev])[:, None, None, None]
            S = S * x["g"][:, t].exp()[..., None, None]; S = S + (x["beta"][:, t, :, None] * k[:, t])[..., None] * (v[:, t] - torch.einsum("bhn,bhnp->bhp", k[:, t], S))[..., None, :]; prev = t; y[t] = torch.einsum("bhn,bhnp->bhp", q[:, t], S)
        y = torch.stack(y, 1).reshape(B, L, -1); ((y * s.dy.double()).sum() + (S * s.dlast.double()).sum()).backward(); return dict(y=y.detach(), last=S.detach(), **{"d" + i: x[i].grad for i in x})
    def check(s, name):
        s.forward(); s.backward(); torch.cuda.synchronize(); r, t = s.results(), s.truth(); e = {k: rel(r[k].reshape(t[k].shape), t[k]) for k in t}; first = {k: r[k].clone() for k in r}; s.forward(); s.backward(); torch.cuda.synchronize()
        same = all(torch.equal(first[k], r[k]) for k in t); print("ok  " if max(e.values()) < (1e-5 if s.f32 else 8e-3) and same else "FAIL", name, "segments", s.cuts, " ".join(f"{k} {v:.1e}" for k, v in e.items()), "" if same else "bits differ", flush=True)
CHECK = [(2, 1, 2, 16, 16, 0, None), (1, 777, 4, 48, 96, 0, None), (2, 301, 2, 64, 64, 1, 3), (1, 200, 2, 128, 128, 1, 2), (1, 130, 2, 48, 80, 0, 1), (1, 2000, 2, 32, 32, 0, None)]
if "small" in what: CHECK = [(1, 150, 2, 48, 96, 1, 2), (1, 70, 1, 64, 64, 0, 1)]
checking = "check" in what or "small" in what; TIMED = [(4, 48, 96), (4, 64, 64)] if "time" in what else []
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
        fw, bw = bench(c.forward, 10, 3), bench(c.backward, 10, 3); print(f"{B}x{L} {H} heads {n}x{p} segments {c.cuts}: forward {fw:.3f} ms, backward {bw:.3f} ms, sum of parts {total:.3f}; a layer alone {B * L / (fw + bw) / 1e3:.1f} M tokens/s", flush=True); del c; torch.cuda.empty_cache()
print("seconds", round(time.time() - t00, 1))
