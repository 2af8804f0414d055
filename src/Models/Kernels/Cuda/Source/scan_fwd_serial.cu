// Selective scan, forward: h_t = exp(delta_t A) h_{t-1} + delta_t B_t u_t;  y_t = C_t h_t + D u_t.
// Where channels do not fill the card, time is cut into segments: gs_scan_ends has left every segment's end state from zero and its sum of delta,
// and each warp folds those before it, backwards until their decay is nothing, into the state that it starts from.
//
// A warp takes 32 channels of one sequence and a segment of time, alone in its block. A pair of lanes owns two neighbouring channels: each lane holds
// both channels' states of its parity (n = 2 j + lane % 2), so that a value of B or C read from shared memory serves two channels.
// "own" is the lane's channel d0 + lane, "other" its neighbour; both lanes of a pair order them own first, so no lane selects.
// Inputs come by asynchronous copies in stages of 8 steps. One stage ahead of the recurrence, raw is worked out from dt (GS_DT_RANK), delta =
// softplus(raw + bias) and delta u from it, and B and C are widened to float. GS_SCAN_GATE: a finished stage is added to the other direction and gated on its way out.
#define S_T 8                           // steps of a stage
#define S_J (GS_N / 2)                  // states of a lane and channel
#define S_STAGES 3
#define S_TENSOR (S_T * 32 * GS_ESIZE)  // bytes of u or delta of a stage
#define S_BC (S_T * GS_N * GS_ESIZE)
#define S_DT (S_T * P_ROW)
#define S_STAGE (2 * S_TENSOR + 2 * S_BC + S_DT) // u; delta, and then y; B, C; dt
#define S_PIECES (32 * GS_ESIZE / 16)   // 16-byte pieces of a row of 32 channels
#define S_ROWS (32 / S_PIECES)          // rows that one copy of the warp covers
#define S_BC_PIECES (GS_N * GS_ESIZE / 16)
#define S_PAIR 72                       // floats of a row of {delta, delta u} pairs of 32 channels; padded against bank conflicts
#define S_PAIRS (S_T * S_PAIR)
#define S_WIDE (S_T * 2 * GS_N)
// Shared memory of a warp, bytes: stages; {delta, delta u} twice; B, C as [step][B or C and parity][S_J] twice; weights of dt; bias
// (11,392 with bf16, 13,184 with R = 16, 16,000 with float)
#define S_SMEM (S_STAGES * S_STAGE + 2 * S_PAIRS * 4 + 2 * S_WIDE * 4 + P_WEIGHTS + 128)
#if GS_F32_IO && (GS_DT_RANK || GS_SCAN_GATE)
#error dt and the gate are for bf16
#endif
#if GS_KEEP_DELTA && (GS_SCAN_GATE || !GS_DT_RANK)
#error delta is kept where it is worked out, for a backward pass
#endif

// What a lane needs to bring stages in and to widen them.
struct GsLane
{
    unsigned char* stages; float* pairs; float* wide; unsigned char* weights; float* bias;
    const unsigned char* u; const unsigned char* delta; const unsigned char* bc; // this lane's pieces of row 0 of the next stage to copy; delta: dt's with GS_DT_RANK
    i64 uRow, deltaRow, bcRow;          // bytes from a row to the next in scan order
#if GS_F32_IO
    const unsigned char* c; i64 cRow;   // C apart from B: each takes all lanes
#endif
    int lane;
};
__device__ __forceinline__ int gs_bc_row(int lane) { return GS_F32_IO ? lane / S_BC_PIECES : lane % 16 / S_BC_PIECES; }

