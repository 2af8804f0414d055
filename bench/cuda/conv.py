"""The convolution's kernels: arguments, launches as ConvKernels makes them, checks against fp64."""
from gs import *
F, I, L64 = torch.nn.functional, C.c_int, C.c_longlong
up = lambda a, b: -(-a // b)
class Dir(C.Structure): _fields_ = [(n, P) for n in "weight bias before u du dbefore through projection".split()] + [(n, L64) for n in ("u_stride", "du_stride")]
class Conv(C.Structure):
    _fields_ = [("d", Dir * 2)] + [(n, P) for n in "x ids dx part".split()] + [(n, L64) for n in ("x_stride", "dx_stride", "through_stride")] + [(n, I) for n in "batch length channels directions tiles rows lead tail period pad".split()]
class SumRows(C.Structure): _fields_ = [("in_", P), ("out", P), ("rows", I), ("columns", I)]
CA = ["common.cu", "conv_args.cu"]; RED = (["common.cu", "reduce.cu"], {})
def bw(dirs, warps=4, groups=1, stages=None, width=0, **more): # dirs 1 forward, 2 reverse, 3 both
    return (CA + ["conv_bwd.cu"], {"GS_CONV_DIRS": dirs, "GS_CONV_WARPS": warps, "GS_CONV_GROUPS": groups, "GS_CONV_STAGES": stages or 2, "GS_CONV_WIDTH": width, **more})
def shared(d, count, es): # as BackwardPlan.Shared
    w, width = d["GS_CONV_WARPS"], d["GS_CONV_WIDTH"]; pitch = w * 64 * es + (16 if width else 0); steps = up(width, 16)
    stage = (1 + count) * 8 * pitch + (count * 8 * (steps * 32 + 16) if width else 0)
    return count * steps * 16 * pitch + d["GS_CONV_GROUPS"] * d["GS_CONV_STAGES"] * stage
def segments(rows, sequences, slots): # as ConvKernels.Segments
    best = None
    for n in range(1, min(1024, up(rows, 32)) + 1):
        each = up(rows, n); needed = up(rows, each); cost = up(needed * sequences, slots) * (each + 30); best = min(best or (cost, needed, each), (cost, needed, each))
    return best[1:]
class ConvCase:
    def __init__(s, B, L, D, dirs, f32=0, ids=0, before=0, gap=0, seed=1, width=0):
        g = torch.Generator(device="cuda").manual_seed(seed); dt = torch.float32 if f32 else torch.bfloat16
        rn = lambda *a, t=dt: torch.randn(*a, generator=g, device="cuda", dtype=torch.float32).to(t)
        wide = lambda: torch.full((B, L, D + gap), float("nan"), device="cuda", dtype=dt)[:, :, gap:]
        s.B, s.L, s.D, s.dirs, s.f32 = B, L, D, dirs, f32; s.which = [q for q in (0, 1) if dirs >> q & 1]
        s.x = wide(); s.x.copy_(rn(B, L, D)); s.dx = wide(); s.w, s.b, s.h, s.u, s.du, s.dh, s.th, s.pr = {}, {}, {}, {}, {}, {}, {}, {}; s.width = width
        s.ids = torch.cumsum((torch.rand(B, L, generator=g, device="cuda") < (0.1 if L < 5000 else 1e-3)).int(), 1).int() if ids else None
        s.a = Conv(); s.a.x, s.a.ids, s.a.dx = ptr(s.x), ptr(s.ids), ptr(s.dx); s.a.x_stride = s.a.dx_stride = D + gap; s.a.batch, s.a.length, s.a.channels, s.a.directions = B, L, D, dirs
        for q in s.which:
            s.w[q], s.b[q], s.h[q] = rn(D, 4, t=torch.float32) * 0.5, rn(D, t=torch.float32), rn(B, 3, D) if before else None
            s.u[q], s.du[q], s.dh[q] = torch.full_like(rn(1), float("nan")).expand(B, L, D).clone(), rn(B, L, D), torch.zeros(B, 3, D, device="cuda", dtype=dt) if before else None
            d = s.a.d[q]; d.weight, d.bias, d.before, d.u, d.du, d.dbefore = (ptr(v[q]) for v in (s.w, s.b, s.h, s.u, s.du, s.dh)); d.u_stride = d.du_stride = D
            if width: s.th[q], s.pr[q] = rn(B, L, width), rn(width, D) * width ** -0.5; d.through, d.projection, s.a.through_stride = ptr(s.th[q]), ptr(s.pr[q]), width
        s.lead, s.tail = (3 if before and 0 in s.which else 0), (3 if before and 1 in s.which else 0)
    def fwd(s, mod, rows=4):
        f = mod.fn("gs_conv_fwd", 0, 256); tiles = up(s.L, 8 * rows); grid = (tiles * up(s.D, 256) * len(s.which), s.B)
        return (lambda: f(grid, s.a)), f
    def bwd(s, mod, flat=True): # flat: sequences end to end as one
        n = len(s.which); d = mod.defs; w, g = d["GS_CONV_WARPS"], d["GS_CONV_GROUPS"]; a = type(s.a).from_buffer_copy(s.a); a.lead, a.tail = s.lead, s.tail
        if flat and s.lead + s.tail == 0 and s.B > 1: a.period, a.length, a.batch = s.L, s.B * s.L, 1
        f = mod.fn("gs_conv_bwd", shared(d, n, 4 if s.f32 else 2), w * g * 32); groups = up(s.D, 64 * w)
        a.tiles, a.rows = segments(a.length + s.lead + s.tail, a.batch * groups, SMS * f.occ * g); y = a.tiles * a.batch
        part = torch.full((y, n, 5, s.D), float("nan"), device="cuda"); s.sum = torch.full((n, 5, s.D), float("nan"), device="cuda"); a.part = ptr(part)
        r = SumRows(ptr(part), ptr(s.sum), y, n * 5 * s.D); keep = (part, s.sum); red = Module(*RED).fn("gs_sum_rows", 0, 1024)
        return (lambda: (keep, f((groups, up(y, g)), a), red(up(n * 5 * s.D, 32), r))), f
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
            y = y * torch.sigmoid(y); y = y.flip(1) if q else y; es[f"u{q}"] = rel(s.u[q], y); tot = tot + (y * (s.du[q].double() + (s.th[q].double() @ s.pr[q].double() if s.width else 0))).sum(); leaves += [W, Bi, H]
        g = torch.autograd.grad(tot, leaves); es["dx"] = rel(s.dx, g[0])
        for k, q in enumerate(s.which):
            flat = s.sum[k].reshape(-1); es[f"dw{q}"] = rel(flat[:4 * s.D].view(s.D, 4), g[1 + 3 * k]); es[f"db{q}"] = rel(flat[4 * s.D:], g[2 + 3 * k])
            if s.h[q] is not None: es[f"dh{q}"] = rel(s.dh[q], g[3 + 3 * k])
        bad = max(es.values()); print("ok  " if bad < (1e-5 if s.f32 else 4e-3) else "FAIL", name, " ".join(f"{k} {v:.1e}" for k, v in es.items()), flush=True)
