// Causal depthwise convolution of width 4 with SiLU, channel-last, either direction (mirrored indices).
//   c_t = bias + sum_j w_j x_{t-j} (w_j = weight[3-j]),  out_t = silu(c_t);  t counts in scan order.
//   backward: dc_t = dout_t s (1 + c (1 - s));  dx_t = sum_j w_j dc_{t+j};  dw_j = sum dc_t x_{t-j};  dbias = sum dc_t.  c is recomputed.
// A thread takes 4 channels and V_ROWS consecutive rows, four rows at a time, with the window in registers.
#ifndef V_ROWS
#define V_ROWS 32
#endif
struct GsConv
{
    const void* x;          // [batch, length, channels], row stride x_stride
    const float* weight;    // [channels, 4]
    const float* bias;      // [channels] or null
    const void* before;     // [batch, 3, channels]: the three inputs before the first, in scan order (oldest first), or null (zeros)
    const int* ids;         // [batch, length] sequence ids or null: taps do not reach into another sequence
    void* out;              // forward, row stride out_stride
    const void* dout;       // backward, row stride dout_stride
    void* dx;               // backward, row stride dx_stride
    void* dbefore;          // [batch, 3, channels] or null
    float* part;            // backward: [blocks of rows][5][channels]: dw_0..dw_3 (by j), dbias
    i64 x_stride, out_stride, dout_stride, dx_stride;
    int batch, length, channels, reverse;
};
__device__ __forceinline__ i64 gs_conv_at(const GsConv& p, int b, int t) // row of scan time t
{ return (i64)b * p.length + (p.reverse ? p.length - 1 - t : t); }
// Four channels of x at time t; zeros past the end, the context before the start. Straight-line in the common case, so that loads of several rows overlap.
__device__ __forceinline__ void gs_conv_row(const GsConv& p, int b, int t, int c, float* f)
{
    gs_load4(p.x, gs_conv_at(p, b, min(max(t, 0), p.length - 1)) * p.x_stride + c, f);
    if (t < 0 && p.before != 0) gs_load4(p.before, ((i64)b * 3 + 3 + t) * p.channels + c, f);
    else
    {
#pragma unroll
        for (int i = 0; i < 4; i++) f[i] = t >= 0 && t < p.length ? f[i] : 0.0f;
    }
}
__device__ __forceinline__ bool gs_conv_same(const GsConv& p, int b, int t, int j) // may tap t - j feed position t?
{
    if (p.ids == 0 || t - j < 0 || t >= p.length) return true;
    const i64 r = gs_conv_at(p, b, t);
    return p.ids[r] == p.ids[p.reverse ? r + j : r - j];
}
__device__ __forceinline__ void gs_conv_taps(const GsConv& p, int c, float (*w)[4], float* bias)
{
#pragma unroll
    for (int i = 0; i < 4; i++)
    {
        const float4 v = *(const float4*)(p.weight + (i64)(c + i) * 4);
        w[0][i] = v.w; w[1][i] = v.z; w[2][i] = v.y; w[3][i] = v.x;
        bias[i] = p.bias != 0 ? p.bias[c + i] : 0.0f;
    }
}
// Grid (ceil(channels / 256), ceil(length / (4 V_ROWS)), batch), 256 threads = 64 channel quads x 4 runs of rows. channels is a multiple of 4.
extern "C" __global__ void __launch_bounds__(256, 3) gs_conv_fwd(const __grid_constant__ GsConv p)
{
    const int c = (blockIdx.x * 64 + (threadIdx.x & 63)) * 4, b = blockIdx.z;
    const int t0 = (blockIdx.y * 4 + (threadIdx.x >> 6)) * V_ROWS;
    if (c >= p.channels || t0 >= p.length) return;
    float w[4][4], bias[4], x[8][4];                       // x: the four rows before and the four rows in hand
    gs_conv_taps(p, c, w, bias);
#pragma unroll
    for (int j = 1; j < 4; j++) gs_conv_row(p, b, t0 - j, c, x[4 - j]);
#pragma unroll 1
    for (int k = 0; k < V_ROWS; k += 4)
    {
        const int t = t0 + k;
        if (t >= p.length) break;
#pragma unroll
        for (int q = 0; q < 4; q++) gs_conv_row(p, b, t + q, c, x[4 + q]);
#pragma unroll
        for (int q = 0; q < 4; q++)
        {
            float o[4];
#pragma unroll
            for (int i = 0; i < 4; i++) o[i] = bias[i];
#pragma unroll
            for (int j = 0; j < 4; j++)
            {
                const bool same = gs_conv_same(p, b, t + q, j);
#pragma unroll
                for (int i = 0; i < 4; i++) o[i] = fmaf(same ? w[j][i] : 0.0f, x[4 + q - j][i], o[i]);
            }
#pragma unroll
            for (int i = 0; i < 4; i++) o[i] *= gs_sigmoid(o[i]);
            if (t + q < p.length) gs_store4(p.out, gs_conv_at(p, b, t + q) * p.out_stride + c, o);
        }
#pragma unroll
        for (int q = 1; q < 4; q++)
#pragma unroll
            for (int i = 0; i < 4; i++) x[q][i] = x[4 + q][i];
    }
}
// Same grid; part has gridDim.y * batch rows of [5][channels].
extern "C" __global__ void __launch_bounds__(256, 2) gs_conv_bwd(const __grid_constant__ GsConv p)
{
    __shared__ float sum[4][64][5];
    const int c = (blockIdx.x * 64 + (threadIdx.x & 63)) * 4, b = blockIdx.z;
    const int t0 = (blockIdx.y * 4 + (threadIdx.x >> 6)) * V_ROWS;
    const bool on = c < p.channels && t0 < p.length;
    float dw[5][4];
#pragma unroll
    for (int j = 0; j < 5; j++)
#pragma unroll
        for (int i = 0; i < 4; i++) dw[j][i] = 0.0f;
    if (on)
    {
        float w[4][4], bias[4], x[8][4], dc[8][4];          // rows t - 4 .. t + 3 of a group of four starting at t
        gs_conv_taps(p, c, w, bias);
#pragma unroll
        for (int j = 1; j < 4; j++) gs_conv_row(p, b, t0 - j, c, x[4 - j]);
#pragma unroll
        for (int q = 0; q < 4; q++)
#pragma unroll
            for (int i = 0; i < 4; i++) dc[q][i] = 0.0f;
#pragma unroll 1
        for (int k = 0; k < V_ROWS + 4; k += 4)             // one group past the run: its first rows complete dx of the run's last three
        {
            const int t = t0 + k;
            float g[4][4];
#pragma unroll
            for (int q = 0; q < 4; q++)
            {
                gs_conv_row(p, b, t + q, c, x[4 + q]);
                gs_load4(p.dout, gs_conv_at(p, b, min(t + q, p.length - 1)) * p.dout_stride + c, g[q]);
            }
#pragma unroll
            for (int q = 0; q < 4; q++)
            {
                const bool in = t + q < p.length, own = in && k < V_ROWS;
                float o[4];
                bool same[4];
#pragma unroll
                for (int i = 0; i < 4; i++) o[i] = bias[i];
#pragma unroll
                for (int j = 0; j < 4; j++)
                {
                    same[j] = gs_conv_same(p, b, t + q, j);
#pragma unroll
                    for (int i = 0; i < 4; i++) o[i] = fmaf(same[j] ? w[j][i] : 0.0f, x[4 + q - j][i], o[i]);
                }
#pragma unroll
                for (int i = 0; i < 4; i++)
                {
                    const float sg = gs_sigmoid(o[i]);
                    dc[4 + q][i] = in ? g[q][i] * sg * fmaf(o[i], 1.0f - sg, 1.0f) : 0.0f;
                    const float own4 = own ? dc[4 + q][i] : 0.0f;
                    dw[4][i] += own4;
#pragma unroll
                    for (int j = 0; j < 4; j++) dw[j][i] = fmaf(same[j] ? own4 : 0.0f, x[4 + q - j][i], dw[j][i]);
                }
                const int back = t + q - 3;                 // dx of three steps ago is complete now
                const bool inside = back >= t0 && back < t0 + V_ROWS && back < p.length, first = t0 == 0 && back < 0 && p.dbefore != 0;
                if (inside || first)
                {
#pragma unroll
                    for (int i = 0; i < 4; i++) o[i] = 0.0f;
#pragma unroll
                    for (int j = 0; j < 4; j++)
                    {
                        const bool tap = gs_conv_same(p, b, back + j, j);
#pragma unroll
                        for (int i = 0; i < 4; i++) o[i] = fmaf(tap ? w[j][i] : 0.0f, dc[1 + q + j][i], o[i]);
                    }
                    if (inside) gs_store4(p.dx, gs_conv_at(p, b, back) * p.dx_stride + c, o);
                    else gs_store4(p.dbefore, ((i64)b * 3 + 3 + back) * p.channels + c, o);
                }
            }
#pragma unroll
            for (int q = 0; q < 4; q++)
#pragma unroll
                for (int i = 0; i < 4; i++) { x[q][i] = x[4 + q][i]; dc[q][i] = dc[4 + q][i]; }
        }
    }
#pragma unroll
    for (int j = 0; j < 5; j++)                            // over the four runs of rows, in order
    {
        __syncthreads();
#pragma unroll
        for (int i = 0; i < 4; i++) sum[threadIdx.x >> 6][threadIdx.x & 63][i] = dw[j][i];
        __syncthreads();
        const int quad = threadIdx.x >> 2, i = threadIdx.x & 3, ch = (blockIdx.x * 64 + quad) * 4 + i;
        if (ch < p.channels)
            p.part[(((i64)b * gridDim.y + blockIdx.y) * 5 + j) * p.channels + ch] = (sum[0][quad][i] + sum[1][quad][i]) + (sum[2][quad][i] + sum[3][quad][i]);
    }
}
