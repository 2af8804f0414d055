// The way back through dt_proj (delta = dt . weight^T, dt the first GS_DT_RANK columns of [dt, B, C]) for one or two directions in one pass over ddelta:
//   ddt = ddelta . weight [rows, rank],  dweight = ddelta^T . dt [channels, rank].
// Bytes per element of ddelta: 2 and about 4 rank / channels more; as two matrix products it is read twice. bf16 only.
// A block takes a stretch of rows of one direction, a warp 64 channels of it. Tiles of 16 rows x 16 channels come from shared memory as they lie for ddt
// (sum over channels, then over the warps through shared memory) and turned for dweight (sum over rows, kept in registers to the end). Sums are fp32 and in a
// fixed order; the blocks' sums of dweight are added by gs_sum_rows.
#ifndef GS_DT_RANK
#define GS_DT_RANK 16                  // a multiple of 8
#endif
#ifndef GS_DT_WARPS
#define GS_DT_WARPS 8                  // ceil(channels / 64)
#endif
#ifndef GS_DT_ROWS
#define GS_DT_ROWS 32                  // of a stage, a multiple of 16
#endif
#ifndef GS_DT_STAGES
#define GS_DT_STAGES 3
#endif
#define D_THREADS (GS_DT_WARPS * 32)
#define D_TILES (GS_DT_RANK / 8)
#define D_WIDE (GS_DT_WARPS * 128 + 16) // bytes from row to row of ddelta, and of dt: odd numbers of 16-byte pieces
#define D_NARROW ((D_TILES | 1) * 16)
#define D_STAGE (GS_DT_ROWS * (D_WIDE + D_NARROW))
#define D_SUMS (GS_DT_ROWS / 16 * D_TILES * 32) // float4 of a warp
// Shared memory, bytes: GS_DT_STAGES D_STAGE + 32 GS_DT_WARPS D_SUMS: the sums of two stages.
struct GsDtDirection
{
    const void* ddelta;     // [rows, channels], row stride ddelta_stride
    const void* dt;         // [rows, rank], row stride dt_stride
    const void* weight;     // [channels, rank]
    void* ddt;              // [rows, rank], row stride ddt_stride
    i64 ddelta_stride, dt_stride, ddt_stride;
};
struct GsDt
{
    GsDtDirection d[2];
    float* part;            // [gridDim.x][gridDim.y][channels, rank]
    int rows, channels;
    int stages, pad;        // of a block
};
// Starts copying the rows of a stage; zeros beyond the last row and channel.
__device__ __forceinline__ void gs_dt_fetch(const GsDtDirection& d, const GsDt& p, unsigned char* to, int row0)
{
    constexpr int wide = GS_DT_ROWS / 4, narrow = GS_DT_ROWS * D_TILES;
    const int part = threadIdx.x % (GS_DT_WARPS * 8), own = threadIdx.x / (GS_DT_WARPS * 8); // 4 rows at a time
    const u16* from = (const u16*)d.ddelta;
#pragma unroll
    for (int k = 0; k < wide; k++)
    {
        const int row = row0 + own + k * 4;
        const bool copy = row < p.rows && part * 8 < p.channels;
        gs_copy16_or_zero(to + (own + k * 4) * D_WIDE + part * 16, from + (copy ? (i64)row * d.ddelta_stride + part * 8 : 0), copy);
    }
    to += GS_DT_ROWS * D_WIDE;
    for (int i = threadIdx.x; i < narrow; i += D_THREADS)
    {
        const int piece = i % D_TILES, row = row0 + i / D_TILES;
        const bool copy = row < p.rows;
        gs_copy16_or_zero(to + i / D_TILES * D_NARROW + piece * 16, (const u16*)d.dt + (copy ? (i64)row * d.dt_stride + piece * 8 : 0), copy);
    }
}
// ddt of a stage: the sum of what the warps left.
__device__ __forceinline__ void gs_dt_sum(const GsDtDirection& d, const GsDt& p, const float4* sums, int row0)
{
    constexpr int tiles = D_TILES;
    for (int j = threadIdx.x; j < 2 * D_SUMS; j += D_THREADS) // two neighbours
    {
        const float2* from = (const float2*)sums + j;
        float2 v = from[0];
#pragma unroll
        for (int w = 1; w < GS_DT_WARPS; w++)
        {
            const float2 more = from[w * (2 * D_SUMS)];
            v.x += more.x;
            v.y += more.y;
        }
        const int lane = j >> 1 & 31, n = j / 64 % tiles, row = row0 + j / (64 * tiles) * 16 + (j & 1) * 8 + (lane >> 2);
        if (row < p.rows) *(u32*)((u16*)d.ddt + (i64)row * d.ddt_stride + n * 8 + (lane & 3) * 2) = gs_pack_bf16(v.x, v.y);
    }
}
// Grid (stretches of p.stages stages, directions), D_THREADS threads.
extern "C" __global__ void __launch_bounds__(D_THREADS) gs_dt_bwd(const __grid_constant__ GsDt p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    constexpr int tiles = D_TILES;
    const GsDtDirection& d = p.d[blockIdx.y];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane >> 2, q = lane & 3;
    float4* sums = (float4*)(smem + GS_DT_STAGES * D_STAGE);
    const int first = blockIdx.x * p.stages, last = min(first + p.stages, (p.rows + GS_DT_ROWS - 1) / GS_DT_ROWS);
#pragma unroll
    for (int i = 0; i < GS_DT_STAGES - 1; i++)
    {
        if (first + i < last) gs_dt_fetch(d, p, smem + i * D_STAGE, (first + i) * GS_DT_ROWS);
        gs_copy_commit();
    }
    u32 weight[4][tiles][2];                               // sum over channels: neighbours in a word
    float4 dweight[4][tiles];
#pragma unroll
    for (int c = 0; c < 4; c++)
#pragma unroll
        for (int n = 0; n < tiles; n++)
        {
            dweight[c][n] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#pragma unroll
            for (int h = 0; h < 2; h++)
            {
                const int channel = warp * 64 + c * 16 + h * 8 + 2 * q; // channels are a multiple of 8
                const u16* w = (const u16*)d.weight + (i64)channel * GS_DT_RANK + n * 8 + g;
                weight[c][n][h] = channel < p.channels ? w[0] | (u32)w[GS_DT_RANK] << 16 : 0u;
            }
        }
    int slot = 0, ahead = GS_DT_STAGES - 1;
#pragma unroll 1
    for (int i = first; i < last; i++)
    {
        gs_copy_wait_for(GS_DT_STAGES - 2);
        __syncthreads();                                   // this stage has landed; nobody reads the one before it, whose sums are there
        if (i + GS_DT_STAGES - 1 < last) gs_dt_fetch(d, p, smem + ahead * D_STAGE, (i + GS_DT_STAGES - 1) * GS_DT_ROWS);
        gs_copy_commit();
        if (i > first) gs_dt_sum(d, p, sums + (i - 1 & 1) * (GS_DT_WARPS * D_SUMS), (i - 1) * GS_DT_ROWS);
        // A lane's row of 4 tiles: 8 rows further for tiles 1 and 3, 8 columns for 2 and 3.
        const int row = (lane & 7) + (lane >> 3 & 1) * 8, column = lane >> 4;
        const unsigned char* stage = smem + slot * D_STAGE;
#pragma unroll
        for (int r = 0; r < GS_DT_ROWS / 16; r++)
        {
            const unsigned char* wide = stage + (r * 16 + row) * D_WIDE + warp * 128 + column * 16;
            const unsigned char* narrow = stage + GS_DT_ROWS * D_WIDE + (r * 16 + row) * D_NARROW + column * 16;
            u32 dt[tiles + 1][2];
            float4 ddt[tiles];
#pragma unroll
            for (int n = 0; n < tiles; n += 2)
            {
                if (n + 1 < tiles) gs_ld_tiles4_turned(dt[n], narrow + n * 16);
                else gs_ld_tiles2_turned(dt[n], narrow + n * 16);
            }
#pragma unroll
            for (int n = 0; n < tiles; n++) ddt[n] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#pragma unroll
            for (int c = 0; c < 4; c++)
            {
                u32 a[4];
                gs_ld_tiles4(a, wide + c * 32);
#pragma unroll
                for (int n = 0; n < tiles; n++) gs_mma_bf16(ddt[n], a[0], a[1], a[2], a[3], weight[c][n][0], weight[c][n][1]);
                gs_ld_tiles4_turned(a, wide + c * 32);
#pragma unroll
                for (int n = 0; n < tiles; n++) gs_mma_bf16(dweight[c][n], a[0], a[2], a[1], a[3], dt[n][0], dt[n][1]);
            }
#pragma unroll
            for (int n = 0; n < tiles; n++) sums[((i & 1) * GS_DT_WARPS + warp) * D_SUMS + (r * tiles + n) * 32 + lane] = ddt[n];
        }
        slot = slot + 1 == GS_DT_STAGES ? 0 : slot + 1;
        ahead = ahead + 1 == GS_DT_STAGES ? 0 : ahead + 1;
    }
    __syncthreads();
    if (first < last) gs_dt_sum(d, p, sums + (last - 1 & 1) * (GS_DT_WARPS * D_SUMS), (last - 1) * GS_DT_ROWS);
    float* part = p.part + ((i64)blockIdx.x * gridDim.y + blockIdx.y) * p.channels * GS_DT_RANK;
#pragma unroll
    for (int c = 0; c < 4; c++)
#pragma unroll
        for (int n = 0; n < tiles; n++)
        {
            const int channel = warp * 64 + c * 16 + g;
            float* to = part + (i64)channel * GS_DT_RANK + n * 8 + 2 * q;
            if (channel < p.channels) *(float2*)to = make_float2(dweight[c][n].x, dweight[c][n].y);
            if (channel + 8 < p.channels) *(float2*)(to + 8 * GS_DT_RANK) = make_float2(dweight[c][n].z, dweight[c][n].w);
        }
}
