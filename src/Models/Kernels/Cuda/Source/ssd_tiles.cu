// Tiles in shared memory and products of them; what the kernels of ssd_*.cu share.
__device__ __forceinline__ void gs_ssd_get8(const gs_t* at, float* f)
{
#if GS_F32_IO
    gs_load8f(at, f);
#else
    gs_unpack8(*(const uint4*)at, f);
#endif
}
__device__ __forceinline__ void gs_ssd_get2(const gs_t* at, float& x, float& y)
{
#if GS_F32_IO
    const float2 v = *(const float2*)at;
    x = v.x; y = v.y;
#else
    const u32 v = *(const u32*)at;
    x = gs_lo(v); y = gs_hi(v);
#endif
}
__device__ __forceinline__ void gs_ssd_put2(gs_t* at, float x, float y)
{
#if GS_F32_IO
    *(float2*)at = make_float2(x, y);
#else
    *(u32*)at = gs_pack_bf16(x, y);
#endif
}
// A warp's accumulators: row `lane / 4` and the eighth after it, columns 8 n + 2 (lane % 4) and the next.
template <int Tiles> __device__ __forceinline__ void gs_ssd_zero(float4* c)
{
#pragma unroll
    for (int n = 0; n < Tiles; n++) c[n] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
}
template <int Tiles> __device__ __forceinline__ void gs_ssd_put(gs_t* rows, int pitch, const float4* c)
{
    const int lane = threadIdx.x & 31;
    gs_t* at = rows + (lane >> 2) * pitch + 2 * (lane & 3);
#pragma unroll
    for (int n = 0; n < Tiles; n++)
    {
        gs_ssd_put2(at + 8 * n, c[n].x, c[n].y);
        gs_ssd_put2(at + 8 * pitch + 8 * n, c[n].z, c[n].w);
    }
}
// c[16 x 8 Tiles] += A[16 x k] B[k x 8 Tiles], k from `first` to `end`, multiples of 16; column tiles from `tiles` on (an even number) are left out.
// A lies as [row][k] or, turned, as [k][row]; B as [column][k] or, turned, as [k][column]. By a whole warp.
template <bool ATurned, bool BTurned, int Tiles>
__device__ __forceinline__ void gs_ssd_product(float4* c, const gs_t* a, int a_pitch, const gs_t* b, int b_pitch, int first, int end, int tiles = Tiles)
{
    const int lane = threadIdx.x & 31;
#if GS_F32_IO
    const int g = lane >> 2, q = lane & 3;
#pragma unroll 2
    for (int k = first; k < end; k += 8)
    {
        float f[4];
        if (ATurned)
        {
            const float* at = a + (k + q) * a_pitch + g;
            f[0] = at[0]; f[1] = at[8]; f[2] = at[4 * a_pitch]; f[3] = at[4 * a_pitch + 8];
        }
        else
        {
            const float* at = a + g * a_pitch + k + q;
            f[0] = at[0]; f[1] = at[8 * a_pitch]; f[2] = at[4]; f[3] = at[8 * a_pitch + 4];
        }
#pragma unroll
        for (int n = 0; n < Tiles; n++)
        {
            if (n >= tiles) break;
            const float* at = BTurned ? b + (k + q) * b_pitch + 8 * n + g : b + (8 * n + g) * b_pitch + k + q;
            gs_mma_split<true, true>(c[n], f, at[0], at[BTurned ? 4 * b_pitch : 4]);
        }
    }
#else
    const int tile = lane >> 3, row = lane & 7, odd = (tile & 1) * 8, high = (tile >> 1) * 8;
    const gs_t* from_a = ATurned ? a + (high + row) * a_pitch + odd : a + (odd + row) * a_pitch + high;
    const gs_t* from_b = BTurned ? b + (odd + row) * b_pitch + high : b + (high + row) * b_pitch + odd;
#pragma unroll 2
    for (int k = first; k < end; k += 16)
    {
        u32 f[4];
        if (ATurned) gs_ld_tiles4_turned(f, from_a + k * a_pitch);
        else gs_ld_tiles4(f, from_a + k);
#pragma unroll
        for (int n = 0; n < Tiles; n += 2)
        {
            if (n >= tiles) break;
            u32 w[4];
            if (BTurned) gs_ld_tiles4_turned(w, from_b + k * b_pitch + 8 * n);
            else gs_ld_tiles4(w, from_b + 8 * n * b_pitch + k);
            gs_mma_bf16(c[n], f[0], f[1], f[2], f[3], w[0], w[1]);
            gs_mma_bf16(c[n + 1], f[0], f[1], f[2], f[3], w[2], w[3]);
        }
    }
#endif
}

