"""Backward scan kernels: errors against fp64, repeatability, time. Independent of the forward: checkpoints come from the reference (or are random where only time counts).
usage: scan_backward.py [check] [time]     needs torch and nvcc"""
import ctypes as C, math, os, sys, time
from gs import Module, build_all, bench, clocks, rel, ptr, P, N, SMS, torch
FILES = ["common.cu", "scan_backward_args.cu"]
class Scan(C.Structure):
    _fields_ = [(n, P) for n in "u delta bmat cmat g a skip bias ids ckpt dh_last du ddelta dh0 part_bc part_p carry decay".split()] + \
               [(n, C.c_longlong) for n in "u_stride delta_stride b_stride c_stride g_stride".split()] + [("reverse", C.c_int), ("pad", C.c_int)]
class Args(C.Structure):
    _fields_ = [("s", Scan * 4)] + [(n, C.c_int) for n in "scans batch length d_inner sets segments segment spans span".split()]
class SumBc(C.Structure):
    _fields_ = [("part", P * 4), ("db", P * 4), ("dc", P * 4), ("db_stride", C.c_longlong * 4), ("dc_stride", C.c_longlong * 4), ("reverse", C.c_int * 4)] + [(n, C.c_int) for n in "sets batch length padded".split()]
class SumRows(C.Structure): _fields_ = [("in_", P), ("out", P), ("rows", C.c_int), ("columns", C.c_int)]

