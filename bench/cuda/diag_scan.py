"""Checks and times the diagonal recurrences (diag_scan.cu), real and complex. Arguments: check, time (default both); small: check at small shapes, for compute-sanitizer.
`python3 diag_scan.py` takes about a minute."""
from gs import *
L64, I = C.c_longlong, C.c_int; t00 = time.time(); what = sys.argv[1:] or ["check", "time"]; up = lambda a, b: -(-a // b)
class Diag(C.Structure): _fields_ = [(n, P) for n in "a radius angle ids x enter leave out h before da part through ends".split()] + [("a_batch", L64)] + [(n, I) for n in "a_row a_channel batch length channels segments positions lead back pad".split()]
RED = (["common.cu", "reduce.cu"], {})
def program(cx, ids): return (["common.cu", "diag_scan.cu"], dict(GS_DIAG_COMPLEX=cx, GS_DIAG_IDS=ids))
def positions(chains, L, most=2048): # as DiagonalScanKernels.Positions
    return L if L <= 256 or chains >= 96 * SMS else up(L, max(1, min(512 * SMS // chains, most, up(L, 64))))
class Case:
    def __init__(s, B, L, Cn, cx, packed=0, each=None, one=0, seed=1):
        r = torch.Generator(device="cuda").manual_seed(seed); rn = lambda *a: torch.randn(*a, generator=r, device="cuda"); W = Cn * (1 + cx); s.B, s.L, s.C, s.cx, s.W = B, L, Cn, cx, W
        s.x, s.dh, s.before, s.dlast = rn(B, L, W), rn(B, L, W), rn(B, W), rn(B, W); s.a = None if cx else (4 * rn(B, L, 1 if one else Cn)).sigmoid().expand(B, L, Cn)
        s.r, s.w = (-(8 * torch.rand(Cn, generator=r, device="cuda") - 7.5).exp(), 4 * rn(Cn)) if cx else (None, None); s.ids = (torch.rand(B, L, generator=r, device="cuda") < 0.02).int().cumsum(1).int().contiguous() if packed else None
        each = each or positions(B * Cn, L); S = s.S = up(L, each); nan = lambda *a: torch.full(a, float("nan"), device="cuda"); s.h, s.dx, s.last, s.dbefore, s.da = nan(B, L, W), nan(B, L, W), nan(B, W), nan(B, W), nan(2, Cn) if cx else nan(B, L, Cn)
        s.part, s.through, s.ends = nan(B * S, W), nan(B, S, W), nan(B, S, W); st = (0, 0, 0) if cx else s.a.stride(); common = dict(a=ptr(s.a), radius=ptr(s.r), angle=ptr(s.w), ids=ptr(s.ids), through=ptr(s.through), ends=ptr(s.ends), a_batch=st[0], a_row=st[1], a_channel=st[2], batch=B, length=L, channels=Cn, segments=S, positions=each)
        s.f = Diag(x=ptr(s.x), enter=ptr(s.before), leave=ptr(s.last), out=ptr(s.h), **common); s.b = Diag(x=ptr(s.dh), enter=ptr(s.dlast), leave=ptr(s.dbefore), out=ptr(s.dx), h=ptr(s.h), before=ptr(s.before), da=None if cx else ptr(s.da), part=ptr(s.part), back=1, **common)
        m = Module(*program(cx, packed)); s.fns = {k: m.fn("gs_diag_" + k, 0, 64 if k == "carry" else 128) for k in ("ends", "carry", "fwd", "bwd")}; red = Module(*RED).fn("gs_sum_rows", 0, 1024); s.sum = GsSumRows(ptr(s.part), ptr(s.da), B * S, W)
        n = B * Cn; grid = dict(ends=up(n * (S - 1), 128), carry=up(n, 64), fwd=up(n * S, 128), bwd=up(n * S, 128)); step = lambda k, arg: lambda: s.fns[k](grid[k], arg)
        s.steps = {k: step(k, s.f) for k in ("ends", "carry", "fwd") if S > 1 or k == "fwd"}; s.steps.update({"back: " + k: step(k, s.b) for k in ("ends", "carry", "bwd") if S > 1 or k == "bwd"})
        if cx: s.steps["back: sum"] = lambda: red(up(W, 32), s.sum); s.fns["sum"] = red
    def forward(s): [f() for k, f in s.steps.items() if not k.startswith("back")]
    def backward(s): [f() for k, f in s.steps.items() if k.startswith("back")]
    def results(s): return dict(h=s.h, last=s.last, dx=s.dx, dbefore=s.dbefore, **(dict(dr=s.da[0], dw=s.da[1]) if s.cx else dict(da=s.da)))
    def truth(s): # position by position, in double precision
        z = (lambda t: torch.complex(*t.chunk(2, -1))) if s.cx else (lambda t: t); names = dict(x=s.x, before=s.before, **(dict(r=s.r, w=s.w) if s.cx else dict(a=s.a.contiguous()))); v = {k: t.double().detach().requires_grad_() for k, t in names.items()}
        x, h, out = z(v["x"]).unbind(1), z(v["before"]), []; a = [torch.complex(v["r"], v["w"]).exp()] * s.L if s.cx else v["a"].unbind(1); keep = None if s.ids is None else torch.cat([torch.ones_like(s.ids[:, :1]), s.ids[:, 1:] == s.ids[:, :-1]], 1).double()[..., None].unbind(1)
        for t in range(s.L): h = a[t] * (h if keep is None else h * keep[t]) + x[t]; out.append(h)
        flat = (lambda t: torch.cat([t.real, t.imag], -1)) if s.cx else (lambda t: t); y, last = flat(torch.stack(out, 1)), flat(h); ((y * s.dh.double()).sum() + (last * s.dlast.double()).sum()).backward(); return dict(h=y.detach(), last=last.detach(), **{"d" + k: t.grad for k, t in v.items()})
    def check(s, name):
        s.forward(); s.backward(); torch.cuda.synchronize(); r, t = s.results(), s.truth(); e = {k: rel(r[k], t[k]) for k in t}; first = {k: r[k].clone() for k in r}; s.forward(); s.backward(); torch.cuda.synchronize()
        same = all(torch.equal(first[k], r[k]) for k in t); print("ok  " if max(e.values()) < 1e-5 and same else "FAIL", name, "segments", s.S, " ".join(f"{k} {v:.1e}" for k, v in e.items()), "" if same else "bits differ", flush=True)
CHECK = [(2, 1, 5, 0, None, 0), (3, 517, 70, 1, None, 0), (1, 4096, 256, 0, None, 1), (2, 300, 33, 1, 1, 0), (2, 1000, 9, 1, 37, 1), (128, 300, 256, 0, None, 0), (1, 20000, 8, 0, None, 0)]
if "small" in what: CHECK = [(2, 50, 9, 1, 7, 1), (1, 70, 33, 0, 70, 0)]
build_all([RED] + [program(cx, i) for cx in (0, 1) for i in (0, 1)]); print("built", round(time.time() - t00, 1), flush=True)
for B, L, Cn, packed, each, one in CHECK if "check" in what or "small" in what else []:
    for cx in (0, 1): Case(B, L, Cn, cx, packed, each, one).check(f"{'complex' if cx else 'real'} {B}x{L} channels {Cn} ids {packed}")
if "time" in what:
    print(clocks())
    for cx in (0, 1):
        for packed in (0, 1):
            for B, L in ((128, 8192), (1, 131072), (1, 1048576)):
                c = Case(B, L, 256, cx, packed); name = f"{'complex' if cx else 'real'} {B}x{L}x256 ids {packed}"
                for k, f in c.steps.items():
                    fn = c.fns[k.split(": ")[-1]]; ms = bench(f, 10, 3); print(f"{name} {k:11s} {ms * 1e3:9.1f} us regs {fn.r.get('regs')} spill {fn.r.get('spill')} blocks {fn.occ}", flush=True)
                fw, bw = bench(c.forward, 10, 3), bench(c.backward, 10, 3); n = B * L * c.W * 4e-9; fb, bb, first = (2, 3, 1) if cx else (3, 5, 2); more = (c.S > 1) * first
                print(f"{name} segments {c.S}: forward {fw:.3f} ms, {n * (fb + more) / fw:.2f} TB/s, backward {bw:.3f} ms, {n * (bb + more) / bw:.2f} TB/s", flush=True); del c; torch.cuda.empty_cache()
print("seconds", round(time.time() - t00, 1))
