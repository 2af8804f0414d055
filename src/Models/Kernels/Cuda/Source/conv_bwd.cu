// Backward. Bytes per element (bf16): x 2 + du 2 per direction + dx 2 = 6 or 8, the limit being the memory's speed; with both directions about 110
// instructions per row of 64 channels and warp, 60 % of what can be issued in that time.
// A group of warps walks along a segment of a sequence with 64 channels per warp, 2 per lane; rows come ahead of it by asynchronous copies. At row t a
// lane has x of rows t - 3 .. t and computes dc of row t for the forward direction and of row t - 3 for the reverse one; with the last four of each, dx of
// row t - 3 is complete. So every row is read once, every dc computed once, and lanes never talk; a segment costs six rows more than it has.
// With GS_CONV_WIDTH, du first gets what comes back through a projection of u (Mamba's x_proj: rows of the gradient of [dt, B, C] times the weight) by
// tensor cores, which saves a matrix product and its reading and writing of du: 16 instructions a row and 0.4 bytes an element more. The projections' columns
// stay in shared memory, for all groups of a block.
// Figures: docs/kernels-gpu.md.
#ifndef GS_CONV_DIRS
#define GS_CONV_DIRS 3                // as GsConv.directions
#endif
#ifndef GS_CONV_WARPS
#define GS_CONV_WARPS 4               // side by side over the channels of a segment
#endif
#ifndef GS_CONV_GROUPS
#define GS_CONV_GROUPS 1              // segments of a block
#endif
#ifndef GS_CONV_STAGES
#define GS_CONV_STAGES 2
#endif
#ifndef GS_CONV_BWD_BLOCKS
#define GS_CONV_BWD_BLOCKS (16 / (GS_CONV_WARPS * GS_CONV_GROUPS))
#endif
#ifndef GS_CONV_WIDTH
#define GS_CONV_WIDTH 0               // of the projections through which more of du comes, a multiple of 8; 0: none. bf16 only
#endif
#define B_FWD (GS_CONV_DIRS & 1)
#define B_REV (GS_CONV_DIRS >> 1)
#define B_COUNT (B_FWD + B_REV)
#define B_THREADS (GS_CONV_WARPS * 32)
#define B_ROWS 8                       // of a stage
#define B_ROW (GS_CONV_WARPS * 64 * GS_ESIZE) // bytes of a row
#define B_PITCH (B_ROW + (GS_CONV_WIDTH > 0 ? 16 : 0)) // from row to row: an odd number of 16-byte pieces, so that 8 rows of a tile meet no bank twice
#define B_PARTS (B_ROW / 16)
#define B_TENSOR (B_ROWS * B_PITCH)
#define B_STEPS ((GS_CONV_WIDTH + 15) / 16) // of 16 terms of a projection's sum
#define B_NARROW (GS_CONV_WIDTH > 0 ? B_STEPS * 32 + 16 : 0) // from row to row of `through`
#define B_PROJECTION (B_STEPS * 16 * B_PITCH)
// x of rows t, du of the forward direction of rows t, of the reverse one of rows t - 3, then the rows of `through` of the same
#define B_STAGE ((1 + B_COUNT) * B_TENSOR + B_COUNT * B_ROWS * B_NARROW)
// Shared memory, bytes: B_COUNT B_PROJECTION + GS_CONV_GROUPS GS_CONV_STAGES B_STAGE (24,576 for both directions, bf16, one group, no projections).
struct GsPair { float a, b; };
struct GsTaps { GsPair w[4], bias; };                  // times B_SCALE
// What a lane carries from row to row: row t at [t & 3] for x and dc of the forward direction, row t - 3 for dc of the reverse one.
struct GsWindow { GsPair x[4], dc[2][4]; };
__device__ __forceinline__ GsPair gs_staged(const unsigned char* row, int lane)
{
    GsPair r;
#if GS_F32_IO
    const float2 v = *(const float2*)(row + lane * 8);
    r.a = v.x; r.b = v.y;
#else
    const u32 v = *(const u32*)(row + lane * 4);
    r.a = gs_lo(v); r.b = gs_hi(v);
#endif
    return r;
}
// dc / B_SCALE from c * B_SCALE. bf16: by one tanh of c / 2 (2^-11) in place of an exponential and a reciprocal; with h = c / 2, t = tanh(h),
// 2 silu'(c) = 1 + t + h (1 - t^2).
#if !GS_CONV_SILU
#define B_SCALE 1.0f
__device__ __forceinline__ float gs_dc(float, float du) { return du; }
#elif GS_F32_IO
#define B_SCALE 1.0f
__device__ __forceinline__ float gs_dc(float c, float du)
{
    const float s = gs_sigmoid(c);
    return du * fmaf(s, fmaf(-c, s, c), s);
}
#else
#define B_SCALE 0.5f
__device__ __forceinline__ float gs_dc(float h, float du)
{
    const float t = gs_tanh(h);
    return fmaf(du, fmaf(h, fmaf(-t, t, 1.0f), t), du);
}
#endif
__device__ __forceinline__ void gs_taps(const GsConvDirection& d, int c, GsTaps& t)
{
    const float4 a = *(const float4*)(d.weight + (i64)c * 4), b = *(const float4*)(d.weight + (i64)c * 4 + 4);
    t.w[0].a = a.w * B_SCALE; t.w[1].a = a.z * B_SCALE; t.w[2].a = a.y * B_SCALE; t.w[3].a = a.x * B_SCALE;
    t.w[0].b = b.w * B_SCALE; t.w[1].b = b.z * B_SCALE; t.w[2].b = b.y * B_SCALE; t.w[3].b = b.x * B_SCALE;
    t.bias.a = d.bias != 0 ? d.bias[c] * B_SCALE : 0.0f; t.bias.b = d.bias != 0 ? d.bias[c + 1] * B_SCALE : 0.0f;
}
__device__ __forceinline__ void gs_add(GsPair& sum, bool on, const GsPair& a, const GsPair& b)
{
    sum.a = fmaf(on ? a.a : 0.0f, b.a, sum.a);
    sum.b = fmaf(on ? a.b : 0.0f, b.b, sum.b);
}
// Position t of the sequence or just outside it gets its dx.
__device__ __forceinline__ void gs_conv_store(void* to, i64 e, const GsPair& dx)
{
#if GS_F32_IO
    *(float2*)((float*)to + e) = make_float2(dx.a, dx.b);
#else
    *(u32*)((u16*)to + e) = gs_pack_bf16(dx.a, dx.b);
#endif
}
// Rows t0 .. t0 + 7 of a stage. Plain: every row up to t0 + 7 and dx of every row from t0 - 3 belongs to the segment and the sequence, all taps are open.
// Bit k + 5 of cuts: no tap reaches across the border before row t0 + k.
template <bool Plain>
__device__ __forceinline__ void gs_conv_stage(const GsConv& p, const unsigned char* rows, int lane, int b, int t0, int begin, int end, int c, u32 cuts,
    const GsTaps* taps, GsPair (*dw)[5], GsWindow& m)
{
    const int L = p.length;
    const i64 pitch = p.dx_stride;
    i64 to = ((i64)b * L + t0 - 3) * pitch + c;
#pragma unroll
    for (int k = 0; k < B_ROWS; k++)
    {
        const int t = t0 + k;
        GsPair dx;
        dx.a = dx.b = 0.0f;
        m.x[k & 3] = gs_staged(rows + k * B_PITCH, lane);
        bool ahead[4];                                     // taps between row t - 3 and the rows after it
#pragma unroll
        for (int j = 0; j < 4; j++) ahead[j] = Plain || gs_open(cuts, k + 3, j);
        if (B_FWD)
        {
            GsPair v = taps[0].bias, du = gs_staged(rows + B_TENSOR + k * B_PITCH, lane);
#pragma unroll
            for (int j = 0; j < 4; j++) gs_add(v, Plain || gs_open(cuts, k + 6 - j, j), taps[0].w[j], m.x[(k - j) & 3]);
            const bool in = Plain || (u32)t < (u32)L, own = Plain || (in && t >= begin && t < end);
            GsPair& dc = m.dc[0][k & 3];
            dc.a = in ? gs_dc(v.a, du.a) : 0.0f;
            dc.b = in ? gs_dc(v.b, du.b) : 0.0f;
            dw[0][4].a += own ? dc.a : 0.0f;
            dw[0][4].b += own ? dc.b : 0.0f;
#pragma unroll
            for (int j = 0; j < 4; j++)
            {
                gs_add(dw[0][j], Plain || (own && gs_open(cuts, k + 6 - j, j)), dc, m.x[(k - j) & 3]);
                gs_add(dx, ahead[j], taps[0].w[j], m.dc[0][(k - 3 + j) & 3]);
            }
        }
        if (B_REV)
        {
            GsPair v = taps[1].bias, du = gs_staged(rows + (1 + B_FWD) * B_TENSOR + k * B_PITCH, lane);
#pragma unroll
            for (int j = 0; j < 4; j++) gs_add(v, ahead[j], taps[1].w[j], m.x[(k - 3 + j) & 3]);
            const bool in = Plain || (u32)(t - 3) < (u32)L, own = Plain || (in && t - 3 >= begin && t - 3 < end);
            GsPair& dc = m.dc[1][(k - 3) & 3];
            dc.a = in ? gs_dc(v.a, du.a) : 0.0f;
            dc.b = in ? gs_dc(v.b, du.b) : 0.0f;
            dw[1][4].a += own ? dc.a : 0.0f;
            dw[1][4].b += own ? dc.b : 0.0f;
#pragma unroll
            for (int j = 0; j < 4; j++)
            {
                gs_add(dw[1][j], Plain || (own && ahead[j]), dc, m.x[(k - 3 + j) & 3]);
                gs_add(dx, Plain || gs_open(cuts, k + 3 - j, j), taps[1].w[j], m.dc[1][(k - 3 - j) & 3]);
            }
        }
        if (c < p.channels)
        {
            const int at = t - 3;
            if (Plain || ((u32)at < (u32)L && at >= begin && at < end)) gs_conv_store(p.dx, to, dx);
            else if (at >= begin && at < end)              // an input that precedes the sequence in one of the directions
            {
                const int slot = at < 0 ? 3 + at : L + 2 - at;
                void* before = at < 0 ? p.d[0].dbefore : p.d[1].dbefore;
                if (slot >= 0 && slot < 3 && before != 0) gs_conv_store(before, ((i64)b * 3 + slot) * p.channels + c, dx);
            }
        }
        to += pitch;
    }
}
#if GS_CONV_WIDTH > 0
// du += through . projection for a stage's rows and a warp's 64 channels: (channels x rows) as 4 tiles of 16 x 8, kept as rows x channels of bf16 where
// du lies. Sums are fp32: du enters by a product with the unit matrix, which costs a quarter of unpacking it; the sum is rounded once.
__device__ __forceinline__ void gs_conv_project(unsigned char* du, const unsigned char* through, const unsigned char* projection, int lane)
{
    constexpr int steps = B_STEPS;
    const int low = lane & 7, odd = lane >> 3 & 1, far = lane >> 4; // a lane's row of tiles: `low` of 8, tiles 1 and 3, tiles 2 and 3
    const u32 unit = lane >> 2 == (lane & 3) * 2 ? 0x3f80u : lane >> 2 == (lane & 3) * 2 + 1 ? 0x3f800000u : 0u;
    u32 b[steps + 1][2];
    through += low * B_NARROW + (lane >> 3) * 16;
    du += low * B_PITCH + (lane >> 3) * 16;
    projection += (low + far * 8) * B_PITCH + odd * 16;
#pragma unroll
    for (int k = 0; k < steps; k += 2)
    {
        if (k + 1 < steps) gs_ld_tiles4(b[k], through + k * 32);
        else gs_ld_tiles2(b[k], through + k * 32);
    }
#pragma unroll
    for (int m = 0; m < 4; m += 2)
    {
        u32 d[4];
        float4 sum[2];
        gs_ld_tiles4_turned(d, du + m * 32);
        sum[0] = sum[1] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        gs_mma_bf16_k8(sum[0], d[0], d[1], unit);
        gs_mma_bf16_k8(sum[1], d[2], d[3], unit);
#pragma unroll
        for (int k = 0; k < steps; k++)
        {
#pragma unroll
            for (int j = 0; j < 2; j++)
            {
                u32 w[4];
                gs_ld_tiles4_turned(w, projection + k * (16 * B_PITCH) + (m + j) * 32);
                gs_mma_bf16(sum[j], w[0], w[1], w[2], w[3], b[k][0], b[k][1]);
            }
        }
        gs_st_tiles4_turned(du + m * 32, gs_pack_bf16(sum[0].x, sum[0].y), gs_pack_bf16(sum[0].z, sum[0].w),
            gs_pack_bf16(sum[1].x, sum[1].y), gs_pack_bf16(sum[1].z, sum[1].w));
    }
}
// Starts copying the block's slices of the projections, and clears the columns of `through` and the rows of the projections that fill up the last step.
__device__ __forceinline__ void gs_conv_prepare(const GsConv& p, unsigned char* smem, unsigned char* ring, int tid, int c0)
{
    constexpr int pieces = B_COUNT * B_STEPS * 16 * B_PARTS, threads = B_THREADS * GS_CONV_GROUPS;
    for (int i = threadIdx.x; i < pieces; i += threads)
    {
        const int part = i % B_PARTS, k = i / B_PARTS % (B_STEPS * 16), q = i / (B_PARTS * B_STEPS * 16);
        const int c = min(c0 + part * 8, p.channels - 8);
        const u16* from = (const u16*)(B_COUNT == 2 ? p.d[q] : p.d[B_REV]).projection;
        gs_copy16_or_zero(smem + q * B_PROJECTION + k * B_PITCH + part * 16, from + (k < GS_CONV_WIDTH ? (i64)k * p.channels + c : 0), k < GS_CONV_WIDTH);
    }
    if (GS_CONV_WIDTH % 16 != 0)
    {
        constexpr int rows = GS_CONV_STAGES * B_COUNT * B_ROWS;
        for (int i = tid; i < rows; i += B_THREADS)
        {
            unsigned char* row = ring + i / (B_COUNT * B_ROWS) * B_STAGE + (1 + B_COUNT) * B_TENSOR + i % (B_COUNT * B_ROWS) * B_NARROW;
            *(uint4*)(row + GS_CONV_WIDTH * 2) = make_uint4(0, 0, 0, 0);
        }
    }
}
#define B_ACROSS (GS_CONV_WIDTH <= 64 ? 8 : GS_CONV_WIDTH <= 128 ? 16 : 32) // places for the 16-byte pieces of a row of `through`
#define B_EVEN ((GS_CONV_WARPS & (GS_CONV_WARPS - 1)) == 0) // a thread's pieces lie evenly
// Where the i-th piece of a stage's rows of `through` comes from, the stage's rows beginning at t0.
__device__ __forceinline__ const unsigned char* gs_conv_through(const GsConv& p, int i, int b, int t0, bool clamp)
{
    const int side = B_COUNT == 2 ? i / (B_ACROSS * B_ROWS) : B_REV;
    int at = t0 + i / B_ACROSS % B_ROWS - 3 * side;
    if (clamp) at = min(max(at, 0), p.length - 1);
    return (const unsigned char*)p.d[side].through + (((i64)b * p.length + at) * p.through_stride + i % B_ACROSS * 8) * 2;
}
// Starts copying a stage's rows of `through`. Inside: all of them are rows of the sequence, and the thread's first piece comes from `next`.
template <bool Inside>
__device__ __forceinline__ void gs_conv_fetch_through(const GsConv& p, const unsigned char* next, unsigned char* to, int tid, int b, int t0)
{
    constexpr int pieces = B_COUNT * B_ROWS * B_ACROSS;
#pragma unroll
    for (int k = 0; k < (pieces + B_THREADS - 1) / B_THREADS; k++)
    {
        const int i = tid + k * B_THREADS, side = k * B_THREADS / (B_ACROSS * B_ROWS), row = k * B_THREADS / B_ACROSS % B_ROWS;
        const unsigned char* from = next;
        if (!B_EVEN || !Inside) from = gs_conv_through(p, i, b, t0, !Inside);
        else if (k > 0)
        {
            from += (row - 3 * side) * p.through_stride * 2;
            if (side > 0) from += (const unsigned char*)p.d[1].through - (const unsigned char*)p.d[0].through;
        }
        gs_copy16_if(to + i / B_ACROSS * B_NARROW + i % B_ACROSS * 16, from, i % B_ACROSS < GS_CONV_WIDTH / 8 && i < pieces);
    }
}
#endif
// A group's warps wait for each other.
__device__ __forceinline__ void gs_conv_sync(int group)
{
    if (GS_CONV_GROUPS == 1) __syncthreads();
    else if (GS_CONV_WARPS == 1) gs_warp_sync();
    else gs_barrier(1 + group, B_THREADS);
}
// Where a thread's first pieces of the next stage come from, if its rows are inside the sequence.
struct GsConvSource
{
    const unsigned char* x;
    const unsigned char* du[2];
#if GS_CONV_WIDTH > 0
    const unsigned char* through;
#endif
};
__device__ __forceinline__ void gs_conv_source(const GsConv& p, GsConvSource& s, int tid, int b, int t0, int c0)
{
    const int c = min(c0 + tid % B_PARTS * (16 / GS_ESIZE), p.channels - 16 / GS_ESIZE);
    const i64 row = (i64)b * p.length + t0 + tid / B_PARTS;
    s.x = (const unsigned char*)p.x + (row * p.x_stride + c) * GS_ESIZE;
    s.du[0] = (const unsigned char*)p.d[0].du + (row * p.d[0].du_stride + c) * GS_ESIZE;
    s.du[1] = (const unsigned char*)p.d[1].du + ((row - 3) * p.d[1].du_stride + c) * GS_ESIZE;
#if GS_CONV_WIDTH > 0
    s.through = gs_conv_through(p, min(tid, B_COUNT * B_ROWS * B_ACROSS - 1), b, t0, false);
#endif
}
// Starts copying the rows of a stage: x and forward du from t0, reverse du from t0 - 3. Channels beyond the last are copies of others.
__device__ __forceinline__ void gs_conv_fetch_inside(const GsConv& p, const GsConvSource& s, unsigned char* to, int tid, int b, int t0)
{
    constexpr int rows = B_THREADS / B_PARTS;              // that the group's threads copy at once
#if GS_CONV_WIDTH > 0
    gs_conv_fetch_through<true>(p, s.through, to + (1 + B_COUNT) * B_TENSOR, tid, b, t0);
#endif
    to += tid / B_PARTS * B_PITCH + tid % B_PARTS * 16;
#pragma unroll
    for (int k = 0; k < B_ROWS / rows; k++)
    {
        unsigned char* piece = to + k * (rows * B_PITCH);
        gs_copy16(piece, s.x + p.x_stride * (k * rows * GS_ESIZE));
        if (B_FWD) gs_copy16(piece + B_TENSOR, s.du[0] + p.d[0].du_stride * (k * rows * GS_ESIZE));
        if (B_REV) gs_copy16(piece + (1 + B_FWD) * B_TENSOR, s.du[1] + p.d[1].du_stride * (k * rows * GS_ESIZE));
    }
}
// The same where some rows lie outside the sequence.
__device__ __forceinline__ void gs_conv_fetch_edge(const GsConv& p, unsigned char* to, int tid, int b, int t0, int c0)
{
    constexpr int rows = B_THREADS / B_PARTS;
    const int L = p.length, c = min(c0 + tid % B_PARTS * (16 / GS_ESIZE), p.channels - 16 / GS_ESIZE);
    const i64 base = (i64)b * L;
#if GS_CONV_WIDTH > 0
    gs_conv_fetch_through<false>(p, 0, to + (1 + B_COUNT) * B_TENSOR, tid, b, t0);
#endif
    to += tid / B_PARTS * B_PITCH + tid % B_PARTS * 16;
#pragma unroll 1
    for (int k = 0; k < B_ROWS / rows; k++)
    {
        unsigned char* piece = to + k * (rows * B_PITCH);
        const int at = t0 + tid / B_PARTS + k * rows, row = min(max(at, 0), L - 1), back = min(max(at - 3, 0), L - 1);
        const int fwd = 3 + at, rev = L + 2 - at;           // places in the inputs that precede each direction
        const void* from = p.x;
        i64 e = (base + row) * p.x_stride + c;
        bool copy = at >= 0 && at < L;
        if (at < 0 && fwd >= 0 && p.d[0].before != 0) { from = p.d[0].before; e = ((i64)b * 3 + fwd) * p.channels + c; copy = true; }
        if (at >= L && rev >= 0 && p.d[1].before != 0) { from = p.d[1].before; e = ((i64)b * 3 + rev) * p.channels + c; copy = true; }
        gs_copy16_or_zero(piece, (const unsigned char*)from + e * GS_ESIZE, copy);
        if (B_FWD) gs_copy16(piece + B_TENSOR, (const unsigned char*)p.d[0].du + ((base + row) * p.d[0].du_stride + c) * GS_ESIZE);
        if (B_REV) gs_copy16(piece + (1 + B_FWD) * B_TENSOR, (const unsigned char*)p.d[1].du + ((base + back) * p.d[1].du_stride + c) * GS_ESIZE);
    }
}
__device__ __forceinline__ void gs_conv_fetch(const GsConv& p, GsConvSource& s, unsigned char* to, int tid, int b, int t0, int c0)
{
    if (t0 >= 3 && t0 + B_ROWS <= p.length) gs_conv_fetch_inside(p, s, to, tid, b, t0);
    else gs_conv_fetch_edge(p, to, tid, b, t0, c0);
    s.x += p.x_stride * (B_ROWS * GS_ESIZE);
    s.du[0] += p.d[0].du_stride * (B_ROWS * GS_ESIZE);
    s.du[1] += p.d[1].du_stride * (B_ROWS * GS_ESIZE);
#if GS_CONV_WIDTH > 0
    s.through += p.through_stride * (B_ROWS * 2);
#endif
}
// Grid (ceil(channels / (64 GS_CONV_WARPS)), ceil(segments / GS_CONV_GROUPS)); segments: batch * p.tiles of p.rows rows. part gets a row of each.
// channels is a multiple of 8.
extern "C" __global__ void __launch_bounds__(B_THREADS * GS_CONV_GROUPS, GS_CONV_BWD_BLOCKS) gs_conv_bwd(const __grid_constant__ GsConv p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    const int lane = threadIdx.x & 31, group = threadIdx.x / B_THREADS, tid = threadIdx.x % B_THREADS, warp = tid >> 5;
    const int c0 = blockIdx.x * (64 * GS_CONV_WARPS), c = c0 + warp * 64 + lane * 2, cSafe = min(c, p.channels - 2);
    const int walker = blockIdx.y * GS_CONV_GROUPS + group, b = walker / p.tiles, begin = walker % p.tiles * p.rows - p.lead;
    const int end = b < p.batch ? min(begin + p.rows, p.length + p.tail) : begin;
    unsigned char* ring = smem + B_COUNT * B_PROJECTION + group * (GS_CONV_STAGES * B_STAGE);
    GsTaps taps[2];
    GsPair dw[2][5];
    GsWindow m;
#pragma unroll
    for (int q = 0; q < 2; q++)
    {
        if ((GS_CONV_DIRS >> q & 1) != 0) gs_taps(p.d[q], cSafe, taps[q]);
#pragma unroll
        for (int j = 0; j < 5; j++) dw[q][j].a = dw[q][j].b = 0.0f;
#pragma unroll
        for (int j = 0; j < 4; j++) m.x[j].a = m.x[j].b = m.dc[q][j].a = m.dc[q][j].b = 0.0f;
    }
    const int first = begin - 3, stages = begin < end ? (end + 3 - first + B_ROWS - 1) / B_ROWS : 0;
#if GS_CONV_WIDTH > 0
    gs_conv_prepare(p, smem, ring, tid, c0);
    gs_copy_commit();
#endif
    GsConvSource source;
    gs_conv_source(p, source, tid, b, first, c0);
#pragma unroll 1
    for (int i = 0; i < GS_CONV_STAGES - 1; i++)
    {
        if (i < stages) gs_conv_fetch(p, source, ring + i * B_STAGE, tid, b, first + i * B_ROWS, c0);
        gs_copy_commit();
    }
    // Lane k says whether a border lies before row t0 - 5 + k of the stage: by its place in its sequence (never the first where there is but one),
    // and by the ids, which are asked for one stage ahead.
    int phase = -2147483647;
    if (p.period > 0)
    {
        phase = (first - 5 + lane) % p.period;
        if (phase < 0) phase += p.period;
    }
#if GS_CONV_IDS
    bool cut = p.ids != 0 && lane < B_ROWS + 5 && gs_conv_cut(p, b, first - 5 + lane);
#endif
#if GS_CONV_WIDTH > 0
    gs_copy_wait_for(GS_CONV_STAGES - 1);
    __syncthreads();                                       // the projections are there for all groups
#endif
    int slot = 0, ahead = GS_CONV_STAGES - 1;
#pragma unroll 1
    for (int i = 0; i < stages; i++)
    {
        const int t0 = first + i * B_ROWS;
        gs_copy_wait_for(GS_CONV_STAGES - 2);
        gs_conv_sync(group);                               // this stage has landed; nobody reads the one before it
        if (i + GS_CONV_STAGES - 1 < stages) gs_conv_fetch(p, source, ring + ahead * B_STAGE, tid, b, t0 + (GS_CONV_STAGES - 1) * B_ROWS, c0);
        gs_copy_commit();
        unsigned char* rows = ring + slot * B_STAGE + warp * (64 * GS_ESIZE);
#if GS_CONV_WIDTH > 0
        const unsigned char* through = ring + slot * B_STAGE + (1 + B_COUNT) * B_TENSOR;
#pragma unroll 1
        for (int q = 0; q < B_COUNT; q++)
            gs_conv_project(rows + (1 + q) * B_TENSOR, through + q * (B_ROWS * B_NARROW), smem + q * B_PROJECTION + warp * 128, lane);
        gs_warp_sync();                                    // a warp's channels are its own
#endif
        bool border = phase == 0;
        phase += B_ROWS;
        if (phase >= p.period) phase %= p.period;
#if GS_CONV_IDS
        border |= cut;
        cut = p.ids != 0 && lane < B_ROWS + 5 && gs_conv_cut(p, b, t0 + B_ROWS - 5 + lane);
#endif
        const u32 cuts = gs_ballot(border) & ((1u << (B_ROWS + 5)) - 1);
        if (cuts == 0 && t0 >= begin + 3 && t0 >= 3 && t0 + B_ROWS <= min(end, p.length))
            gs_conv_stage<true>(p, rows, lane, b, t0, begin, end, c, 0, taps, dw, m);
        else
            gs_conv_stage<false>(p, rows, lane, b, t0, begin, end, c, cuts, taps, dw, m);
        slot = slot + 1 == GS_CONV_STAGES ? 0 : slot + 1;
        ahead = ahead + 1 == GS_CONV_STAGES ? 0 : ahead + 1;
    }
    if (c >= p.channels || b >= p.batch) return;
#pragma unroll
    for (int q = 0; q < 2; q++)
    {
        if ((GS_CONV_DIRS >> q & 1) == 0) continue;
        float* part = p.part + ((i64)walker * B_COUNT + (B_COUNT == 2 ? q : 0)) * 5 * p.channels;
#pragma unroll
        for (int j = 0; j < 5; j++) dw[q][j].a *= B_SCALE, dw[q][j].b *= B_SCALE;
        *(float4*)(part + c * 4) = make_float4(dw[q][3].a, dw[q][2].a, dw[q][1].a, dw[q][0].a);
        *(float4*)(part + c * 4 + 4) = make_float4(dw[q][3].b, dw[q][2].b, dw[q][1].b, dw[q][0].b);
        *(float2*)(part + 4 * p.channels + c) = make_float2(dw[q][4].a, dw[q][4].b);
    }
}
