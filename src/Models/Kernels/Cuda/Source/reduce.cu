// out[column] = sum over rows of in[row][column], in a fixed order: 8 strided partial sums, then their sum. Grid ceil(columns / 32), 256 threads.
struct GsSumRows { const float* in; float* out; int rows, columns; };
extern "C" __global__ void __launch_bounds__(256) gs_sum_rows(const __grid_constant__ GsSumRows p)
{
    __shared__ float sum[8][32];
    const int lane = threadIdx.x & 31, part = threadIdx.x >> 5, column = blockIdx.x * 32 + lane;
    float v = 0.0f;
    if (column < p.columns)
    {
#pragma unroll 8
        for (int r = part; r < p.rows; r += 8) v += p.in[(i64)r * p.columns + column];
    }
    sum[part][lane] = v;
    __syncthreads();
    if (part == 0 && column < p.columns)
    {
#pragma unroll
        for (int i = 1; i < 8; i++) v += sum[i][lane];
        p.out[column] = v;
    }
}
