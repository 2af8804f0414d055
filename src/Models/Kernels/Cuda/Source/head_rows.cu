// Head and cross-entropy of larger vocabularies, in chunks of the rows that have a target: a list of these rows, their hidden states side by side,
// logits by a matrix product elsewhere, loss and gradient in the logits' place, and the gradient's rows back to where they came from.
// R_D: width of a strand, a multiple of 8; R_STRANDS: 1 or 2; R_VOCAB: columns with a meaning, at most 512; R_PITCH: elements of a row of logits.
#ifndef R_STRANDS
#define R_STRANDS 1
#endif
#ifndef R_D
#define R_D 8
#endif
#ifndef R_VOCAB
#define R_VOCAB 16
#define R_PITCH 16
#endif
struct GsRows
{
    const int* targets;     // [rows]; negative: none
    const float* weights;   // [rows] or null
    const float* factor;    // one number that multiplies scale, or null
    const void* h;          // [strands * rows, d] activation
    void* chunk;            // [size, strands * d]: gathered hidden states, or their gradients to scatter
    void* logits;           // [size, R_PITCH]
    void* dh;               // [strands * rows, d]
    int* offsets;           // [blocks of 1024 rows + 1]: rows with a target before each block; the last one: all of them
    int* list;              // [capacity]
    double* block;          // [slots][4]: loss, weight, count, correct
    double* totals;         // [4]
    int rows, length, capacity, first, size, slot, slots; float scale; int gradients, pad; // first: place of the chunk in the list; slot: of its first block
};
__device__ __forceinline__ float gs_prefix(float v, int lane) // inclusive, over the warp; counts are exact
{
#pragma unroll
    for (int m = 1; m < 32; m <<= 1)
    {
        const float up = gs_up(v, m);
        if (lane >= m) v += up;
    }
    return v;
}
// Rows with a target of 1024 rows; listed = false: how many, true: their numbers in order. Grid ceil(rows / 1024), 256 threads.
__device__ __forceinline__ void gs_rows_block(const GsRows& p, bool listed)
{
    __shared__ int counts[8];
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5, first = blockIdx.x * 1024 + tid * 4;
    bool has[4];
    int own = 0;
#pragma unroll
    for (int i = 0; i < 4; i++)
    {
        has[i] = first + i < p.rows && p.targets[first + i] >= 0;
        own += has[i] ? 1 : 0;
    }
    const int before = (int)gs_prefix((float)own, lane);
    if (lane == 31) counts[warp] = before;
    __syncthreads();
    int at = before - own, total = 0;
    for (int w = 0; w < 8; w++)
    {
        if (w < warp) at += counts[w];
        total += counts[w];
    }
    if (!listed)
    {
        if (tid == 0) p.offsets[blockIdx.x] = total;
        return;
    }
    at += p.offsets[blockIdx.x];
#pragma unroll
    for (int i = 0; i < 4; i++)
    {
        if (!has[i]) continue;
        if (at < p.capacity) p.list[at] = first + i;
        at++;
    }
}
extern "C" __global__ void __launch_bounds__(256) gs_rows_count(const __grid_constant__ GsRows p) { gs_rows_block(p, false); }
extern "C" __global__ void __launch_bounds__(256) gs_rows_list(const __grid_constant__ GsRows p) { gs_rows_block(p, true); }
// Counts to offsets. One block, 256 threads.
extern "C" __global__ void __launch_bounds__(256) gs_rows_offsets(const __grid_constant__ GsRows p)
{
    __shared__ int sums[256];
    const int tid = threadIdx.x, blocks = (p.rows + 1023) / 1024, each = (blocks + 255) / 256;
    const int from = min(tid * each, blocks), to = min(from + each, blocks);
    int sum = 0;
    for (int i = from; i < to; i++) sum += p.offsets[i];
    sums[tid] = sum;
    __syncthreads();
    int at = 0;
    for (int i = 0; i < tid; i++) at += sums[i];
    for (int i = from; i < to; i++)
    {
        const int n = p.offsets[i];
        p.offsets[i] = at;
        at += n;
    }
    if (tid == 255) p.offsets[blocks] = at;
}
__device__ __forceinline__ int gs_rows_present(const GsRows& p) // rows of the chunk that exist
{
    const int all = min(p.offsets[(p.rows + 1023) / 1024], p.capacity) - p.first;
    return max(0, min(all, p.size));
}
__device__ __forceinline__ i64 gs_rows_place(const GsRows& p, int row, int column) // element of h
{
    if (column < R_D) return (i64)row * R_D + column;
    const u32 b = (u32)row / (u32)p.length;
    return ((i64)p.rows + ((2 * b + 1) * (u32)p.length - 1 - (u32)row)) * R_D + column - R_D;
}
constexpr int R_PIECES = R_D * R_STRANDS / 8;
// Any grid, 256 threads. Rows that do not exist are zeros, so that products over the whole chunk are right.
extern "C" __global__ void __launch_bounds__(256) gs_rows_gather(const __grid_constant__ GsRows p)
{
    const int present = gs_rows_present(p);
    for (u32 i = blockIdx.x * 256 + threadIdx.x; i < (u32)p.size * R_PIECES; i += gridDim.x * 256)
    {
        const int r = i / R_PIECES, c = (i - r * R_PIECES) * 8;
        float f[8];
#pragma unroll
        for (int k = 0; k < 8; k++) f[k] = 0.0f;
        if (r < present) gs_load8(p.h, gs_rows_place(p, p.list[p.first + r], c), f);
        gs_store8(p.chunk, (i64)i * 8, f);
    }
}
extern "C" __global__ void __launch_bounds__(256) gs_rows_scatter(const __grid_constant__ GsRows p)
{
    const int present = gs_rows_present(p);
    for (u32 i = blockIdx.x * 256 + threadIdx.x; i < (u32)present * R_PIECES; i += gridDim.x * 256)
    {
        const int r = i / R_PIECES, c = (i - r * R_PIECES) * 8;
        float f[8];
        gs_load8(p.chunk, (i64)i * 8, f);
        gs_store8(p.dh, gs_rows_place(p, p.list[p.first + r], c), f);
    }
}
// Loss of every row of the chunk; the gradient takes the logits' place. A warp per row, any grid (it is the number of slots), 256 threads.
constexpr int R_EACH = (R_PITCH + 31) / 32;
extern "C" __global__ void __launch_bounds__(256) gs_rows_loss(const __grid_constant__ GsRows p)
{
    __shared__ double sums[8][4];
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5, present = gs_rows_present(p);
    const float scale = p.factor != 0 ? p.scale * p.factor[0] : p.scale, none = __uint_as_float(0xff800000u);
    double lossSum = 0.0, weightSum = 0.0;
    int count = 0, correct = 0;
    for (int r = blockIdx.x * 8 + warp; r < p.size; r += gridDim.x * 8)
    {
        const i64 at = (i64)r * R_PITCH + lane;
        if (r >= present)
        {
            if (p.gradients == 0) break;
#pragma unroll
            for (int i = 0; i < R_EACH; i++)
                if (lane + i * 32 < R_PITCH) gs_store1(p.logits, at + i * 32, 0.0f);
            continue;
        }
        const int row = p.list[p.first + r], target = p.targets[row];
        const float weight = p.weights != 0 ? p.weights[row] : 1.0f;
        float x[R_EACH], most = none, own = none, sum = 0.0f, beaten = 0.0f;
#pragma unroll
        for (int i = 0; i < R_EACH; i++)
        {
            const int v = lane + i * 32;
            x[i] = v < R_VOCAB ? gs_load1(p.logits, at + i * 32) : none;
            most = fmaxf(most, x[i]);
            if (v == target) own = x[i];
        }
#pragma unroll
        for (int m = 16; m > 0; m >>= 1) { most = fmaxf(most, gs_xor(most, m)); own = fmaxf(own, gs_xor(own, m)); }
#pragma unroll
        for (int i = 0; i < R_EACH; i++)
        {
            if (lane + i * 32 < target ? x[i] >= own : x[i] > own) beaten = 1.0f; // none before the target as large, none after it larger
            x[i] = gs_ex2((x[i] - most) * GS_LOG2E);
            sum += x[i];
        }
#pragma unroll
        for (int m = 16; m > 0; m >>= 1) { sum += gs_xor(sum, m); beaten += gs_xor(beaten, m); }
        const float loss = most - own + gs_lg2(sum) * GS_LN2;
        lossSum += (double)(weight * loss);
        weightSum += (double)weight;
        count++;
        correct += beaten == 0.0f ? 1 : 0;
        if (p.gradients == 0) continue;
        const float factor = weight * scale, inverse = gs_rcp(sum);
#pragma unroll
        for (int i = 0; i < R_EACH; i++)
        {
            const int v = lane + i * 32;
            if (v < R_PITCH) gs_store1(p.logits, at + i * 32, v < R_VOCAB ? factor * (x[i] * inverse - (v == target ? 1.0f : 0.0f)) : 0.0f);
        }
    }
    if (lane == 0) { sums[warp][0] = lossSum; sums[warp][1] = weightSum; sums[warp][2] = (double)count; sums[warp][3] = (double)correct; }
    __syncthreads();
    if (tid < 4)
    {
        double v = 0.0;
        for (int w = 0; w < 8; w++) v += sums[w][tid];
        p.block[((i64)p.slot + blockIdx.x) * 4 + tid] = v;
    }
}
// Sums of all slots in order; NaN when there are more targets than the list holds. One block, 256 threads.
extern "C" __global__ void __launch_bounds__(256) gs_rows_totals(const __grid_constant__ GsRows p)
{
    __shared__ double wide[4][64];
    const int tid = threadIdx.x;
    double v = 0.0;
    for (int b = tid >> 2; b < p.slots; b += 64) v += p.block[b * 4 + (tid & 3)];
    wide[tid & 3][tid >> 2] = v;
    __syncthreads();
    if (tid < 4)
    {
        v = 0.0;
        for (int i = 0; i < 64; i++) v += wide[tid][i];
        p.totals[tid] = p.offsets[(p.rows + 1023) / 1024] > p.capacity ? (double)__uint_as_float(0x7fc00000u) : v;
    }
}
