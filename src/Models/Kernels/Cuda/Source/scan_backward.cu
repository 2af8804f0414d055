// Selective scan, backward.
//   lambda_t = C_t g_t + a_{t+1} lambda_{t+1},  a_t = exp(delta_t A);  carry_t = a_t lambda_t,  w_t = carry_t h_{t-1} (per channel and state);
//   dB = sum lambda delta u, dC = sum g h (over channels), du = D g + delta sum(lambda B), ddelta = u sum(lambda B) + sum(w A), dA = sum over t of w delta.
// A warp takes 32 channels x 16 states of one time segment, serially from its end: lane 4 g + q holds channels 4 g + j, states 4 q + i.
// Chunks of 16 steps restart h from the checkpoint and leave h at every 4th step in shared memory; then, from the end, 4 steps at a time are
// replayed with decays and states in registers and walked back. Sums over lanes run on the tensor cores against constant 0/1 matrices, which also put
// each step's sums into columns of their own, so that after 4 steps every lane holds finished sums: no shuffles.
// Blocks of GS_WARPS warps share B, C and add up dB, dC in fixed order, one barrier a chunk.
#ifndef GS_WARPS
#define GS_WARPS 4
#endif
#ifndef GS_BWD_BLOCKS
#define GS_BWD_BLOCKS 2
#endif
// Tensor cores cut their operands to tf32 (10 bits). GS_EXACT: sums add the cut-off part in a second product (for float gradients).
#ifndef GS_EXACT
#define GS_EXACT GS_F32_IO
#endif
#define GS_UNCUT (GS_EXACT ? 1.0f : 1.000352f) // a cut makes a sum smaller by 2^-11 / (2 ln 2) on average
#define B_NT (32 * GS_WARPS)
#define B_ROW (32 * GS_ESIZE)                   // bytes of a row of 32 channels
#define B_RAW (16 * B_ROW)
#define B_CK (2 * GS_N * 16 * (GS_CK_F32 ? 4 : 2))
#define B_WORK (16 * 32 * 4)
#define B_BC_PIECES (32 * GS_ESIZE > B_NT ? 32 * GS_ESIZE / B_NT : 1) // of B, C of a chunk, a thread
// Shared memory, bytes. Each warp: u, delta twice, g, checkpoint as loaded; delta, delta u, g [16][32] float; h before steps 0, 4, 8, 12; d skip and d bias of each lane; bias, skip.
#define B_WARP (5 * B_RAW + B_CK + 3 * B_WORK + 4 * B_WORK + 1024 + 256)
// The block: warps; sums of dB, dC [2][warps][16][32]; B, C [2][16][32] float; B, C as loaded; 0/1 operands of the sums
#define B_SMEM (GS_WARPS * (B_WARP + 2 * B_WORK) + 2 * B_WORK + 512 * GS_ESIZE + 768)

__device__ __forceinline__ float gs_pick(const float4& v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }
// Four consecutive activations in shared memory.
__device__ __forceinline__ void gs_shared4(const unsigned char* from, float* f)
{
#if GS_F32_IO
    const float4 v = *(const float4*)from;
    f[0] = v.x; f[1] = v.y; f[2] = v.z; f[3] = v.w;
#else
    const uint2 v = *(const uint2*)from;
    f[0] = gs_lo(v.x); f[1] = gs_hi(v.x); f[2] = gs_lo(v.y); f[3] = gs_hi(v.y);
#endif
}
__device__ __forceinline__ float gs_cut(float v) { return __uint_as_float(__float_as_uint(v) & 0xffffe000u); }
// Values as the left operand, 0/1 as the right one.
__device__ __forceinline__ void gs_sum_left(float4& c, float a0, float a1, float a2, float a3, float b0, float b1)
{
#if GS_EXACT
    const float h0 = gs_cut(a0), h1 = gs_cut(a1), h2 = gs_cut(a2), h3 = gs_cut(a3);
    gs_mma_tf32(c, h0, h1, h2, h3, b0, b1);
    gs_mma_tf32(c, a0 - h0, a1 - h1, a2 - h2, a3 - h3, b0, b1);
#else
    gs_mma_tf32(c, a0, a1, a2, a3, b0, b1);
#endif
}
// The same the other way round.
__device__ __forceinline__ void gs_sum_right(float4& c, float a0, float a1, float a2, float a3, float b0, float b1)
{
#if GS_EXACT
    const float h0 = gs_cut(b0), h1 = gs_cut(b1);
    gs_mma_tf32(c, a0, a1, a2, a3, h0, h1);
    gs_mma_tf32(c, a0, a1, a2, a3, b0 - h0, b1 - h1);
#else
    gs_mma_tf32(c, a0, a1, a2, a3, b0, b1);
#endif
}
// m[j][i] += row[j] col[i]
__device__ __forceinline__ void gs_outer(float (&m)[16], const float4& row, const float4& col)
{
#pragma unroll
    for (int j = 0; j < 4; j++)
#pragma unroll
        for (int i = 0; i < 4; i++) m[j * 4 + i] = fmaf(gs_pick(row, j), gs_pick(col, i), m[j * 4 + i]);
}

