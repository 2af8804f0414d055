"""The gated long convolution (long_conv.cu) as DeviceGatedConv runs it: checks against fp64 (`check`), and times of its parts by slices of
channels (`time [LENGTH...]`, by default 8192, 131072 and 1048576 positions of 256 channels, bf16)."""
from gs import *
I, L64, up = C.c_int, C.c_longlong, lambda a, b: -(-a // b)
class Long(C.Structure):
    _fields_ = [(n, P) for n in "a v d g s out0 out1 row0 row1".split()] + [(n + "_stride", L64) for n in "a v d g s out0 out1".split()] + [("rate", P)] + [(n, I) for n in "length channels pitch".split()] + [("shift", C.c_float)]
class Spectra(C.Structure): _fields_ = [(n, P) for n in "z k y dk".split()] + [("batch", I), ("channels", I), ("n", I), ("scale", C.c_float)]
FILES = ["common.cu", "long_conv.cu"]
def good(n): # as FftLength.AtLeast
    best = 1 << (n - 1).bit_length()
    for a in range(8):
        for b in range(9):
            for c in range(13):
                m = 7 ** a * 5 ** b * 3 ** c
                while m < n: m *= 2
                best = min(best, m)
    return best
class Kernels:
    def __init__(s, dtype):
        own = Module(FILES, {"GS_F32_IO": 1} if dtype == torch.float32 else {}); f32 = Module(FILES, {"GS_F32_IO": 1})
        s.enter, s.leave, s.enter32, s.leave32, s.mul, s.mulb = (m.fn(n, 0, 256) for m, n in ((own, "gs_long_enter"), (own, "gs_long_leave"), (f32, "gs_long_enter"), (f32, "gs_long_leave"), (f32, "gs_long_multiply"), (f32, "gs_long_multiply_bwd")))
        s.regs = {**f32.regs, **own.regs}
def rows(a_, /, **tensors): # [batch, length, channels] with evenly spaced rows
    for n, t in tensors.items(): setattr(a_, n, ptr(t)); setattr(a_, n + "_stride", 0 if t is None else t.stride(1))
    return a_
def grid(a, positions, batch): return (up(positions, 64), up(a.channels, 32), batch)
class Layer: # out = g (k * (a v)), the skip in tap 0
    def __init__(s, kernels, x, k, skip, slice_):
        s.q, s.x, s.k, s.skip = kernels, x, k, skip; s.B, s.L, D = x.shape; s.D = D // 3; s.taps = min(s.L, k.shape[0]); s.n = good((s.L + s.taps) // 2); s.slice = slice_
        s.g, s.a, s.v = x.split(s.D, 2)
    def size(s, c): return dict(length=s.L, channels=c, pitch=2 * s.n)
    def fft(s, line): return torch._fft_c2c(torch.view_as_complex(line.view(*line.shape[:-1], s.n, 2)), [line.dim() - 1], 0, True)
    def ifft(s, z): return torch.view_as_real(torch._fft_c2c(z, [z.dim() - 1], 0, False)).view(*z.shape[:-1], 2 * s.n)
    def spectra(s, z, k, y, dk=None): return Spectra(ptr(z), ptr(k), ptr(y), ptr(dk), s.B, z.shape[1], s.n, 1 / s.n)
    def filter(s, c, m):
        line = torch.empty(1, m, 2 * s.n, device="cuda"); a = Long(**{**s.size(m), "length": s.taps}); rows(a, a=s.k[None, :s.taps, c:c + m]); a.row0 = ptr(line)
        s.q.enter32(grid(a, a.pitch, 1), a); line[0, :, 0] += s.skip[c:c + m]; return s.fft(line)[0]
    def forward(s, keep):
        out, y, kept, line = (torch.empty(s.B, s.L, s.D, device="cuda", dtype=s.x.dtype), torch.empty(s.B, s.L, s.D, device="cuda", dtype=s.x.dtype), [], None)
        for c in range(0, s.D, s.slice):
            m = min(s.slice, s.D - c); cut = slice(c, c + m); clean = line is not None and line.shape[1] == m
            if not clean: line = torch.empty(s.B, m, 2 * s.n, device="cuda")
            a = rows(Long(**s.size(m)), a=s.a[..., cut], v=s.v[..., cut]); a.row0 = ptr(line); s.q.enter(grid(a, s.L if clean else a.pitch, s.B), a)
            z, k = s.fft(line), s.filter(c, m); p = torch.empty_like(z) if keep else z
            s.q.mul((up(s.n // 2 + 1, 256), m, s.B), s.spectra(z, k, p)); r = s.ifft(p)
            a = rows(Long(**s.size(m)), a=s.g[..., cut], out0=out[..., cut], out1=y[..., cut]); a.row0 = ptr(r); s.q.leave(grid(a, s.L, s.B), a)
            kept.append((z, k) if keep else None)
        return out, y, kept
    def backward(s, d, y, kept):
        dx, dk, dskip, line = torch.empty_like(s.x), torch.zeros_like(s.k), torch.empty_like(s.skip), None; dg, da, dv = dx.split(s.D, 2)
        for i, c in enumerate(range(0, s.D, s.slice)):
            m = min(s.slice, s.D - c); cut = slice(c, c + m); own = kept[i]; count = 1 if own else 2; clean = line is not None and line.shape[2] == m
            if not clean: line = torch.empty(count, s.B, m, 2 * s.n, device="cuda")
            a = rows(Long(**s.size(m)), d=d[..., cut], g=s.g[..., cut], s=y[..., cut], out0=dg[..., cut]); a.row1 = ptr(line[0])
            if not own: rows(a, a=s.a[..., cut], v=s.v[..., cut]); a.row0 = ptr(line[1])
            s.q.enter(grid(a, s.L if clean else a.pitch, s.B), a); t = s.fft(line); dy = t[0]; z, k = own or (t[1], s.filter(c, m)); df = torch.empty_like(k)
            s.q.mulb((up(s.n // 2 + 1, 256), m), s.spectra(z, k, dy, df)); r = s.ifft(dy)
            a = rows(Long(**s.size(m)), a=s.v[..., cut], out0=da[..., cut], v=s.a[..., cut], out1=dv[..., cut]); a.row0 = ptr(r); s.q.leave(grid(a, s.L, s.B), a)
            r = s.ifft(df); a = rows(Long(**{**s.size(m), "length": s.taps}), out0=dk[None, :s.taps, cut]); a.row0 = ptr(r); s.q.leave32(grid(a, s.taps, 1), a); dskip[cut] = r[:, 0]
        return dx, dk, dskip
def case(B, L, D, taps, dtype):
    torch.manual_seed(L); x = torch.randn(B, L, 3 * D, device="cuda").to(dtype); return x, torch.randn(taps, D, device="cuda"), torch.randn(D, device="cuda"), torch.randn(B, L, D, device="cuda").to(dtype)
def check():
    wrong = 0
    for dtype, limit in ((torch.float32, 3e-6), (torch.bfloat16, 5e-3)):
        q = Kernels(dtype); print(dtype, {n: v for n, v in q.regs.items() if n.startswith("gs_long")})
        for B, L, D, taps in ((1, 1, 8, 1), (2, 37, 16, 37), (3, 129, 40, 129), (2, 1000, 264, 70), (1, 8191, 64, 9000), (128, 1024, 32, 1024), (1, 131072, 32, 131072)):
            x, k, skip, d = case(B, L, D, taps, dtype); xd, kd, sd = (t.double().requires_grad_() for t in (x, k, skip)); g, a, v = xd.split(D, 2); n = 2 * good(L)
            z = (a * v).transpose(1, 2); y = torch.fft.irfft(torch.fft.rfft(z, n) * torch.fft.rfft(kd[:L].t(), n), n)[..., :L].transpose(1, 2) + a * v * sd
            out = g * y; want = [out, *torch.autograd.grad(out, (xd, kd, sd), d.double())]
            for slice_, keep in ((32, False), (4096, True)):
                layer = Layer(q, x, k, skip, slice_); o, yy, kept = layer.forward(keep); got = [o, *layer.backward(d, yy, kept)]
                errors = [rel(a, b) for a, b in zip(got, want)]; bad = not all(e <= limit for e in errors); wrong += bad
                print("WRONG" if bad else "ok   ", f"{B} x {L} x {D}, {taps} taps, slices of {slice_}, kept {keep}:", *(f"{e:.1e}" for e in errors), flush=True)
    return wrong
def times(lengths):
    q = Kernels(torch.bfloat16); D = 256
    for L in lengths:
        B = max(1, 131072 // L); x, k, skip, d = case(B, L, D, L, torch.bfloat16); n = good(L)
        for slice_ in (16, 32, 64, 128, 256):
            if 8 * B * n * slice_ > 3 << 30: continue
            layer = Layer(q, x, k, skip, slice_); line = []
            for keep in ((False, True) if 8 * n * D * (B + 1) <= 1 << 30 else (False,)):
                f = bench(lambda: layer.forward(keep), 5, 2); o, y, kept = layer.forward(keep); b = bench(lambda: layer.backward(d, y, kept), 5, 2); line.append(f"kept {keep}: forward {f:.3f} backward {b:.3f} ms"); del kept
            z = torch.randn(B, slice_, n, dtype=torch.complex64, device="cuda"); t = bench(lambda: torch._fft_c2c(z, [2], 0, True), 5, 2) * D / slice_
            kk = torch.randn(slice_, n, dtype=torch.complex64, device="cuda"); m = bench(lambda: q.mul((up(n // 2 + 1, 256), slice_, B), layer.spectra(z, kk, z)), 5, 2) * D / slice_
            r = torch.empty(B, slice_, 2 * n, device="cuda"); a = rows(Long(**layer.size(slice_)), a=layer.a[..., :slice_], v=layer.v[..., :slice_]); a.row0 = ptr(r); e = bench(lambda: q.enter(grid(a, L, B), a), 5, 2) * D / slice_
            print(f"{B} x {L}, slices of {slice_}: {'; '.join(line)}; by themselves, all channels: transform {t:.3f} multiply {m:.3f} enter {e:.3f} ms; clocks {clocks()}", flush=True)
            del z, kk, r
        z = torch.randn(B, 32, 2 * n, device="cuda"); r2c = bench(lambda: torch.fft.rfft(z), 5, 2) * D / 32; s = torch.fft.rfft(z); c2r = bench(lambda: torch.fft.irfft(s, n=2 * n), 5, 2) * D / 32
        print(f"{B} x {L}, libtorch's real transforms of 2 n, all channels: forward {r2c:.3f} inverse {c2r:.3f} ms", flush=True)
if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in ("check", "time"): print(__doc__); raise SystemExit(2)
    if sys.argv[1] == "time": times([int(v) for v in sys.argv[2:]] or [8192, 131072, 1048576])
    elif (wrong := check()): print(wrong, "wrong"); raise SystemExit(1)
    else: print("agrees everywhere")
