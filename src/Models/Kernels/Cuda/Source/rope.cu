// Rotary positions on two tensors (queries and keys) in one launch; halves rotated: (a, b) -> (a cos - b sin, b cos + a sin), where b lies d_head / 2
// behind a. The backward pass is the rotation by the negative angle (inverse). Input and output may be the same memory.
// T_HALF: d_head / 2; T_EACH: elements that a thread takes of each half: 8 where strides and pointers allow 16-byte accesses, else 1.
#ifndef T_EACH
#define T_EACH 8
#endif
struct GsRopeTensor
{
    const void* in; void* out;  // [batch, length, heads, d_head] activation, a head's elements neighbours
    i64 in_batch, in_row, in_head, out_batch, out_row, out_head; // strides in elements
};
struct GsRope
{
    GsRopeTensor t[2];
    const float* cosine;        // [length, d_head / 2]
    const float* sine;
    int length, heads[2], rows, inverse, pad; // heads[1] = 0: one tensor; rows: positions of a block
};
constexpr int T_PIECES = T_HALF / T_EACH;
__device__ __forceinline__ void gs_rope_load(const void* base, i64 at, float* f)
{
    if (T_EACH == 8) gs_load8(base, at, f); else f[0] = gs_load1(base, at);
}
__device__ __forceinline__ void gs_rope_store(void* base, i64 at, const float* f)
{
    if (T_EACH == 8) gs_store8(base, at, f); else gs_store1(base, at, f[0]);
}
__device__ __forceinline__ void gs_rope_angle(const float* base, i64 at, float* f)
{
    if (T_EACH == 8) gs_load8f(base + at, f); else f[0] = base[at];
}
// Grid (ceil(length / rows), batch), 256 threads.
extern "C" __global__ void __launch_bounds__(256) gs_rope(const __grid_constant__ GsRope p)
{
    const int first = blockIdx.x * p.rows, rows = min(p.rows, p.length - first);
    const u32 width = (u32)(p.heads[0] + p.heads[1]) * T_PIECES;
#pragma unroll 2
    for (u32 i = threadIdx.x; i < rows * width; i += 256)
    {
        const u32 r = i / width, h = (i - r * width) / T_PIECES;
        const int c = (int)(i - r * width - h * T_PIECES) * T_EACH, t = first + (int)r;
        const bool second = h >= (u32)p.heads[0];
        const GsRopeTensor& x = second ? p.t[1] : p.t[0];
        const i64 head = second ? h - p.heads[0] : h;
        const i64 from = blockIdx.y * x.in_batch + t * x.in_row + head * x.in_head + c;
        const i64 to = blockIdx.y * x.out_batch + t * x.out_row + head * x.out_head + c;
        float a[8], b[8], u[8], v[8];
        gs_rope_load(x.in, from, a);
        gs_rope_load(x.in, from + T_HALF, b);
        gs_rope_angle(p.cosine, (i64)t * T_HALF + c, u);
        gs_rope_angle(p.sine, (i64)t * T_HALF + c, v);
#pragma unroll
        for (int k = 0; k < T_EACH; k++)
        {
            const float s = p.inverse != 0 ? -v[k] : v[k], low = a[k] * u[k] - b[k] * s;
            b[k] = b[k] * u[k] + a[k] * s;
            a[k] = low;
        }
        gs_rope_store(x.out, to, a);
        gs_rope_store(x.out, to + T_HALF, b);
    }
}
