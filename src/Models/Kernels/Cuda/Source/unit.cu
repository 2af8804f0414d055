// Queries and keys of heads brought to length 1, queries then scaled: out = x rstd scale, rstd = 1 / sqrt(sum(x^2) + eps), scale of queries alone.
//   backward: with n = x rstd, d = scale dout: dx = rstd (d - n sum(n d)).
// Bytes per element (bf16), the limit being the memory's speed: forward 4, backward 6.
// GS_UNIT_LANES lanes, a power of two, take a head of a position, 8 elements each (width is a multiple of 8, at most 8 GS_UNIT_LANES).
#ifndef GS_UNIT_LANES
#define GS_UNIT_LANES 8
#endif
struct GsUnit
{
    const void* x;          // [rows, 2 heads * width]: queries, then keys; row stride x_stride
    void* q;                // forward: [rows, heads * width]
    void* k;
    const void* dq;         // backward: the same
    const void* dk;
    void* dx;               // backward: [rows, 2 heads * width]
    i64 x_stride;
    int count, heads, width; // count: rows times 2 heads
    float eps, scale; int pad;
};
constexpr int U_HEADS = 256 / GS_UNIT_LANES; // of a block
__device__ __forceinline__ float gs_unit_sum(float v)
{
#pragma unroll
    for (int m = GS_UNIT_LANES / 2; m > 0; m >>= 1) v += gs_xor(v, m);
    return v;
}
struct UPlace { bool on, key; i64 x, dx, out; }; // first of the lane's elements in x, dx, and q or k
__device__ __forceinline__ UPlace gs_unit_place(const GsUnit& p, int first)
{
    const int c = (threadIdx.x % GS_UNIT_LANES) * 8, i = first + threadIdx.x / GS_UNIT_LANES, all = 2 * p.heads;
    UPlace at;
    at.on = i < p.count && c < p.width;
    const int row = at.on ? i / all : 0, head = at.on ? i - row * all : 0, column = at.on ? c : 0;
    at.key = head >= p.heads;
    at.x = row * p.x_stride + head * p.width + column;
    at.dx = ((i64)row * all + head) * p.width + column;
    at.out = ((i64)row * p.heads + (at.key ? head - p.heads : head)) * p.width + column;
    return at;
}
// Any grid; 256 threads; heads strided by the grid.
extern "C" __global__ void __launch_bounds__(256) gs_unit_fwd(const __grid_constant__ GsUnit p)
{
    for (i64 first = (i64)blockIdx.x * U_HEADS; first < p.count; first += (i64)gridDim.x * U_HEADS)
    {
        const UPlace at = gs_unit_place(p, (int)first);
        float x[8] = {}, square = 0.0f;
        if (at.on) gs_load8(p.x, at.x, x);
#pragma unroll
        for (int j = 0; j < 8; j++) square = fmaf(x[j], x[j], square);
        const float factor = gs_rsqrt(gs_unit_sum(square) + p.eps) * (at.key ? 1.0f : p.scale);
#pragma unroll
        for (int j = 0; j < 8; j++) x[j] *= factor;
        if (at.on) gs_store8(at.key ? p.k : p.q, at.out, x);
    }
}
extern "C" __global__ void __launch_bounds__(256) gs_unit_bwd(const __grid_constant__ GsUnit p)
{
    for (i64 first = (i64)blockIdx.x * U_HEADS; first < p.count; first += (i64)gridDim.x * U_HEADS)
    {
        const UPlace at = gs_unit_place(p, (int)first);
        float x[8] = {}, d[8] = {}, square = 0.0f, dot = 0.0f;
        if (at.on) { gs_load8(p.x, at.x, x); gs_load8(at.key ? p.dk : p.dq, at.out, d); }
#pragma unroll
        for (int j = 0; j < 8; j++) { square = fmaf(x[j], x[j], square); dot = fmaf(x[j], d[j], dot); }
        const float rstd = gs_rsqrt(gs_unit_sum(square) + p.eps), scale = rstd * (at.key ? 1.0f : p.scale);
        dot = gs_unit_sum(dot) * rstd * rstd;
#pragma unroll
        for (int j = 0; j < 8; j++) d[j] = scale * fmaf(-x[j], dot, d[j]);
        if (at.on) gs_store8(p.dx, at.dx, d);
    }
}
