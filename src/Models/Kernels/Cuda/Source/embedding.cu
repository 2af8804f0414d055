// Embedding of small vocabularies: out[row] = weight[id(row)]; dweight[v] = sum of dx[row] over rows with id v.
// Reverse-complement models: strands = 2, rows of the second half of the batch are the other strand in its own reading direction, that is
// id(batch + b, t) = complement[ids[b, length - 1 - t]]; nothing is flipped in memory. An id outside the vocabulary gives NaN, and no gradient.
// GS_WIDTH: the row width, a multiple of 8.
struct GsEmbed
{
    const int* ids;         // [batch, length]
    const int* complement;  // [vocab]; null with one strand
    const float* weight;    // [vocab, width]
    void* out;              // [strands * batch, length, width] activation
    const void* dx;         // backward: the same shape
    float* part;            // backward: [parts][vocab padded to 16 (small) or vocab (table)][width]
    i64 rows;               // strands * batch * length
    int batch, length, vocab, parts;
};
#define E_PIECES (GS_WIDTH / 8)
__device__ __forceinline__ int gs_embed_id(const GsEmbed& p, i64 row)
{
    const u32 half = (u32)p.batch * (u32)p.length; // rows fit 31 bits
    if (row < half)
    {
        const int id = p.ids[row];
        return (u32)id < (u32)p.vocab ? id : -1;
    }
    const u32 r = (u32)row - half, b = r / (u32)p.length;
    const int id = p.ids[(2 * b + 1) * (u32)p.length - 1 - r];
    return (u32)id < (u32)p.vocab ? p.complement[id] : -1;
}
// Grid ceil(rows / E_ROWS), 256 threads; a thread writes pieces of 8 elements.
#ifndef E_ROWS
#define E_ROWS 32
#endif
extern "C" __global__ void __launch_bounds__(256) gs_embed_fwd(const __grid_constant__ GsEmbed p)
{
    __shared__ int ids[E_ROWS];
    const i64 first = (i64)blockIdx.x * E_ROWS;
    const int rows = p.rows - first < E_ROWS ? (int)(p.rows - first) : E_ROWS;
    if (threadIdx.x < rows) ids[threadIdx.x] = gs_embed_id(p, first + threadIdx.x);
    __syncthreads();
#pragma unroll 4
    for (int i = threadIdx.x; i < rows * E_PIECES; i += 256)
    {
        const int row = i / E_PIECES, c = (i - row * E_PIECES) * 8, id = ids[row];
        float f[8];
        if (id >= 0) gs_load8f(p.weight + id * GS_WIDTH + c, f);
        else
        {
#pragma unroll
            for (int k = 0; k < 8; k++) f[k] = __uint_as_float(0x7fc00000u);
        }
        gs_store8(p.out, (first + row) * GS_WIDTH + c, f);
    }
}
// Vocabularies of at most 16. dweight = onehot[16 x rows] dx[rows x width] on the tensor core: an id's row of the one-hot matrix selects, so the
// sums are exact products (float dx is cut in three). A warp takes 64 columns and every 8 * parts-th group of 32 rows; part [parts][16][width].
// 256 threads, grid ceil(parts * E_GROUPS / 8).
constexpr int E_GROUPS = (GS_WIDTH + 63) / 64;
extern "C" __global__ void __launch_bounds__(256, 2) gs_embed_bwd_small(const __grid_constant__ GsEmbed p)
{
    const int lane = threadIdx.x & 31, g = lane >> 2, q = lane & 3, warp = blockIdx.x * 8 + (threadIdx.x >> 5);
    const int column = warp % E_GROUPS * 64 + g * 8, part = warp / E_GROUPS;
    if (part >= p.parts) return;
    const bool inside = column < GS_WIDTH;
    float4 sum[8];
#pragma unroll
    for (int j = 0; j < 8; j++) sum[j] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    for (i64 first = (i64)part * 32; first < p.rows; first += (i64)p.parts * 32)
    {
        GsRaw8 x[8];
        int id[8];
#pragma unroll
        for (int i = 0; i < 8; i++)
        {
            const i64 row = first + i * 4 + q;
            id[i] = row < p.rows ? gs_embed_id(p, row) : -1;
            x[i].a.x = 0; x[i].a.y = 0; x[i].a.z = 0; x[i].a.w = 0;
#if GS_F32_IO
            x[i].b = x[i].a;
#endif
            if (inside && id[i] >= 0) x[i] = gs_raw8(p.dx, row * GS_WIDTH + column);
        }
#pragma unroll
        for (int i = 0; i < 8; i += 2)
        {
            const float a0 = id[i] == g ? 1.0f : 0.0f, a1 = id[i] == g + 8 ? 1.0f : 0.0f;
            const float a2 = id[i + 1] == g ? 1.0f : 0.0f, a3 = id[i + 1] == g + 8 ? 1.0f : 0.0f;
            float u[8], v[8];
            gs_numbers(x[i], u);
            gs_numbers(x[i + 1], v);
#pragma unroll
            for (int j = 0; j < 8; j++)
            {
#if GS_F32_IO
                const float ru = u[j] - gs_cut(u[j]), rv = v[j] - gs_cut(v[j]);
                gs_mma_tf32(sum[j], a0, a1, a2, a3, ru - gs_cut(ru), rv - gs_cut(rv));
                gs_mma_tf32(sum[j], a0, a1, a2, a3, gs_cut(ru), gs_cut(rv));
                gs_mma_tf32(sum[j], a0, a1, a2, a3, gs_cut(u[j]), gs_cut(v[j]));
#else
                gs_mma_tf32(sum[j], a0, a1, a2, a3, u[j], v[j]);
#endif
            }
        }
    }
    // sum[j]: rows g, g + 8 of the vocabulary; columns 16 q + j (x, z) and 16 q + 8 + j (y, w) of the warp's 64.
    const int base = warp % E_GROUPS * 64 + q * 16;
    float* low = p.part + ((i64)part * 16 + g) * GS_WIDTH + base;
#pragma unroll
    for (int half = 0; half < 2; half++)
    {
        if (base + half * 8 >= GS_WIDTH) break;
#pragma unroll
        for (int r = 0; r < 2; r++)
        {
            float f[8];
#pragma unroll
            for (int j = 0; j < 8; j++) f[j] = r == 0 ? (half == 0 ? sum[j].x : sum[j].y) : (half == 0 ? sum[j].z : sum[j].w);
            float4* to = (float4*)(low + r * 8 * GS_WIDTH + half * 8);
            to[0] = make_float4(f[0], f[1], f[2], f[3]);
            to[1] = make_float4(f[4], f[5], f[6], f[7]);
        }
    }
}
// Vocabularies of at most 512: a block sorts the ids of 4096 rows (counting, so rows stay in order), then every warp sums its 32 columns id by id,
// 8 rows at a time. Grid (parts = ceil(rows / 4096), ceil(width / 256)), 256 threads; part [parts][vocab][width].
extern "C" __global__ void __launch_bounds__(256) gs_embed_bwd_table(const __grid_constant__ GsEmbed p)
{
    __shared__ u16 ids[4096];
    __shared__ u16 order[4096];
    __shared__ int start[514];
    const int tid = threadIdx.x, lane = tid & 31, piece = lane & 3, eighth = lane >> 2;
    const i64 first = (i64)blockIdx.x * 4096;
    const int rows = p.rows - first < 4096 ? (int)(p.rows - first) : 4096;
    for (int i = tid; i < 4096; i += 256) ids[i] = i < rows ? (u16)gs_embed_id(p, first + i) : (u16)0xffff;
    __syncthreads();
    for (int v = tid; v < p.vocab; v += 256)
    {
        int n = 0;
        for (int i = 0; i < rows; i++) n += ids[i] == v ? 1 : 0;
        start[v + 1] = n;
    }
    __syncthreads();
    if (tid == 0)
    {
        start[0] = 0;
        for (int v = 0; v < p.vocab; v++) start[v + 1] += start[v];
    }
    __syncthreads();
    for (int v = tid; v < p.vocab; v += 256)
    {
        int to = start[v];
        if (to == start[v + 1]) continue;
        for (int i = 0; i < rows; i++)
            if (ids[i] == v) order[to++] = (u16)i;
    }
    __syncthreads();
    const int column = blockIdx.y * 256 + (tid >> 5) * 32 + piece * 8;
    const bool inside = column < GS_WIDTH;
    for (int v = 0; v < p.vocab; v++)
    {
        const int end = start[v + 1];
        float sum[8];
#pragma unroll
        for (int k = 0; k < 8; k++) sum[k] = 0.0f;
        if (start[v] < end)
        {
            if (inside)
            {
#pragma unroll 4
                for (int i = start[v] + eighth; i < end; i += 8)
                {
                    float f[8];
                    gs_load8(p.dx, (first + order[i]) * GS_WIDTH + column, f);
#pragma unroll
                    for (int k = 0; k < 8; k++) sum[k] += f[k];
                }
            }
#pragma unroll
            for (int m = 4; m < 32; m <<= 1)
#pragma unroll
                for (int k = 0; k < 8; k++) sum[k] += gs_xor(sum[k], m);
        }
        if (inside && eighth == 0)
        {
            float4* to = (float4*)(p.part + ((i64)blockIdx.x * p.vocab + v) * GS_WIDTH + column);
            to[0] = make_float4(sum[0], sum[1], sum[2], sum[3]);
            to[1] = make_float4(sum[4], sum[5], sum[6], sum[7]);
        }
    }
}
