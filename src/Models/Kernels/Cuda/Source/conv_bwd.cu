// Backward. Bytes per element (bf16): x 2 + du 2 per direction + dx 2 = 6 or 8, the limit being the memory's speed; with both directions about 100
// instructions per row of 64 channels and warp, half of what can be issued in that time.
// A block walks along a segment of a sequence with 64 channels per warp, 2 per lane; rows come ahead of it by asynchronous copies. At row t a lane has
// x of rows t - 3 .. t and computes dc of row t for the forward direction and of row t - 3 for the reverse one; with the last four of each, dx of row
// t - 3 is complete. So every row is read once, every dc computed once, and lanes never talk; a segment costs six rows more than it has.
// Measured on an H100 (bench/results/h100/kernels.json): 75-81 % of a device copy with one direction, 73-80 % with both.
#ifndef GS_CONV_DIRS
#define GS_CONV_DIRS 3                // as GsConv.directions
#endif
#ifndef GS_CONV_WARPS
#define GS_CONV_WARPS 4
#endif
#ifndef GS_CONV_STAGES
#define GS_CONV_STAGES 3
#endif
#ifndef GS_CONV_BWD_BLOCKS
#define GS_CONV_BWD_BLOCKS (20 / GS_CONV_WARPS)
#endif
#define B_FWD (GS_CONV_DIRS & 1)
#define B_REV (GS_CONV_DIRS >> 1)
#define B_COUNT (B_FWD + B_REV)
#define B_THREADS (GS_CONV_WARPS * 32)
#define B_ROWS 8                       // of a stage
#define B_ROW (GS_CONV_WARPS * 64 * GS_ESIZE) // bytes of a row
#define B_PARTS (B_ROW / 16)
#define B_TENSOR (B_ROWS * B_ROW)
#define B_STAGE ((1 + B_COUNT) * B_TENSOR) // x of rows t, du of the forward direction of rows t, of the reverse one of rows t - 3
// Shared memory, bytes: GS_CONV_STAGES B_STAGE (36,864 for both directions, bf16).
struct GsPair { float a, b; };
struct GsTaps { GsPair w[4], bias; };
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
__device__ __forceinline__ void gs_taps(const GsConvDirection& d, int c, GsTaps& t)
{
    const float4 a = *(const float4*)(d.weight + (i64)c * 4), b = *(const float4*)(d.weight + (i64)c * 4 + 4);
    t.w[0].a = a.w; t.w[1].a = a.z; t.w[2].a = a.y; t.w[3].a = a.x;
    t.w[0].b = b.w; t.w[1].b = b.z; t.w[2].b = b.y; t.w[3].b = b.x;
    t.bias.a = d.bias != 0 ? d.bias[c] : 0.0f; t.bias.b = d.bias != 0 ? d.bias[c + 1] : 0.0f;
}
__device__ __forceinline__ void gs_add(GsPair& sum, bool on, const GsPair& a, const GsPair& b)
{
    sum.a = fmaf(on ? a.a : 0.0f, b.a, sum.a);
    sum.b = fmaf(on ? a.b : 0.0f, b.b, sum.b);
}
__device__ __forceinline__ float gs_dc(float c, float du)
{
    const float s = gs_sigmoid(c);
    return du * fmaf(s, fmaf(-c, s, c), s);
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
        m.x[k & 3] = gs_staged(rows + k * B_ROW, lane);
        bool ahead[4];                                     // taps between row t - 3 and the rows after it
#pragma unroll
        for (int j = 0; j < 4; j++) ahead[j] = Plain || gs_open(cuts, k + 3, j);
        if (B_FWD)
        {
            GsPair v = taps[0].bias, du = gs_staged(rows + B_TENSOR + k * B_ROW, lane);
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
            GsPair v = taps[1].bias, du = gs_staged(rows + (1 + B_FWD) * B_TENSOR + k * B_ROW, lane);
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
// Starts copying the rows of a stage: x and forward du from t0, reverse du from t0 - 3. Channels beyond the last are copies of others.
__device__ __forceinline__ void gs_conv_fetch(const GsConv& p, unsigned char* to, int b, int t0, int c0)
{
    const int part = threadIdx.x % B_PARTS, own = threadIdx.x / B_PARTS, L = p.length;
    const int c = min(c0 + part * (16 / GS_ESIZE), p.channels - 16 / GS_ESIZE);
    const i64 base = (i64)b * L;
    to += threadIdx.x * 16;
    const bool inside = t0 >= 3 && t0 + B_ROWS <= L;
#pragma unroll
    for (int k = 0; k < B_ROWS * B_PARTS / B_THREADS; k++)
    {
        const int at = t0 + own + k * (B_THREADS / B_PARTS), row = inside ? at : min(max(at, 0), L - 1);
        unsigned char* piece = to + k * (B_THREADS * 16);
        if (inside) gs_copy16(piece, (const unsigned char*)p.x + ((base + row) * p.x_stride + c) * GS_ESIZE);
        else
        {
            const int fwd = 3 + at, rev = L + 2 - at;       // places in the inputs that precede each direction
            const void* from = p.x;
            i64 e = (base + row) * p.x_stride + c;
            bool copy = at >= 0 && at < L;
            if (at < 0 && fwd >= 0 && p.d[0].before != 0) { from = p.d[0].before; e = ((i64)b * 3 + fwd) * p.channels + c; copy = true; }
            if (at >= L && rev >= 0 && p.d[1].before != 0) { from = p.d[1].before; e = ((i64)b * 3 + rev) * p.channels + c; copy = true; }
            gs_copy16_or_zero(piece, (const unsigned char*)from + e * GS_ESIZE, copy);
        }
        if (B_FWD) gs_copy16(piece + B_TENSOR, (const unsigned char*)p.d[0].du + ((base + row) * p.d[0].du_stride + c) * GS_ESIZE);
        if (B_REV)
        {
            const int back = inside ? at - 3 : min(max(at - 3, 0), L - 1);
            gs_copy16(piece + (1 + B_FWD) * B_TENSOR, (const unsigned char*)p.d[1].du + ((base + back) * p.d[1].du_stride + c) * GS_ESIZE);
        }
    }
}
// Grid (ceil(channels / (64 GS_CONV_WARPS)), batch * p.tiles segments of p.rows rows), B_THREADS threads. channels is a multiple of 8. part gets gridDim.y rows.
extern "C" __global__ void __launch_bounds__(B_THREADS, GS_CONV_BWD_BLOCKS) gs_conv_bwd(const __grid_constant__ GsConv p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const int c0 = blockIdx.x * (64 * GS_CONV_WARPS), c = c0 + warp * 64 + lane * 2, cSafe = min(c, p.channels - 2);
    const int b = blockIdx.y / p.tiles, begin = blockIdx.y % p.tiles * p.rows - p.lead, end = min(begin + p.rows, p.length + p.tail);
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
#pragma unroll
    for (int i = 0; i < GS_CONV_STAGES - 1; i++)
    {
        if (i < stages) gs_conv_fetch(p, smem + i * B_STAGE, b, first + i * B_ROWS, c0);
        gs_copy_commit();
    }
#if GS_CONV_IDS
    // Lane k says whether a border lies before row t0 - 5 + k of the stage; asked for one stage ahead.
    bool cut = p.ids != 0 && lane < B_ROWS + 5 && gs_conv_cut(p, b, first - 5 + lane);
#endif
    int slot = 0, ahead = GS_CONV_STAGES - 1;
#pragma unroll 1
    for (int i = 0; i < stages; i++)
    {
        const int t0 = first + i * B_ROWS;
        gs_copy_wait_for(GS_CONV_STAGES - 2);
        __syncthreads();                                   // this stage has landed; nobody reads the one before it
        if (i + GS_CONV_STAGES - 1 < stages) gs_conv_fetch(p, smem + ahead * B_STAGE, b, t0 + (GS_CONV_STAGES - 1) * B_ROWS, c0);
        gs_copy_commit();
        u32 cuts = 0;
#if GS_CONV_IDS
        cuts = gs_ballot(cut);
        cut = p.ids != 0 && lane < B_ROWS + 5 && gs_conv_cut(p, b, t0 + B_ROWS - 5 + lane);
#endif
        const unsigned char* rows = smem + slot * B_STAGE + warp * (64 * GS_ESIZE);
        if (cuts == 0 && t0 >= begin + 3 && t0 >= 3 && t0 + B_ROWS <= min(end, p.length))
            gs_conv_stage<true>(p, rows, lane, b, t0, begin, end, c, 0, taps, dw, m);
        else
            gs_conv_stage<false>(p, rows, lane, b, t0, begin, end, c, cuts, taps, dw, m);
        slot = slot + 1 == GS_CONV_STAGES ? 0 : slot + 1;
        ahead = ahead + 1 == GS_CONV_STAGES ? 0 : ahead + 1;
    }
    if (c >= p.channels) return;
#pragma unroll
    for (int q = 0; q < 2; q++)
    {
        if ((GS_CONV_DIRS >> q & 1) == 0) continue;
        float* part = p.part + ((i64)blockIdx.y * B_COUNT + (B_COUNT == 2 ? q : 0)) * 5 * p.channels;
        *(float4*)(part + c * 4) = make_float4(dw[q][3].a, dw[q][2].a, dw[q][1].a, dw[q][0].a);
        *(float4*)(part + c * 4 + 4) = make_float4(dw[q][3].b, dw[q][2].b, dw[q][1].b, dw[q][0].b);
        *(float2*)(part + 4 * p.channels + c) = make_float2(dw[q][4].a, dw[q][4].b);
    }
}
