// xLSTM's scalar memory, position by position: a block takes a head of a batch entry from the first position to the last and back. Everything is float.
// With (z, i, f, o) = pre_t + h_(t-1) R: m = max(log sigmoid f + m', i), i' = exp(i - m), f' = exp(log sigmoid f + m' - m), c = f' c' + i' tanh z, n = f' n' + i',
// h = sigmoid(o) c / n. A step is bound by latency: R (16 d^2 bytes) lies in shared memory where there is room, and the states stay with the threads that own them.
#define GS_SLSTM_THREADS 256
#define GS_SLSTM_NOTHING (-1e30f)     // m where a sequence begins
struct GsSlstm
{
    int batch, length, heads, width, shared_r, pad;
    const float* r;         // [heads, d, 4 d]
    const float* keep;      // [batch, length], 0 where a sequence begins, or null
    const float* h0;        // [batch, heads, d]: states before the first position
    const float* c0;
    const float* n0;
    const float* m0;
    float* pre;             // [batch, length, heads, 4 d]; forward: the recurrent part is added
    float* h;               // [batch, length, heads, d]: states behind each position
    float* c;
    float* n;
    float* m;
    const float* dh;        // backward: gradient of h
    float* dpre;            // backward: gradient of pre
};
__device__ __forceinline__ float gs_slstm_sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }
__device__ __forceinline__ float gs_slstm_tanh(float x) { return 2.0f / (1.0f + expf(-2.0f * x)) - 1.0f; }
__device__ __forceinline__ float gs_slstm_log_sigmoid(float x) { return fminf(x, 0.0f) - log1pf(expf(-fabsf(x))); }
__device__ __forceinline__ const float* gs_slstm_weights(const GsSlstm& p, float* room)
{
    const int count = 4 * p.width * p.width;
    const float* r = p.r + (i64)blockIdx.x * count;
    if (!p.shared_r) return r;
    for (int i = threadIdx.x; i < count; i += GS_SLSTM_THREADS) room[i] = r[i];
    return room;
}
// Grid (heads, batch); 256 threads; 5 d floats of shared memory, and 4 d^2 more for R.
extern "C" __global__ void __launch_bounds__(GS_SLSTM_THREADS) gs_slstm_fwd(const __grid_constant__ GsSlstm p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    const int d = p.width, wide = 4 * d;
    float* h = (float*)smem;
    float* gates = h + d;
    const float* r = gs_slstm_weights(p, gates + wide);
    const i64 first = ((i64)blockIdx.y * p.heads + blockIdx.x) * d;
    for (int k = threadIdx.x; k < d; k += GS_SLSTM_THREADS) h[k] = p.h0[first + k];
    __syncthreads();
    for (int t = 0; t < p.length; t++)
    {
        const i64 row = (i64)blockIdx.y * p.length + t, at = (row * p.heads + blockIdx.x) * d;
        const bool reset = p.keep != 0 && p.keep[row] == 0.0f;
        for (int k = threadIdx.x; k < wide; k += GS_SLSTM_THREADS)
        {
            float sum = p.pre[4 * at + k];
            if (!reset)
                for (int j = 0; j < d; j++) sum = fmaf(h[j], r[j * wide + k], sum);
            p.pre[4 * at + k] = sum;
            gates[k] = sum;
        }
        __syncthreads();
        const i64 before = at - (i64)p.heads * d;
        for (int k = threadIdx.x; k < d; k += GS_SLSTM_THREADS)
        {
            const float c = reset ? 0.0f : t == 0 ? p.c0[first + k] : p.c[before + k];
            const float n = reset ? 0.0f : t == 0 ? p.n0[first + k] : p.n[before + k];
            const float m = reset ? GS_SLSTM_NOTHING : t == 0 ? p.m0[first + k] : p.m[before + k];
            const float kept = gs_slstm_log_sigmoid(gates[2 * d + k]) + m, top = fmaxf(kept, gates[d + k]);
            const float i = expf(gates[d + k] - top), f = expf(kept - top);
            const float cell = fmaf(f, c, i * gs_slstm_tanh(gates[k])), norm = fmaf(f, n, i);
            const float out = gs_slstm_sigmoid(gates[3 * d + k]) * cell / norm;
            p.m[at + k] = top;
            p.c[at + k] = cell;
            p.n[at + k] = norm;
            p.h[at + k] = out;
            h[k] = out;
        }
        __syncthreads();
    }
}
// Grid (heads, batch); 256 threads; 7 d floats of shared memory, and 4 d^2 more for R. m is a constant: it divides c and n alike.
extern "C" __global__ void __launch_bounds__(GS_SLSTM_THREADS) gs_slstm_bwd(const __grid_constant__ GsSlstm p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    const int d = p.width, wide = 4 * d, lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    float* dh = (float*)smem;
    float* dc = dh + d;
    float* dn = dc + d;
    float* gates = dn + d;
    const float* r = gs_slstm_weights(p, gates + wide);
    const i64 first = ((i64)blockIdx.y * p.heads + blockIdx.x) * d;
    for (int k = threadIdx.x; k < d; k += GS_SLSTM_THREADS) dh[k] = dc[k] = dn[k] = 0.0f;
    __syncthreads();
    for (int t = p.length - 1; t >= 0; t--)
    {
        const i64 row = (i64)blockIdx.y * p.length + t, at = (row * p.heads + blockIdx.x) * d, before = at - (i64)p.heads * d;
        const bool reset = p.keep != 0 && p.keep[row] == 0.0f;
        for (int k = threadIdx.x; k < d; k += GS_SLSTM_THREADS)
        {
            const float c = reset ? 0.0f : t == 0 ? p.c0[first + k] : p.c[before + k];
            const float n = reset ? 0.0f : t == 0 ? p.n0[first + k] : p.n[before + k];
            const float m = reset ? GS_SLSTM_NOTHING : t == 0 ? p.m0[first + k] : p.m[before + k];
            const float* pre = p.pre + 4 * at + k;
            const float top = p.m[at + k], norm = p.n[at + k], ratio = p.c[at + k] / norm, forget = pre[2 * d];
            const float i = expf(pre[d] - top), f = expf(gs_slstm_log_sigmoid(forget) + m - top);
            const float z = gs_slstm_tanh(pre[0]), o = gs_slstm_sigmoid(pre[3 * d]);
            const float slope = dh[k] + p.dh[at + k], shared = slope * o / norm;
            const float cell = dc[k] + shared, weight = dn[k] - shared * ratio;
            gates[k] = cell * i * (1.0f - z * z);
            gates[d + k] = fmaf(cell, z, weight) * i;
            gates[2 * d + k] = fmaf(cell, c, weight * n) * f * gs_slstm_sigmoid(-forget);
            gates[3 * d + k] = slope * ratio * o * (1.0f - o);
            dc[k] = cell * f;
            dn[k] = weight * f;
            for (int g = 0; g < 4; g++) p.dpre[4 * at + g * d + k] = gates[g * d + k];
        }
        __syncthreads();
        for (int j = warp; j < d; j += GS_SLSTM_THREADS / 32)
        {
            float sum = 0.0f;
            if (!reset)
                for (int k = lane; k < wide; k += 32) sum = fmaf(gates[k], r[j * wide + k], sum);
#pragma unroll
            for (int w = 16; w > 0; w >>= 1) sum += gs_xor(sum, w);
            if (lane == 0) dh[j] = sum;
        }
        __syncthreads();
    }
}