// Grid scans * batch * segments * sets, 32 * GS_WARPS threads.
extern "C" __global__ void __launch_bounds__(B_NT, GS_BWD_BLOCKS) gs_scan_backward(const __grid_constant__ GsBackwardArgs p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5, g = lane >> 2, q = lane & 3;
    unsigned char* rawU = smem + warp * B_WARP;
    unsigned char* rawDelta = rawU + 2 * B_RAW;
    unsigned char* rawG = rawDelta + 2 * B_RAW;
    unsigned char* rawCk = rawG + B_RAW;
    float* work = (float*)(rawCk + B_CK) + 4 * g;          // this lane's channels of row 0 of delta; then delta u, then g
    float4* sH = (float4*)(rawCk + B_CK + 3 * B_WORK) + lane; // [4 steps][j][lane]
    float4* sAcc = sH + 16 * 32;
    float* sBias = (float*)(sAcc - lane + 64);
    float* sSkip = sBias + 32;
    float* sFold = (float*)(smem + GS_WARPS * B_WARP);
    float* sBc = sFold + 2 * GS_WARPS * 16 * 32;
    unsigned char* rawBc = (unsigned char*)(sBc + 2 * 16 * 32);
    float4* sMove = (float4*)(rawBc + 512 * GS_ESIZE);     // [lane]
    float2* sOne = (float2*)(sMove + 32);                  // [pair of columns][g]

    const int L = p.length, D = p.d_inner, chunks = (D + 15) >> 4, blocks16 = (L + 15) >> 4;
    int task = blockIdx.x;
    const int set = task % p.sets; task /= p.sets;
    const int seg = task % p.segments; task /= p.segments;
    const int b = task % p.batch;
    const GsBackwardScan& s = p.s[task / p.batch];
    const int rev = s.reverse, d0 = (set * GS_WARPS + warp) * 32, d = d0 + 4 * g, dSafe = min(d, D - 4);
    const i64 direction = rev ? -1 : 1;
    const bool dOk = d < D;
    const int first = seg * p.segment >> 4, last = (min(L, (seg + 1) * p.segment) + 15 >> 4) - 1;
    const i64 firstRow = (i64)b * L + (rev ? L - 1 : 0);   // of step 0

    // --- where this lane's 16-byte pieces of the next chunk to load stand ---
    const int pieceRow = lane / (B_ROW / 16), pieceChannel = min(d0 + lane % (B_ROW / 16) * (16 / GS_ESIZE), D - 16 / GS_ESIZE);
    const i64 pieceAt = firstRow + direction * (last * 16 + pieceRow);
    const unsigned char* atU = (const unsigned char*)s.u + (pieceAt * s.u_stride + pieceChannel) * GS_ESIZE;
    const unsigned char* atDelta = (const unsigned char*)s.delta + (pieceAt * s.delta_stride + pieceChannel) * GS_ESIZE;
    const unsigned char* atG = (const unsigned char*)s.g + (pieceAt * s.g_stride + pieceChannel) * GS_ESIZE;
    const i64 stepU = direction * s.u_stride * GS_ESIZE, stepDelta = direction * s.delta_stride * GS_ESIZE, stepG = direction * s.g_stride * GS_ESIZE;
    const unsigned char* atCk = (const unsigned char*)s.ckpt + (((i64)b * blocks16 + last) * chunks + min(d0 >> 4, chunks - 1)) * (B_CK / 2) + lane * 16;
    const int secondCk = min((d0 >> 4) + 1, chunks - 1) > min(d0 >> 4, chunks - 1) ? B_CK / 2 : 0;
    const bool pieceIsC = tid % (2 * GS_ESIZE) >= GS_ESIZE; // GS_ESIZE pieces of B, as many of C in a row
    const i64 bcStride = (pieceIsC ? s.c_stride : s.b_stride) * GS_ESIZE;
    const unsigned char* atBc = (const unsigned char*)(pieceIsC ? s.cmat : s.bmat) + (firstRow + direction * (last * 16 + tid / (2 * GS_ESIZE))) * bcStride + tid % GS_ESIZE * 16;
    const auto fetch = [&](int buffer, int tail)           // tail: the last row there is, counted from the chunk's first; 16 where all are
    {
#pragma unroll
        for (int i = 0; i < B_RAW / 512; i++)
        {
            const int ahead = i * (512 / B_ROW), to = (lane + i * 32) * 16;
            const i64 rows = tail < 16 ? min(pieceRow + ahead, tail) - pieceRow : ahead;
            gs_copy16(rawU + buffer * B_RAW + to, atU + rows * stepU);
            gs_copy16(rawDelta + buffer * B_RAW + to, atDelta + rows * stepDelta);
            gs_copy16(rawG + to, atG + rows * stepG);
        }
#pragma unroll
        for (int i = 0; i < B_CK / 512; i++)
            gs_copy16(rawCk + (lane + i * 32) * 16, atCk + (i < B_CK / 1024 ? i * 512 : secondCk + (i - B_CK / 1024) * 512));
        if (tid < 32 * GS_ESIZE)
#pragma unroll
            for (int i = 0; i < B_BC_PIECES; i++)
            {
                const int row = tid / (2 * GS_ESIZE), ahead = i * (B_NT / (2 * GS_ESIZE));
                const i64 rows = tail < 16 ? min(row + ahead, tail) - row : ahead;
                gs_copy16(rawBc + (tid + i * B_NT) * 16, atBc + rows * direction * bcStride);
            }
        gs_copy_commit();
        atU -= 16 * stepU; atDelta -= 16 * stepDelta; atG -= 16 * stepG;
        atCk -= (i64)chunks * (B_CK / 2);
        atBc -= 16 * direction * bcStride;
    };
    float* partBc = s.part_bc + (((i64)set * p.batch + b) * blocks16 + last) * 512 + tid * 4;
    const auto fold = [&](int buffer)                      // the warps' sums of one chunk, added up and written
    {
        const float* from = sFold + buffer * GS_WARPS * 512 + tid * 4;
#pragma unroll
        for (int i = 0; i < 128 / B_NT; i++)
        {
            float4 v = *(const float4*)(from + i * B_NT * 4);
#pragma unroll
            for (int k = 1; k < GS_WARPS; k++)
            {
                const float4 x = *(const float4*)(from + k * 512 + i * B_NT * 4);
                v.x += x.x; v.y += x.y; v.z += x.z; v.w += x.w;
            }
            *(float4*)(partBc + i * B_NT * 4) = v;
        }
        partBc -= 512;
    };
    fetch(0, min(L - 1 - last * 16, 16));

    float a[16], da[16], carry[16];                        // [j][i]
#pragma unroll
    for (int j = 0; j < 4; j++)
    {
        const float4 v = *(const float4*)(s.a + (i64)(dSafe + j) * GS_N + 4 * q);
#pragma unroll
        for (int i = 0; i < 4; i++) { a[j * 4 + i] = GS_A_LOG2(gs_pick(v, i)); da[j * 4 + i] = 0.0f; carry[j * 4 + i] = 0.0f; }
    }
    sAcc[0] = sAcc[32] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    {
        const int dl = min(d0 + lane, D - 1);
        sBias[lane] = s.bias != 0 ? s.bias[dl] : 0.0f;
        sSkip[lane] = s.skip != 0 ? s.skip[dl] : 0.0f;
    }
    if (warp == 0)
    {
        const float m0 = g == q ? 1.0f : 0.0f, m1 = g == q + 4 ? 1.0f : 0.0f;
        sMove[lane] = make_float4(m0, m0, m1, m1);
        sOne[lane] = make_float2((lane & 7) == (lane >> 3) * 2 ? 1.0f : 0.0f, (lane & 7) == (lane >> 3) * 2 + 1 ? 1.0f : 0.0f);
    }
    // --- the adjoint at this segment's end, from the later spans until all is forgotten ---
    {
        float sum[4] = {0.0f, 0.0f, 0.0f, 0.0f};
        int r = (seg + 1) * (p.segment / p.span);
#pragma unroll 1
        for (; r < p.spans; r++)
        {
            const i64 at = ((i64)b * p.spans + r) * D + dSafe;
            const float4 ds = *(const float4*)(s.decay + at);
            float nearest = -GS_BIG;
#pragma unroll
            for (int j = 0; j < 4; j++)
            {
                const float4 x = *(const float4*)(s.carry + (at + j) * GS_N + 4 * q);
#pragma unroll
                for (int i = 0; i < 4; i++)
                {
                    const float level = a[j * 4 + i] * sum[j];
                    nearest = fmaxf(nearest, level);
                    carry[j * 4 + i] = fmaf(gs_ex2(level), gs_pick(x, i), carry[j * 4 + i]);
                }
                sum[j] += gs_pick(ds, j);
            }
            if (!gs_any(nearest > -GS_FORGOTTEN)) break;
        }
        if (s.dh_last != 0 && r >= p.spans)
#pragma unroll
            for (int j = 0; j < 4; j++)
            {
                const float4 x = *(const float4*)(s.dh_last + ((i64)b * D + dSafe + j) * GS_N + 4 * q);
#pragma unroll
                for (int i = 0; i < 4; i++) carry[j * 4 + i] = fmaf(gs_ex2(a[j * 4 + i] * sum[j]), gs_pick(x, i), carry[j * 4 + i]);
            }
    }
    // Outputs of this lane: step q of the 4 in hand.
    unsigned char* toDu = (unsigned char*)s.du + ((firstRow + direction * (last * 16 + 12 + q)) * D + d) * GS_ESIZE;
    unsigned char* toDdelta = (unsigned char*)s.ddelta + ((firstRow + direction * (last * 16 + 12 + q)) * D + d) * GS_ESIZE;
    const i64 back = direction * 4 * D * GS_ESIZE;

    int buffer = 0;
#pragma unroll 1
    for (int c = last; c >= first; c--, buffer ^= 1)
    {
        gs_copy_wait();
        float* bc = sBc + buffer * 512;
        if (tid < 32 * GS_ESIZE)
#pragma unroll
            for (int i = 0; i < B_BC_PIECES; i++)          // widen this thread's own pieces
            {
                float* to = bc + (tid + i * B_NT) * (16 / GS_ESIZE);
                const uint4 v = *(const uint4*)(rawBc + (tid + i * B_NT) * 16);
#if GS_F32_IO
                *(uint4*)to = v;
#else
                float f[8];
                gs_unpack8(v, f);
                *(float4*)to = make_float4(f[0], f[1], f[2], f[3]);
                *(float4*)(to + 4) = make_float4(f[4], f[5], f[6], f[7]);
#endif
            }
        gs_warp_sync();
        // --- checkpoint; delta, delta u, g of this lane's channels at steps q, q + 4, .. ---
        float h[16];
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            const unsigned char* from = rawCk + (g >> 2) * (B_CK / 2) + ((4 * q + i) * 16 + (g & 3) * 4) * (GS_CK_F32 ? 4 : 2);
#if GS_CK_F32
            const float4 v = *(const float4*)from;
            h[i] = v.x; h[4 + i] = v.y; h[8 + i] = v.z; h[12 + i] = v.w;
#else
            const uint2 v = *(const uint2*)from;
            h[i] = gs_lo(v.x); h[4 + i] = gs_hi(v.x); h[8 + i] = gs_lo(v.y); h[12 + i] = gs_hi(v.y);
#endif
        }
        {
            const float4 bias = *(const float4*)(sBias + 4 * g);
#pragma unroll
            for (int it = 0; it < 4; it++)
            {
                const int at = ((it * 4 + q) * 32 + 4 * g) * GS_ESIZE;
                float u4[4], r4[4], g4[4], de[4], du[4];
                gs_shared4(rawU + buffer * B_RAW + at, u4); gs_shared4(rawDelta + buffer * B_RAW + at, r4); gs_shared4(rawG + at, g4);
#pragma unroll
                for (int j = 0; j < 4; j++)
                {
                    de[j] = gs_step(r4[j] + gs_pick(bias, j));
                    du[j] = de[j] * u4[j];
                }
                float* to = work + (it * 4 + q) * 32;
                *(float4*)to = make_float4(de[0], de[1], de[2], de[3]);
                *(float4*)(to + 512) = make_float4(du[0], du[1], du[2], du[3]);
                *(float4*)(to + 1024) = make_float4(g4[0], g4[1], g4[2], g4[3]);
            }
        }
        if (s.ids != 0 || c * 16 + 16 > L || d0 + 32 > D)  // absent steps and channels count nothing; resets forget
        {
            if (!dOk)
            {
#pragma unroll
                for (int e = 0; e < 16; e++) h[e] = 0.0f;
            }
            const float4 zero = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#pragma unroll 1
            for (int it = 0; it < 4; it++)
            {
                const int tt = c * 16 + it * 4 + q;
                float* to = work + (it * 4 + q) * 32;
                if (!dOk || tt >= L) *(float4*)to = *(float4*)(to + 512) = *(float4*)(to + 1024) = zero;
                else if (s.ids != 0 && tt > 0)
                {
                    const int* id = s.ids + firstRow + direction * tt;
                    if (*id != *(id - direction)) *(float4*)to = make_float4(GS_BIG, GS_BIG, GS_BIG, GS_BIG);
                }
            }
        }
#pragma unroll
        for (int j = 0; j < 4; j++) sH[j * 32] = make_float4(h[j * 4], h[j * 4 + 1], h[j * 4 + 2], h[j * 4 + 3]);
        __syncthreads();
        if (c > first) fetch(buffer ^ 1, 16);
        if (c < last) fold(buffer ^ 1);

        // --- forward over 12 steps ---
        const float* row = work;                           // of the 4 steps in hand
        const float* states = bc;                          // B, then C
        float4* before = sH;
#pragma unroll 1
        for (int i = 0; i < 3; i++)
        {
#pragma unroll
            for (int k = 0; k < 4; k++)
            {
                const float4 de = *(const float4*)(row + k * 32);
#pragma unroll
                for (int e = 0; e < 16; e++) h[e] *= gs_ex2(a[e] * gs_pick(de, e >> 2));
                gs_outer(h, *(const float4*)(row + 512 + k * 32), *(const float4*)(states + k * 32 + 4 * q));
            }
            row += 128; states += 128; before += 128;
#pragma unroll
            for (int j = 0; j < 4; j++) before[j * 32] = make_float4(h[j * 4], h[j * 4 + 1], h[j * 4 + 2], h[j * 4 + 3]);
        }

        // --- 4 steps at a time, from the end ---
        float* foldTo = sFold + (buffer * GS_WARPS + warp) * 512 + (12 + (q & 1) * 2) * 32 + (q >> 1 ? 0 : 16) + 4 * (g & 3) + (g >> 2);
        const unsigned char* inU = rawU + buffer * B_RAW + ((12 + q) * 32 + 4 * g) * GS_ESIZE;
#pragma unroll 1
        for (int t0 = 12; t0 >= 0; t0 -= 4)
        {
            float decay[4][16], state[4][16];              // state[k]: after step k
            const float4 move = sMove[lane];
            float4 sums = make_float4(0.0f, 0.0f, 0.0f, 0.0f); // columns: dC of steps 0..3, dB of steps 0..3
            {
                float even0, even1;
#pragma unroll
                for (int k = 0; k < 4; k++)
                {
                    const float4 de = *(const float4*)(row + k * 32), g4 = *(const float4*)(row + 1024 + k * 32);
#pragma unroll
                    for (int e = 0; e < 16; e++)
                    {
                        decay[k][e] = gs_ex2(a[e] * gs_pick(de, e >> 2));
                        const float h0 = k == 0 ? gs_pick(before[(e >> 2) * 32], e & 3) : state[(k + 3) & 3][e];
                        state[k][e] = decay[k][e] * h0;
                    }
                    gs_outer(state[k], *(const float4*)(row + 512 + k * 32), *(const float4*)(states + k * 32 + 4 * q));
                    float v[4];
#pragma unroll
                    for (int i = 0; i < 4; i++)
                        v[i] = fmaf(g4.w, state[k][12 + i], fmaf(g4.z, state[k][8 + i], fmaf(g4.y, state[k][4 + i], g4.x * state[k][i])));
                    // Sum over g: first g and q change places, pairs of columns are added, then the rest is summed into column k.
                    float4 m0 = make_float4(0.0f, 0.0f, 0.0f, 0.0f), m1 = m0;
                    gs_sum_right(m0, move.x, move.y, move.z, move.w, v[0], v[1]);
                    gs_sum_right(m1, move.x, move.y, move.z, move.w, v[2], v[3]);
                    if (k % 2 == 0) { even0 = m0.x + m0.y; even1 = m1.x + m1.y; }
                    else
                    {
                        const float2 one = sOne[(k >> 1) * 8 + g];
                        gs_sum_left(sums, even0, even1, m0.x + m0.y, m1.x + m1.y, one.x, one.y);
                    }
                }
            }
            float4 sumB = make_float4(0.0f, 0.0f, 0.0f, 0.0f), sumA = sumB; // columns 2 k: channels 0, 1; 2 k + 1: channels 2, 3
            {
                float odd0, odd1;
#pragma unroll
                for (int k = 3; k >= 0; k--)
                {
                    const float4 de = *(const float4*)(row + k * 32), du = *(const float4*)(row + 512 + k * 32), b4 = *(const float4*)(states + k * 32 + 4 * q);
                    const float2 one = sOne[k * 8 + g];
                    gs_outer(carry, *(const float4*)(row + 1024 + k * 32), *(const float4*)(states + 16 + k * 32 + 4 * q)); // lambda
                    float v[4], lb[4], wa[4];
#pragma unroll
                    for (int i = 0; i < 4; i++)
                        v[i] = fmaf(du.w, carry[12 + i], fmaf(du.z, carry[8 + i], fmaf(du.y, carry[4 + i], du.x * carry[i])));
#pragma unroll
                    for (int j = 0; j < 4; j++)
                        lb[j] = fmaf(b4.w, carry[j * 4 + 3], fmaf(b4.z, carry[j * 4 + 2], fmaf(b4.y, carry[j * 4 + 1], b4.x * carry[j * 4])));
                    float w[16];
#pragma unroll
                    for (int e = 0; e < 16; e++)
                    {
                        carry[e] *= decay[k][e];
                        w[e] = carry[e] * (k == 0 ? gs_pick(before[(e >> 2) * 32], e & 3) : state[(k + 3) & 3][e]);
                        da[e] = fmaf(w[e], gs_pick(de, e >> 2), da[e]);
                    }
#pragma unroll
                    for (int j = 0; j < 4; j++)
                        wa[j] = fmaf(w[j * 4 + 3], a[j * 4 + 3], fmaf(w[j * 4 + 2], a[j * 4 + 2], fmaf(w[j * 4 + 1], a[j * 4 + 1], w[j * 4] * a[j * 4])));
                    gs_sum_left(sumB, lb[0], lb[1], lb[2], lb[3], one.x, one.y);
                    gs_sum_left(sumA, wa[0], wa[1], wa[2], wa[3], one.x, one.y);
                    float4 m0 = make_float4(0.0f, 0.0f, 0.0f, 0.0f), m1 = m0;
                    gs_sum_right(m0, move.x, move.y, move.z, move.w, v[0], v[1]);
                    gs_sum_right(m1, move.x, move.y, move.z, move.w, v[2], v[3]);
                    if (k % 2 != 0) { odd0 = m0.x + m0.y; odd1 = m1.x + m1.y; }
                    else
                    {
                        const float2 pair = sOne[(2 + (k >> 1)) * 8 + g];
                        gs_sum_left(sums, m0.x + m0.y, m1.x + m1.y, odd0, odd1, pair.x, pair.y);
                    }
                }
            }
            foldTo[0] = sums.x; foldTo[32] = sums.y; foldTo[2] = sums.z; foldTo[34] = sums.w;
            // --- du, ddelta of this lane's channels at step q ---
            {
                const float4 de4 = *(const float4*)(row + q * 32), g4 = *(const float4*)(row + 1024 + q * 32), skip = *(const float4*)(sSkip + 4 * g);
                float4 dSkip = sAcc[0], dBias = sAcc[32];
                float u4[4], de[4] = {de4.x, de4.y, de4.z, de4.w};
                gs_shared4(inU, u4);
                if (s.ids != 0)
                {
                    float r4[4];
                    gs_shared4(inU + 2 * B_RAW, r4);
#pragma unroll
                    for (int j = 0; j < 4; j++) if (de[j] == GS_BIG) de[j] = gs_step(r4[j] + sBias[4 * g + j]);
                }
                const float lb[4] = {sumB.x, sumB.z, sumB.y, sumB.w}, wa[4] = {sumA.x, sumA.z, sumA.y, sumA.w};
                float du[4], dd[4];
#pragma unroll
                for (int j = 0; j < 4; j++)
                {
                    const float l = lb[j] * GS_UNCUT;
                    du[j] = fmaf(gs_pick(skip, j), gs_pick(g4, j), de[j] * l);
                    dd[j] = fmaf(u4[j], l, wa[j] * (GS_LN2 * GS_UNCUT)) * gs_step_slope(de[j]);
                }
                dSkip.x = fmaf(g4.x, u4[0], dSkip.x); dSkip.y = fmaf(g4.y, u4[1], dSkip.y);
                dSkip.z = fmaf(g4.z, u4[2], dSkip.z); dSkip.w = fmaf(g4.w, u4[3], dSkip.w);
                dBias.x += dd[0]; dBias.y += dd[1]; dBias.z += dd[2]; dBias.w += dd[3];
                sAcc[0] = dSkip; sAcc[32] = dBias;
                if (dOk && c * 16 + t0 + q < L)
                {
                    gs_store4(toDu, 0, du);
                    gs_store4(toDdelta, 0, dd);
                }
                toDu -= back; toDdelta -= back;
            }
            row -= 128; states -= 128; before -= 128; foldTo -= 128; inU -= 4 * B_ROW;
        }
    }
    __syncthreads();
    fold(buffer ^ 1);

    float4 dSkip = sAcc[0], dBias = sAcc[32];