// Points at the stage that begins at step t of sequence b.
__device__ __forceinline__ void gs_point(GsLane& k, const GsForward& p, const GsForwardScan& s, int b, int d0, int t)
{
    const int L = p.length, lane = k.lane;
    const i64 first = (i64)b * L + (s.reverse ? L - 1 - t : t), sign = s.reverse ? -GS_ESIZE : GS_ESIZE;
    const int c = min(d0 + lane % S_PIECES * (16 / GS_ESIZE), p.d_inner - 16 / GS_ESIZE);
    k.uRow = s.u_stride * sign;
    k.u = (const unsigned char*)s.u + (first * s.u_stride + c) * GS_ESIZE + lane / S_PIECES * k.uRow;
#if GS_DT_RANK
    k.deltaRow = s.dt_stride * sign;
    k.delta = (const unsigned char*)s.dt + first * s.dt_stride * 2 + lane / (GS_DT_RANK / 8) * k.deltaRow + lane % (GS_DT_RANK / 8) * 16;
#else
    k.deltaRow = s.delta_stride * sign;
    k.delta = (const unsigned char*)s.delta + (first * s.delta_stride + c) * GS_ESIZE + lane / S_PIECES * k.deltaRow;
#endif
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
template <class Piece> __device__ __forceinline__ void gs_fetch_pieces(const GsLane& k, int slot, const Piece& piece)
{
    unsigned char* to = k.stages + slot + k.lane * 16;
#pragma unroll
    for (int i = 0; i < S_T / S_ROWS; i++)
    {
        piece(to + i * 512, k.u + i * S_ROWS * k.uRow, k.lane / S_PIECES + i * S_ROWS);
#if !GS_DT_RANK
        piece(to + S_TENSOR + i * 512, k.delta + i * S_ROWS * k.deltaRow, k.lane / S_PIECES + i * S_ROWS);
#endif
    }
#if GS_DT_RANK
    if (k.lane < GS_DT_RANK) piece(to + 2 * S_TENSOR + 2 * S_BC, k.delta, k.lane / (GS_DT_RANK / 8)); // 8 rows of R / 8 pieces
#endif
#if GS_F32_IO
    piece(to + 2 * S_TENSOR, k.bc, gs_bc_row(k.lane));
    piece(to + 2 * S_TENSOR + S_BC, k.c, gs_bc_row(k.lane));
#else
    piece(to + 2 * S_TENSOR, k.bc, gs_bc_row(k.lane));
#endif
}
// Starts the copies of one stage; rows from `rows` on are zero.  `slot`: bytes from the ring's start.
__device__ __forceinline__ void gs_fetch(const GsLane& k, int slot, int rows)
{
    if (rows >= S_T) gs_fetch_pieces(k, slot, [](unsigned char* to, const unsigned char* from, int) { gs_copy16(to, from); });
    else gs_fetch_pieces(k, slot, [=](unsigned char* to, const unsigned char* from, int row) { gs_fetch_piece(to, from, row < rows); });
}
__device__ __forceinline__ void gs_advance(GsLane& k)
{
    k.u += S_T * k.uRow; k.delta += S_T * k.deltaRow; k.bc += S_T * k.bcRow;
#if GS_F32_IO
    k.c += S_T * k.cRow;
#endif
}

// The lane's part of a stage, as the tensor core deals it out: for m, e in 0, 1 the channels 16 m + 2 (lane / 4) and + 1 at step lane % 4 + 4 e.
__device__ __forceinline__ int gs_part_row(int lane, int e) { return (lane & 3) + 4 * e; }
__device__ __forceinline__ int gs_part_channel(int lane, int m) { return 16 * m + 2 * (lane >> 2); }

// Raw delta of the stage in `slot`, where it is not given. Some time before it is used, since the tensor core takes long to answer.
__device__ __forceinline__ void gs_prepare(const GsLane& k, int slot, u32 (&raw)[2][2])
{
#if GS_DT_RANK
    gs_project8(raw, k.stages + slot + 2 * S_TENSOR + 2 * S_BC, k.weights, k.lane);
#endif
}
// delta and delta u of the stage in `slot`.
__device__ __forceinline__ void gs_elementwise(const GsLane& k, int slot, int buffer, const u32 (&raw)[2][2])
{
#pragma unroll
    for (int m = 0; m < 2; m++)
    {
        const float2 bias = *(const float2*)(k.bias + gs_part_channel(k.lane, m));
#pragma unroll
        for (int e = 0; e < 2; e++)
        {
            const int row = gs_part_row(k.lane, e), channel = gs_part_channel(k.lane, m);
            unsigned char* from = k.stages + slot + (row * 32 + channel) * GS_ESIZE;
            float u0, u1, r0, r1;
#if GS_F32_IO
            const float2 u = *(const float2*)from, r = *(const float2*)(from + S_TENSOR);
            u0 = u.x; u1 = u.y; r0 = r.x; r1 = r.y;
#else
            const u32 u = *(const u32*)from;
#if GS_DT_RANK
            const u32 r = raw[m][e];
#if GS_KEEP_DELTA
            *(u32*)(from + S_TENSOR) = r;
#endif
#else
            const u32 r = *(const u32*)(from + S_TENSOR);
#endif
            u0 = gs_lo(u); u1 = gs_hi(u); r0 = gs_lo(r); r1 = gs_hi(r);
#endif
            const float e0 = gs_softplus_poly(r0 + bias.x), e1 = gs_softplus_poly(r1 + bias.y);
            *(float4*)(k.pairs + buffer * S_PAIRS + row * S_PAIR + channel * 2) = make_float4(e0, e0 * u0, e1, e1 * u1);
        }
    }
}
// Corrects the lane's own part of pairs: rows from `rows` on take no part (delta = 0), a cleared state is an endless step (the decay becomes zero).
__device__ __forceinline__ void gs_correct(const GsLane& k, const GsForward& p, const GsForwardScan& s, int b, int buffer, int t0, int rows)
{
    for (int i = 0; i < 4; i++)
    {
        const int row = gs_part_row(k.lane, i & 1), t = t0 + row;
        float* at = k.pairs + buffer * S_PAIRS + row * S_PAIR + gs_part_channel(k.lane, i >> 1) * 2;
        if (row >= rows) *(float4*)at = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        else if (s.ids != 0 && t > 0)
        {
            const i64 r = (i64)b * p.length + (s.reverse ? p.length - 1 - t : t);
            if (s.ids[r] != s.ids[s.reverse ? r + 1 : r - 1]) { at[0] = S_BIG; at[2] = S_BIG; }
        }
    }
}
// Where B or C (0, 1) of a step and parity lies among a step's 2 N floats: the order turns with the step, against bank conflicts.
__device__ __forceinline__ int gs_wide_at(int step, int isC, int parity) { return ((2 * isC + parity) ^ (step & 3)) * S_J; }
// Widens this lane's piece of B or C of a step, split by the parity of the state.
__device__ __forceinline__ void gs_widen_piece(float* to, int step, int isC, const unsigned char* from, int part)
{
    const uint4 v = *(const uint4*)from;
    float* even = to + gs_wide_at(step, isC, 0); float* odd = to + gs_wide_at(step, isC, 1);
#if GS_F32_IO
    *(float2*)(even + part * 2) = make_float2(__uint_as_float(v.x), __uint_as_float(v.z));
    *(float2*)(odd + part * 2) = make_float2(__uint_as_float(v.y), __uint_as_float(v.w));
#else
    *(float4*)(even + part * 4) = make_float4(gs_lo(v.x), gs_lo(v.y), gs_lo(v.z), gs_lo(v.w));
    *(float4*)(odd + part * 4) = make_float4(gs_hi(v.x), gs_hi(v.y), gs_hi(v.z), gs_hi(v.w));
#endif
}
__device__ __forceinline__ void gs_widen(const GsLane& k, int slot, int buffer)
{
    const int step = gs_bc_row(k.lane);
    float* to = k.wide + buffer * S_WIDE + step * (2 * GS_N);
    const unsigned char* from = k.stages + slot + 2 * S_TENSOR + k.lane * 16;
    const int part = k.lane % S_BC_PIECES;
#if GS_F32_IO
    gs_widen_piece(to, step, 0, from, part);
    gs_widen_piece(to, step, 1, from + S_BC, part);
#else
    gs_widen_piece(to, step, k.lane >= 16, from, part);
#endif
}
// States of the lane's parity, of its own and the other channel, from [channels, N].
__device__ __forceinline__ void gs_load_states(const float* from, int own, int other, int parity, float* o, float* x)
{
#pragma unroll
    for (int j = 0; j < S_J; j++) { o[j] = from[(i64)own * GS_N + 2 * j + parity]; x[j] = from[(i64)other * GS_N + 2 * j + parity]; }
}

// The 16-byte pieces of a finished stage, which lie in the place of its delta.
__device__ __forceinline__ void gs_store_stage(const unsigned char* from, unsigned char* to, i64 row, int lane, int rows, bool ok)
{
#pragma unroll
    for (int i = 0; i < S_T / S_ROWS; i++)
        if (ok && lane / S_PIECES + i * S_ROWS < rows) *(uint4*)(to + i * S_ROWS * row) = *(const uint4*)(from + i * 512 + lane * 16);
}

#if GS_SCAN_GATE
// (y + add) silu(z), 8 elements: what gate.cu does, to the bit.
__device__ __forceinline__ uint4 gs_gated(const uint4& y, const uint4& add, const uint4& z)
{
    float f[8], g[8];
    gs_unpack8(y, f);
    gs_unpack8(add, g);
#pragma unroll
    for (int i = 0; i < 8; i++) f[i] += g[i];
    gs_unpack8(z, g);
#pragma unroll
    for (int i = 0; i < 8; i++) f[i] *= g[i] * gs_sigmoid(g[i]);
    return make_uint4(gs_pack_bf16(f[0], f[1]), gs_pack_bf16(f[2], f[3]), gs_pack_bf16(f[4], f[5]), gs_pack_bf16(f[6], f[7]));
}
#endif

// Grid scans * batch * segments * ceil(d_inner / 32), 32 threads. d_inner is a multiple of 8 (of 32 for full speed).
extern "C" __global__ void __launch_bounds__(32, GS_F32_IO ? 12 : 16) gs_scan_fwd_serial(const __grid_constant__ GsForward p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    const int lane = threadIdx.x, parity = lane & 1;
    const int L = p.length, D = p.d_inner, strips = (D + 31) >> 5;
    int task = blockIdx.x;
    const int strip = task % strips, d0 = strip * 32; task /= strips;
    const int seg = task % p.segments; task /= p.segments;
    const int b = task % p.batch;
    const GsForwardScan& s = p.s[task / p.batch];
    const int chunks = (D + 15) >> 4, marks = (L + GS_CK_STEPS - 1) / GS_CK_STEPS;
    const bool ok = d0 + lane < D;                         // the same for both lanes of a pair
    const int own = min(d0 + lane, D - 1 - (lane & 1 ^ 1)), other = own ^ 1;

    GsLane k;
    k.lane = lane;
    k.stages = smem;
    k.pairs = (float*)(smem + S_STAGES * S_STAGE);
    k.wide = k.pairs + 2 * S_PAIRS;
    k.weights = (unsigned char*)(k.wide + 2 * S_WIDE);
    k.bias = (float*)(k.weights + P_WEIGHTS);
    k.bias[lane] = s.bias != 0 ? s.bias[min(d0 + lane, D - 1)] : 0.0f;
#if GS_DT_RANK
    gs_stage_weights(k.weights, s.dt_weight, d0, D, lane);
#endif
    const float skip = s.skip != 0 ? s.skip[own] : 0.0f;

    float ao[S_J], ax[S_J], ho[S_J], hx[S_J];
    gs_load_states(s.a, own, other, parity, ao, ax);
#pragma unroll
    for (int j = 0; j < S_J; j++) { ao[j] = fminf(ao[j] * GS_LOG2E, -1e-30f); ax[j] = fminf(ax[j] * GS_LOG2E, -1e-30f); ho[j] = hx[j] = 0.0f; }
    {
        float sumO = 0.0f, sumX = 0.0f;                    // of delta since the segment that is folded in
        bool alive = true;
        for (int from = seg - 1; from >= 0 && alive; from--)
        {
            const i64 at = ((i64)b * p.segments + from) * D;
            float eo[S_J], ex[S_J];
            gs_load_states(s.ends + at * GS_N, own, other, parity, eo, ex);
            alive = false;
#pragma unroll
            for (int j = 0; j < S_J; j++) { ho[j] = fmaf(gs_ex2(ao[j] * sumO), eo[j], ho[j]); hx[j] = fmaf(gs_ex2(ax[j] * sumX), ex[j], hx[j]); }
            sumO += s.sums[at + own]; sumX += s.sums[at + other];
#pragma unroll
            for (int j = 0; j < S_J; j++) alive = alive || fmaxf(ao[j] * sumO, ax[j] * sumX) > GS_DEAD;
            alive = gs_any(alive);
        }
        if (s.h0 != 0 && alive)
        {
            float fo[S_J], fx[S_J];
            gs_load_states(s.h0 + (i64)b * D * GS_N, own, other, parity, fo, fx);
#pragma unroll
            for (int j = 0; j < S_J; j++) { ho[j] = fmaf(gs_ex2(ao[j] * sumO), fo[j], ho[j]); hx[j] = fmaf(gs_ex2(ax[j] * sumX), fx[j], hx[j]); }
        }
    }

    const int begin = seg * p.steps, end = min(L, begin + p.steps);
    const int count = (end - begin + S_T - 1) / S_T;
    gs_point(k, p, s, b, d0, begin);
    int now = 0, next = S_STAGE, after = 2 * S_STAGE;      // slots of this stage, the next, and the one after it
    gs_fetch(k, now, end - begin);
    gs_copy_commit();
    gs_advance(k);
    if (count > 1) gs_fetch(k, next, end - begin - S_T);
    gs_copy_commit();
    gs_advance(k);
    gs_copy_wait_for(1);
    gs_warp_sync();
    u32 raw[2][2];
    gs_prepare(k, now, raw);
    gs_elementwise(k, now, 0, raw);
    gs_widen(k, now, 0);
    const bool ids = s.ids != 0;
    if (ids || begin + S_T > end) gs_correct(k, p, s, b, 0, begin, end - begin);

    const int cy = d0 + lane % S_PIECES * (16 / GS_ESIZE);
    const bool yOk = cy < D;
    const i64 yRow = (i64)(s.reverse ? -D : D) * GS_ESIZE;
    unsigned char* y = (unsigned char*)s.y + (((i64)b * L + (s.reverse ? L - 1 - begin : begin)) * D + cy) * GS_ESIZE + lane / S_PIECES * yRow;
#if GS_SCAN_GATE
    const i64 zRow = (s.reverse ? -s.z_stride : s.z_stride) * 2, addOff = (const unsigned char*)s.add - (const unsigned char*)s.y;
    const unsigned char* z = (const unsigned char*)s.z + (((i64)b * L + (s.reverse ? L - 1 - begin : begin)) * s.z_stride + cy) * 2 + lane / S_PIECES * zRow;
#endif
#if GS_KEEP_DELTA
    const i64 deltaOff = (const unsigned char*)s.delta_out - (const unsigned char*)s.y;
#endif
    const int pairOwn = lane * 2, pairOther = (lane ^ 1) * 2;

    const auto mark = [&](int t)                           // the checkpoint before step t
    {
        const int dPair = d0 + (lane & ~1);
        if (s.ckpt == 0 || dPair >> 4 >= chunks) return;   // absent channels of the last group of 16 get zeros
        const i64 to = (((i64)b * marks + t / GS_CK_STEPS) * chunks + (dPair >> 4)) * (GS_N * 16) + parity * 16 + (dPair & 15);
#pragma unroll
        for (int j = 0; j < S_J; j++)
        {
            const float c0 = ok ? parity ? hx[j] : ho[j] : 0.0f, c1 = ok ? parity ? ho[j] : hx[j] : 0.0f;
#if GS_F32_IO
            *(float2*)((float*)s.ckpt + to + j * 32) = make_float2(c0, c1);
#else
            *(u32*)((u16*)s.ckpt + to + j * 32) = gs_pack_bf16(c0, c1);
#endif
        }
    };
#pragma unroll 1
    for (int stage = 0; stage < count; stage++)
    {
        const int t0 = begin + stage * S_T, buffer = stage & 1;
        gs_copy_wait();                                    // the next stage has landed
        gs_warp_sync();                                    // and this stage's pairs, B and C are there
        gs_prepare(k, next, raw);
#if GS_SCAN_GATE
        uint4 gateY = make_uint4(0, 0, 0, 0), gateZ = gateY, gateAdd = gateY; // of the stage before; used when the next one's elementwise part has hidden their way
        const bool gated = stage > 0 && yOk;
        if (gated)
        {
            gateY = *(const uint4*)(k.stages + after + S_TENSOR + lane * 16);
            gateZ = gs_ldg16(z);
            if (s.add != 0) gateAdd = *(const uint4*)(y + addOff);
        }
#else
        if (stage > 0) { gs_store_stage(k.stages + after + S_TENSOR, y, yRow, lane, S_T, yOk); y += S_T * yRow; }
#endif
#if GS_KEEP_DELTA
        gs_store_stage(k.stages + now + S_TENSOR, y + deltaOff, yRow, lane, end - t0, yOk);
        gs_warp_sync();                                    // before y takes its place
#endif
        if (stage + 2 < count) gs_fetch(k, after, end - t0 - 2 * S_T);
        gs_copy_commit();
        gs_advance(k);
        if (t0 % GS_CK_STEPS == 0) mark(t0);
        const float* pairs = k.pairs + buffer * S_PAIRS;
        const float* turns[2] = {k.wide + buffer * S_WIDE + parity * S_J, k.wide + buffer * S_WIDE + (parity ^ 1) * S_J}; // at even and odd steps (gs_wide_at)
        unsigned char* at = k.stages + now;
        gs_widen(k, next, buffer ^ 1);
        gs_elementwise(k, next, buffer ^ 1, raw);
#if GS_SCAN_GATE
        gs_store16_if(y, gs_gated(gateY, gateAdd, gateZ), gated);
#endif
#if GS_SCAN_GATE
        if (stage > 0) { y += S_T * yRow; z += S_T * zRow; }
#endif
#pragma unroll
        for (int t = 0; t < S_T; t++)
        {
            if (GS_CK_STEPS < S_T && t > 0 && t % GS_CK_STEPS == 0 && t0 + t < end) mark(t0 + t);
            const float2 o = *(const float2*)(pairs + t * S_PAIR + pairOwn), x = *(const float2*)(pairs + t * S_PAIR + pairOther);
            float yo = skip * gs_load1(at, t * 32 + lane), yx = 0.0f;
#pragma unroll
            for (int j = 0; j < S_J; j += 4)
            {
                const float* at4 = turns[t & 1] + t * (2 * GS_N) + j;
                const float4 b4 = *(const float4*)(at4 + (t & 2) * S_J), c4 = *(const float4*)(at4 + (2 ^ (t & 2)) * S_J);
                ho[j] = fmaf(gs_ex2(ao[j] * o.x), ho[j], o.y * b4.x); yo = fmaf(c4.x, ho[j], yo);
                hx[j] = fmaf(gs_ex2(ax[j] * x.x), hx[j], x.y * b4.x); yx = fmaf(c4.x, hx[j], yx);
                ho[j + 1] = fmaf(gs_ex2(ao[j + 1] * o.x), ho[j + 1], o.y * b4.y); yo = fmaf(c4.y, ho[j + 1], yo);
                hx[j + 1] = fmaf(gs_ex2(ax[j + 1] * x.x), hx[j + 1], x.y * b4.y); yx = fmaf(c4.y, hx[j + 1], yx);
                ho[j + 2] = fmaf(gs_ex2(ao[j + 2] * o.x), ho[j + 2], o.y * b4.z); yo = fmaf(c4.z, ho[j + 2], yo);
                hx[j + 2] = fmaf(gs_ex2(ax[j + 2] * x.x), hx[j + 2], x.y * b4.z); yx = fmaf(c4.z, hx[j + 2], yx);
                ho[j + 3] = fmaf(gs_ex2(ao[j + 3] * o.x), ho[j + 3], o.y * b4.w); yo = fmaf(c4.w, ho[j + 3], yo);
                hx[j + 3] = fmaf(gs_ex2(ax[j + 3] * x.x), hx[j + 3], x.y * b4.w); yx = fmaf(c4.w, hx[j + 3], yx);
            }
            gs_store1(at + S_TENSOR, t * 32 + lane, yo + gs_xor(yx, 1));
        }
        if (ids || t0 + 2 * S_T > end) gs_correct(k, p, s, b, buffer ^ 1, t0 + S_T, end - t0 - S_T);
        const int done = now;
        now = next; next = after; after = done;
    }
    gs_warp_sync();
#if GS_SCAN_GATE
    if (yOk && lane / S_PIECES < end - begin - (count - 1) * S_T)
        *(uint4*)y = gs_gated(*(const uint4*)(k.stages + after + S_TENSOR + lane * 16), s.add != 0 ? *(const uint4*)(y + addOff) : make_uint4(0, 0, 0, 0), gs_ldg16(z));
#else
    gs_store_stage(k.stages + after + S_TENSOR, y, yRow, lane, end - begin - (count - 1) * S_T, yOk);
#endif
    if (s.h_last != 0 && ok && end == L)
    {
#pragma unroll
        for (int j = 0; j < S_J; j++)
        {
            s.h_last[((i64)b * D + own) * GS_N + 2 * j + parity] = ho[j];
            s.h_last[((i64)b * D + other) * GS_N + 2 * j + parity] = hx[j];
        }
    }
}
