// Selective scan, backward.
//   lambda_t = C_t g_t + a_{t+1} lambda_{t+1},  a_t = exp(delta_t A);  carry_t = a_t lambda_t,  w_t = carry_t h_{t-1} (per channel and state);
//   dB = sum lambda delta u, dC = sum g h (over channels), du = D g + delta sum(lambda B), ddelta = u sum(lambda B) + sum(w A), dA = sum over t of w delta.
// A warp takes 32 channels x 16 states of one time segment, serially from its end: lane 4 g + q holds channels 4 g + j, states 4 q + i.
// Groups of 4 steps run forward from the state before them with decays and states in registers and are walked back.
// Dense checkpoints (GS_CK_STEPS 4) are those states. At a group's end each lane works out du and ddelta of one of its steps, and delta and delta u of one of
// the next group's. Otherwise a chunk of 16 steps begins with delta and delta u of all of it, and 12 steps from its checkpoint, which leave the states in shared memory.
// Sums over q (lambda B, w A) run on the tensor cores against constant 0/1 matrices, which also put each step's sums into columns of their own, so that after
// 4 steps every lane holds finished ones. Sums over g (dB, dC) go through shared memory with dense checkpoints; without, there is no room, and they take the tensor cores too.
// Inputs come in chunks of B_T steps, one ahead. Blocks of GS_WARPS warps share B, C and add up dB, dC in fixed order, one barrier a chunk.
#ifndef GS_WARPS
#define GS_WARPS 4
#endif
#ifndef GS_BWD_BLOCKS
#define GS_BWD_BLOCKS (8 / GS_WARPS)
#endif
// Tensor cores cut their operands to tf32 (10 bits). GS_EXACT: sums add the cut-off part in a second product (for float gradients).
#ifndef GS_EXACT
#define GS_EXACT GS_F32_IO
#endif
#define GS_UNCUT (GS_EXACT ? 1.0f : 1.000352f) // a cut makes a sum smaller by 2^-11 / (2 ln 2) on average
#define B_DENSE (GS_CK_STEPS == 4)
#define B_T (GS_F32_IO && B_DENSE ? 8 : 16)     // steps of a chunk
#define B_NT (32 * GS_WARPS)
#define B_ROW (32 * GS_ESIZE)                   // bytes of a row of 32 channels
#define B_RAW (B_T * B_ROW)
#define B_CK_GROUP (GS_N * 16 * (GS_CK_F32 ? 4 : 2)) // a checkpoint of 16 channels
#define B_CK_PAD (B_CK_GROUP + 128)             // in shared memory: 32 bytes more after every 4 states, against bank conflicts
#define B_CKS (B_T / GS_CK_STEPS)               // checkpoints of a chunk
#define B_SLOTS (B_DENSE ? 2 : 4)               // of groups whose delta, delta u, g are there
#define B_BEFORE (B_DENSE ? 1 : 4)              // states before a group
#define B_RAWS (B_DENSE ? 2 : 1)                // chunks of delta and g as loaded
#define B_PAD 40                                // floats of a row of 32 channels; the rest holds constants, and keeps lanes on different banks
#define B_WORK (B_SLOTS * 4 * B_PAD)            // floats
// Shared memory, bytes. Each warp: u twice, delta, g and checkpoints as loaded; delta, delta u, g of groups; h before groups; dense: terms of a group's
// sums over g, otherwise d skip and d bias of each lane; sums of dB, dC twice [B_T][32].
#define B_WARP ((2 + 2 * B_RAWS) * B_RAW + B_CKS * 2 * B_CK_PAD + 3 * B_WORK * 4 + B_BEFORE * 2048 + (B_DENSE ? 4096 : 1024) + 2 * B_T * 128)
// The block: warps; B, C twice [B_T][32] float; B, C as loaded; unless dense, the matrix that swaps lane indices
#define B_SMEM (GS_WARPS * B_WARP + 2 * B_T * 128 + B_T * 32 * GS_ESIZE + (B_DENSE ? 0 : 512))
#define B_BC_PIECES (B_T * 2 * GS_ESIZE > B_NT ? B_T * 2 * GS_ESIZE / B_NT : 1) // of B, C as loaded, a thread
#define B_BC_QUADS (B_T * 8 > B_NT ? B_T * 8 / B_NT : 1) // fours of the sums of dB, dC, a thread

