// RMSNorm of each head, then a gate: out = n w f(z), n = y rstd, rstd = 1 / sqrt(mean(y^2) + eps), f = silu or sigmoid.
//   backward: dn = dout w f(z), dy = rstd (dn - n mean(dn n)), dz = dout n w f'(z), dw = sum dout n f(z).
// Bytes per element (bf16), the limit being the memory's speed: forward y 2 + z 2 + out 2 = 6; backward y 2 + z 2 + dout 2 + dy 2 + dz 2 = 10.
// GS_NG_LANES lanes, a power of two, take a head of a position, 8 elements each (width is a multiple of 8, at most 8 GS_NG_LANES).
#ifndef GS_NG_LANES
#define GS_NG_LANES 8
#endif
struct GsNormGate
{
    const void* y;          // [rows, heads * width]
    const void* z;          // the same, row stride z_stride
    const float* weight;    // [width] or null: ones
    void* out;              // forward: like y
    const void* dout;       // backward: like y
    void* dy;               // backward: like y
    void* dz;               // backward: row stride dz_stride
    float* part;            // backward: [blocks][width] or null
    i64 z_stride, dz_stride;
    int count, heads, width; float eps; // count: rows times heads
    int silu, pad;
};
constexpr int NG_HEADS = 256 / GS_NG_LANES; // of a block
__device__ __forceinline__ float gs_ng_sum(float v)
{
#pragma unroll
    for (int m = GS_NG_LANES / 2; m > 0; m >>= 1) v += gs_xor(v, m);
    return v;
}
struct NgPlace { bool on; i64 at, z, dz; }; // first of the lane's elements in y, z and dz
__device__ __forceinline__ NgPlace gs_ng_place(const GsNormGate& p, int first)
{
    const int c = (threadIdx.x % GS_NG_LANES) * 8, i = first + threadIdx.x / GS_NG_LANES;
    NgPlace at;
    at.on = i < p.count && c < p.width;
    const int row = at.on ? i / p.heads : 0, column = (at.on ? i - row * p.heads : 0) * p.width + (at.on ? c : 0);
    at.at = (i64)row * p.heads * p.width + column; at.z = row * p.z_stride + column; at.dz = row * p.dz_stride + column;
    return at;
}
__device__ __forceinline__ void gs_ng_weight(const GsNormGate& p, float* w)
{
    const int c = (threadIdx.x % GS_NG_LANES) * 8;
#pragma unroll
    for (int j = 0; j < 8; j++) w[j] = 1.0f;
    if (p.weight != 0 && c < p.width) gs_load8f(p.weight + c, w);
}
// Any grid; 256 threads; heads strided by the grid.
extern "C" __global__ void __launch_bounds__(256) gs_norm_gate_fwd(const __grid_constant__ GsNormGate p)
{
    float w[8];
    gs_ng_weight(p, w);
    for (i64 first = (i64)blockIdx.x * NG_HEADS; first < p.count; first += (i64)gridDim.x * NG_HEADS)
    {
        const NgPlace at = gs_ng_place(p, (int)first);
        float y[8] = {}, z[8] = {}, square = 0.0f;
        if (at.on) { gs_load8(p.y, at.at, y); gs_load8(p.z, at.z, z); }
#pragma unroll
        for (int j = 0; j < 8; j++) square = fmaf(y[j], y[j], square);
        const float rstd = gs_rsqrt(gs_ng_sum(square) / (float)p.width + p.eps);
#pragma unroll
        for (int j = 0; j < 8; j++)
        {
            const float s = gs_sigmoid(z[j]);
            y[j] *= rstd * w[j] * (p.silu ? z[j] * s : s);
        }
        if (at.on) gs_store8(p.out, at.at, y);
    }
}
extern "C" __global__ void __launch_bounds__(256) gs_norm_gate_bwd(const __grid_constant__ GsNormGate p)
{
    __shared__ float sum[256][8];
    float w[8], dw[8] = {};
    gs_ng_weight(p, w);
    for (i64 first = (i64)blockIdx.x * NG_HEADS; first < p.count; first += (i64)gridDim.x * NG_HEADS)
    {
        const NgPlace at = gs_ng_place(p, (int)first);
        float y[8] = {}, z[8] = {}, d[8] = {}, square = 0.0f, dot = 0.0f;
        if (at.on) { gs_load8(p.y, at.at, y); gs_load8(p.z, at.z, z); gs_load8(p.dout, at.at, d); }
#pragma unroll
        for (int j = 0; j < 8; j++) square = fmaf(y[j], y[j], square);
        const float rstd = gs_rsqrt(gs_ng_sum(square) / (float)p.width + p.eps);
#pragma unroll
        for (int j = 0; j < 8; j++)
        {
            const float s = gs_sigmoid(z[j]), f = p.silu ? z[j] * s : s, slope = p.silu ? fmaf(s, z[j] - f, s) : s * (1.0f - s);
            y[j] *= rstd;
            const float g = d[j] * y[j];
            dw[j] = fmaf(g, f, dw[j]);
            z[j] = g * w[j] * slope;
            d[j] *= w[j] * f;
            dot = fmaf(d[j], y[j], dot);
        }
        dot = gs_ng_sum(dot) / (float)p.width;
#pragma unroll
        for (int j = 0; j < 8; j++) d[j] = rstd * fmaf(-y[j], dot, d[j]);
        if (at.on) { gs_store8(p.dy, at.at, d); gs_store8(p.dz, at.dz, z); }
    }
    if (p.part == 0) return;
#pragma unroll
    for (int j = 0; j < 8; j++) sum[threadIdx.x][j] = dw[j];
    __syncthreads();
    const int c = threadIdx.x;
    if (c >= p.width) return;
    float v = 0.0f;
    for (int h = 0; h < NG_HEADS; h++) v += sum[h * GS_NG_LANES + c / 8][c % 8]; // over the block's heads, in order
    p.part[(i64)blockIdx.x * p.width + c] = v;
}
