"""The states between chunks that turn states by numbers (state_pass.cu): arguments, choice of segments and launches, as StatePassKernels; shared by gla.py and ssd.py."""
from gs import *
I = C.c_int
class Pass(C.Structure): _fields_ = [(n, P) for n in "states through before last ends turns".split()] + [(n, I) for n in "chunks count share segments back finding".split()]
up = lambda a, b: (a + b - 1) // b
PASS = {f: (["common.cu", "split_mma.cu", "tiles.cu", "state_pass.cu"], {"GS_F32_IO": 1} if f else {}) for f in (0, 1)}
def pass_bytes(es): return 16 * (32 // es) * (64 * es + 16)
def pass_function(f32): return Module(*PASS[f32]).fn("gs_state_pass", pass_bytes(4 if f32 else 2), 32)
def segments(warps, chunks, es):
    share = warps * es / (2 * SMS); best, r = chunks * max(1.75, share), 1
    for s in range(2, min(64, chunks) + 1):
        t = up(chunks, s) * (max(1.75, share * (s - 1) / 2) + max(1.75, share * s)) + 256 + 8 * (s - 1)
        if t < best: best, r = t, s
    return r
class Walk: # one pass; `forced` segments, or as many as pay
    def __init__(s, fn, f32, states, through, before, last, B, chunks, count, share, back, forced=0):
        s.fn, s.warps, s.B = fn, up(count, 64), B; s.n = n = min(forced, chunks) or segments(B * s.warps, chunks, 4 if f32 else 2)
        s.ends, s.turns = (torch.full((B, max(n - 1, 1), c), float("nan"), device="cuda") for c in (count, count // 2))
        s.a = Pass(*map(ptr, (states, through, before, last, s.ends, s.turns)), chunks, count, share, n, back, 0); s.find = Pass.from_buffer_copy(s.a); s.find.finding = 1
    def __call__(s):
        if s.n > 1: s.fn((s.warps, s.n - 1, s.B), s.find)
        s.fn((s.warps, s.n, s.B), s.a)
