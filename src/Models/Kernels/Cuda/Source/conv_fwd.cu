// Forward. Bytes per element (bf16), the limit being the memory's speed: x 2 + u 2 per direction = 4 or 6 (the second direction reads x from L2).
// A thread takes 8 channels of one direction over GS_CONV_ROWS rows: all its loads are under way at once, the results take the places of the inputs.
// Halo rows come from L1: they are another warp's rows of the same block.
#ifndef GS_CONV_ROWS
#define GS_CONV_ROWS 4
#endif
#ifndef GS_CONV_LANES
#define GS_CONV_LANES 32              // threads along the channels, 256 / GS_CONV_LANES along the rows
#endif
#ifndef GS_CONV_BLOCKS
#define GS_CONV_BLOCKS (GS_F32_IO ? 3 : 4)
#endif
#define C_RUNS (256 / GS_CONV_LANES)
// Channels 2 i and 2 i + 1 of eight.
__device__ __forceinline__ void gs_pair(const GsRaw8& r, int i, float& lo, float& hi)
{
#if GS_F32_IO
    const uint4 v = i < 2 ? r.a : r.b;
    lo = __uint_as_float(i & 1 ? v.z : v.x); hi = __uint_as_float(i & 1 ? v.w : v.y);
#else
    const u32 v = i == 0 ? r.a.x : i == 1 ? r.a.y : i == 2 ? r.a.z : r.a.w;
    lo = gs_lo(v); hi = gs_hi(v);
#endif
}
__device__ __forceinline__ void gs_set_pair(GsRaw8& r, int i, float lo, float hi)
{
#if GS_F32_IO
    uint4& v = i < 2 ? r.a : r.b;
    (i & 1 ? v.z : v.x) = __float_as_uint(lo); (i & 1 ? v.w : v.y) = __float_as_uint(hi);
#else
    (i == 0 ? r.a.x : i == 1 ? r.a.y : i == 2 ? r.a.z : r.a.w) = gs_pack_bf16(lo, hi);
#endif
}
// Row `at` of x, or of what precedes it in this direction, or zeros.
__device__ __forceinline__ GsRaw8 gs_conv_row(const GsConv& p, const GsConvDirection& d, bool reverse, int b, int at, int c)
{
    if (at >= 0 && at < p.length) return gs_raw8(p.x, ((i64)b * p.length + at) * p.x_stride + c);
    const int slot = reverse ? p.length + 2 - at : 3 + at;
    if (d.before != 0 && slot >= 0 && slot < 3) return gs_raw8(d.before, ((i64)b * 3 + slot) * p.channels + c);
    GsRaw8 r;
    r.a = make_uint4(0, 0, 0, 0);
#if GS_F32_IO
    r.b = r.a;
#endif
    return r;
}
// The results take the places of the first rows. Plain: all taps open. Bit i of cuts: no tap reaches from row i to row i - 1, in the direction's order.
template <bool Plain>
__device__ __forceinline__ void gs_conv_rows(GsRaw8* x, const float2 (*taps)[4][GS_CONV_LANES], int lane, u32 cuts)
{
#pragma unroll
    for (int i = 0; i < 4; i++)
    {
        float2 w[5];
#pragma unroll
        for (int j = 0; j < 5; j++) w[j] = taps[j][i][lane];
        float a[4], e[4];                                  // the window: row r + j at [(r + j) & 3]
#pragma unroll
        for (int j = 0; j < 3; j++) gs_pair(x[j], i, a[j], e[j]);
#pragma unroll
        for (int r = 0; r < GS_CONV_ROWS; r++)
        {
            gs_pair(x[r + 3], i, a[(r + 3) & 3], e[(r + 3) & 3]);
            float f = w[4].x, g = w[4].y;
#pragma unroll
            for (int j = 0; j < 4; j++)
            {
                const bool open = Plain || gs_open(cuts, r + 4 - j, j);
                f = fmaf(open ? w[j].x : 0.0f, a[(r + 3 - j) & 3], f);
                g = fmaf(open ? w[j].y : 0.0f, e[(r + 3 - j) & 3], g);
            }
#if GS_CONV_SILU
            f *= gs_sigmoid(f); g *= gs_sigmoid(g);
#endif
            gs_set_pair(x[r], i, f, g);                    // x[r] is needed no more: its window is in registers
        }
    }
}
// Grid (tiles * ceil(channels / (8 GS_CONV_LANES)) * number of directions, batch), 256 threads; tiles of C_RUNS * GS_CONV_ROWS rows. channels is a multiple of 8.
extern "C" __global__ void __launch_bounds__(256, GS_CONV_BLOCKS) gs_conv_fwd(const __grid_constant__ GsConv p)
{
    __shared__ float2 taps[5][4][GS_CONV_LANES];            // w_0 .. w_3, bias of channel pairs: lanes side by side
    const int lane = threadIdx.x & (GS_CONV_LANES - 1), run = threadIdx.x / GS_CONV_LANES, b = blockIdx.y;
    const int both = p.directions == 3 ? 2 : 1, groups = (p.channels + 8 * GS_CONV_LANES - 1) / (8 * GS_CONV_LANES);
    const bool reverse = both == 2 ? (blockIdx.x & 1) != 0 : p.directions == 2;
    const int rest = blockIdx.x / both, c0 = rest % groups * (8 * GS_CONV_LANES), c = c0 + lane * 8;
    const int first = (rest / groups * C_RUNS + run) * GS_CONV_ROWS;
    const GsConvDirection& d = p.d[reverse];
    const bool on = c < p.channels && first < p.length;
    const int cSafe = on ? c : 0;
    // Rows in the order of the direction: row i of x is at from + i * step, result r at the place of row r + 3.
    const int step = reverse ? -1 : 1, from = reverse ? first + GS_CONV_ROWS + 2 : first - 3;
    const int low = reverse ? first : from, high = reverse ? from : first + GS_CONV_ROWS - 1;
    GsRaw8 x[GS_CONV_ROWS + 3];
    const bool inside = low >= 0 && high < p.length;
    if (inside)
    {
        const i64 at = ((i64)b * p.length + from) * p.x_stride + cSafe, by = step * p.x_stride;
#pragma unroll
        for (int i = 0; i < GS_CONV_ROWS + 3; i++) x[i] = gs_raw8(p.x, at + i * by);
    }
    else if (on)
    {
#pragma unroll
        for (int i = 0; i < GS_CONV_ROWS + 3; i++) x[i] = gs_conv_row(p, d, reverse, b, from + i * step, c);
    }
    u32 cuts = 0;
#if GS_CONV_IDS
    if (p.ids != 0 && on)                                  // asked for while x is under way
    {
#pragma unroll
        for (int i = 1; i < GS_CONV_ROWS + 3; i++)
        {
            const int at = from + i * step;
            cuts |= (u32)gs_conv_cut(p, b, reverse ? at + 1 : at) << i;
        }
    }
#endif
    for (int i = threadIdx.x; i < 8 * GS_CONV_LANES; i += 256)
    {
        const int ch = min(c0 + i, p.channels - 1), pair = i >> 1 & 3, owner = i >> 3;
        const float4 w = *(const float4*)(d.weight + (i64)ch * 4);
        float* to = (float*)&taps[0][pair][owner] + (i & 1);
        const int plane = 4 * GS_CONV_LANES * 2;
        to[0] = w.w; to[plane] = w.z; to[2 * plane] = w.y; to[3 * plane] = w.x;
        to[4 * plane] = d.bias != 0 ? d.bias[ch] : 0.0f;
    }
    __syncthreads();
    if (!on) return;
    if (!GS_CONV_IDS || cuts == 0) gs_conv_rows<true>(x, taps, lane, 0);
    else gs_conv_rows<false>(x, taps, lane, cuts);
#pragma unroll
    for (int r = 0; r < GS_CONV_ROWS; r++)
    {
        const int at = from + (r + 3) * step;
        if (!inside && (at < 0 || at >= p.length)) continue;
        uint4* to = (uint4*)((unsigned char*)d.u + (((i64)b * p.length + at) * d.u_stride + c) * GS_ESIZE);
        to[0] = x[r].a;
#if GS_F32_IO
        to[1] = x[r].b;
#endif
    }
}
