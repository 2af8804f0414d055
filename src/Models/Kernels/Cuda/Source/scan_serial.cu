// Shared by the serial forward scan (scan_fwd_serial.cu) and its pre-pass (scan_ends.cu): lane layout, stages.
//
// A warp takes 32 channels of one sequence and a segment of time, alone in its block. A pair of lanes owns two neighbouring channels: each lane holds
// both channels' states of its parity (n = 2 j + lane % 2), so that a value of B or C read from shared memory serves two channels.
// "own" is the lane's channel d0 + lane, "other" its neighbour; both lanes of a pair order them own first, so no lane selects.
// Inputs come by asynchronous copies in stages of 8 steps. One stage ahead of the recurrence, delta = softplus(raw + bias) and delta u are
// worked out for it, and B and C widened to float.
#define S_T 8                           // steps of a stage
#define S_J (GS_N / 2)                  // states of a lane and channel
#define S_STAGES 3
#define S_TENSOR (S_T * 32 * GS_ESIZE)  // bytes of u or delta of a stage
#define S_BC (S_T * GS_N * GS_ESIZE)
#define S_STAGE (2 * S_TENSOR + 2 * S_BC)
#define S_PIECES (32 * GS_ESIZE / 16)   // 16-byte pieces of a row of 32 channels
#define S_ROWS (32 / S_PIECES)          // rows that one copy of the warp covers
#define S_BC_PIECES (GS_N * GS_ESIZE / 16)
#define S_PAIR 80                       // floats of a row of {delta, delta u} pairs of 32 channels; padded against bank conflicts
#define S_PAIRS (S_T * S_PAIR)
#define S_WIDE (S_T * 2 * GS_N)
// Shared memory of a warp, bytes: stages; {delta, delta u} twice; B, C as [step][B or C][parity][S_J] twice (11,776 with bf16, 16,384 with float)
#define S_SMEM (S_STAGES * S_STAGE + 2 * S_PAIRS * 4 + 2 * S_WIDE * 4)
#define S_END ((GS_N + 2) * 32)         // floats that a segment leaves: [2 S_J states and 2 sums][lane]
#ifndef GS_DEAD
#define GS_DEAD (GS_F32_IO ? -32.0f : -26.0f) // a state whose decay falls below 2^GS_DEAD is forgotten by the pre-pass
#endif
#define S_BIG 3.0e38f

// What a lane needs to bring stages in and to widen them.
struct GsLane
{
    unsigned char* stages; float* pairs; float* wide;
    const unsigned char* u; const unsigned char* delta; const unsigned char* bc; // this lane's pieces of row 0 of the next stage to copy
    i64 uRow, deltaRow, bcRow;          // bytes from a row to the next in scan order
#if GS_F32_IO
    const unsigned char* c; i64 cRow;   // C apart from B: each takes all lanes
#endif
    float bias0, bias1;                 // of the pair's channels, in memory order
    int lane;
};
__device__ __forceinline__ int gs_bc_row(int lane) { return GS_F32_IO ? lane / S_BC_PIECES : lane % 16 / S_BC_PIECES; }

// Points at the stage that begins at step t of sequence b.
__device__ __forceinline__ void gs_point(GsLane& k, const GsForward& p, const GsForwardScan& s, int b, int d0, int t)
{
    const int L = p.length, lane = k.lane;
    const i64 first = (i64)b * L + (s.reverse ? L - 1 - t : t), sign = s.reverse ? -GS_ESIZE : GS_ESIZE;
    const int c = min(d0 + lane % S_PIECES * (16 / GS_ESIZE), p.d_inner - 16 / GS_ESIZE);
    k.uRow = s.u_stride * sign; k.deltaRow = s.delta_stride * sign;
    k.u = (const unsigned char*)s.u + (first * s.u_stride + c) * GS_ESIZE + lane / S_PIECES * k.uRow;
    k.delta = (const unsigned char*)s.delta + (first * s.delta_stride + c) * GS_ESIZE + lane / S_PIECES * k.deltaRow;
#if GS_F32_IO
    k.bcRow = s.b_stride * sign; k.cRow = s.c_stride * sign;
    k.bc = (const unsigned char*)s.bmat + first * s.b_stride * GS_ESIZE + lane % S_BC_PIECES * 16 + gs_bc_row(lane) * k.bcRow;
    k.c = (const unsigned char*)s.cmat + first * s.c_stride * GS_ESIZE + lane % S_BC_PIECES * 16 + gs_bc_row(lane) * k.cRow;
#else
    const bool isC = lane >= 16;
    const i64 stride = isC ? s.c_stride : s.b_stride;
    k.bcRow = stride * sign;
    k.bc = (const unsigned char*)(isC ? s.cmat : s.bmat) + first * stride * GS_ESIZE + lane % S_BC_PIECES * 16 + gs_bc_row(lane) * k.bcRow;
#endif
}
__device__ __forceinline__ void gs_fetch_piece(unsigned char* to, const unsigned char* from, bool ok)
{
    if (ok) gs_copy16(to, from);
    else *(uint4*)to = make_uint4(0, 0, 0, 0);
}
template <bool WithC, class Piece> __device__ __forceinline__ void gs_fetch_pieces(const GsLane& k, int slot, const Piece& piece)
{
    unsigned char* to = k.stages + slot + k.lane * 16;
#pragma unroll
    for (int i = 0; i < S_T / S_ROWS; i++)
    {
        piece(to + i * 512, k.u + i * S_ROWS * k.uRow, k.lane / S_PIECES + i * S_ROWS);
        piece(to + S_TENSOR + i * 512, k.delta + i * S_ROWS * k.deltaRow, k.lane / S_PIECES + i * S_ROWS);
    }
#if GS_F32_IO
    piece(to + 2 * S_TENSOR, k.bc, gs_bc_row(k.lane));
    if (WithC) piece(to + 2 * S_TENSOR + S_BC, k.c, gs_bc_row(k.lane));
#else
    if (WithC || k.lane < 16) piece(to + 2 * S_TENSOR, k.bc, gs_bc_row(k.lane));
#endif
}
// Starts the copies of one stage; rows from `rows` on are zero. C may be left out. `slot`: bytes from the ring's start.
template <bool WithC> __device__ __forceinline__ void gs_fetch(const GsLane& k, int slot, int rows)
{
    if (rows >= S_T) gs_fetch_pieces<WithC>(k, slot, [](unsigned char* to, const unsigned char* from, int) { gs_copy16(to, from); });
    else gs_fetch_pieces<WithC>(k, slot, [=](unsigned char* to, const unsigned char* from, int row) { gs_fetch_piece(to, from, row < rows); });
}
__device__ __forceinline__ void gs_advance(GsLane& k, int stages) {
    k.u += stages * S_T * k.uRow; k.delta += stages * S_T * k.deltaRow; k.bc += stages * S_T * k.bcRow;
#if GS_F32_IO
    k.c += stages * S_T * k.cRow;
#endif
}

