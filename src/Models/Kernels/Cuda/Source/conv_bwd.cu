// Backward. Bytes per element (bf16): x 2 + du 2 per direction + dx 2 = 6 or 8. Limits: the memory's speed, and with both directions about 100
// instructions per row of 64 channels and warp, which is 60 % of what can be issued in that time.
// Measured on an H100: 76-81 % of a device copy with one direction, 69-72 % with both (59-62 % with ids).
// A block keeps 64 channels and walks over tiles of 64 rows: the next tile comes by asynchronous copies while this one is in hand.
// A warp takes 8 rows of a tile, a lane 2 channels: every row's dc is computed once and stays in registers; only the three rows
// that a neighbouring warp needs go through shared memory. The rows beyond a tile's ends are shared out among the warps.
#ifndef GS_CONV_DIRS
#define GS_CONV_DIRS 3                // as GsConv.directions
#endif
#ifndef GS_CONV_BWD_BLOCKS
#define GS_CONV_BWD_BLOCKS (GS_F32_IO ? 1 : GS_CONV_DIRS == 3 ? 2 : 3)
#endif
#define B_RUN 8
#define B_ROWS 64
#define B_ROW (64 * GS_ESIZE)          // bytes of a row
#define B_X ((B_ROWS + 6) * B_ROW)     // x: positions -3 .. B_ROWS + 2 of the tile
#define B_DU ((B_ROWS + 3) * B_ROW)    // du: forward direction 0 .. B_ROWS + 2, reverse direction -3 .. B_ROWS - 1
#define B_COUNT (GS_CONV_DIRS == 3 ? 2 : 1)
#define B_STAGE (B_X + B_COUNT * B_DU)
#define B_EDGE (9 * 3 * 64 * 4)        // dc of three rows at each of nine borders of runs
// Shared memory, bytes: 2 B_STAGE + B_COUNT B_EDGE (bf16: 41,984 with one direction, 66,048 with both).
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
// dc of rows p .. p + Rows - 1 (row `row` of the tile), and their part of dw. Plain: all rows inside the sequence, all taps open.
// Bit k of cuts: row p - 3 + k differs in id from the one before it.
template <bool Reverse, bool Plain, int Rows>
__device__ __forceinline__ void gs_conv_run(const unsigned char* sx, const unsigned char* sdu, int lane, int row, int p, int length, u32 cuts, const GsTaps& t, GsPair* dw, GsPair* dc)
{
    GsPair x[Rows + 3];
#pragma unroll
    for (int i = 0; i < Rows + 3; i++) x[i] = gs_staged(sx, row + i + (Reverse ? 3 : 0), lane);
#pragma unroll
    for (int r = 0; r < Rows; r++)
    {
        GsPair c = t.bias, du = gs_staged(sdu, row + r + (Reverse ? 3 : 0), lane);
        bool open[4];
#pragma unroll
        for (int j = 0; j < 4; j++)
        {
            const GsPair& v = x[Reverse ? r + j : r + 3 - j];
            open[j] = Plain || gs_open(cuts, Reverse ? r + 4 : r + 4 - j, j);
            c.a = fmaf(open[j] ? t.w[j].a : 0.0f, v.a, c.a);
            c.b = fmaf(open[j] ? t.w[j].b : 0.0f, v.b, c.b);
        }
        if (!Plain && (u32)(p + r) >= (u32)length) du.a = du.b = 0.0f;
        dc[r].a = gs_dc(c.a, du.a);
        dc[r].b = gs_dc(c.b, du.b);
        if (!Plain && (u32)(p + r) >= (u32)length) dc[r].a = dc[r].b = 0.0f; // whatever c was
        if (dw == 0) continue;
        dw[4].a += dc[r].a; dw[4].b += dc[r].b;
#pragma unroll
        for (int j = 0; j < 4; j++)
        {
            const GsPair& v = x[Reverse ? r + j : r + 3 - j];
            dw[j].a = fmaf(open[j] ? dc[r].a : 0.0f, v.a, dw[j].a);
            dw[j].b = fmaf(open[j] ? dc[r].b : 0.0f, v.b, dw[j].b);
        }
    }
}
// Adds the direction's part of dx of a run of rows. edge: the three rows after the run (forward) or before it (reverse).
template <bool Reverse, bool Plain>
__device__ __forceinline__ void gs_conv_dx(const GsPair* dc, const float2* edge, int lane, u32 cuts, const GsTaps& t, GsPair* dx)
{
    GsPair all[B_RUN + 3];
#pragma unroll
    for (int i = 0; i < B_RUN; i++) all[Reverse ? i + 3 : i] = dc[i];
#pragma unroll
    for (int i = 0; i < 3; i++) { const float2 v = edge[i * 32 + lane]; all[Reverse ? i : B_RUN + i].a = v.x; all[Reverse ? i : B_RUN + i].b = v.y; }
#pragma unroll
    for (int r = 0; r < B_RUN; r++)
#pragma unroll
        for (int j = 0; j < 4; j++)
        {
            const GsPair& v = all[Reverse ? r + 3 - j : r + j];
            const bool open = Plain || gs_open(cuts, Reverse ? r + 4 - j : r + 4, j);
            dx[r].a = fmaf(open ? t.w[j].a : 0.0f, v.a, dx[r].a);
            dx[r].b = fmaf(open ? t.w[j].b : 0.0f, v.b, dx[r].b);
        }
}
// Cuts of the window that starts at row p - 3, the same in all lanes.
__device__ __forceinline__ u32 gs_conv_cuts(const GsConv& p, int b, int at, int lane)
{
#if GS_CONV_IDS
    return p.ids == 0 ? 0 : gs_ballot(lane < B_RUN + 6 && gs_conv_cut(p, b, at - 3 + lane));
#else
    return 0;
#endif
}
// Starts copying a tile of 64 channels from c0 whose first row is `first`.
__device__ __forceinline__ void gs_conv_fetch(const GsConv& p, unsigned char* to, int b, int first, int c0)
{
    const int parts = B_ROW / 16, part = threadIdx.x % parts, c = min(c0 + part * (16 / GS_ESIZE), p.channels - 16 / GS_ESIZE);
    const int L = p.length;
    const i64 base = (i64)b * L;
#pragma unroll
    for (int k = 0; k < (B_ROWS + 6) * (B_ROW / 16); k += 256)
    {
        const int i = (k + threadIdx.x) / parts, at = first - 3 + i;
        if (i >= B_ROWS + 6) break;
        const int fwd = 3 + at, rev = L + 2 - at;           // places in the inputs that precede each direction
        const bool in = at >= 0 && at < L;
        const void* from = p.x;
        i64 e = (base + min(max(at, 0), L - 1)) * p.x_stride + c;
        bool copy = in;
        if (at < 0 && fwd >= 0 && p.d[0].before != 0) { from = p.d[0].before; e = ((i64)b * 3 + fwd) * p.channels + c; copy = true; }
        if (at >= L && rev >= 0 && p.d[1].before != 0) { from = p.d[1].before; e = ((i64)b * 3 + rev) * p.channels + c; copy = true; }
        gs_copy16_or_zero(to + i * B_ROW + part * 16, (const unsigned char*)from + e * GS_ESIZE, copy);
    }
    to += B_X;
#pragma unroll
    for (int q = 0; q < 2; q++)
    {
        if ((GS_CONV_DIRS >> q & 1) == 0) continue;
#pragma unroll
        for (int k = 0; k < (B_ROWS + 3) * (B_ROW / 16); k += 256)
        {
            const int i = (k + threadIdx.x) / parts, at = first - 3 * q + i;
            if (i >= B_ROWS + 3) break;
            gs_copy16(to + i * B_ROW + part * 16, (const unsigned char*)p.d[q].du + ((base + min(max(at, 0), L - 1)) * p.d[q].du_stride + c) * GS_ESIZE);
        }
        to += B_DU;
    }
    gs_copy_commit();
}
__device__ __forceinline__ void gs_put_edge(float2* edge, int lane, const GsPair* dc)
{
#pragma unroll
    for (int i = 0; i < 3; i++) edge[i * 32 + lane] = make_float2(dc[i].a, dc[i].b);
}
// Grid (ceil(channels / 64), any), 256 threads. channels is a multiple of 8. part gets gridDim.y rows.
extern "C" __global__ void __launch_bounds__(256, GS_CONV_BWD_BLOCKS) gs_conv_bwd(const __grid_constant__ GsConv p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    float2* edges = (float2*)(smem + 2 * B_STAGE);          // [directions][9][3][32]
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const int c0 = blockIdx.x * 64, c = c0 + lane * 2, cSafe = min(c, p.channels - 2);
    const int L = p.length, row = warp * B_RUN;
    const int total = p.batch * p.tiles;
    GsTaps taps[2];
    GsPair dw[2][5];
#pragma unroll
    for (int q = 0; q < 2; q++)
    {
        if ((GS_CONV_DIRS >> q & 1) != 0) gs_taps(p.d[q], cSafe, taps[q]);
#pragma unroll
        for (int j = 0; j < 5; j++) dw[q][j].a = dw[q][j].b = 0.0f;
    }
    int tile = blockIdx.y, buffer = 0;
    if (tile < total) gs_conv_fetch(p, smem, tile / p.tiles, tile % p.tiles * B_ROWS - p.lead, c0);
#pragma unroll 1
    for (; tile < total; tile += gridDim.y)
    {
        gs_copy_wait();
        __syncthreads();                                   // this tile has landed; nobody reads the other buffer or the edges
        const int next = tile + gridDim.y;
        if (next < total) gs_conv_fetch(p, smem + (buffer ^ 1) * B_STAGE, next / p.tiles, next % p.tiles * B_ROWS - p.lead, c0);
        const unsigned char* sx = smem + buffer * B_STAGE;
        const unsigned char* sdu[2] = {sx + B_X, sx + B_X + (B_COUNT - 1) * B_DU};
        const int b = tile / p.tiles, first = tile % p.tiles * B_ROWS - p.lead, at = first + row;
        const u32 cuts = gs_conv_cuts(p, b, at, lane);
        const bool plain = cuts == 0 && at >= 0 && at + B_RUN <= L;
        GsPair dc[2][B_RUN];
        if (plain)
        {
            if (GS_CONV_DIRS & 1) gs_conv_run<false, true, B_RUN>(sx, sdu[0], lane, row, at, L, 0, taps[0], dw[0], dc[0]);
            if (GS_CONV_DIRS & 2) gs_conv_run<true, true, B_RUN>(sx, sdu[1], lane, row, at, L, 0, taps[1], dw[1], dc[1]);
        }
        else
        {
            if (GS_CONV_DIRS & 1) gs_conv_run<false, false, B_RUN>(sx, sdu[0], lane, row, at, L, cuts, taps[0], dw[0], dc[0]);
            if (GS_CONV_DIRS & 2) gs_conv_run<true, false, B_RUN>(sx, sdu[1], lane, row, at, L, cuts, taps[1], dw[1], dc[1]);
        }
        // Border k lies before run k: the forward direction puts the rows after it there, the reverse direction the rows before it.
        float2* edge0 = edges;
        float2* edge1 = edges + (B_COUNT - 1) * (B_EDGE / 8);
        if (GS_CONV_DIRS & 1) gs_put_edge(edge0 + warp * 96, lane, dc[0]);
        if (GS_CONV_DIRS & 2) gs_put_edge(edge1 + (warp + 1) * 96, lane, dc[1] + B_RUN - 3);
        if (warp < 6)                                      // a row beyond an end of the tile
        {
            const int k = warp % 3;
            GsPair one[1];
            if ((GS_CONV_DIRS & 1) && warp < 3)
            {
                gs_conv_run<false, false, 1>(sx, sdu[0], lane, B_ROWS + k, first + B_ROWS + k, L, gs_conv_cuts(p, b, first + B_ROWS + k, lane), taps[0], 0, one);
                edge0[(8 * 3 + k) * 32 + lane] = make_float2(one[0].a, one[0].b);
            }
            if ((GS_CONV_DIRS & 2) && warp >= 3)
            {
                gs_conv_run<true, false, 1>(sx, sdu[1], lane, k - 3, first + k - 3, L, gs_conv_cuts(p, b, first + k - 3, lane), taps[1], 0, one);
                edge1[k * 32 + lane] = make_float2(one[0].a, one[0].b);
            }
        }
        __syncthreads();
        GsPair dx[B_RUN];
#pragma unroll
        for (int r = 0; r < B_RUN; r++) dx[r].a = dx[r].b = 0.0f;
        if (plain)
        {
            if (GS_CONV_DIRS & 1) gs_conv_dx<false, true>(dc[0], edge0 + (warp + 1) * 96, lane, 0, taps[0], dx);
            if (GS_CONV_DIRS & 2) gs_conv_dx<true, true>(dc[1], edge1 + warp * 96, lane, 0, taps[1], dx);
        }
        else
        {
            if (GS_CONV_DIRS & 1) gs_conv_dx<false, false>(dc[0], edge0 + (warp + 1) * 96, lane, cuts, taps[0], dx);
            if (GS_CONV_DIRS & 2) gs_conv_dx<true, false>(dc[1], edge1 + warp * 96, lane, cuts, taps[1], dx);
        }
        if (c < p.channels)
        {
#pragma unroll
            for (int r = 0; r < B_RUN; r++)
            {
                const int t = at + r;
                void* to = p.dx;
                i64 e = ((i64)b * L + t) * p.dx_stride + c;
                if (!plain && (u32)t >= (u32)L)            // a row before the sequence in one of the directions
                {
                    const int slot = t < 0 ? 3 + t : L + 2 - t;
                    to = slot >= 0 ? (t < 0 ? p.d[0].dbefore : p.d[1].dbefore) : 0;
                    e = ((i64)b * 3 + slot) * p.channels + c;
                    if (to == 0) continue;
                }
#if GS_F32_IO
                *(float2*)((float*)to + e) = make_float2(dx[r].a, dx[r].b);
#else
                *(u32*)((u16*)to + e) = gs_pack_bf16(dx[r].a, dx[r].b);
#endif
            }
        }
        buffer ^= 1;
    }
    // dw over the block's warps, in order.
    __syncthreads();
    float* sums = (float*)smem;                             // [8][64][5]
#pragma unroll
    for (int q = 0; q < 2; q++)
    {
        if ((GS_CONV_DIRS >> q & 1) == 0) continue;
#pragma unroll
        for (int j = 0; j < 5; j++) *(float2*)(sums + (warp * 5 + j) * 64 + lane * 2) = make_float2(dw[q][j].a, dw[q][j].b);
        __syncthreads();
        float* part = p.part + ((i64)blockIdx.y * B_COUNT + (B_COUNT == 2 ? q : 0)) * 5 * p.channels;
        for (int i = threadIdx.x; i < 5 * 64; i += 256)
        {
            const int j = i / 64, ch = i % 64;
            float v = 0.0f;
#pragma unroll
            for (int k = 0; k < 8; k++) v += sums[(k * 5 + j) * 64 + ch];
            if (c0 + ch < p.channels) part[j < 4 ? (c0 + ch) * 4 + 3 - j : 4 * p.channels + c0 + ch] = v;
        }
        __syncthreads();
    }
}
