// Last sums of the scan's backward, in fixed order: dB, dC [batch, length, N] in the activation type from part_bc.
// Grid (ceil(length / 32), batch, scans), 128 threads: 4 threads a step, 8 of its 2 N values each.
// The other sums, over part_p's rows, are gs_sum_rows (reduce.cu).
struct GsSumBc
{
    const float* part[4]; void* db[4]; void* dc[4];
    i64 db_stride[4], dc_stride[4];
    int reverse[4];
    int sets, batch, length, padded;   // padded = ceil(length / 16) * 16
};
extern "C" __global__ void __launch_bounds__(128) gs_sum_bc(const __grid_constant__ GsSumBc p)
{
    const int t = blockIdx.x * 32 + (threadIdx.x >> 2), k = (threadIdx.x & 3) * 8, b = blockIdx.y, scan = blockIdx.z;
    if (t >= p.length) return;
    const float* from = p.part[scan] + ((i64)b * p.padded + t) * 32 + k;
    float f[8];
#pragma unroll
    for (int j = 0; j < 8; j++) f[j] = 0.0f;
#pragma unroll 4
    for (int set = 0; set < p.sets; set++, from += (i64)p.batch * p.padded * 32)
    {
        const float4 x = *(const float4*)from, y = *(const float4*)(from + 4);
        f[0] += x.x; f[1] += x.y; f[2] += x.z; f[3] += x.w;
        f[4] += y.x; f[5] += y.y; f[6] += y.z; f[7] += y.w;
    }
    const i64 row = (i64)b * p.length + (p.reverse[scan] ? p.length - 1 - t : t);
    if (k < 16) gs_store8(p.db[scan], row * p.db_stride[scan] + k, f);
    else gs_store8(p.dc[scan], row * p.dc_stride[scan] + k - 16, f);
}
