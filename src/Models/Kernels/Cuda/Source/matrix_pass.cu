// States between chunks where a chunk turns the state by a matrix: with chunks of MQ positions, for each head
//   Z = Z' + B1 S,   S_out = diag(through) S + B2^T Z + B3^T Y
// (delta rule: Z' = U, B1 = -W, B2 = k decayed to the chunk's end, no B3, Z is what is written; back, S being the gradient of the state behind a chunk:
// Z' the writings' gradient from within the chunk, B1 and B2 change places, B3 is q decayed from the chunk's start, Y is y's gradient).
// Columns of the state do not meet. A warp takes 16 of them through the chunks with the state, Z and both products in registers; a block takes the columns of
// one head and brings the rows of B1, B2, B3, Z', Y to shared memory for all of them, M_STAGES chunks ahead.
// Where heads and batch do not fill the device the chunks are cut into segments, by two launches: `ends` runs each segment from zero, and from the unit matrix
// without Z' and Y, which leaves the matrix that the segment turns states by; then every segment joins those before it, in single precision, and runs again
// from the state so found. The order of all sums is fixed. Without GS_PASS_ROWS a chunk leaves no more than `through` of a state's length (the delta rule, keys of
// length 1): where the chunks to a segment's end leave less than 2^-40 the first launch goes through those alone, and the segment's matrix is zero.
// GS_PASS_Q: positions of a chunk; GS_PASS_N, GS_PASS_P: width of keys and of values, multiples of 16 up to 128; GS_PASS_THIRD: whether there is B3;
// GS_PASS_ROWS: 1: `through` has a number for each row of the state and not one for all; 2: the state is [M; S], of half the rows each, and `through` has m, x, e and a
// number that is not read: M_out = m M + x S + .., S_out = e S + ...
#ifndef GS_PASS_Q
#define GS_PASS_Q (GS_F32_IO ? 32 : 64)
#endif
#ifndef GS_PASS_N
#define GS_PASS_N 64
#endif
#ifndef GS_PASS_P
#define GS_PASS_P 64
#endif
#ifndef GS_PASS_THIRD
#define GS_PASS_THIRD 0
#endif
#ifndef GS_PASS_ROWS
#define GS_PASS_ROWS 0
#endif
constexpr int MQ = GS_PASS_Q, MN = GS_PASS_N, MP = GS_PASS_P;
constexpr int M_WARPS = (MN > MP ? MN : MP) / 16, M_THREADS = 32 * M_WARPS;
constexpr int MN_PITCH = MN + GS_PAD, MP_PITCH = MP + GS_PAD, M_OUT_PITCH = 16 + GS_PAD;
constexpr int M_KEYS = MQ * MN_PITCH, M_VALUES = MQ * MP_PITCH, M_STAGE = (2 + GS_PASS_THIRD) * M_KEYS + (1 + GS_PASS_THIRD) * M_VALUES; // elements
constexpr int M_OUT_BLOCKS = MN <= 64 ? MN / 16 : 4, M_OUT = 16 * M_OUT_BLOCKS * M_OUT_PITCH; // blocks of 16 rows of a warp's columns, on their way to memory
constexpr int M_SMALL = M_STAGE * GS_ESIZE;
constexpr int M_STAGES = 8 * M_SMALL <= 96 * 1024 ? 8 : 4 * M_SMALL <= 96 * 1024 ? 4 : 3 * M_SMALL <= 160 * 1024 ? 3 : 2;
constexpr int M_SMEM = M_STAGES * M_SMALL + M_WARPS * M_OUT * GS_ESIZE;
static_assert(MQ % 16 == 0 && MN % 16 == 0 && MP % 16 == 0, "whole tiles");
static_assert(MN <= 64 || M_OUT * GS_ESIZE >= 1024, "room of gs_chain_exact");
static_assert(M_SMEM <= 227 * 1024, "shared memory of a block");
struct GsMatrixPass
{
    const void* first;      // B1 [batch, length, heads * MN]
    const void* second;     // B2, the same
    const void* third;      // B3, the same, row stride third_stride; not read without GS_PASS_THIRD
    void* rows;             // Z' [batch, length, heads * MP]; with `keep` replaced by Z
    const void* more;       // Y [batch, length, heads * MP], row stride more_stride; as B3
    const float* through;   // [batch, chunks, heads] or [batch, chunks, heads, MN or 4]
    const float* before;    // [batch, heads, MN, MP] or null: zeros
    float* last;            // [batch, heads, MN, MP]
    void* states;           // [batch, chunks, heads, MN, MP] activation: written, the state before each chunk
    float* ends;            // [batch, segments - 1, heads, MN, MP]: what a segment leaves of nothing
    float* turns;           // [batch, segments - 1, heads, MN, MN]: what it turns states by, [after][before]
    i64 third_stride, more_stride;
    int length, chunks, heads, segments;
    int reverse;            // position s is row length - 1 - s of every tensor
    int back;               // from the last chunk to the first
    int keep;
    int finding;            // the first of two launches
};
__device__ __forceinline__ i64 gs_pass_row(const GsMatrixPass& p, int position)
{ return (i64)blockIdx.z * p.length + (p.reverse ? p.length - 1 - position : position); }
template <int Width> __device__ __forceinline__ void gs_pass_rows(const GsMatrixPass& p, int first, gs_t* to, const void* from, i64 stride)
{
    constexpr int Pieces = Width / GS_PAD;
    for (int i = threadIdx.x; i < MQ * Pieces; i += M_THREADS)
    {
        const int r = i / Pieces, c = (i - r * Pieces) * GS_PAD, position = first + r;
        const bool there = position < p.length;
        gs_copy16_or_zero(to + r * (Width + GS_PAD) + c, (const gs_t*)from + gs_pass_row(p, there ? position : p.length - 1) * stride + blockIdx.y * Width + c, there);
    }
}
// The rows of the i-th chunk on the way. Always a group of copies, so that groups can be counted.
__device__ __forceinline__ void gs_pass_fetch(const GsMatrixPass& p, gs_t* stage, int i, int end, bool values)
{
    if (i < end)
    {
        const int first = (p.back ? p.chunks - 1 - i : i) * MQ;
        const i64 keys = (i64)p.heads * MN;
        gs_pass_rows<MN>(p, first, stage, p.first, keys);
        gs_pass_rows<MN>(p, first, stage + M_KEYS, p.second, keys);
        if (values) gs_pass_rows<MP>(p, first, stage + 2 * M_KEYS, p.rows, (i64)p.heads * MP);
#if GS_PASS_THIRD
        if (values) gs_pass_rows<MN>(p, first, stage + 2 * M_KEYS + M_VALUES, p.third, p.third_stride);
        if (values) gs_pass_rows<MP>(p, first, stage + 3 * M_KEYS + M_VALUES, p.more, p.more_stride);
#endif
    }
    gs_copy_commit();
}
// A warp's 16 columns from `column` on of a matrix [MN][Width] of single precision, turned, and back.
template <int Width> __device__ __forceinline__ void gs_pass_take(float4* x, const float* from, int column)
{
    const int lane = threadIdx.x & 31;
    const float* at = from + 2 * (lane & 3) * Width + column + (lane >> 2);
#pragma unroll
    for (int t = 0; t < MN / 8; t++, at += 8 * Width) x[t] = make_float4(at[0], at[Width], at[8], at[Width + 8]);
}
template <int Width> __device__ __forceinline__ void gs_pass_give(float* to, const float4* x, int column)
{
    const int lane = threadIdx.x & 31;
    float* at = to + 2 * (lane & 3) * Width + column + (lane >> 2);
#pragma unroll
    for (int t = 0; t < MN / 8; t++, at += 8 * Width) { at[0] = x[t].x; at[Width] = x[t].y; at[8] = x[t].z; at[Width + 8] = x[t].w; }
}
#if !GS_PASS_ROWS
// The chunk from which on to a segment's end less than M_GONE of a state is left; -1: all of it leaves more.
#define M_GONE 9.094947e-13f
__device__ __forceinline__ int gs_pass_forgets(const GsMatrixPass& p, int begin, int end, i64 through)
{
    const int lane = threadIdx.x & 31;
    float behind = 1.0f;
    for (int last = end - 1; last >= begin; last -= 32)
    {
        const int i = last - lane;
        float left = i < begin ? 1.0f : p.through[through + (i64)(p.back ? p.chunks - 1 - i : i) * p.heads];
#pragma unroll
        for (int d = 1; d < 32; d *= 2)
        {
            const float more = gs_up(left, d);
            if (lane >= d) left *= more;
        }
        float first = i >= begin && behind * left < M_GONE ? (float)lane : 32.0f;
#pragma unroll
        for (int m = 16; m > 0; m >>= 1) first = fminf(first, gs_xor(first, m));
        if (first < 32.0f) return last - (int)first;
        behind *= gs_idx(left, 31);
    }
    return -1;
}
#endif
// Grid (segments, heads, batch), or with `finding` (2 (segments - 1), heads, batch): of each segment the end, then the matrix. M_THREADS threads, M_SMEM bytes.
extern "C" __global__ void __launch_bounds__(M_THREADS) gs_matrix_pass(const __grid_constant__ GsMatrixPass p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* stages = (gs_t*)smem;
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, column = 16 * warp, head = blockIdx.y, batch = blockIdx.z;
    gs_t* out = stages + M_STAGES * M_STAGE + warp * M_OUT;
    const int segment = p.finding ? blockIdx.x >> 1 : blockIdx.x;
    const bool values = !p.finding || (blockIdx.x & 1) == 0, mine = column < (values ? MP : MN);
    const int end = (int)((i64)p.chunks * (segment + 1) / p.segments);
    int begin = (int)((i64)p.chunks * segment / p.segments);
#if !GS_PASS_ROWS
    if (p.finding)
    {
        const int from = gs_pass_forgets(p, begin, end, (i64)batch * p.chunks * p.heads + head);
        if (from >= 0) begin = values ? from : end;
    }
    const bool gone = p.finding && begin == end;
#else
    const bool gone = false;
#endif
#pragma unroll
    for (int s = 0; s < M_STAGES - 1; s++) gs_pass_fetch(p, stages + s * M_STAGE, begin + s, end, values);
    float4 x[MN / 8];
    const i64 entry = (i64)batch * p.heads + head;
    const int unit = p.finding && !values && !gone ? column + (lane >> 2) - 2 * (lane & 3) : -4096; // where this lane's numbers of the unit matrix are 1
#pragma unroll
    for (int t = 0; t < MN / 8; t++)
        x[t] = make_float4(unit == 8 * t ? 1.0f : 0.0f, unit == 8 * t + 1 ? 1.0f : 0.0f, unit + 8 == 8 * t ? 1.0f : 0.0f, unit + 8 == 8 * t + 1 ? 1.0f : 0.0f);
    if (mine && !p.finding)
    {
        if (p.before != 0) gs_pass_take<MP>(x, p.before + entry * (MN * MP), column);
        for (int s = 0; s < segment; s++)
        {
            const i64 at = ((i64)batch * (p.segments - 1) + s) * p.heads + head;
            float4 turned[MN / 8], own[MN / 8];
            gs_tile_zero<MN / 8>(turned);
            gs_chain_exact<MN / 8, MN / 8>(turned, x, p.turns + at * (MN * MN), MN, (float4*)out);
            gs_pass_take<MP>(own, p.ends + at * (MN * MP), column);
#pragma unroll
            for (int t = 0; t < MN / 8; t++) x[t] = make_float4(turned[t].x + own[t].x, turned[t].y + own[t].y, turned[t].z + own[t].z, turned[t].w + own[t].w);
        }
    }
    // What is left of a state, of the chunk to come; by rows: of rows 8 t + 2 (lane % 4) and the next.
    constexpr int Width = GS_PASS_ROWS == 2 ? 4 : GS_PASS_ROWS ? MN : 1, Lefts = GS_PASS_ROWS == 2 ? 2 : GS_PASS_ROWS ? MN / 8 : 1;
    float2 left[Lefts];
    const auto fetch_left = [&](int i)
    {
        const float* at = p.through + (((i64)batch * p.chunks + (p.back ? p.chunks - 1 - i : i)) * p.heads + head) * Width;
#if GS_PASS_ROWS == 2
        left[0] = *(const float2*)at;
        left[1] = *(const float2*)(at + 2);
#elif GS_PASS_ROWS
#pragma unroll
        for (int t = 0; t < MN / 8; t++) left[t] = *(const float2*)(at + 8 * t + 2 * (lane & 3));
#else
        left[0].x = left[0].y = *at;
#endif
    };
    if (!gone) fetch_left(begin);
    for (int i = begin, slot = 0; i < end; i++, slot = slot + 1 == M_STAGES ? 0 : slot + 1)
    {
        gs_copy_wait_for(M_STAGES - 2);
        __syncthreads();
        const int free_slot = slot == 0 ? M_STAGES - 1 : slot - 1;  // of the chunk before, which every warp has left
        gs_pass_fetch(p, stages + free_slot * M_STAGE, i + M_STAGES - 1, end, values);
        if (!mine) continue;
        const int chunk = p.back ? p.chunks - 1 - i : i;
        const gs_t* keys = stages + slot * M_STAGE;
        gs_t* rows = stages + slot * M_STAGE + 2 * M_KEYS;
        if (!p.finding)
        {
            gs_t* to = (gs_t*)p.states + (((i64)batch * p.chunks + chunk) * p.heads + head) * (MN * MP) + column;
#pragma unroll
            for (int m = 0; m < MN / 16; m += M_OUT_BLOCKS)
            {
                constexpr int Pieces = 16 / GS_PAD;
                const int blocks = MN / 16 - m < M_OUT_BLOCKS ? MN / 16 - m : M_OUT_BLOCKS;
#pragma unroll
                for (int b = 0; b < M_OUT_BLOCKS; b++) if (b < blocks) gs_turned_put<1>(out + 16 * b * M_OUT_PITCH, M_OUT_PITCH, x + 2 * (m + b));
                gs_warp_sync();
                for (int e = lane; e < 16 * blocks * Pieces; e += 32)
                {
                    const int r = e / Pieces, c = (e - r * Pieces) * GS_PAD;
                    *(uint4*)(to + (16 * m + r) * MP + c) = *(const uint4*)(out + r * M_OUT_PITCH + c);
                }
                gs_warp_sync();
            }
        }
        float4 z[MQ / 8];
        if (values) gs_turned_get<MQ / 16>(z, rows + column, MP_PITCH);
        else gs_tile_zero<MQ / 8>(z);
        gs_chain_product<false, MN / 8, MQ / 8>(z, x, keys, MN_PITCH);
#if GS_PASS_ROWS == 2
        const float keep = left[0].x, rest = left[1].x, to_upper = p.back ? 0.0f : left[0].y, to_lower = p.back ? left[0].y : 0.0f;
#pragma unroll
        for (int t = 0; t < MN / 16; t++)
        {
            const float4 a = x[t], b = x[t + MN / 16];
            x[t] = make_float4(fmaf(to_upper, b.x, keep * a.x), fmaf(to_upper, b.y, keep * a.y), fmaf(to_upper, b.z, keep * a.z), fmaf(to_upper, b.w, keep * a.w));
            x[t + MN / 16] = make_float4(fmaf(to_lower, a.x, rest * b.x), fmaf(to_lower, a.y, rest * b.y), fmaf(to_lower, a.z, rest * b.z), fmaf(to_lower, a.w, rest * b.w));
        }
#else
#pragma unroll
        for (int t = 0; t < MN / 8; t++)
        {
            const float2 w = left[GS_PASS_ROWS ? t : 0];
            x[t] = make_float4(x[t].x * w.x, x[t].y * w.y, x[t].z * w.x, x[t].w * w.y);
        }
#endif
        if (i + 1 < end) fetch_left(i + 1);
#if GS_PASS_THIRD
        if (values)
        {
            float4 y[MQ / 8];
            gs_turned_get<MQ / 16>(y, rows + M_VALUES + M_KEYS + column, MP_PITCH);
            gs_chain_product<true, MQ / 8, MN / 8>(x, y, rows + M_VALUES, MN_PITCH);
        }
#endif
        gs_chain_product<true, MQ / 8, MN / 8>(x, z, keys + M_KEYS, MN_PITCH);
        if (!p.finding && p.keep)
        {
            gs_turned_put<MQ / 16>(rows + column, MP_PITCH, z);
            gs_warp_sync();
            constexpr int Pieces = 16 / GS_PAD;
            for (int e = lane; e < MQ * Pieces; e += 32)
            {
                const int r = e / Pieces, c = (e - r * Pieces) * GS_PAD, position = chunk * MQ + r;
                if (position < p.length)
                    *(uint4*)((gs_t*)p.rows + gs_pass_row(p, position) * ((i64)p.heads * MP) + head * MP + column + c) = *(const uint4*)(rows + r * MP_PITCH + column + c);
            }
        }
    }
    if (!mine) return;
    if (p.finding)
    {
        const i64 at = ((i64)batch * (p.segments - 1) + segment) * p.heads + head;
        if (values) gs_pass_give<MP>(p.ends + at * (MN * MP), x, column);
        else gs_pass_give<MN>(p.turns + at * (MN * MN), x, column);
    }
    else if (segment == p.segments - 1) gs_pass_give<MP>(p.last + entry * (MN * MP), x, column);
}
