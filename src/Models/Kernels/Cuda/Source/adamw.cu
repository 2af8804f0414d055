// AdamW on all parameters of a model in three launches: squared norm of all gradients, its sum, the step. A table has a row per parameter, a list of
// chunks says which part of which parameter a block takes. Nothing waits for the host: what changes from step to step is read from `hyper`.
struct GsAdamParameter
{
    float* p; const float* g; float* m; float* v; u16* copy; // copy: bfloat16 of the parameter or null; g null: no gradient, left alone
    i64 n; double decay;                                      // decay per unit of learning rate
    double rate; i64 before;                                  // rate over the step's; steps before the parameter's first one
};
struct GsAdamChunk { int parameter, index; };
#define A_CHUNK 16384
struct GsAdam
{
    const GsAdamParameter* parameters;
    const GsAdamChunk* chunks;
    const double* hyper;    // [9]: lr, beta1, beta2, eps, 1 - beta1^t, 1 - beta2^t, clip norm (0: none), gradient scale, t
    double* part;           // [chunks]: sums of squares
    double* norm;           // [2]: norm of the scaled gradients; 1 if finite, else 0
    int count, norms;       // chunks; norms: take the norm into account (0: neither clipped nor checked)
};
__device__ __forceinline__ bool gs_aligned(const void* p) { return ((u64)p & 15) == 0; }
// Sum over the block's 256 threads in a fixed order; the result is thread 0's.
__device__ __forceinline__ double gs_block_sum(double* shared, double v)
{
    const int tid = threadIdx.x;
    shared[tid] = v;
    __syncthreads();
#pragma unroll
    for (int m = 128; m > 0; m >>= 1)
    {
        if (tid < m) shared[tid] += shared[tid + m];
        __syncthreads();
    }
    return shared[0];
}
__device__ __forceinline__ double gs_square(float v) { return (double)v * (double)v; }
// Grid: chunks; 256 threads.
extern "C" __global__ void __launch_bounds__(256) gs_adam_norm(const __grid_constant__ GsAdam p)
{
    __shared__ double shared[256];
    const GsAdamChunk c = p.chunks[blockIdx.x];
    const GsAdamParameter& a = p.parameters[c.parameter];
    double sum = 0.0;
    if (a.g != 0)
    {
        const i64 first = (i64)c.index * A_CHUNK;
        const int n = a.n - first < A_CHUNK ? (int)(a.n - first) : A_CHUNK;
        const float* g = a.g + first;
        int done = 0;
        if (gs_aligned(g))
        {
            done = n & ~3;
#pragma unroll 4
            for (int i = threadIdx.x * 4; i < done; i += 1024)
            {
                const float4 x = *(const float4*)(g + i);
                sum += (gs_square(x.x) + gs_square(x.y)) + (gs_square(x.z) + gs_square(x.w));
            }
        }
        for (int i = done + threadIdx.x; i < n; i += 256) sum += gs_square(g[i]);
    }
    sum = gs_block_sum(shared, sum);
    if (threadIdx.x == 0) p.part[blockIdx.x] = sum;
}
// One block, 256 threads.
extern "C" __global__ void __launch_bounds__(256) gs_adam_norm_sum(const __grid_constant__ GsAdam p)
{
    __shared__ double shared[256];
    double sum = 0.0;
    for (int i = threadIdx.x; i < p.count; i += 256) sum += p.part[i];
    sum = gs_block_sum(shared, sum);
    if (threadIdx.x == 0)
    {
        const double scale = p.hyper[7], norm = sqrt(sum) * (scale < 0.0 ? -scale : scale);
        p.norm[0] = norm;
        p.norm[1] = norm - norm == 0.0 ? 1.0 : 0.0;
    }
}
struct GsAdamConstants { float scale, decay, w1, beta2, w2, size, root, eps; };
__device__ __forceinline__ void gs_adam_one(const GsAdamConstants& k, float& p, float g, float& m, float& v)
{
    g *= k.scale;
    m += (g - m) * k.w1;
    v = v * k.beta2 + g * g * k.w2;
    p = p * k.decay - k.size * m / (sqrtf(v) * k.root + k.eps);
}
// Grid: chunks; 256 threads.
extern "C" __global__ void __launch_bounds__(256) gs_adam_step(const __grid_constant__ GsAdam p)
{
    __shared__ GsAdamConstants shared;
    const GsAdamChunk c = p.chunks[blockIdx.x];
    const GsAdamParameter& a = p.parameters[c.parameter];
    if (a.g == 0 || (p.norms != 0 && p.norm[1] == 0.0)) return;
    if (threadIdx.x == 0)
    {
        const double* h = p.hyper;
        const double norm = p.norms != 0 ? p.norm[0] : 0.0, clip = h[6], rate = h[0] * a.rate, t = h[8] - (double)a.before;
        const double c1 = a.before == 0 ? h[4] : 1.0 - pow(h[1], t), c2 = a.before == 0 ? h[5] : 1.0 - pow(h[2], t);
        shared.scale = (float)(h[7] * (clip > 0.0 && norm > clip ? clip / norm : 1.0));
        shared.decay = (float)(1.0 - rate * a.decay);
        shared.w1 = (float)(1.0 - h[1]);
        shared.beta2 = (float)h[2];
        shared.w2 = (float)(1.0 - h[2]);
        shared.size = (float)(rate / c1);
        shared.root = (float)(1.0 / sqrt(c2));
        shared.eps = (float)h[3];
    }
    __syncthreads();
    const GsAdamConstants k = shared;
    const i64 first = (i64)c.index * A_CHUNK;
    const int n = a.n - first < A_CHUNK ? (int)(a.n - first) : A_CHUNK;
    float* q = a.p + first;
    const float* g = a.g + first;
    float* m = a.m + first;
    float* v = a.v + first;
    u16* copy = a.copy != 0 ? a.copy + first : 0;
    int done = 0;
    if (gs_aligned(q) && gs_aligned(g) && gs_aligned(m) && gs_aligned(v) && ((u64)copy & 7) == 0)
    {
        done = n & ~3;
#pragma unroll 2
        for (int i = threadIdx.x * 4; i < done; i += 1024)
        {
            float4 x = *(const float4*)(q + i), mean = *(const float4*)(m + i), square = *(const float4*)(v + i);
            const float4 y = *(const float4*)(g + i);
            gs_adam_one(k, x.x, y.x, mean.x, square.x);
            gs_adam_one(k, x.y, y.y, mean.y, square.y);
            gs_adam_one(k, x.z, y.z, mean.z, square.z);
            gs_adam_one(k, x.w, y.w, mean.w, square.w);
            *(float4*)(q + i) = x;
            *(float4*)(m + i) = mean;
            *(float4*)(v + i) = square;
            if (copy != 0) *(uint2*)(copy + i) = make_uint2(gs_pack_bf16(x.x, x.y), gs_pack_bf16(x.z, x.w));
        }
    }
    for (int i = done + threadIdx.x; i < n; i += 256)
    {
        gs_adam_one(k, q[i], g[i], m[i], v[i]);
        if (copy != 0) copy[i] = gs_to_bf16(q[i]);
    }
}
