"""The states between chunks that turn states by matrices (matrix_pass.cu): arguments, choice of segments and launches, as MatrixPassKernels; shared by delta.py and dplr.py."""
from gs import *
L64, I = C.c_longlong, C.c_int
HEAD = ["common.cu", "split_mma.cu", "tiles.cu"]
class Pass(C.Structure):
    _fields_ = [(n, P) for n in "first second third rows more through before last states ends turns".split()] + [("third_stride", L64), ("more_stride", L64)] + [(n, I) for n in "length chunks heads segments reverse back keep finding".split()]
up = lambda a, b: (a + b - 1) // b
io = lambda f32: {"GS_F32_IO": 1} if f32 else {}
def pass_program(f32, Q, n, p, third, rows): return (HEAD + ["turned.cu", "matrix_pass.cu"], dict(GS_PASS_Q=Q, GS_PASS_N=n, GS_PASS_P=p, GS_PASS_THIRD=third, GS_PASS_ROWS=rows, **io(f32)))
def pass_bytes(Q, n, p, es, third):
    keys, vals = Q * (n * es + 16), Q * (p * es + 16); stage = 3 * keys + 2 * vals if third else 2 * keys + vals; stages = 8 if 8 * stage <= 96 * 1024 else 4 if 4 * stage <= 96 * 1024 else 3 if 3 * stage <= 160 * 1024 else 2
    return stages * stage + max(n, p) // 16 * 16 * min(n // 16, 4) * (16 * es + 16)
def segments(Q, entries, chunks, slots):
    best, r = up(entries, slots) * chunks, 1
    for s in range(2, min(64, chunks) + 1):
        t = (up(2 * entries * (s - 1), slots) + up(entries * s, slots)) * up(chunks, s) + 128 // Q * (s - 1)
        if t < best: best, r = t, s
    return r
def walk(fn, x, H, B):
    y = Pass.from_buffer_copy(x); y.finding = 1
    def go():
        if x.segments > 1: fn((2 * (x.segments - 1), H, B), y)
        fn((x.segments, H, B), x)
    return go
