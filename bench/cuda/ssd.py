"""Checks and times the chunked recurrence with one decay a head (ssd_*.cu) and the gated norm, Mamba-2's kernels. Arguments: check, time (default both); small: check at
small shapes, for compute-sanitizer. `python3 ssd.py` takes about a minute, most of it nvcc."""
from gs import *
from state_pass import PASS, Walk, pass_function
L64, I = C.c_longlong, C.c_int
t00 = time.time(); what = sys.argv[1:] or ["check", "time"]
class Ssd(C.Structure):
    _fields_ = [(n, P) for n in "q k v g scale skip ids states through y dy after dq dk dv dg dscale dskip".split()] + [(n + "_stride", L64) for n in "q k v y dy dq dk dv".split()] + [(n, I) for n in "batch length chunks heads groups reverse adjoint pad".split()]
class GatedNorm(C.Structure):
    _fields_ = [(n, P) for n in "y z weight out dout dy dz part".split()] + [("z_stride", L64), ("dz_stride", L64), ("rows", I), ("width", I), ("eps", C.c_float), ("pad", I)]
up = lambda a, b: (a + b - 1) // b
def defs(f32, n, p): return dict(GS_SSD_Q=32 if f32 else 64, GS_SSD_N=n, GS_SSD_P=p, **({"GS_F32_IO": 1} if f32 else {}))
FILES = ["common.cu", "split_mma.cu", "tiles.cu", "ssd_args.cu", "ssd_tiles.cu"]; RED = (["common.cu", "reduce.cu"], {}); NORM = (["common.cu", "gated_norm.cu"], {"GS_NORM_VECS": 2})
def programs(f32, n, p): return [(FILES + [f], defs(f32, n, p)) for f in ("ssd_fwd.cu", "ssd_bwd.cu")]
class Case: # as SsdKernels
    def __init__(s, B, L, H, G, n, p, f32=0, packed=0, extras=1, reverse=0, seed=1, forced=0):
        g = torch.Generator(device="cuda").manual_seed(seed); rn = lambda *a: torch.randn(*a, generator=g, device="cuda"); t = torch.float32 if f32 else torch.bfloat16
        s.B, s.L, s.H, s.G, s.n, s.p, s.f32, s.reverse, s.t = B, L, H, G, n, p, f32, reverse, t
        wide = rn(B, L, H * p + 2 * G * n).to(t); s.wide = wide; s.v, s.k, s.q = wide[..., :H * p], wide[..., H * p:H * p + G * n], wide[..., H * p + G * n:]
        s.k.mul_(n ** -0.5); s.g = -0.1 * rn(B, L, H).exp(); s.scale = torch.rand(B, L, H, generator=g, device="cuda") + 0.5 if extras else None; s.skip = rn(H) if extras else None
        s.before = rn(B, H, n, p) if extras else None; s.dlast = rn(B, H, n, p) if extras else None; s.dy = rn(B, L, H * p).to(t)
        s.ids = (torch.rand(B, L, generator=g, device="cuda") < 0.02).int().cumsum(1).int().contiguous() if packed else None
        s.Q = 32 if f32 else 64; s.chunks = up(L, s.Q); nan = lambda *a, dt=torch.float32: torch.full(a, float("nan"), device="cuda", dtype=dt)
        s.states, s.after = nan(B, s.chunks, H, n, p, dt=t), nan(B, s.chunks, H, n, p, dt=t); s.through = nan(B, s.chunks, H); s.last, s.dbefore = nan(B, H, n, p), nan(B, H, n, p)
        s.y, s.dw = nan(B, L, H * p, dt=t), nan(B, L, H * p + 2 * G * n, dt=t); s.dg, s.dscale = nan(B, L, H), nan(B, L, H); s.part, s.dskip = nan(B * s.chunks, H), nan(H)
        a = s.a = Ssd(); W = H * p + 2 * G * n; es = 4 if f32 else 2; a.v, a.k, a.q = ptr(wide), ptr(wide) + H * p * es, ptr(wide) + (H * p + G * n) * es; a.q_stride = a.k_stride = a.v_stride = a.dq_stride = a.dk_stride = a.dv_stride = W
        a.dv, a.dk, a.dq = ptr(s.dw), ptr(s.dw) + H * p * es, ptr(s.dw) + (H * p + G * n) * es; a.g, a.scale, a.skip, a.ids, a.through, a.y, a.dy = map(ptr, (s.g, s.scale, s.skip, s.ids, s.through, s.y, s.dy))
        a.states, a.after, a.dg, a.dscale, a.dskip = ptr(s.states), ptr(s.after), ptr(s.dg), ptr(s.dscale) if extras else None, ptr(s.part); a.y_stride = a.dy_stride = H * p
        a.batch, a.length, a.chunks, a.heads, a.groups, a.reverse = B, L, s.chunks, H, G, reverse
        b = s.b = Ssd.from_buffer_copy(a); b.adjoint, b.k, b.k_stride, b.v, b.v_stride, b.states = 1, a.q, W, a.dy, H * p, ptr(s.after)
        keys, vals, st, dec = s.Q * (n + 16 // es) * es, s.Q * (p + 16 // es) * es, n * (p + 16 // es) * es, (5 * s.Q + 4) * 4
        f, r = (Module(*x) for x in programs(f32, n, p)); T = s.Q * 2; grid = (s.chunks * G, 1, B)
        s.f_states = f.fn("gs_ssd_states", keys + 2 * vals + dec, T); s.f_pass = pass_function(f32); s.f_out = f.fn("gs_ssd_out", 2 * keys + vals + st + s.Q * (max(p, s.Q) + 16 // es) * es + dec, T)
        s.f_bwd = r.fn("gs_ssd_bwd", 2 * (keys + vals + st + s.Q * (s.Q + 16 // es) * es) + dec + (2 * s.Q + s.Q // 16 * (s.Q + 2)) * 4, T); red = Module(*RED).fn("gs_sum_rows", 0, 1024 if B * s.chunks > 256 else 256)
        sums = GsSumRows(ptr(s.part), ptr(s.dskip), B * s.chunks, H); own = (B, s.chunks, H * n * p, n * p); s.keep = (sums, red)
        s.c, s.d = Walk(s.f_pass, f32, s.states, s.through, s.before, s.last, *own, 0, forced), Walk(s.f_pass, f32, s.after, s.through, s.dlast, s.dbefore, *own, 1, forced)
        s.steps = {"states": lambda: s.f_states(grid, s.a), "pass": s.c, "out": lambda: s.f_out(grid, s.a), "back: states": lambda: s.f_states(grid, s.b), "back: pass": s.d, "back: main": lambda: s.f_bwd(grid, s.a), "back: skip": lambda: red(up(H, 32), sums)}
    def forward(s): [s.steps[k]() for k in ("states", "pass", "out")]
    def backward(s): [s.steps[k]() for k in ("back: states", "back: pass", "back: main", "back: skip")]
    def results(s): H, G, n, p = s.H, s.G, s.n, s.p; return dict(y=s.y, last=s.last, dv=s.dw[..., :H * p], dk=s.dw[..., H * p:H * p + G * n], dq=s.dw[..., H * p + G * n:], dg=s.dg, dbefore=s.dbefore, **(dict(dscale=s.dscale, dskip=s.dskip) if s.scale is not None else {}))
    def truth(s): # dense, in double precision
        B, L, H, G, n, p = s.B, s.L, s.H, s.G, s.n, s.p; d = lambda t: None if t is None else t.double().detach().requires_grad_(); x = dict(q=d(s.q), k=d(s.k), v=d(s.v), g=d(s.g), scale=d(s.scale), skip=d(s.skip), before=d(s.before))
        fl = (lambda t: t.flip(1)) if s.reverse else (lambda t: t); q, k = (fl(x[i]).view(B, L, G, n).repeat_interleave(H // G, 2).transpose(1, 2) for i in "qk"); v = fl(x["v"]).view(B, L, H, p).transpose(1, 2); c = fl(x["g"]).transpose(1, 2).cumsum(-1)
        i = torch.arange(L, device="cuda"); m = (i[:, None] >= i)[None, None]; ids = fl(s.ids) if s.ids is not None else torch.zeros(B, L, device="cuda", dtype=torch.int32); m = m & (ids[:, None, :, None] == ids[:, None, None, :])
        D = torch.where(m, (c[..., :, None] - c[..., None, :]).masked_fill(~m, 0).exp(), 0.0); u = v if x["scale"] is None else v * fl(x["scale"]).transpose(1, 2)[..., None]
        y = ((q @ k.transpose(-1, -2)) * D) @ u; own = (ids == ids[:, :1])[:, None, :, None]; end = (ids == ids[:, -1:])[:, None, :]; w = torch.where(end, (c[..., -1:] - c).exp(), 0.0); last = (k * w[..., None]).transpose(-1, -2) @ u
        if x["before"] is not None: y = y + torch.where(own, c.exp()[..., None], 0.0) * (q @ x["before"]); last = last + torch.where(own[:, :, -1:], c[..., -1:, None].exp(), 0.0) * x["before"]
        if x["skip"] is not None: y = y + x["skip"][:, None, None] * v
        y = fl(y.transpose(1, 2)).reshape(B, L, H * p); ((y * s.dy.double()).sum() + (0 if s.dlast is None else (last * s.dlast.double()).sum())).backward()
        return dict(y=y.detach(), last=last.detach(), **{"d" + i: x[i].grad for i in x if x[i] is not None})
    def check(s, name):
        s.forward(); s.backward(); torch.cuda.synchronize(); r, t = s.results(), s.truth(); e = {k: rel(r[k].reshape(t[k].shape), t[k]) for k in t}
        first = {k: r[k].clone() for k in r}; s.forward(); s.backward(); torch.cuda.synchronize(); same = all(torch.equal(first[k], r[k]) for k in t)
        print("ok  " if max(e.values()) < (1e-5 if s.f32 else 8e-3) and same else "FAIL", name, " ".join(f"{k} {v:.1e}" for k, v in e.items()), "" if same else "bits differ", flush=True)
class NormCase:
    def __init__(s, T, W, gap):
        g = torch.Generator(device="cuda").manual_seed(2); rn = lambda *a: torch.randn(*a, generator=g, device="cuda").bfloat16(); s.T, s.W = T, W; s.y, s.dout, s.zw = rn(T, W), rn(T, W), rn(T, W + gap); s.w = torch.rand(W, device="cuda") + 0.5; s.z = s.zw[:, :W]
        s.out, s.dy, s.dzw, s.dw = torch.empty_like(s.y), torch.empty_like(s.y), torch.empty_like(s.zw), torch.empty(W, device="cuda"); m = Module(*NORM); s.f, s.r = m.fn("gs_gated_norm_fwd", 0, 256), m.fn("gs_gated_norm_bwd", 0, 256)
        s.grid = min(up(T, 8), SMS * s.r.occ); s.part = torch.empty(s.grid, W, device="cuda"); s.a = GatedNorm(*map(ptr, (s.y, s.zw, s.w, s.out, s.dout, s.dy, s.dzw, s.part)), W + gap, W + gap, T, W, 1e-5, 0); red = Module(*RED).fn("gs_sum_rows", 0, 1024)
        sums = GsSumRows(ptr(s.part), ptr(s.dw), s.grid, W); s.forward = lambda: s.f(min(up(T, 8), SMS * s.f.occ), s.a); s.backward = lambda: (s.r(s.grid, s.a), red(up(W, 32), sums))
    def check(s):
        s.forward(); s.backward(); torch.cuda.synchronize(); y, z, w = (t.double().requires_grad_() for t in (s.y, s.z, s.w)); x = y * torch.nn.functional.silu(z); o = x * (x.square().mean(-1, keepdim=True) + 1e-5).rsqrt() * w; o.backward(s.dout.double())
        e = [rel(a, b) for a, b in ((s.out, o.detach()), (s.dy, y.grad), (s.dzw[:, :s.W], z.grad), (s.dw, w.grad))]; print("ok  " if max(e) < 4e-3 else "FAIL", f"gated norm {s.T} x {s.W}", " ".join(f"{v:.1e}" for v in e), flush=True)
CHECK = [(2, 1, 2, 1, 16, 16, 0), (2, 64, 3, 3, 16, 32, 1), (1, 1031, 8, 1, 64, 64, 0), (2, 777, 8, 1, 64, 64, 1), (1, 500, 4, 2, 128, 64, 1), (2, 333, 2, 2, 32, 80, 0), (1, 260, 2, 1, 128, 128, 1)]
if "small" in what: CHECK = [(1, 130, 4, 2, 64, 64, 1), (2, 70, 2, 1, 128, 80, 0)]
checking = "check" in what or "small" in what
build_all([RED, NORM, PASS[0], PASS[1]] + programs(0, 64, 64) + [x for c in CHECK if checking for f in (0, 1) for x in programs(f, c[4], c[5])]); print("built", round(time.time() - t00, 1), flush=True)
if checking:
    for B, L, H, G, n, p, packed in CHECK:
        for f32 in (0, 1):
            for extras, reverse, forced in ((1, 0, 3), (0, 1, 1)): Case(B, L, H, G, n, p, f32, packed, extras, reverse, forced=forced).check(f"{B}x{L} heads {H} groups {G} {n}x{p} {'f32' if f32 else 'bf16'} ids {packed} extras {extras} reverse {reverse} segments {forced}")
    NormCase(1031, 512, 648).check(); NormCase(77, 264, 8).check()
if "time" in what:
    print(clocks())
    for B, L in ((16, 8192), (1, 131072), (1, 1048576)):
        c = Case(B, L, 8, 1, 64, 64, extras=1); T = B * L; GB = T * 1024e-9 # bytes of one tensor of values
        least = {"states": 2.25, "pass": 2, "out": 3.25, "back: states": 2.25, "back: pass": 2, "back: main": 5.5}; total = 0
        for k, f in list(c.steps.items()) + [(f"pass in {m}", Walk(c.f_pass, 0, c.states, c.through, c.before, c.last, B, c.chunks, 32768, 4096, 0, m)) for m in (1, 2, 4)]:
            ms = bench(f, 10, 3); total += ms if "in" not in k.split() else 0; fn = {"states": c.f_states, "pass": c.f_pass, "out": c.f_out, "main": c.f_bwd}.get(k.split(": ")[-1].split()[0]); print(f"{B}x{L} {k:13s} {ms * 1e3:9.1f} us" + (f" {least[k.partition(' in ')[0]] * GB / ms:6.2f} TB/s regs {fn.r.get('regs')} spill {fn.r.get('spill')} blocks {fn.occ} smem {fn.smem}" if fn else "") + (f" segments {f.n}" if isinstance(f, Walk) else ""), flush=True)
        fw, bw = bench(c.forward, 10, 3), bench(c.backward, 10, 3); print(f"{B}x{L} forward {fw:.3f} ms, backward {bw:.3f} ms, sum of parts {total:.3f}", flush=True); del c; torch.cuda.empty_cache()
    for T in (131072, 1048576):
        c = NormCase(T, 512, 648); fw, bw = bench(c.forward, 10, 3), bench(c.backward, 10, 3); print(f"gated norm {T} x 512 forward {fw * 1e3:.1f} us {T * 3072e-9 / fw:.2f} TB/s, backward {bw * 1e3:.1f} us {T * 5120e-9 / bw:.2f} TB/s", flush=True)
print("seconds", round(time.time() - t00, 1))
