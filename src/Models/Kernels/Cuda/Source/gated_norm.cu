// RMSNorm of a gated row, Mamba-2's last step: x = y silu(z), out = x rstd w, rstd = 1 / sqrt(mean(x^2) + eps).
//   backward: dx = rstd (w dout - xhat mean(w dout xhat)), xhat = x rstd; dy = dx silu(z), dz = dx y silu'(z), silu'(z) = s (1 + z (1 - s)); dw = sum dout xhat.
// Bytes per element (bf16), the limit being the memory's speed: forward y 2 + z 2 + out 2 = 6; backward y 2 + z 2 + dout 2 + dy 2 + dz 2 = 10.
// A warp takes a row; GS_NORM_VECS = ceil(width / 256) pieces of 8 elements per lane stay in registers.
#ifndef GS_NORM_VECS
#define GS_NORM_VECS 1
#endif
struct GsGatedNorm
{
    const void* y;          // [rows, width]
    const void* z;          // [rows, width], row stride z_stride
    const float* weight;    // [width]
    void* out;              // forward: [rows, width]
    const void* dout;       // backward: [rows, width]
    void* dy;               // backward: [rows, width]
    void* dz;               // backward: row stride dz_stride
    float* part;            // backward: [blocks][width]
    i64 z_stride, dz_stride;
    int rows, width; float eps; int pad;
};
__device__ __forceinline__ float gs_gated_rstd(float square, const GsGatedNorm& p)
{
#pragma unroll
    for (int m = 16; m > 0; m >>= 1) square += gs_xor(square, m);
    return gs_rsqrt(square / (float)p.width + p.eps);
}
// Any grid; 256 threads; rows strided by the grid.
extern "C" __global__ void __launch_bounds__(256) gs_gated_norm_fwd(const __grid_constant__ GsGatedNorm p)
{
    const int lane = threadIdx.x & 31, warps = gridDim.x * 8;
    for (int row = blockIdx.x * 8 + (threadIdx.x >> 5); row < p.rows; row += warps)
    {
        float x[GS_NORM_VECS][8], square = 0.0f;
#pragma unroll
        for (int k = 0; k < GS_NORM_VECS; k++)
        {
            const int c = (k * 32 + lane) * 8;
            if (c >= p.width) continue;
            float z[8];
            gs_load8(p.y, (i64)row * p.width + c, x[k]);
            gs_load8(p.z, row * p.z_stride + c, z);
#pragma unroll
            for (int i = 0; i < 8; i++)
            {
                x[k][i] *= z[i] * gs_sigmoid(z[i]);
                square = fmaf(x[k][i], x[k][i], square);
            }
        }
        const float rstd = gs_gated_rstd(square, p);
#pragma unroll
        for (int k = 0; k < GS_NORM_VECS; k++)
        {
            const int c = (k * 32 + lane) * 8;
            if (c >= p.width) continue;
            float w[8];
            gs_load8f(p.weight + c, w);
#pragma unroll
            for (int i = 0; i < 8; i++) x[k][i] *= rstd * w[i];
            gs_store8(p.out, (i64)row * p.width + c, x[k]);
        }
    }
}
// part gets gridDim.x rows.
extern "C" __global__ void __launch_bounds__(256) gs_gated_norm_bwd(const __grid_constant__ GsGatedNorm p)
{
    __shared__ float sum[8][256];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = gridDim.x * 8;
    float dw[GS_NORM_VECS][8];
#pragma unroll
    for (int k = 0; k < GS_NORM_VECS; k++)
#pragma unroll
        for (int i = 0; i < 8; i++) dw[k][i] = 0.0f;
    for (int row = blockIdx.x * 8 + warp; row < p.rows; row += warps)
    {
        float y[GS_NORM_VECS][8], z[GS_NORM_VECS][8], g[GS_NORM_VECS][8], square = 0.0f, dot = 0.0f;
#pragma unroll
        for (int k = 0; k < GS_NORM_VECS; k++)
        {
            const int c = (k * 32 + lane) * 8;
            if (c >= p.width) continue;
            gs_load8(p.y, (i64)row * p.width + c, y[k]);
            gs_load8(p.z, row * p.z_stride + c, z[k]);
            gs_load8(p.dout, (i64)row * p.width + c, g[k]);
        }
#pragma unroll
        for (int k = 0; k < GS_NORM_VECS; k++)
        {
            if ((k * 32 + lane) * 8 >= p.width) continue;
#pragma unroll
            for (int i = 0; i < 8; i++)
            {
                const float x = y[k][i] * z[k][i] * gs_sigmoid(z[k][i]);
                square = fmaf(x, x, square);
            }
        }
        const float rstd = gs_gated_rstd(square, p);
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
                const float x = y[k][i] * z[k][i] * gs_sigmoid(z[k][i]) * rstd;
                dw[k][i] = fmaf(g[k][i], x, dw[k][i]);
                g[k][i] *= w[i];
                dot = fmaf(g[k][i], x, dot);
            }
        }
#pragma unroll
        for (int m = 16; m > 0; m >>= 1) dot += gs_xor(dot, m);
        dot /= (float)p.width;
#pragma unroll
        for (int k = 0; k < GS_NORM_VECS; k++)
        {
            const int c = (k * 32 + lane) * 8;
            if (c >= p.width) continue;
            float dy[8], dz[8];
#pragma unroll
            for (int i = 0; i < 8; i++)
            {
                const float s = gs_sigmoid(z[k][i]), gate = z[k][i] * s;
                const float dx = rstd * fmaf(-y[k][i] * gate * rstd, dot, g[k][i]);
                dy[i] = dx * gate;
                dz[i] = dx * y[k][i] * fmaf(s, z[k][i] - gate, s);
            }
            gs_store8(p.dy, (i64)row * p.width + c, dy);
            gs_store8(p.dz, row * p.dz_stride + c, dz);
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
        if (c < p.width) p.part[(i64)blockIdx.x * p.width + c] = v;
    }
}
