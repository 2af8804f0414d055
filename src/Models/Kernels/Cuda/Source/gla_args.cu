// Chunked recurrence with a decay for each row of the state (GLA; Yang et al. 2024), for each head: S_t = diag(exp g_t) S_(t-1) + k_t v_t^T, y_t = S_t^T q_t
// (with `late` y_t = S_(t-1)^T q_t, as RWKV has it). Time goes in chunks of 16 positions; G_i: sums of g from a chunk's first position, Q_i = G_i (late: G_(i-1)).
//   y = A v + (q o exp Q) S_in, A_ij = sum_n q_in k_jn exp(Q_in - G_jn) for j <= i (late: j < i) of one sequence, else 0
//   S_out = diag(exp G_last) S_in + (k o exp(G_last - G))^T v
// A's exponentials are formed one by one, so that none is above 1 whatever the decays: that is why chunks are short. The rest is products on the tensor core.
// Kernels: gs_gla_states (a chunk's own state), gs_state_pass (states entering chunks), gs_gla_out (y); back, gs_gla_states and gs_state_pass from the other end, then
// gs_gla_bwd. A block is one warp and takes a chunk of one head, so nothing waits for other warps.
// Positions are counted in the order of the recurrence; with `reverse` position s is row length - 1 - s of every tensor. Exponents are those of two.
// GS_GLA_N, GS_GLA_P: width of keys and of values, multiples of 16 up to 128.
#ifndef GS_GLA_N
#define GS_GLA_N 64
#endif
#ifndef GS_GLA_P
#define GS_GLA_P 64
#endif
constexpr int VT = 16, VN = GS_GLA_N, VP = GS_GLA_P;
constexpr int VN_PITCH = VN + GS_PAD, VP_PITCH = VP + GS_PAD, VT_PITCH = VT + GS_PAD, V_SUMS = VN + 4; // V_SUMS: floats of a row of G
constexpr int V_ROUNDS = (VN + 31) / 32; // a lane takes channel `lane` and every 32nd after it
static_assert(VN % 16 == 0 && VP % 16 == 0, "whole tiles");
struct GsGla
{
    const void* q;          // [batch, length, heads * VN], row stride q_stride
    const void* k;          // the same; gs_gla_states reads this one alone
    const void* v;          // [batch, length, heads * VP], row stride v_stride
    const float* g;         // [batch, length, heads * VN], at most 0
    const int* ids;         // [batch, length] or null: nothing is carried across a change
    void* states;           // [batch, chunks, heads, VN, VP] activation: a chunk's own, then those that enter chunks
    float* through;         // [batch, chunks, heads, VN]: what is left of a state behind a chunk
    void* y;                // [batch, length, heads * VP], row stride y_stride
    const void* dy;         // the same, row stride dy_stride
    const void* after;      // gs_gla_bwd: like states, the gradient of the state behind each chunk
    void* dq;               // row stride dq_stride
    void* dk;               // row stride dk_stride
    void* dv;               // row stride dv_stride
    float* dg;              // like g
    i64 q_stride, k_stride, v_stride, y_stride, dy_stride, dq_stride, dk_stride, dv_stride;
    int batch, length, chunks, heads;
    int reverse;            // read from the last row to the first
    int late;
    int adjoint;            // gs_gla_states: the way back, k and v being q and dy
    int pad;
};
// A chunk of one head of one sequence: grid (chunks * heads, 1, batch), 32 threads; a chunk's heads side by side, since their rows share pieces of memory.
struct GlaPlace { int first, batch, head; i64 matrix, rows; u32 cuts; }; // matrix, rows: where its state and `through` lie; cuts: a bit for each position that begins a sequence
__device__ __forceinline__ i64 gs_gla_row(const GsGla& p, int batch, int position)
{ return (i64)batch * p.length + (p.reverse ? p.length - 1 - position : position); }
__device__ __forceinline__ GlaPlace gs_gla_place(const GsGla& p)
{
    GlaPlace at;
    const int chunk = blockIdx.x / p.heads;
    at.first = chunk * VT; at.head = blockIdx.x - chunk * p.heads; at.batch = blockIdx.z;
    at.rows = ((i64)at.batch * p.chunks * p.heads + blockIdx.x) * VN;
    at.matrix = at.rows * VP;
    const int position = at.first + (int)threadIdx.x;
    bool cut = false;
    if (p.ids != 0 && threadIdx.x < VT && position > 0 && position < p.length)
        cut = p.ids[gs_gla_row(p, at.batch, position)] != p.ids[gs_gla_row(p, at.batch, position - 1)];
    at.cuts = gs_ballot(cut);
    return at;
}
// Whether position i is of the sequence from before the chunk; whether j goes on to the chunk's end; whether j <= i are of one sequence.
__device__ __forceinline__ bool gs_gla_from_start(const GlaPlace& at, int i) { return (at.cuts & ((2u << i) - 1)) == 0; }
__device__ __forceinline__ bool gs_gla_to_end(const GlaPlace& at, int j) { return at.cuts >> (j + 1) == 0; }
__device__ __forceinline__ bool gs_gla_same(const GlaPlace& at, int i, int j) { return (at.cuts & ((2u << i) - 1)) >> (j + 1) == 0; }
// The chunk's rows, from and to memory; zeros behind the last position.
template <int Width> __device__ __forceinline__ void gs_gla_load(const GsGla& p, const GlaPlace& at, gs_t* to, const void* from, i64 stride)
{
    constexpr int Pieces = Width / GS_PAD;
    for (int i = threadIdx.x; i < VT * Pieces; i += 32)
    {
        const int r = i / Pieces, c = (i - r * Pieces) * GS_PAD, position = at.first + r;
        const bool there = position < p.length;
        gs_copy16_or_zero(to + r * (Width + GS_PAD) + c,
            (const gs_t*)from + gs_gla_row(p, at.batch, there ? position : p.length - 1) * stride + at.head * Width + c, there);
    }
}
template <int Width> __device__ __forceinline__ void gs_gla_store(const GsGla& p, const GlaPlace& at, const gs_t* from, void* to, i64 stride)
{
    constexpr int Pieces = Width / GS_PAD;
    for (int i = threadIdx.x; i < VT * Pieces; i += 32)
    {
        const int r = i / Pieces, c = (i - r * Pieces) * GS_PAD, position = at.first + r;
        if (position < p.length)
            *(uint4*)((gs_t*)to + gs_gla_row(p, at.batch, position) * stride + at.head * Width + c) = *(const uint4*)(from + r * (Width + GS_PAD) + c);
    }
}
__device__ __forceinline__ void gs_gla_state(gs_t* to, const void* from, i64 offset)
{
    constexpr int Pieces = VP / GS_PAD;
    for (int i = threadIdx.x; i < VN * Pieces; i += 32)
    {
        const int r = i / Pieces, c = (i - r * Pieces) * GS_PAD;
        gs_copy16(to + r * VP_PITCH + c, (const gs_t*)from + offset + r * VP + c);
    }
}
// Sums of one channel's decays, and where reading is late its decays' sums before the position.
__device__ __forceinline__ void gs_gla_sums(const GsGla& p, const GlaPlace& at, int channel, float* sums)
{
#pragma unroll
    for (int i = 0; i < VT; i++)
    {
        const int position = at.first + i;
        sums[i] = position < p.length ? p.g[gs_gla_row(p, at.batch, position) * ((i64)p.heads * VN) + at.head * VN + channel] * GS_LOG2E : 0.0f;
    }
#pragma unroll
    for (int i = 1; i < VT; i++) sums[i] += sums[i - 1];
}
__device__ __forceinline__ float gs_gla_read(const GsGla& p, const float* sums, int i) { return p.late ? (i > 0 ? sums[i > 0 ? i - 1 : 0] : 0.0f) : sums[i]; }
// A in the accumulators' layout: rows lane / 4 and the eighth after it, columns 2 (lane % 4), the next, and the eighths after these.
__device__ __forceinline__ void gs_gla_scores(const GsGla& p, const GlaPlace& at, const gs_t* q, const gs_t* k, const float* sums, float (&a)[2][4])
{
    const int row = threadIdx.x >> 2, column = 2 * (threadIdx.x & 3);
#pragma unroll
    for (int r = 0; r < 2; r++)
#pragma unroll
        for (int c = 0; c < 4; c++) a[r][c] = 0.0f;
    for (int n = 0; n < VN; n += 2)
    {
        float kx[4], ky[4], gx[4], gy[4];
#pragma unroll
        for (int c = 0; c < 4; c++)
        {
            const int j = column + (c & 1) + (c >> 1) * 8;
            gs_tile_get2(k + j * VN_PITCH + n, kx[c], ky[c]);
            const float2 s = *(const float2*)(sums + j * V_SUMS + n);
            gx[c] = s.x; gy[c] = s.y;
        }
#pragma unroll
        for (int r = 0; r < 2; r++)
        {
            const int i = row + 8 * r, from = p.late ? i - 1 : i;
            float qx, qy;
            gs_tile_get2(q + i * VN_PITCH + n, qx, qy);
            const float2 s = from < 0 ? make_float2(0.0f, 0.0f) : *(const float2*)(sums + from * V_SUMS + n);
#pragma unroll
            for (int c = 0; c < 4; c++)
                a[r][c] = fmaf(qx * kx[c], gs_ex2(fminf(s.x - gx[c], 0.0f)), fmaf(qy * ky[c], gs_ex2(fminf(s.y - gy[c], 0.0f)), a[r][c]));
        }
    }
}
// Whether A_ij is of a pair that is seen.
__device__ __forceinline__ bool gs_gla_seen(const GsGla& p, const GlaPlace& at, int i, int j) { return (p.late ? j < i : j <= i) && gs_gla_same(at, i, j); }
__device__ __forceinline__ void gs_gla_put_scores(const GsGla& p, const GlaPlace& at, const float (&a)[2][4], gs_t* to)
{
    const int row = threadIdx.x >> 2, column = 2 * (threadIdx.x & 3);
#pragma unroll
    for (int r = 0; r < 2; r++)
#pragma unroll
        for (int c = 0; c < 4; c += 2)
        {
            const int i = row + 8 * r, j = column + 4 * c;
            gs_tile_put2(to + i * VT_PITCH + j, gs_gla_seen(p, at, i, j) ? a[r][c] : 0.0f, gs_gla_seen(p, at, i, j + 1) ? a[r][c + 1] : 0.0f);
        }
}