#pragma unroll
    for (int m = 1; m < 4; m *= 2)
    {
        dSkip.x += gs_xor(dSkip.x, m); dSkip.y += gs_xor(dSkip.y, m); dSkip.z += gs_xor(dSkip.z, m); dSkip.w += gs_xor(dSkip.w, m);
        dBias.x += gs_xor(dBias.x, m); dBias.y += gs_xor(dBias.y, m); dBias.z += gs_xor(dBias.z, m); dBias.w += gs_xor(dBias.w, m);
    }
    if (!dOk) return;
    float* part = s.part_p + ((i64)seg * p.batch + b) * p.scans * D * (GS_N + 2);
#pragma unroll
    for (int j = 0; j < 4; j++)
    {
        *(float4*)(part + (i64)(d + j) * GS_N + 4 * q) = make_float4(da[j * 4], da[j * 4 + 1], da[j * 4 + 2], da[j * 4 + 3]);
        if (seg == 0 && s.dh0 != 0)
            *(float4*)(s.dh0 + ((i64)b * D + d + j) * GS_N + 4 * q) = make_float4(carry[j * 4], carry[j * 4 + 1], carry[j * 4 + 2], carry[j * 4 + 3]);
    }
    if (q == 0)
    {
        *(float4*)(part + (i64)D * GS_N + d) = dSkip;
        *(float4*)(part + (i64)D * (GS_N + 1) + d) = dBias;
    }
}
