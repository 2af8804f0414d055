// GS_TF32_UNBIAS: cutting to tf32 makes a product smaller by 2^-11 / (2 ln 2) on average; the last sum puts that back.
#ifndef GS_TF32_UNBIAS
#define GS_TF32_UNBIAS (GS_F32_IO ? 1.0f : 1.000352f)
#endif
// Last sums of the scan's backward, in fixed order.
// dB, dC [batch, length, N] in the activation type from part_bc. Grid (ceil(length / 128), batch, scans), 128 threads.
struct GsReduceBc
{
    const float* part[GS_MAX_SCANS]; void* db[GS_MAX_SCANS]; void* dc[GS_MAX_SCANS]; int reverse[GS_MAX_SCANS];
    int sets, batch, length, padded;   // padded = tiles * 128
    i64 db_stride, dc_stride;
};
extern "C" __global__ void __launch_bounds__(128) gs_scan_reduce_bc(const __grid_constant__ GsReduceBc p)
{
    const int t = blockIdx.x * 128 + threadIdx.x, b = blockIdx.y, scan = blockIdx.z;
    if (t >= p.length) return;
    const float* part = p.part[scan];
    const i64 row = (i64)b * p.length + (p.reverse[scan] ? p.length - 1 - t : t);
#pragma unroll 1
    for (int k = 0; k < 2 * GS_N; k += 8)
    {
        float f[8];
#pragma unroll
        for (int j = 0; j < 8; j++) f[j] = 0.0f;
        for (int set = 0; set < p.sets; set++)
#pragma unroll
            for (int j = 0; j < 8; j++)
                f[j] += part[(((i64)set * p.batch + b) * (2 * GS_N) + k + j) * p.padded + t];
#pragma unroll
        for (int j = 0; j < 8; j++) f[j] *= GS_TF32_UNBIAS;
        if (k < GS_N) gs_store8(p.db[scan], row * p.db_stride + k, f);
        else gs_store8(p.dc[scan], row * p.dc_stride + k - GS_N, f);
    }
}
// dA [d_inner, N], d skip and d bias [d_inner] in float from part_p, summed over the batch. Grid (chunks, scans), 128 threads. Null outputs are skipped.
struct GsReduceP
{
    const float* part[GS_MAX_SCANS]; float* da[GS_MAX_SCANS]; float* dskip[GS_MAX_SCANS]; float* dbias[GS_MAX_SCANS];
    int batch, d_inner;
};
extern "C" __global__ void __launch_bounds__(128) gs_scan_reduce_p(const __grid_constant__ GsReduceP p)
{
    const int chunk = blockIdx.x, scan = blockIdx.y, chunks = gridDim.x;
    for (int i = threadIdx.x; i < GS_N * 16 + 32; i += 128)
    {
        float v = 0.0f;
        for (int b = 0; b < p.batch; b++) v += p.part[scan][((i64)b * chunks + chunk) * (GS_N * 16 + 32) + i];
        const int d = chunk * 16 + (i & 15), n = i >> 4;
        if (d >= p.d_inner) continue;
        if (n < GS_N) { if (p.da[scan] != 0) p.da[scan][(i64)d * GS_N + n] = v; }
        else if (n == GS_N) { if (p.dskip[scan] != 0) p.dskip[scan][d] = v; }
        else if (p.dbias[scan] != 0) p.dbias[scan][d] = v;
    }
}
