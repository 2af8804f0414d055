// The gated product: out = silu(gate) up;  dgate = dout up sigmoid(gate) (1 + gate (1 - sigmoid(gate))),  dup = dout silu(gate).
// gate and up may be the two halves of one packed tensor (their rows' stride says so), and so may their gradients.
// S_WIDTH: d_ff; S_EACH: elements that a thread takes at once: 8 where strides and pointers allow 16-byte accesses, else 1.
#ifndef S_EACH
#define S_EACH 8
#endif
struct GsSwiGlu
{
    const void* gate; const void* up; void* out;        // [rows, d_ff] activation; out dense
    const void* dout; void* dgate; void* dup;           // backward; dout dense
    i64 stride, gradient_stride, rows_total;            // elements between rows of gate and up, of dgate and dup
    int rows, pad;                                      // rows of a block
};
constexpr int S_PIECES = S_WIDTH / S_EACH;
__device__ __forceinline__ void gs_glu_load(const void* base, i64 at, float* f)
{
    if (S_EACH == 8) gs_load8(base, at, f); else f[0] = gs_load1(base, at);
}
__device__ __forceinline__ void gs_glu_store(void* base, i64 at, const float* f)
{
    if (S_EACH == 8) gs_store8(base, at, f); else gs_store1(base, at, f[0]);
}
// Grid ceil(rows_total / rows), 256 threads.
extern "C" __global__ void __launch_bounds__(256) gs_swiglu_fwd(const __grid_constant__ GsSwiGlu p)
{
    const i64 first = (i64)blockIdx.x * p.rows;
    const int rows = p.rows_total - first < p.rows ? (int)(p.rows_total - first) : p.rows;
#pragma unroll 2
    for (int i = threadIdx.x; i < rows * S_PIECES; i += 256)
    {
        const int r = i / S_PIECES, c = (i - r * S_PIECES) * S_EACH;
        const i64 at = (first + r) * p.stride + c;
        float g[8], u[8];
        gs_glu_load(p.gate, at, g);
        gs_glu_load(p.up, at, u);
#pragma unroll
        for (int k = 0; k < S_EACH; k++) u[k] *= g[k] * gs_sigmoid(g[k]);
        gs_glu_store(p.out, (first + r) * S_WIDTH + c, u);
    }
}
extern "C" __global__ void __launch_bounds__(256) gs_swiglu_bwd(const __grid_constant__ GsSwiGlu p)
{
    const i64 first = (i64)blockIdx.x * p.rows;
    const int rows = p.rows_total - first < p.rows ? (int)(p.rows_total - first) : p.rows;
#pragma unroll 2
    for (int i = threadIdx.x; i < rows * S_PIECES; i += 256)
    {
        const int r = i / S_PIECES, c = (i - r * S_PIECES) * S_EACH;
        const i64 at = (first + r) * p.stride + c, to = (first + r) * p.gradient_stride + c;
        float g[8], u[8], d[8];
        gs_glu_load(p.gate, at, g);
        gs_glu_load(p.up, at, u);
        gs_glu_load(p.dout, (first + r) * S_WIDTH + c, d);
#pragma unroll
        for (int k = 0; k < S_EACH; k++)
        {
            const float s = gs_sigmoid(g[k]), silu = g[k] * s;
            u[k] *= d[k] * s * (1.0f + g[k] - silu);
            d[k] *= silu;
        }
        gs_glu_store(p.dgate, to, u);
        gs_glu_store(p.dup, to, d);
    }
}