__device__ __forceinline__ float gs_pick(const float4& v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }
// Four consecutive activations, in shared memory or such as this kernel may write over later.
__device__ __forceinline__ void gs_four(const unsigned char* from, float* f)
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

// A checkpoint of this lane's channels and states.
__device__ __forceinline__ void gs_mark(float (&h)[16], const unsigned char* from)
{
#pragma unroll
    for (int i = 0; i < 4; i++)
    {
#if GS_CK_F32
        const float4 v = *(const float4*)(from + i * 64);
        h[i] = v.x; h[4 + i] = v.y; h[8 + i] = v.z; h[12 + i] = v.w;
#else
        const uint2 v = *(const uint2*)(from + i * 32);
        h[i] = gs_lo(v.x); h[4 + i] = gs_hi(v.x); h[8 + i] = gs_lo(v.y); h[12 + i] = gs_hi(v.y);
#endif
    }
}
__device__ __forceinline__ void gs_keep(float4* to, const float (&h)[16])
{
#pragma unroll
    for (int j = 0; j < 4; j++) to[j * 32] = make_float4(h[j * 4], h[j * 4 + 1], h[j * 4 + 2], h[j * 4 + 3]);
}

// Grid scans * batch * segments * sets, 32 * GS_WARPS threads.
extern "C" __global__ void __launch_bounds__(B_NT, GS_BWD_BLOCKS) gs_scan_backward(const __grid_constant__ GsBackwardArgs p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5, g = lane >> 2, q = lane & 3;
    unsigned char* rawU = smem + warp * B_WARP;            // u [2][B_T][32]; delta, g [B_RAWS][B_T][32]
    unsigned char* rawDelta = rawU + 2 * B_RAW;
    unsigned char* rawG = rawDelta + B_RAWS * B_RAW;
    unsigned char* rawCk = rawG + B_RAWS * B_RAW;
    float* rows = (float*)(rawCk + B_CKS * 2 * B_CK_PAD);  // delta, delta u, g
    float* work = rows + 4 * g;                            // this lane's channels of row 0
    float4* before = (float4*)(rows + 3 * B_WORK) + lane;  // [group][j][lane]
    float4* sTerm = before + B_BEFORE * 128;               // [step of the group][dB or dC][lane]: terms of the sums over g
    float4* sAcc = sTerm + (B_DENSE ? 8 * 32 : 0);
    float* sFold = (float*)(sAcc - lane + (B_DENSE ? 0 : 64)); // [2][B_T][32]
    float* sBc = (float*)(smem + GS_WARPS * B_WARP);       // [2][B_T][32]
    unsigned char* rawBc = (unsigned char*)(sBc + 2 * B_T * 32);
    // In the rows' padding: pairs {is column 2 k == g, is column 2 k + 1 == g} at [k][g]; bias and skip of this lane's channels
    const float2* one = (const float2*)(rows + (g >> 2) * B_PAD + 32 + (g & 3) * 2);
    const float4* own = (const float4*)(rows + B_WORK + g * B_PAD + 32);

    const int L = p.length, D = p.d_inner, chunks = (D + 15) >> 4, marks = (L + GS_CK_STEPS - 1) / GS_CK_STEPS;
    int task = blockIdx.x;
    const int set = task % p.sets; task /= p.sets;
    const int seg = task % p.segments; task /= p.segments;
    const int b = task % p.batch;
    const GsBackwardScan& s = p.s[task / p.batch];
    const int direction = s.reverse ? -1 : 1, d0 = (set * GS_WARPS + warp) * 32, d = d0 + 4 * g, dSafe = min(d, D - 4);
    const bool dOk = d < D;
    const int first = seg * p.segment / B_T, last = (min(L, (seg + 1) * p.segment) + B_T - 1) / B_T - 1;
    const int firstRow = b * L + (s.reverse ? L - 1 : 0);  // of step 0

    // --- what is fetched one chunk ahead ---
    const int pieceRow = lane / (B_ROW / 16), pieceChannel = min(d0 + lane % (B_ROW / 16) * (16 / GS_ESIZE), D - 16 / GS_ESIZE);
    const auto fetch = [&](int c, int buffer)
    {
        const int to = lane * 16, other = B_RAWS == 2 ? buffer * B_RAW : 0;
#pragma unroll
        for (int i = 0; i < B_RAW / 512; i++)
        {
            const int row = firstRow + direction * min(c * B_T + pieceRow + i * (512 / B_ROW), L - 1);
            gs_copy16(rawU + buffer * B_RAW + to + i * 512, (const unsigned char*)s.u + ((i64)row * (int)s.u_stride + pieceChannel) * GS_ESIZE);
            gs_copy16(rawDelta + other + to + i * 512, (const unsigned char*)s.delta + ((i64)row * (int)s.delta_stride + pieceChannel) * GS_ESIZE);
            gs_copy16(rawG + other + to + i * 512, (const unsigned char*)s.g + ((i64)row * (int)s.g_stride + pieceChannel) * GS_ESIZE);
        }
    };
    const auto fetchMarks = [&](int c)
    {
        const int group = min(d0 >> 4, chunks - 1), second = min((d0 >> 4) + 1, chunks - 1) > group ? B_CK_GROUP : 0;
#pragma unroll
        for (int k = 0; k < B_CKS; k++)
        {
            const unsigned char* from = (const unsigned char*)s.ckpt + ((i64)(b * marks + min(c * B_CKS + k, marks - 1)) * chunks + group) * B_CK_GROUP + lane * 16;
            unsigned char* to = rawCk + k * 2 * B_CK_PAD + lane * 16 + lane / (B_CK_GROUP / 64) * 32;
#pragma unroll
            for (int i = 0; i < B_CK_GROUP / 512; i++)
            {
                gs_copy16(to + i * (512 + 512 / (B_CK_GROUP / 4) * 32), from + i * 512);
                gs_copy16(to + B_CK_PAD + i * (512 + 512 / (B_CK_GROUP / 4) * 32), from + second + i * 512);
            }
        }
    };
    const auto fetchBc = [&](int c)                        // rows of B, C
    {
        if (tid >= B_T * 2 * GS_ESIZE) return;
        const bool isC = tid % (2 * GS_ESIZE) >= GS_ESIZE;
        const unsigned char* from = (const unsigned char*)(isC ? s.cmat : s.bmat) + tid % GS_ESIZE * 16;
        const int stride = (int)(isC ? s.c_stride : s.b_stride) * GS_ESIZE;
#pragma unroll
        for (int i = 0; i < B_BC_PIECES; i++)
        {
            const int row = firstRow + direction * min(c * B_T + tid / (2 * GS_ESIZE) + i * (B_NT / (2 * GS_ESIZE)), L - 1);
            gs_copy16(rawBc + (tid + i * B_NT) * 16, from + (i64)row * stride);
        }
    };
    // delta, delta u, g of this lane's channels at one step
    const auto prepare = [&](const unsigned char* fromU, const unsigned char* fromDelta, float* to)
    {
        const float4 bias = own[0];
        float u4[4], r4[4], g4[4], de[4];
        gs_four(fromU, u4); gs_four(fromDelta, r4); gs_four(fromDelta + B_RAWS * B_RAW, g4);
#pragma unroll
        for (int j = 0; j < 4; j++) de[j] = gs_step(r4[j] + gs_pick(bias, j));
        *(float4*)to = make_float4(de[0], de[1], de[2], de[3]);
        *(float4*)(to + B_WORK) = make_float4(de[0] * u4[0], de[1] * u4[1], de[2] * u4[2], de[3] * u4[3]);
        *(float4*)(to + 2 * B_WORK) = make_float4(g4[0], g4[1], g4[2], g4[3]);
    };
    const auto correct = [&](int t, float* to)             // step t: absent steps and channels count nothing; resets forget
    {
        if (!dOk || t >= L) *(float4*)to = *(float4*)(to + B_WORK) = *(float4*)(to + 2 * B_WORK) = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        else if (s.ids != 0 && t > 0)
        {
            const int* id = s.ids + firstRow + direction * t;
            if (*id != *(id - direction)) *(float4*)to = make_float4(GS_BIG, GS_BIG, GS_BIG, GS_BIG);
        }
    };
    float* partBc = s.part_bc + (((i64)set * p.batch + b) * ((L + 15) >> 4) * (16 / B_T) + last) * (B_T * 32) + tid * 4;
    const auto fold = [&](int buffer)                      // the warps' sums of one chunk, added up and written
    {
        if (tid >= B_T * 8) return;
        const float* from = (const float*)(smem + ((unsigned char*)sFold - rawU)) + buffer * (B_T * 32) + tid * 4;
#pragma unroll
        for (int i = 0; i < B_BC_QUADS; i++)
        {
            float4 v = *(const float4*)(from + i * B_NT * 4);
#pragma unroll
            for (int k = 1; k < GS_WARPS; k++)
            {
                const float4 x = *(const float4*)(from + k * (B_WARP / 4) + i * B_NT * 4);
                v.x += x.x; v.y += x.y; v.z += x.z; v.w += x.w;
            }
            *(float4*)(partBc + i * B_NT * 4) = v;
        }
        partBc -= B_T * 32;
    };
    fetch(last, 0);
    fetchMarks(last);
    fetchBc(last);
    gs_copy_commit();

    float a[16], da[16], carry[16];                        // [j][i]
#pragma unroll
    for (int j = 0; j < 4; j++)
    {
        const float4 v = *(const float4*)(s.a + (i64)(dSafe + j) * GS_N + 4 * q);
#pragma unroll
        for (int i = 0; i < 4; i++) { a[j * 4 + i] = GS_A_LOG2(gs_pick(v, i)); da[j * 4 + i] = 0.0f; carry[j * 4 + i] = 0.0f; }
    }
#if !B_DENSE
    sAcc[0] = sAcc[32] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#endif
    {
        const int dl = min(d0 + lane, D - 1);
        float* to = rows + (lane >> 2) * B_PAD + 32 + (lane & 3);
        to[B_WORK] = s.bias != 0 ? s.bias[dl] : 0.0f;
        to[B_WORK + 4] = s.skip != 0 ? s.skip[dl] : 0.0f;
        const int k = lane >> 3, column = lane & 7;        // the lane writes the pair [k][column]
        *(float2*)(rows + (k * 2 + (column >> 2)) * B_PAD + 32 + (column & 3) * 2) = make_float2(column == 2 * k ? 1.0f : 0.0f, column == 2 * k + 1 ? 1.0f : 0.0f);
    }
#if !B_DENSE
    float4* sMove = (float4*)(rawBc + B_T * 32 * GS_ESIZE) + lane;
    if (warp == 0) *sMove = make_float4(g == q ? 1.0f : 0.0f, g == q ? 1.0f : 0.0f, g == q + 4 ? 1.0f : 0.0f, g == q + 4 ? 1.0f : 0.0f);
#endif
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
    const bool special = s.ids != 0 || d0 + 32 > D;
    int place = ((B_T - 4 + q) * 32 + 4 * g) * GS_ESIZE;   // in u [2][B_T][32], of this lane's channels at step q of the group in hand
#if B_DENSE
    float* row = work;                                     // of the group in hand
    float* coming = work + 4 * B_PAD;                      // of the next
    gs_copy_wait();
    gs_warp_sync();
    prepare(rawU + place, rawDelta + place, row + q * B_PAD);
    correct(last * B_T + B_T - 4 + q, row + q * B_PAD);
#endif
    i64 out = ((i64)(firstRow + direction * (last * B_T + B_T - 4 + q)) * D + d) * GS_ESIZE; // of this lane: step q of the group in hand
    const int back = direction * 4 * D * GS_ESIZE;

#if B_DENSE                                                // d skip and d bias of the lane; in shared memory where registers are short
    float4 dSkip = make_float4(0.0f, 0.0f, 0.0f, 0.0f), dBias = dSkip;
#endif
    int buffer = 0;
#pragma unroll 1
    for (int c = last; c >= first; c--, buffer ^= 1)
    {
        gs_copy_wait();
        if (tid < B_T * 2 * GS_ESIZE)
#pragma unroll
            for (int i = 0; i < B_BC_PIECES; i++)          // widen this thread's own pieces
            {
                float* to = sBc + buffer * (B_T * 32) + (tid + i * B_NT) * (16 / GS_ESIZE);
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
#if !B_DENSE
        gs_warp_sync();
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            const int at = ((i * 4 + q) * 32 + 4 * g) * GS_ESIZE;
            prepare(rawU + buffer * B_RAW + at, rawDelta + at, work + (i * 4 + q) * B_PAD);
        }
        if (special || c == last)
#pragma unroll 1
            for (int i = 0; i < 4; i++) correct(c * B_T + i * 4 + q, work + (i * 4 + q) * B_PAD);
#endif
        __syncthreads();
        if (c > first)
        {
            fetch(c - 1, buffer ^ 1);
            fetchBc(c - 1);
            gs_copy_commit();
        }
        if (c < last) fold(buffer ^ 1);

#if B_DENSE
        const unsigned char* markAt = rawCk + ((B_T / 4 - 1) * 2 + (g >> 2)) * B_CK_PAD + q * (B_CK_GROUP / 4 + 32) + (g & 3) * (GS_CK_F32 ? 16 : 8);
#else
        const float* row;
        {
            float h[16];
            gs_mark(h, rawCk + (g >> 2) * B_CK_PAD + q * (B_CK_GROUP / 4 + 32) + (g & 3) * (GS_CK_F32 ? 16 : 8));
            gs_keep(before, h);
            gs_warp_sync();
            if (c > first)
            {
                fetchMarks(c - 1);
                gs_copy_commit();
            }
            row = work;
            const float* states = sBc + buffer * (B_T * 32) + 4 * q;
            float4* to = before;
#pragma unroll 1
            for (int i = 0; i < 3; i++)
            {
#pragma unroll
                for (int k = 0; k < 4; k++)
                {
                    const float4 de = *(const float4*)(row + k * B_PAD);
#pragma unroll
                    for (int e = 0; e < 16; e++) h[e] *= gs_ex2(a[e] * gs_pick(de, e >> 2));
                    gs_outer(h, *(const float4*)(row + B_WORK + k * B_PAD), *(const float4*)(states + k * 32));
                }
                row += 4 * B_PAD; states += 4 * 32; to += 128;
                gs_keep(to, h);
            }
        }
#endif
        const float* states = sBc + buffer * (B_T * 32) + (B_T - 4) * 32 + 4 * q; // B, then C, of the group in hand
#if B_DENSE
        float* foldTo = sFold + buffer * (B_T * 32) + (B_T - 4 + (g >> 1)) * 32 + (g & 1) * 16 + 4 * q;
#else
        float* foldTo = sFold + buffer * (B_T * 32) + (B_T - 4 + (q & 1) * 2) * 32 + (q >> 1 ? 0 : 16) + 4 * (g & 3) + (g >> 2);
#endif
#pragma unroll 1
        for (int t0 = B_T - 4; t0 >= 0; t0 -= 4)
        {
            if (B_DENSE && t0 == 0) gs_copy_wait();        // now the next chunk is prepared
            gs_warp_sync();
            float4* const had = before + (B_DENSE ? 0 : t0 >> 2) * 128; // h before the group
            float h[16];
#if B_DENSE
            gs_mark(h, markAt);
            markAt -= 2 * B_CK_PAD;
            if (t0 == 0 && c > first)
            {
                gs_warp_sync();
                fetchMarks(c - 1);
                gs_copy_commit();
            }
#else
#pragma unroll
            for (int j = 0; j < 4; j++)
            {
                const float4 v = had[j * 32];
                h[j * 4] = v.x; h[j * 4 + 1] = v.y; h[j * 4 + 2] = v.z; h[j * 4 + 3] = v.w;
            }
#endif
            float decay[4][16], state[4][16];              // state[k]: after step k
#if !B_DENSE
            const float4 move = *sMove;
            float4 sums = make_float4(0.0f, 0.0f, 0.0f, 0.0f); // columns: dC of steps 0..3, dB of steps 0..3
            float even0, even1, odd0, odd1;
#endif
#pragma unroll
            for (int k = 0; k < 4; k++)
            {
                const float4 de = *(const float4*)(row + k * B_PAD), g4 = *(const float4*)(row + 2 * B_WORK + k * B_PAD);
#pragma unroll
                for (int e = 0; e < 16; e++) decay[k][e] = gs_ex2(a[e] * gs_pick(de, e >> 2));
                if (B_DENSE && k == 0) gs_keep(had, h);    // not before the first exponentials, which would wait for it
#pragma unroll
                for (int e = 0; e < 16; e++) state[k][e] = decay[k][e] * (k == 0 ? h[e] : state[(k + 3) & 3][e]);
                gs_outer(state[k], *(const float4*)(row + B_WORK + k * B_PAD), *(const float4*)(states + k * 32));
                float v[4];
#pragma unroll
                for (int i = 0; i < 4; i++)
                    v[i] = fmaf(g4.w, state[k][12 + i], fmaf(g4.z, state[k][8 + i], fmaf(g4.y, state[k][4 + i], g4.x * state[k][i])));
#if B_DENSE
                sTerm[(k * 2 + 1) * 32] = make_float4(v[0], v[1], v[2], v[3]);
#else
                // Sum over g: first g and q change places, pairs of columns are added, then the rest is summed into column k.
                float4 m0 = make_float4(0.0f, 0.0f, 0.0f, 0.0f), m1 = m0;
                gs_sum_right(m0, move.x, move.y, move.z, move.w, v[0], v[1]);
                gs_sum_right(m1, move.x, move.y, move.z, move.w, v[2], v[3]);
                if (k % 2 == 0) { even0 = m0.x + m0.y; even1 = m1.x + m1.y; }
                else
                {
                    const float2 column = one[(k >> 1) * B_PAD];
                    gs_sum_left(sums, even0, even1, m0.x + m0.y, m1.x + m1.y, column.x, column.y);
                }
#endif
            }
            float4 sumA = make_float4(0.0f, 0.0f, 0.0f, 0.0f); // columns 2 k: channels 0, 1; 2 k + 1: channels 2, 3
            float4 sumB = sumA;
#pragma unroll
            for (int k = 3; k >= 0; k--)
            {
                const float4 de = *(const float4*)(row + k * B_PAD), du = *(const float4*)(row + B_WORK + k * B_PAD), b4 = *(const float4*)(states + k * 32);
                const float2 column = one[k * B_PAD];
                gs_outer(carry, *(const float4*)(row + 2 * B_WORK + k * B_PAD), *(const float4*)(states + 16 + k * 32)); // lambda
                float v[4], wa[4];
#pragma unroll
                for (int i = 0; i < 4; i++)
                    v[i] = fmaf(du.w, carry[12 + i], fmaf(du.z, carry[8 + i], fmaf(du.y, carry[4 + i], du.x * carry[i])));
                float lb[4];
#pragma unroll
                for (int j = 0; j < 4; j++)
                    lb[j] = fmaf(b4.w, carry[j * 4 + 3], fmaf(b4.z, carry[j * 4 + 2], fmaf(b4.y, carry[j * 4 + 1], b4.x * carry[j * 4])));
                gs_sum_left(sumB, lb[0], lb[1], lb[2], lb[3], column.x, column.y);
                float w[16];
#pragma unroll
                for (int e = 0; e < 16; e++)
                {
                    carry[e] *= decay[k][e];
                    w[e] = carry[e] * (k == 0 ? gs_pick(had[(e >> 2) * 32], e & 3) : state[(k + 3) & 3][e]);
                    da[e] = fmaf(w[e], gs_pick(de, e >> 2), da[e]);
                }
#pragma unroll
                for (int j = 0; j < 4; j++)
                    wa[j] = fmaf(w[j * 4 + 3], a[j * 4 + 3], fmaf(w[j * 4 + 2], a[j * 4 + 2], fmaf(w[j * 4 + 1], a[j * 4 + 1], w[j * 4] * a[j * 4])));
                gs_sum_left(sumA, wa[0], wa[1], wa[2], wa[3], column.x, column.y);
#if B_DENSE
                sTerm[k * 2 * 32] = make_float4(v[0], v[1], v[2], v[3]);
#else
                float4 m0 = make_float4(0.0f, 0.0f, 0.0f, 0.0f), m1 = m0;
                gs_sum_right(m0, move.x, move.y, move.z, move.w, v[0], v[1]);
                gs_sum_right(m1, move.x, move.y, move.z, move.w, v[2], v[3]);
                if (k % 2 != 0) { odd0 = m0.x + m0.y; odd1 = m1.x + m1.y; }
                else
                {
                    const float2 pairs = one[(2 + (k >> 1)) * B_PAD];
                    gs_sum_left(sums, m0.x + m0.y, m1.x + m1.y, odd0, odd1, pairs.x, pairs.y);
                }
#endif
            }
#if B_DENSE
            // --- sums over g: this lane's are dB (g even) or dC of step g / 2, states 4 q and on ---
            gs_warp_sync();
            float4 sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#pragma unroll
            for (int i = 0; i < 8; i++)                    // odd rows in another order, against bank conflicts
            {
                const float4 x = (sTerm - lane)[g * 32 + (i ^ (g & 1)) * 4 + q];
                sum.x += x.x; sum.y += x.y; sum.z += x.z; sum.w += x.w;
            }
#endif
            // --- du, ddelta of this lane's channels at step q; the next group's delta, delta u ---
            {
                const float4 de4 = *(const float4*)(row + q * B_PAD), g4 = *(const float4*)(row + 2 * B_WORK + q * B_PAD), skip = own[1];
#if !B_DENSE
                float4 dSkip = sAcc[0], dBias = sAcc[32];
#endif
                float u4[4], de[4] = {de4.x, de4.y, de4.z, de4.w};
                gs_four(rawU + place, u4);
                const bool here = dOk && c * B_T + t0 + q < L;
                if (s.ids != 0 && here && de[0] == GS_BIG) // a reset's own step size: this thread has yet to write over it
                {
                    float r4[4];
                    gs_four((const unsigned char*)s.delta + ((i64)(firstRow + direction * (c * B_T + t0 + q)) * (int)s.delta_stride + d) * GS_ESIZE, r4);
#pragma unroll
                    for (int j = 0; j < 4; j++) de[j] = gs_step(r4[j] + gs_pick(own[0], j));
                }
                const float lb[4] = {sumB.x, sumB.z, sumB.y, sumB.w};
                const float wa[4] = {sumA.x, sumA.z, sumA.y, sumA.w};
                float du[4], dd[4];
#pragma unroll
                for (int j = 0; j < 4; j++)
                {
                    const float l = lb[j] * GS_UNCUT;
                    du[j] = fmaf(gs_pick(skip, j), gs_pick(g4, j), de[j] * l);
                    dd[j] = fmaf(u4[j], l, wa[j] * (GS_LN2 * GS_UNCUT)) * gs_step_slope(de[j]);
                }
                place = place - 4 * B_ROW & 2 * B_RAW - 1;
#if B_DENSE
                prepare(rawU + place, rawDelta + place, coming + q * B_PAD);
                *(float4*)foldTo = sum;
#else
                foldTo[0] = sums.x * (GS_UNCUT * GS_UNCUT); foldTo[32] = sums.y * (GS_UNCUT * GS_UNCUT);
                foldTo[2] = sums.z * (GS_UNCUT * GS_UNCUT); foldTo[34] = sums.w * (GS_UNCUT * GS_UNCUT);
#endif
                dSkip.x = fmaf(g4.x, u4[0], dSkip.x); dSkip.y = fmaf(g4.y, u4[1], dSkip.y);
                dSkip.z = fmaf(g4.z, u4[2], dSkip.z); dSkip.w = fmaf(g4.w, u4[3], dSkip.w);
                dBias.x += dd[0]; dBias.y += dd[1]; dBias.z += dd[2]; dBias.w += dd[3];
#if !B_DENSE
                sAcc[0] = dSkip; sAcc[32] = dBias;
#endif
                if (here)
                {
                    gs_store4((unsigned char*)s.du + out, 0, du);
                    gs_store4((unsigned char*)s.ddelta + out, 0, dd);
                }
                out -= back;
#if B_DENSE
                if (special || c == last) correct(c * B_T + t0 - 4 + q, coming + q * B_PAD);
                float* const done = row;
                row = coming; coming = done;
#else
                row -= 4 * B_PAD;
#endif
            }
            states -= 4 * 32; foldTo -= 4 * 32;
        }
    }
    __syncthreads();
    fold(buffer ^ 1);

#if !B_DENSE
    float4 dSkip = sAcc[0], dBias = sAcc[32];
#endif
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
