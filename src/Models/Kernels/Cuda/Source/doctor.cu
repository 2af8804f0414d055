// What `genoseq doctor --check` runs: y = a x + y over n elements of the activation type, and the sum of each block's y in fixed order.
struct GsDoctor
{
    const void* x;      // [n] activation
    void* y;            // [n] activation
    float* sums;        // [blocks]
    i64 n;
    float a; int pad;
};
// 256 threads; a block takes 256 elements.
extern "C" __global__ void __launch_bounds__(256) gs_doctor(const __grid_constant__ GsDoctor p)
{
    __shared__ float part[8];
    const i64 at = (i64)blockIdx.x * 256 + threadIdx.x;
    float v = 0.0f;
    if (at < p.n)
    {
        v = fmaf(p.a, gs_load1(p.x, at), gs_load1(p.y, at));
        gs_store1(p.y, at, v);
    }
#pragma unroll
    for (int m = 16; m > 0; m >>= 1) v += gs_xor(v, m);
    if ((threadIdx.x & 31) == 0) part[threadIdx.x >> 5] = v;
    __syncthreads();
    if (threadIdx.x == 0)
    {
        float sum = 0.0f;
#pragma unroll
        for (int w = 0; w < 8; w++) sum += part[w];
        p.sums[blockIdx.x] = sum;
    }
}