// delta and delta u of two channels of step 2 i + lane % 2 of the stage in `slot`.
__device__ __forceinline__ void gs_elementwise(const GsLane& k, int slot, int buffer, int i)
{
    const int row = 2 * i + (k.lane & 1), pair = k.lane >> 1;
    const unsigned char* from = k.stages + slot + (row * 32 + pair * 2) * GS_ESIZE;
    float u0, u1, r0, r1;
#if GS_F32_IO
    const float2 u = *(const float2*)from, r = *(const float2*)(from + S_TENSOR);
    u0 = u.x; u1 = u.y; r0 = r.x; r1 = r.y;
#else
    const u32 u = *(const u32*)from, r = *(const u32*)(from + S_TENSOR);
    u0 = gs_lo(u); u1 = gs_hi(u); r0 = gs_lo(r); r1 = gs_hi(r);
#endif
    const float e0 = gs_softplus_poly(r0 + k.bias0), e1 = gs_softplus_poly(r1 + k.bias1);
    *(float4*)(k.pairs + buffer * S_PAIRS + row * S_PAIR + pair * 4) = make_float4(e0, e0 * u0, e1, e1 * u1);
}
// Corrects the lane's own rows of pairs: rows from `rows` on take no part (delta = 0), a cleared state is an endless step (the decay becomes zero).
__device__ __forceinline__ void gs_correct(const GsLane& k, const GsForward& p, const GsForwardScan& s, int b, int buffer, int t0, int rows)
{
    for (int i = 0; i < S_T / 2; i++)
    {
        const int row = 2 * i + (k.lane & 1), t = t0 + row;
        float* at = k.pairs + buffer * S_PAIRS + row * S_PAIR + (k.lane >> 1) * 4;
        if (row >= rows) *(float4*)at = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        else if (s.ids != 0 && t > 0)
        {
            const i64 r = (i64)b * p.length + (s.reverse ? p.length - 1 - t : t);
            if (s.ids[r] != s.ids[s.reverse ? r + 1 : r - 1]) { at[0] = S_BIG; at[2] = S_BIG; }
        }
    }
}
// Widens this lane's piece of B or C, split by the parity of the state.
__device__ __forceinline__ void gs_widen_piece(float* to, const unsigned char* from, int part)
{
    const uint4 v = *(const uint4*)from;
#if GS_F32_IO
    *(float2*)(to + part * 2) = make_float2(__uint_as_float(v.x), __uint_as_float(v.z));
    *(float2*)(to + S_J + part * 2) = make_float2(__uint_as_float(v.y), __uint_as_float(v.w));
#else
    *(float4*)(to + part * 4) = make_float4(gs_lo(v.x), gs_lo(v.y), gs_lo(v.z), gs_lo(v.w));
    *(float4*)(to + S_J + part * 4) = make_float4(gs_hi(v.x), gs_hi(v.y), gs_hi(v.z), gs_hi(v.w));
#endif
}
template <bool WithC> __device__ __forceinline__ void gs_widen(const GsLane& k, int slot, int buffer)
{
    float* to = k.wide + buffer * S_WIDE + gs_bc_row(k.lane) * (2 * GS_N);
    const unsigned char* from = k.stages + slot + 2 * S_TENSOR + k.lane * 16;
    const int part = k.lane % S_BC_PIECES;
#if GS_F32_IO
    gs_widen_piece(to, from, part);
    if (WithC) gs_widen_piece(to + GS_N, from + S_BC, part);
#else
    if (WithC || k.lane < 16) gs_widen_piece(to + (k.lane >= 16 ? GS_N : 0), from, part);
#endif
}
// States of the lane's parity, of its own and the other channel, from [channels, N].
__device__ __forceinline__ void gs_load_states(const float* from, int own, int other, int parity, float* o, float* x)
{
#pragma unroll
    for (int j = 0; j < S_J; j++) { o[j] = from[(i64)own * GS_N + 2 * j + parity]; x[j] = from[(i64)other * GS_N + 2 * j + parity]; }
}