// ---- a chunk of one group of one sequence ----
struct SsdPlace { int chunk, group, batch, first, heads; }; // first: position; heads: of a group
__device__ __forceinline__ SsdPlace gs_ssd_place(const GsSsd& p)
{
    SsdPlace at;
    at.chunk = blockIdx.x; at.group = blockIdx.y; at.batch = blockIdx.z; at.first = at.chunk * SQ; at.heads = p.heads / p.groups;
    return at;
}
// Row of memory of a position, which must exist.
__device__ __forceinline__ i64 gs_ssd_row(const GsSsd& p, int batch, int position)
{ return (i64)batch * p.length + (p.reverse ? p.length - 1 - position : position); }
// The chunk's rows, Width elements from `column` on, into shared memory; zeros behind the last position.
template <int Width>
__device__ __forceinline__ void gs_ssd_rows(const GsSsd& p, const SsdPlace& at, gs_t* to, const void* from, i64 stride, int column)
{
    constexpr int Pieces = Width / S_PAD;
    for (int i = threadIdx.x; i < SQ * Pieces; i += S_THREADS)
    {
        const int r = i / Pieces, c = (i - r * Pieces) * S_PAD, position = at.first + r;
        const bool there = position < p.length;
        const gs_t* source = (const gs_t*)from + gs_ssd_row(p, at.batch, there ? position : p.length - 1) * stride + column + c;
        gs_copy16_or_zero(to + r * (Width + S_PAD) + c, source, there);
    }
}
// Where a head's matrix of the chunk lies.
__device__ __forceinline__ i64 gs_ssd_matrix(const GsSsd& p, const SsdPlace& at, int head)
{ return (((i64)at.batch * p.chunks + at.chunk) * p.heads + head) * (SN * SP); }
__device__ __forceinline__ void gs_ssd_state(gs_t* to, const void* from, i64 offset)
{
    constexpr int Pieces = SP / S_PAD;
    for (int i = threadIdx.x; i < SN * Pieces; i += S_THREADS)
    {
        const int r = i / Pieces, c = (i - r * Pieces) * S_PAD;
        gs_copy16(to + r * SP_PITCH + c, (const gs_t*)from + offset + r * SP + c);
    }
}
// A warp's 16 rows from shared memory to the tensor; `row`: the first of them, counted from the chunk's start.
template <int Width>
__device__ __forceinline__ void gs_ssd_store(const GsSsd& p, const SsdPlace& at, const gs_t* from, int pitch, int row, void* to, i64 stride, int column)
{
    constexpr int Pieces = Width / S_PAD;
    for (int i = threadIdx.x & 31; i < 16 * Pieces; i += 32)
    {
        const int r = i / Pieces, c = (i - r * Pieces) * S_PAD, position = at.first + row + r;
        if (position < p.length)
            *(uint4*)((gs_t*)to + gs_ssd_row(p, at.batch, position) * stride + column + c) = *(const uint4*)(from + r * pitch + c);
    }
}

// ---- decays of a chunk, in shared memory ----
struct SsdDecays
{
    float sum[SQ];      // G, in exponents of two
    float scale[SQ];    // s
    float start[SQ];    // what is left at a position of the state that enters the chunk
    float end[SQ];      // what is left of a position at the chunk's end
    float cut[SQ];      // the position of its sequence's first position in the chunk, -1 where that lies before
    float through;      // what is left of the entering state at the chunk's end
    float pad[3];
};
// By one warp: where sequences begin.
__device__ __forceinline__ void gs_ssd_cuts(const GsSsd& p, const SsdPlace& at, SsdDecays& d)
{
    const int lane = threadIdx.x & 31;
    float own[S_LANE], newest = -1.0f;
#pragma unroll
    for (int e = 0; e < S_LANE; e++)
    {
        const int i = lane * S_LANE + e, position = at.first + i;
        if (p.ids != 0 && position > 0 && position < p.length
            && p.ids[gs_ssd_row(p, at.batch, position)] != p.ids[gs_ssd_row(p, at.batch, position - 1)]) newest = (float)i;
        own[e] = newest;
    }
    float before = newest;
#pragma unroll
    for (int m = 1; m < 32; m <<= 1)
    {
        const float other = gs_up(before, m);
        if (lane >= m) before = fmaxf(before, other);
    }
    before = gs_up(before, 1);
#pragma unroll
    for (int e = 0; e < S_LANE; e++) d.cut[lane * S_LANE + e] = lane > 0 ? fmaxf(before, own[e]) : own[e];
    gs_warp_sync();
}
// By the same warp, for each head.
__device__ __forceinline__ void gs_ssd_decays(const GsSsd& p, const SsdPlace& at, int head, SsdDecays& d)
{
    const int lane = threadIdx.x & 31;
    float own[S_LANE], s[S_LANE], sum = 0.0f;
#pragma unroll
    for (int e = 0; e < S_LANE; e++)
    {
        const int position = at.first + lane * S_LANE + e;
        const bool there = position < p.length;
        const i64 from = there ? gs_ssd_row(p, at.batch, position) * p.heads + head : 0;
        own[e] = sum += there ? p.g[from] * GS_LOG2E : 0.0f;
        s[e] = there && p.scale != 0 ? p.scale[from] : 1.0f;
    }
    float before = sum;
#pragma unroll
    for (int m = 1; m < 32; m <<= 1)
    {
        const float other = gs_up(before, m);
        if (lane >= m) before += other;
    }
    const float total = __shfl_sync(0xffffffffu, before, 31), cut = d.cut[SQ - 1];
    before = gs_up(before, 1);
#pragma unroll
    for (int e = 0; e < S_LANE; e++)
    {
        const int i = lane * S_LANE + e;
        const float sums = lane > 0 ? before + own[e] : own[e];
        d.sum[i] = sums;
        d.scale[i] = s[e];
        d.start[i] = d.cut[i] < 0.0f ? gs_ex2(sums) : 0.0f;
        d.end[i] = (float)i >= cut ? gs_ex2(total - sums) : 0.0f;
    }
    if (lane == 0) d.through = cut < 0.0f ? gs_ex2(total) : 0.0f;
}
// D_ij; `cut` is row i's.
__device__ __forceinline__ float gs_ssd_decay(const SsdDecays& d, int i, float sum, float cut, int j)
{ return j <= i && (float)j >= cut ? gs_ex2(sum - d.sum[j]) : 0.0f; }
