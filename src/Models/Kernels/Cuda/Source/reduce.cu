// out[column] = sum over rows of in[row][column], in a fixed order: strided partial sums, one per warp, then their sum.
// Grid ceil(columns / 32); any whole number of warps (1024 threads for many rows: the loads are all latency).
struct GsSumRows { const float* in; float* out; int rows, columns; };
extern "C" __global__ void __launch_bounds__(1024) gs_sum_rows(const __grid_constant__ GsSumRows p)
{
    __shared__ float sum[32][32];
    const int lane = threadIdx.x & 31, part = threadIdx.x >> 5, parts = blockDim.x >> 5, column = blockIdx.x * 32 + lane;
    float v = 0.0f;
    if (column < p.columns)
    {
#pragma unroll 8
        for (int r = part; r < p.rows; r += parts) v += p.in[(i64)r * p.columns + column];
    }
    sum[part][lane] = v;
    __syncthreads();
    if (part == 0 && column < p.columns)
    {
        for (int i = 1; i < parts; i++) v += sum[i][lane];
        p.out[column] = v;
    }
}
