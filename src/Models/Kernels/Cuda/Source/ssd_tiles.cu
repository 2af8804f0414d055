// ---- a chunk of one group of one sequence: grid (chunks * groups, 1, batch), a chunk's groups side by side, since their rows share pieces of memory ----
struct SsdPlace { int chunk, group, batch, first, heads; }; // first: position; heads: of a group
__device__ __forceinline__ SsdPlace gs_ssd_place(const GsSsd& p)
{
    SsdPlace at;
    at.chunk = blockIdx.x / p.groups; at.group = blockIdx.x - at.chunk * p.groups; at.batch = blockIdx.z; at.first = at.chunk * SQ; at.heads = p.heads / p.groups;
    return at;
}
// Row of memory of a position, which must exist.
__device__ __forceinline__ i64 gs_ssd_row(const GsSsd& p, int batch, int position)
{ return (i64)batch * p.length + (p.reverse ? p.length - 1 - position : position); }
// The chunk's rows, Width elements from `column` on, into shared memory; zeros behind the last position.
template <int Width>
__device__ __forceinline__ void gs_ssd_rows(const GsSsd& p, const SsdPlace& at, gs_t* to, const void* from, i64 stride, int column)
{
    constexpr int Pieces = Width / GS_PAD;
    for (int i = threadIdx.x; i < SQ * Pieces; i += S_THREADS)
    {
        const int r = i / Pieces, c = (i - r * Pieces) * GS_PAD, position = at.first + r;
        const bool there = position < p.length;
        const gs_t* source = (const gs_t*)from + gs_ssd_row(p, at.batch, there ? position : p.length - 1) * stride + column + c;
        gs_copy16_or_zero(to + r * (Width + GS_PAD) + c, source, there);
    }
}
// Where a head's matrix of the chunk lies.
__device__ __forceinline__ i64 gs_ssd_matrix(const GsSsd& p, const SsdPlace& at, int head)
{ return (((i64)at.batch * p.chunks + at.chunk) * p.heads + head) * (SN * SP); }
__device__ __forceinline__ void gs_ssd_state(gs_t* to, const void* from, i64 offset)
{
    constexpr int Pieces = SP / GS_PAD;
    for (int i = threadIdx.x; i < SN * Pieces; i += S_THREADS)
    {
        const int r = i / Pieces, c = (i - r * Pieces) * GS_PAD;
        gs_copy16(to + r * SP_PITCH + c, (const gs_t*)from + offset + r * SP + c);
    }
}
// A warp's 16 rows from shared memory to the tensor; `row`: the first of them, counted from the chunk's start.
template <int Width>
__device__ __forceinline__ void gs_ssd_store(const GsSsd& p, const SsdPlace& at, const gs_t* from, int pitch, int row, void* to, i64 stride, int column)
{
    constexpr int Pieces = Width / GS_PAD;
    for (int i = threadIdx.x & 31; i < 16 * Pieces; i += 32)
    {
        const int r = i / Pieces, c = (i - r * Pieces) * GS_PAD, position = at.first + row + r;
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