class Kernels:
    def __init__(s, f32=0, warps=4, blocks=2, ck=4, extra=None):
        s.f32, s.warps, s.blocks, s.ck = f32, warps, blocks, ck; d = {"GS_F32_IO": f32, "GS_CK_STEPS": ck, **(extra or {})}; es = 4 if f32 else 2; T = 8 if f32 and ck == 4 else 16
        s.smem = warps * ((6 if ck == 4 else 4) * T * 32 * es + T // ck * 2 * (N * 16 * es + 128) + 3 * (2 if ck == 4 else 4) * 640 + (6144 if ck == 4 else 9216) + T * 256) + T * 256 + T * 32 * es + (0 if ck == 4 else 512)
        s.csm = 2 * (2 * 16 * 32 * es + 16 * N * es) + 16 * N * 4 + 16 * 36 * 8 + 128
        s.jobs = [(FILES + ["scan_backward.cu"], {**d, "GS_WARPS": warps, "GS_BWD_BLOCKS": blocks}), (FILES + ["scan_carry.cu"], d), (FILES + ["scan_backward_sums.cu"], d), (["common.cu", "reduce.cu"], {})]
    def load(s):
        s.main = Module(*s.jobs[0]).fn("gs_scan_backward", s.smem, 32 * s.warps); s.carry = Module(*s.jobs[1]).fn("gs_scan_carry", s.csm, 32)
        s.bc = Module(*s.jobs[2]).fn("gs_sum_bc"); s.rows = Module(*s.jobs[3]).fn("gs_sum_rows", 0, 256); return s

class Problem:
    def __init__(s, B, L, D, f32=0, scans=1, rev=(0, 1, 0, 1), ids=False, states=False, gap=0, seed=0, lo=1e-3, random_ckpt=False):
        gen = torch.Generator(device="cuda").manual_seed(seed); s.__dict__.update(B=B, L=L, D=D, f32=f32, scans=scans, rev=rev, random=random_ckpt, ck=0)
        dt = torch.float32 if f32 else torch.bfloat16; s.chunks, s.nb = -(-D // 16), -(-L // 16)
        rn = lambda *sh, sc=1.0: torch.randn(*sh, generator=gen, device="cuda", dtype=dt) * sc
        rows = lambda w, sc=1.0: rn(B, L, w + gap, sc=sc)[..., :w]
        e = lambda *sh, d=torch.float32: torch.full(sh, float("nan"), device="cuda", dtype=d)
        s.g = rows(D); s.par = e(scans, D * (N + 2)); s.x = []; s.a = Args(); a = s.a; a.scans, a.batch, a.length, a.d_inner = scans, B, L, D
        for i in range(scans):
            v = type("S", (), {})(); s.x.append(v)
            v.u, v.delta, v.B, v.C = rows(D), rows(D, 0.5), rows(N), rows(N)
            v.A = -(torch.arange(1, N + 1, device="cuda").float()[None] * (0.5 + torch.rand(D, N, generator=gen, device="cuda")))
            d0 = torch.exp(math.log(lo) + (math.log(0.1) - math.log(lo)) * torch.rand(D, generator=gen, device="cuda")); v.bias = d0 + torch.log(-torch.expm1(-d0))
            v.skip = torch.randn(D, generator=gen, device="cuda")
            v.h0 = torch.randn(B, D, N, generator=gen, device="cuda") if states else None; v.dhl = torch.randn(B, D, N, generator=gen, device="cuda") if states else None
            v.ids = torch.cumsum((torch.rand(B, L, generator=gen, device="cuda") < 0.01).int(), 1).int() if ids else None
            v.du, v.dd, v.dh0 = e(B, L, D, d=dt), e(B, L, D, d=dt), e(B, D, N); v.dB, v.dC = e(B, L, N + gap, d=dt)[..., :N], e(B, L, N + gap, d=dt)[..., :N]; v.par = s.par[i]
            v.dA, v.dskip, v.dbias = v.par[:D * N].view(D, N), v.par[D * N:D * N + D], v.par[D * N + D:]
            q = a.s[i]
            for n, t in dict(u=v.u, delta=v.delta, bmat=v.B, cmat=v.C, g=s.g, a=v.A, skip=v.skip, bias=v.bias, ids=v.ids, dh_last=v.dhl, du=v.du, ddelta=v.dd, dh0=v.dh0).items(): setattr(q, n, ptr(t))
            q.u_stride = q.delta_stride = q.g_stride = D + gap; q.b_stride = q.c_stride = N + gap; q.reverse = rev[i]
    def split(s, k, segments=1, split=1):
        """Segments of equal length (multiples of 16), each of `split` spans."""
        a, B, L, D = s.a, s.B, s.L, s.D
        for i, v in enumerate(s.x if s.ck != k.ck else []):
            v.ckpt = None; v.ckpt = torch.empty(B, -(-L // k.ck), s.chunks, N, 16, device="cuda", dtype=v.u.dtype); a.s[i].ckpt = ptr(v.ckpt)
            if s.random: v.ckpt.normal_(0, 0.3)
        s.ck = k.ck
        span = -(-L // (16 * segments * split)) * 16; a.span, a.segment = span, span * split
        a.spans, a.segments, a.sets = -(-L // span), -(-L // a.segment), -(-D // (32 * k.warps)); s.split_ = split
        s.bc = SumBc(); s.pp = torch.full((a.segments * B, scans := s.scans, D * (N + 2)), float("nan"), device="cuda"); s.sr = SumRows(ptr(s.pp), ptr(s.par), a.segments * B, scans * D * (N + 2))
        for i, v in enumerate(s.x):
            v.pbc = torch.full((a.sets, B, s.nb * 16, 2 * N), float("nan"), device="cuda")
            v.carry = torch.full((B, a.spans, D, N), float("nan"), device="cuda"); v.decay = torch.full((B, a.spans, D), float("nan"), device="cuda")
            q = a.s[i]; q.part_bc, q.part_p, q.carry, q.decay = ptr(v.pbc), ptr(s.pp[0, i]), ptr(v.carry), ptr(v.decay)
            s.bc.part[i], s.bc.db[i], s.bc.dc[i], s.bc.reverse[i] = ptr(v.pbc), ptr(v.dB), ptr(v.dC), s.rev[i]; s.bc.db_stride[i], s.bc.dc_stride[i] = v.dB.stride(1), v.dC.stride(1)
        s.bc.sets, s.bc.batch, s.bc.length, s.bc.padded = a.sets, B, L, s.nb * 16
        return s
    def carry(s, k):
        a = s.a; n = a.spans - s.split_
        if n > 0: k.carry(a.scans * a.batch * n * -(-s.D // 32), a)
    def main(s, k): a = s.a; k.main(a.scans * a.batch * a.segments * a.sets, a)
    def sums(s, k):
        k.bc((-(-s.L // 32), s.B, s.scans), s.bc)
        k.rows(-(-s.sr.columns // 32), s.sr)
    def run(s, k): s.carry(k); s.main(k); s.sums(k)

def reference(p, v, rev):
    """fp64 by the recurrence; fills the checkpoints."""
    f = lambda t: None if t is None else t.double()
    u, de, Bm, Cm, A, sk, bi, g = map(f, (v.u, v.delta, v.B, v.C, v.A, v.skip, v.bias, p.g)); B, L, D = u.shape; order = list(range(L - 1, -1, -1)) if rev else list(range(L))
    dl = torch.nn.functional.softplus(de + bi, threshold=1000.0); dlu = dl * u; rs = torch.zeros(B, L, device="cuda", dtype=torch.bool)
    if v.ids is not None:
        if rev: rs[:, :-1] = v.ids[:, :-1] != v.ids[:, 1:]
        else: rs[:, 1:] = v.ids[:, 1:] != v.ids[:, :-1]
    keep = (~rs).double(); h = f(v.h0) if v.h0 is not None else torch.zeros(B, D, N, device="cuda", dtype=torch.float64); H = torch.empty(L, B, D, N, device="cuda", dtype=torch.float64); Q = torch.empty_like(H)
    for i, t in enumerate(order):
        if i % p.ck == 0: v.ckpt[:, i // p.ck] = torch.nn.functional.pad(h, (0, 0, 0, p.chunks * 16 - D)).view(B, p.chunks, 16, N).transpose(2, 3)
        a = torch.exp(dl[:, t, :, None] * A) * keep[:, t, None, None]; Q[t] = a * h; h = Q[t] + dlu[:, t, :, None] * Bm[:, t, None, :]; H[t] = h
    r = dict(dC=torch.einsum("lbdn,bld->bln", H, g)); lam = f(v.dhl) if v.dhl is not None else torch.zeros_like(h)
    for t in reversed(order): l = Cm[:, t, None, :] * g[:, t, :, None] + lam; H[t] = l; lam = l * torch.exp(dl[:, t, :, None] * A) * keep[:, t, None, None]
    r["dB"] = torch.einsum("lbdn,bld->bln", H, dlu); lb = torch.einsum("lbdn,bln->bld", H, Bm); H *= Q; wa = torch.einsum("lbdn,dn->bld", H, A); r["dA"] = torch.einsum("lbdn,bld->dn", H, dl)
    r["du"] = sk * g + dl * lb; dd = (u * lb + wa) * torch.sigmoid(de + bi); r.update(dd=dd, dbias=dd.sum((0, 1)), dskip=(g * u).sum((0, 1)), dh0=lam); return r
NAMES = "du dd dB dC dA dskip dbias dh0".split()
def check(p, k, label, segments=1, split=1):
    p.split(k, segments, split); want = [reference(p, v, p.rev[i]) for i, v in enumerate(p.x)]; p.run(k); torch.cuda.synchronize()
    worst = {n: max((rel(getattr(v, n), r[n]) for v, r in zip(p.x, want)), key=lambda e: e if e == e else 1e9) for n in NAMES}
    bad = not max(worst.values()) < (1e-5 if p.f32 else 4e-3) or any(e != e for e in worst.values())
    print(label, f"seg {p.a.segments}x{split}", "FAIL" if bad else "ok", " ".join(f"{n} {e:.1e}" for n, e in worst.items()), flush=True); return not bad
def check_all(k, tag, short=False):
    ok = True
    for B, L, D, o, sg, sp in [(3, 1, 64, dict(states=True), 1, 1), (2, 127, 16, dict(rev=(1, 0)), 1, 1), (1, 1031, 24, dict(ids=True, rev=(1, 0), states=True), 5, 2), (2, 1029, 256, dict(states=True, ids=True, scans=4, gap=16), 3, 2), (1, 3001, 512, dict(states=True), 7, 1)][2 if short else 0:]:
        ok &= check(Problem(B, L, D, f32=k.f32, **o), k, f"{tag} B{B} L{L} D{D} {o}", sg, sp)
    p = Problem(2, 2000, 512, f32=k.f32, random_ckpt=True).split(k, 8, 2); seen = set()
    for _ in range(5): p.run(k); v = p.x[0]; torch.cuda.synchronize(); seen.add(hash(tuple(t.contiguous().view(torch.int16 if t.dtype == torch.bfloat16 else torch.int32).cpu().numpy().tobytes() for t in (v.du, v.dd, v.dB, v.dC, v.par, v.dh0))))
    print(tag, "bitwise repeatable:", len(seen) == 1, flush=True); return ok and len(seen) == 1
SHAPES = {"64x1024": (64, 1024, 1), "8x8192": (8, 8192, 1), "1x131072": (1, 131072, 1), "1x1Mi": (1, 1048576, 1), "2s 2x131072": (2, 131072, 2), "2s 128x1024": (128, 1024, 2), "2s 256x1024": (256, 1024, 2)}
def segments_for(p, k, waves=1): return max(1, min(-(-p.L // 16), int(waves * SMS * k.main.occ / (p.scans * p.B * -(-p.D // (32 * k.warps))))))
def timing(p, k, label, segments, split, n=10):
    p.split(k, segments, split); el = p.B * p.L * p.D * p.scans
    t = {f: bench(lambda: getattr(p, f)(k), n) for f in ("carry", "main", "sums", "run")}
    print(f"{label} seg {p.a.segments}x{split}: {t['run']:.3f} ms {el / t['run'] / 1e6:.1f} G/s | main {t['main']:.3f} ({el / t['main'] / 1e6:.1f}) carry {t['carry']:.3f} sums {t['sums']:.3f}", clocks(), flush=True); return t
if __name__ == "__main__":
    V = {"bf16, 4": Kernels(), "bf16, 16": Kernels(ck=16), "f32, 4": Kernels(f32=1), "f32, 16": Kernels(f32=1, blocks=1, ck=16)}; build_all([j for k in V.values() for j in k.jobs])
    for k in V.values(): k.load()
    for n, k in V.items(): print(n, "main", k.main.r, "blocks", k.main.occ, "carry", k.carry.r, "blocks", k.carry.occ)
    if "check" in sys.argv or len(sys.argv) == 1: assert all([check_all(k, n) for n, k in V.items()])
    if "time" in sys.argv or len(sys.argv) == 1:
        for s, (B, L, scans) in SHAPES.items():
            p = Problem(B, L, 512, scans=scans, random_ckpt=True)
            for n in ("bf16, 4", "bf16, 16"): timing(p, V[n], f"{s}, {n}", segments_for(p, V[n]), 1)
            del p; torch.cuda.empty_cache()
