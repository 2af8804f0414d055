// Backward. Bytes per element (bf16): x 2 + du 2 per direction + dx 2 = 6 or 8, the limit being the memory's speed; with both directions about 120
// instructions per row of 64 channels and warp, which is 70 % of what can be issued in that time.
// A block keeps 64 channels and walks over tiles of rows; the next tile comes by asynchronous copies while this one is in hand. A warp takes one
// direction of 16 rows, a lane 2 channels, against the direction's order: then dx of a row is complete as soon as its own dc is known, and a window of
// four rows of x and dc is all that is held. The three rows after the run are computed again. With both directions, a warp keeps dx of the half of its
// rows that comes first and hands the other half to the warp of the other direction, for which it is the other way round.
#ifndef GS_CONV_DIRS
#define GS_CONV_DIRS 3                // as GsConv.directions
#endif
#ifndef GS_CONV_BWD_BLOCKS
#define GS_CONV_BWD_BLOCKS (GS_F32_IO ? 1 : 3)
#endif
#define B_BOTH (GS_CONV_DIRS == 3)
#define B_COUNT (B_BOTH ? 2 : 1)
#define B_RUN 16
#define B_ROWS (B_BOTH ? 64 : 128)     // of a tile: 4 or 8 runs
#define B_ROW (64 * GS_ESIZE)          // bytes of a row
#define B_X ((B_ROWS + 6) * B_ROW)     // x: positions -3 .. B_ROWS + 2 of the tile
#define B_DU ((B_ROWS + 3) * B_ROW)    // du: forward direction 0 .. B_ROWS + 2, reverse direction -3 .. B_ROWS - 1
#define B_STAGE (B_X + B_COUNT * B_DU)
// Shared memory, bytes: 2 B_STAGE, and with both directions [B_ROWS][32] float2 that are handed over: 67,840 or 68,608 (bf16).
struct GsPair { float a, b; };
struct GsTaps { GsPair w[4], bias; };
__device__ __forceinline__ GsPair gs_staged(const unsigned char* tile, int row, int lane)
{
    GsPair r;
#if GS_F32_IO
    const float2 v = *(const float2*)(tile + row * B_ROW + lane * 8);
    r.a = v.x; r.b = v.y;
#else
    const u32 v = *(const u32*)(tile + row * B_ROW + lane * 4);
    r.a = gs_lo(v); r.b = gs_hi(v);
#endif
    return r;
}
__device__ __forceinline__ void gs_taps(const GsConvDirection& d, int c, GsTaps& t)
{
    const float4 a = *(const float4*)(d.weight + (i64)c * 4), b = *(const float4*)(d.weight + (i64)c * 4 + 4);
    t.w[0].a = a.w; t.w[1].a = a.z; t.w[2].a = a.y; t.w[3].a = a.x;
    t.w[0].b = b.w; t.w[1].b = b.z; t.w[2].b = b.y; t.w[3].b = b.x;
    t.bias.a = d.bias != 0 ? d.bias[c] : 0.0f; t.bias.b = d.bias != 0 ? d.bias[c + 1] : 0.0f;
}
__device__ __forceinline__ float gs_dc(float c, float du)
{
    const float s = gs_sigmoid(c);
    return du * fmaf(s, fmaf(-c, s, c), s);
}
// Position t of the sequence or just outside it gets its dx.
__device__ __forceinline__ void gs_conv_store(const GsConv& p, int b, int t, int c, GsPair dx)
{
    void* to = p.dx;
    i64 e = ((i64)b * p.length + t) * p.dx_stride + c;
    if ((u32)t >= (u32)p.length)                           // an input that precedes the sequence in one of the directions
    {
        const int slot = t < 0 ? 3 + t : p.length + 2 - t;
        to = slot >= 0 ? (t < 0 ? p.d[0].dbefore : p.d[1].dbefore) : 0;
        e = ((i64)b * 3 + slot) * p.channels + c;
        if (to == 0) return;
    }
#if GS_F32_IO
    *(float2*)((float*)to + e) = make_float2(dx.a, dx.b);
#else
    *(u32*)((u16*)to + e) = gs_pack_bf16(dx.a, dx.b);
#endif
}
// One direction of the run whose first row is `row` of the tile, position `at`. Rows are counted in the direction's order: k = 0 .. B_RUN - 1 is the run.
// Plain: rows 0 .. B_RUN + 2 inside the sequence, all taps open. Bit k + 3 of cuts: no tap reaches from row k to row k - 1.
template <bool Reverse, bool Plain>
__device__ __forceinline__ void gs_conv_run(const GsConv& p, const unsigned char* sx, const unsigned char* sdu, float2* hand, int lane, int row, int b, int at, int c,
    u32 cuts, const GsTaps& t, GsPair* dw, GsPair* kept)
{
    const int step = Reverse ? -1 : 1, zero = row + (Reverse ? B_RUN - 1 : 0); // row of the tile of k = 0
    const int start = at + (Reverse ? B_RUN - 1 : 0);
    GsPair x[4], dc[4];                                    // row k at [k & 3]
#pragma unroll
    for (int k = B_RUN; k < B_RUN + 3; k++) x[k & 3] = gs_staged(sx, zero + step * k + 3, lane);
#pragma unroll
    for (int k = B_RUN + 2; k >= 0; k--)
    {
        x[(k - 3) & 3] = gs_staged(sx, zero + step * (k - 3) + 3, lane);
        GsPair du = gs_staged(sdu, zero + step * k + (Reverse ? 3 : 0), lane), v = t.bias;
        bool open[4];
#pragma unroll
        for (int j = 0; j < 4; j++)
        {
            open[j] = Plain || gs_open(cuts, k + 4 - j, j);
            v.a = fmaf(open[j] ? t.w[j].a : 0.0f, x[(k - j) & 3].a, v.a);
            v.b = fmaf(open[j] ? t.w[j].b : 0.0f, x[(k - j) & 3].b, v.b);
        }
        const bool in = Plain || (u32)(start + step * k) < (u32)p.length;
        dc[k & 3].a = in ? gs_dc(v.a, du.a) : 0.0f;
        dc[k & 3].b = in ? gs_dc(v.b, du.b) : 0.0f;
        if (k >= B_RUN) continue;
        dw[4].a += dc[k & 3].a; dw[4].b += dc[k & 3].b;
        GsPair dx;
        dx.a = dx.b = 0.0f;
#pragma unroll
        for (int j = 0; j < 4; j++)
        {
            dw[j].a = fmaf(open[j] ? dc[k & 3].a : 0.0f, x[(k - j) & 3].a, dw[j].a);
            dw[j].b = fmaf(open[j] ? dc[k & 3].b : 0.0f, x[(k - j) & 3].b, dw[j].b);
            const bool from = Plain || gs_open(cuts, k + 4, j);
            dx.a = fmaf(from ? t.w[j].a : 0.0f, dc[(k + j) & 3].a, dx.a);
            dx.b = fmaf(from ? t.w[j].b : 0.0f, dc[(k + j) & 3].b, dx.b);
        }
        if (!B_BOTH) { if (c < p.channels) gs_conv_store(p, b, start + step * k, c, dx); }
        else if (k >= B_RUN / 2) kept[k - B_RUN / 2] = dx;
        else hand[(zero + step * k) * 32 + lane] = make_float2(dx.a, dx.b);
    }
}
template <bool Reverse>
__device__ __forceinline__ void gs_conv_tile(const GsConv& p, const unsigned char* sx, const unsigned char* sdu, float2* hand, int lane, int run, int b, int first, int c,
    const GsTaps& t, GsPair* dw)
{
    const int row = run * B_RUN, at = first + row;
    u32 cuts = 0;
#if GS_CONV_IDS
    if (p.ids != 0)
    {
        const int k = lane - 3;
        cuts = gs_ballot(k < B_RUN + 3 && gs_conv_cut(p, b, Reverse ? at + B_RUN - k : at + k));
    }
#endif
    GsPair kept[B_RUN / 2];
    const bool inside = Reverse ? at >= 3 && at + B_RUN <= p.length : at >= 0 && at + B_RUN + 3 <= p.length;
    if (cuts == 0 && inside) gs_conv_run<Reverse, true>(p, sx, sdu, hand, lane, row, b, at, c, 0, t, dw, kept);
    else gs_conv_run<Reverse, false>(p, sx, sdu, hand, lane, row, b, at, c, cuts, t, dw, kept);
    if (!B_BOTH) return;
    gs_barrier(1 + run, 64);                               // the other direction's warp has handed its part over
    if (c >= p.channels) return;
#pragma unroll
    for (int k = 0; k < B_RUN / 2; k++)
    {
        const int r = Reverse ? B_RUN / 2 - 1 - k : B_RUN / 2 + k;
        const float2 other = hand[(row + r) * 32 + lane];
        // In the order forward + reverse, whoever adds.
        kept[k].a = Reverse ? other.x + kept[k].a : kept[k].a + other.x;
        kept[k].b = Reverse ? other.y + kept[k].b : kept[k].b + other.y;
        gs_conv_store(p, b, at + r, c, kept[k]);
    }
}
// Starts copying a tile of 64 channels from c0 whose first row is `first`.
__device__ __forceinline__ void gs_conv_fetch(const GsConv& p, unsigned char* to, int b, int first, int c0)
{
    const int parts = B_ROW / 16, by = 256 / parts, part = threadIdx.x % parts, own = threadIdx.x / parts;
    const int c = min(c0 + part * (16 / GS_ESIZE), p.channels - 16 / GS_ESIZE), L = p.length;
    const i64 base = (i64)b * L;
    unsigned char* mine = to + own * B_ROW + part * 16;
    if (first >= 3 && first + B_ROWS + 3 <= L)
    {
        const unsigned char* from = (const unsigned char*)p.x + ((base + first - 3 + own) * p.x_stride + c) * GS_ESIZE;
        const i64 pitch = p.x_stride * (by * GS_ESIZE);
#pragma unroll
        for (int k = 0; k < B_ROWS + 6; k += 256 * 16 / B_ROW)
            if (k + own < B_ROWS + 6) gs_copy16(mine + k * B_ROW, from + k / (256 * 16 / B_ROW) * pitch);
        mine += B_X;
#pragma unroll
        for (int q = 0; q < 2; q++)
        {
            if ((GS_CONV_DIRS >> q & 1) == 0) continue;
            from = (const unsigned char*)p.d[q].du + ((base + first - 3 * q + own) * p.d[q].du_stride + c) * GS_ESIZE;
            const i64 duPitch = p.d[q].du_stride * (by * GS_ESIZE);
#pragma unroll
            for (int k = 0; k < B_ROWS + 3; k += 256 * 16 / B_ROW)
                if (k + own < B_ROWS + 3) gs_copy16(mine + k * B_ROW, from + k / (256 * 16 / B_ROW) * duPitch);
            mine += B_DU;
        }
        gs_copy_commit();
        return;
    }
#pragma unroll 1
    for (int i = own; i < B_ROWS + 6; i += by)
    {
        const int at = first - 3 + i, fwd = 3 + at, rev = L + 2 - at; // places in the inputs that precede each direction
        const void* from = p.x;
        i64 e = (base + min(max(at, 0), L - 1)) * p.x_stride + c;
        bool copy = at >= 0 && at < L;
        if (at < 0 && fwd >= 0 && p.d[0].before != 0) { from = p.d[0].before; e = ((i64)b * 3 + fwd) * p.channels + c; copy = true; }
        if (at >= L && rev >= 0 && p.d[1].before != 0) { from = p.d[1].before; e = ((i64)b * 3 + rev) * p.channels + c; copy = true; }
        gs_copy16_or_zero(to + i * B_ROW + part * 16, (const unsigned char*)from + e * GS_ESIZE, copy);
    }
    to += B_X;
#pragma unroll
    for (int q = 0; q < 2; q++)
    {
        if ((GS_CONV_DIRS >> q & 1) == 0) continue;
#pragma unroll 1
        for (int i = own; i < B_ROWS + 3; i += by)
        {
            const int at = min(max(first - 3 * q + i, 0), L - 1);
            gs_copy16(to + i * B_ROW + part * 16, (const unsigned char*)p.d[q].du + ((base + at) * p.d[q].du_stride + c) * GS_ESIZE);
        }
        to += B_DU;
    }
    gs_copy_commit();
}
// Grid (ceil(channels / 64), any), 256 threads. channels is a multiple of 8. part gets gridDim.y rows.
extern "C" __global__ void __launch_bounds__(256, GS_CONV_BWD_BLOCKS) gs_conv_bwd(const __grid_constant__ GsConv p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    float2* hand = (float2*)(smem + 2 * B_STAGE);
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const int c0 = blockIdx.x * 64, c = c0 + lane * 2;
    const int total = p.batch * p.tiles;
    const int q = B_BOTH ? warp >> 2 : GS_CONV_DIRS >> 1, run = B_BOTH ? warp & 3 : warp;
    GsTaps taps;
    gs_taps(p.d[q], min(c, p.channels - 2), taps);
    GsPair dw[5];
#pragma unroll
    for (int j = 0; j < 5; j++) dw[j].a = dw[j].b = 0.0f;
    int tile = blockIdx.y, buffer = 0;
    if (tile < total) gs_conv_fetch(p, smem, tile / p.tiles, tile % p.tiles * B_ROWS - p.lead, c0);
#pragma unroll 1
    for (; tile < total; tile += gridDim.y)
    {
        gs_copy_wait();
        __syncthreads();                                   // this tile has landed; nobody reads the other buffer or what was handed over
        const int next = tile + gridDim.y;
        if (next < total) gs_conv_fetch(p, smem + (buffer ^ 1) * B_STAGE, next / p.tiles, next % p.tiles * B_ROWS - p.lead, c0);
        const unsigned char* sx = smem + buffer * B_STAGE;
        const unsigned char* sdu = sx + B_X + (B_BOTH ? q * B_DU : 0);
        const int b = tile / p.tiles, first = tile % p.tiles * B_ROWS - p.lead;
        if (q == 0) gs_conv_tile<false>(p, sx, sdu, hand, lane, run, b, first, c, taps, dw);
        else gs_conv_tile<true>(p, sx, sdu, hand, lane, run, b, first, c, taps, dw);
        buffer ^= 1;
    }
    // dw over the block's warps, in order.
    __syncthreads();
    float* sums = (float*)smem;                             // [warps][5][64]
#pragma unroll
    for (int j = 0; j < 5; j++) *(float2*)(sums + (warp * 5 + j) * 64 + lane * 2) = make_float2(dw[j].a, dw[j].b);
    __syncthreads();
    for (int i = threadIdx.x; i < B_COUNT * 5 * 64; i += 256)
    {
        const int d = i / 320, j = i % 320 / 64, ch = i % 64;
        float v = 0.0f;
#pragma unroll
        for (int k = 0; k < 8 / B_COUNT; k++) v += sums[((d * 4 + k) * 5 + j) * 64 + ch];
        float* part = p.part + ((i64)blockIdx.y * B_COUNT + d) * 5 * p.channels;
        if (c0 + ch < p.channels) part[j < 4 ? (c0 + ch) * 4 + 3 - j : 4 * p.channels + c0 + ch] = v;
    }
}
