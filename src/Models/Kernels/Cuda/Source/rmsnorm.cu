// RMSNorm with the residual addition: r' = r + h;  y = r' rstd w,  rstd = 1 / sqrt(mean(r'^2) + eps).
//   backward: dr = rstd (w dy - xhat mean(w dy xhat)) + dr',  xhat = r' rstd;  dh = dr as well;  dw = sum dy xhat.
// With GS_NORM_CENTER it is LayerNorm: xhat = (r' - mean(r')) rstd,  y = xhat w + bias,  dr = rstd (w dy - mean(w dy) - xhat mean(w dy xhat)) + dr',  dbias = sum dy.
// Bytes per element (bf16 activations, float residual), the limit being the memory's speed: forward h 2 + r 4 + r' 4 + y 2 = 12,
// backward r' 4 + dy 2 + dr' 4 + dr 4 + dh 2 = 16 (less what is absent). Measured on an H100, width 256: 92-93 and 89-96 % of a device copy.
// A warp takes a row; GS_NORM_VECS = ceil(width / 256) pieces of 8 elements per lane stay in registers (width is a multiple of 8, at most 256 * GS_NORM_VECS).
#ifndef GS_NORM_VECS
#define GS_NORM_VECS 1
#endif
#ifndef GS_RES_F32
#define GS_RES_F32 1                  // the residual stream is float (1) or has the activation type (0)
#endif
#ifndef GS_NORM_CENTER
#define GS_NORM_CENTER 0              // 1: LayerNorm
#endif
struct GsNorm
{
    const void* h;          // [rows, width] activation or null (then r' = r)
    const void* r;          // [rows, width] residual or null (then r' = h)
    const float* weight;    // [width]
    void* r_out;            // [rows, width] residual type or null
    void* y;                // [rows, width] activation
    float* rstd;            // [rows] or null (backward: recomputed)
    const void* dy;         // backward: [rows, width] activation
    const void* dr_out;     // backward: [rows, width] residual type or null
    void* dr;               // backward: [rows, width] residual type or null; may be dr_out
    void* dh;               // backward: [rows, width] activation or null
    float* part;            // backward: [blocks][width], with GS_NORM_CENTER [blocks][width of the weight, width of the bias]
    int rows, width; float eps; int pad;
    const float* bias;      // [width], GS_NORM_CENTER alone
};
// Takes the mean of a row away from what lanes hold of it.
__device__ __forceinline__ void gs_center(float (*v)[8], int lane, int width)
{
    float mean = 0.0f;
#pragma unroll
    for (int k = 0; k < GS_NORM_VECS; k++)
#pragma unroll
        for (int i = 0; i < 8; i++) mean += v[k][i];
#pragma unroll
    for (int m = 16; m > 0; m >>= 1) mean += gs_xor(mean, m);
    mean /= (float)width;
#pragma unroll
    for (int k = 0; k < GS_NORM_VECS; k++)
#pragma unroll
        for (int i = 0; i < 8; i++) v[k][i] = (k * 32 + lane) * 8 < width ? v[k][i] - mean : 0.0f;
}
__device__ __forceinline__ void gs_res_load8(const void* p, i64 at, float* f)
{
#if GS_RES_F32
    gs_load8f((const float*)p + at, f);
#else
    gs_load8(p, at, f);
#endif
}
__device__ __forceinline__ void gs_res_store8(void* p, i64 at, const float* f)
{
#if GS_RES_F32
    float4* q = (float4*)((float*)p + at);
    q[0] = make_float4(f[0], f[1], f[2], f[3]); q[1] = make_float4(f[4], f[5], f[6], f[7]);
#else
    gs_store8(p, at, f);
#endif
}
// Any grid; 256 threads; a warp per row, rows strided by the grid.
extern "C" __global__ void __launch_bounds__(256) gs_norm_fwd(const __grid_constant__ GsNorm p)
{
    const int lane = threadIdx.x & 31, warps = gridDim.x * 8;
    for (int row = blockIdx.x * 8 + (threadIdx.x >> 5); row < p.rows; row += warps)
    {
        float v[GS_NORM_VECS][8], square = 0.0f;
#pragma unroll
        for (int k = 0; k < GS_NORM_VECS; k++)
        {
            const int c = (k * 32 + lane) * 8;
#pragma unroll
            for (int i = 0; i < 8; i++) v[k][i] = 0.0f;
            if (c >= p.width) continue;
            const i64 at = (i64)row * p.width + c;
            if (p.r != 0) gs_res_load8(p.r, at, v[k]);
            if (p.h != 0)
            {
                float f[8];
                gs_load8(p.h, at, f);
#pragma unroll
                for (int i = 0; i < 8; i++) v[k][i] += f[i];
            }
            if (p.r_out != 0) gs_res_store8(p.r_out, at, v[k]);
#if !GS_NORM_CENTER
#pragma unroll
            for (int i = 0; i < 8; i++) square = fmaf(v[k][i], v[k][i], square);
#endif
        }
#if GS_NORM_CENTER
        gs_center(v, lane, p.width);
#pragma unroll
        for (int k = 0; k < GS_NORM_VECS; k++)
#pragma unroll
            for (int i = 0; i < 8; i++) square = fmaf(v[k][i], v[k][i], square);
#endif
#pragma unroll
        for (int m = 16; m > 0; m >>= 1) square += gs_xor(square, m);
        const float rstd = gs_rsqrt(square / (float)p.width + p.eps);
        if (p.rstd != 0 && lane == 0) p.rstd[row] = rstd;
#pragma unroll
        for (int k = 0; k < GS_NORM_VECS; k++)
        {
            const int c = (k * 32 + lane) * 8;
            if (c >= p.width) continue;
            float w[8];
            gs_load8f(p.weight + c, w);
#pragma unroll
            for (int i = 0; i < 8; i++) v[k][i] *= rstd * w[i];
#if GS_NORM_CENTER
            gs_load8f(p.bias + c, w);
#pragma unroll
            for (int i = 0; i < 8; i++) v[k][i] += w[i];
#endif
            gs_store8(p.y, (i64)row * p.width + c, v[k]);
        }
    }
}
// r_out and rstd of the forward are read; part gets gridDim.x rows.
extern "C" __global__ void __launch_bounds__(256) gs_norm_bwd(const __grid_constant__ GsNorm p)
{
    __shared__ float sum[8][256];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = gridDim.x * 8;
    float dw[GS_NORM_VECS][8];
#pragma unroll
    for (int k = 0; k < GS_NORM_VECS; k++)
#pragma unroll
        for (int i = 0; i < 8; i++) dw[k][i] = 0.0f;
#if GS_NORM_CENTER
    float db[GS_NORM_VECS][8];
#pragma unroll
    for (int k = 0; k < GS_NORM_VECS; k++)
#pragma unroll
        for (int i = 0; i < 8; i++) db[k][i] = 0.0f;
#endif
    for (int row = blockIdx.x * 8 + warp; row < p.rows; row += warps)
    {
        float rstd = p.rstd != 0 ? p.rstd[row] : 0.0f;
        float x[GS_NORM_VECS][8], g[GS_NORM_VECS][8], square = 0.0f, dot = 0.0f;
#pragma unroll
        for (int k = 0; k < GS_NORM_VECS; k++)
        {
            const int c = (k * 32 + lane) * 8;
#pragma unroll
            for (int i = 0; i < 8; i++) { x[k][i] = 0.0f; g[k][i] = 0.0f; }
            if (c >= p.width) continue;
            const i64 at = (i64)row * p.width + c;
            gs_res_load8(p.r_out, at, x[k]);
            gs_load8(p.dy, at, g[k]);
        }
#if GS_NORM_CENTER
        float shift = 0.0f;                                // mean(w dy)
        gs_center(x, lane, p.width);
#endif
        if (p.rstd == 0)
        {
#pragma unroll
            for (int k = 0; k < GS_NORM_VECS; k++)
#pragma unroll
                for (int i = 0; i < 8; i++) square = fmaf(x[k][i], x[k][i], square);
#pragma unroll
            for (int m = 16; m > 0; m >>= 1) square += gs_xor(square, m);
            rstd = gs_rsqrt(square / (float)p.width + p.eps);
        }
#pragma unroll
        for (int k = 0; k < GS_NORM_VECS; k++)
        {
            const int c = (k * 32 + lane) * 8;
            if (c >= p.width) continue;
            float w[8];
            gs_load8f(p.weight + c, w);
#pragma unroll
            for (int i = 0; i < 8; i++)
            {
                x[k][i] *= rstd;
                dw[k][i] = fmaf(g[k][i], x[k][i], dw[k][i]);
#if GS_NORM_CENTER
                db[k][i] += g[k][i];
                shift = fmaf(g[k][i], w[i], shift);
#endif
                g[k][i] *= w[i];
                dot = fmaf(g[k][i], x[k][i], dot);
            }
        }
#pragma unroll
        for (int m = 16; m > 0; m >>= 1) dot += gs_xor(dot, m);
        dot /= (float)p.width;
#if GS_NORM_CENTER
#pragma unroll
        for (int m = 16; m > 0; m >>= 1) shift += gs_xor(shift, m);
        shift /= (float)p.width;
#pragma unroll
        for (int k = 0; k < GS_NORM_VECS; k++)
#pragma unroll
            for (int i = 0; i < 8; i++) g[k][i] -= shift;
#endif
#pragma unroll
        for (int k = 0; k < GS_NORM_VECS; k++)
        {
            const int c = (k * 32 + lane) * 8;
            if (c >= p.width) continue;
            const i64 at = (i64)row * p.width + c;
            float o[8];
#pragma unroll
            for (int i = 0; i < 8; i++) o[i] = 0.0f;
            if (p.dr_out != 0) gs_res_load8(p.dr_out, at, o);
#pragma unroll
            for (int i = 0; i < 8; i++) o[i] = fmaf(rstd, fmaf(-x[k][i], dot, g[k][i]), o[i]);
            if (p.dr != 0) gs_res_store8(p.dr, at, o);
            if (p.dh != 0) gs_store8(p.dh, at, o);
        }
    }
#pragma unroll
    for (int k = 0; k < GS_NORM_VECS; k++)                 // over the block's warps, in order
    {
        __syncthreads();
#pragma unroll
        for (int i = 0; i < 8; i++) sum[warp][lane * 8 + i] = dw[k][i];
        __syncthreads();
        const int c = k * 256 + threadIdx.x;
        float v = 0.0f;
#pragma unroll
        for (int i = 0; i < 8; i++) v += sum[i][threadIdx.x];
        if (c < p.width) p.part[(i64)blockIdx.x * (1 + GS_NORM_CENTER) * p.width + c] = v;
    }
#if GS_NORM_CENTER
#pragma unroll
    for (int k = 0; k < GS_NORM_VECS; k++)
    {
        __syncthreads();
#pragma unroll
        for (int i = 0; i < 8; i++) sum[warp][lane * 8 + i] = db[k][i];
        __syncthreads();
        const int c = k * 256 + threadIdx.x;
        float v = 0.0f;
#pragma unroll
        for (int i = 0; i < 8; i++) v += sum[i][threadIdx.x];
        if (c < p.width) p.part[(i64)blockIdx.x * 2 * p.width + p.width + c] = v;
    }
#endif
}
