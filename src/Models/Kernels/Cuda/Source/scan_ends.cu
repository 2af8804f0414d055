// Pre-pass of the serial forward scan: the state at the end of each segment from a zero start, sum over t of exp(A sigma_t) delta_t u_t B_t with sigma_t the
// sum of delta over the steps after t, and the segment's sum of delta. The walk goes backwards from the segment's end, so contributions only shrink: it leaves
// out blocks of 4 states that every channel of the warp has forgotten, and stops when all have, or at a cleared state.
// Lane = one channel with its N states; a warp is alone in its block.
//
// E_MOMENTS: where the steps' distances within a block of 16 change no state's decay by much (any state that still counts, far from the end), the decay is
// its value mid-block times a polynomial in the distance x from there, exp(A x) = sum of (A x)^m / m!, and the sum over steps of delta u x^m B is a
// matrix product on the tensor cores: 16 exponentials a block instead of 256. m goes to 4, or to 2 where that is near enough: farther than about 12 blocks from the
// segment's end. Blocks where the series would be off by 2e-5 are walked step by step; their sums wait in shared memory, since registers are scarce.
#ifndef E_MOMENTS
#define E_MOMENTS (!GS_F32_IO)
#endif
#define E_PAD 36                        // float2 of a row of {x, delta u} in shared memory
#define E_T 16
#define E_ROW (32 * GS_ESIZE)
#define E_STAGE ((GS_DT_RANK ? 1 : 2) * E_T * E_ROW + E_T * GS_N * GS_ESIZE + E_T * P_ROW) // u; B; delta or dt
#define E_PIECES (E_ROW / 16)           // 16-byte pieces of a row
#define E_B_PIECES (GS_N * GS_ESIZE / 16)
#define E_B (E_T * E_ROW)
#define E_D (E_B + E_T * GS_N * GS_ESIZE)
// Shared memory, bytes: two stages; B as float; {x, delta u} [16][E_PAD], and before that delta as projected; mid-block sums of delta; sums of the blocks that were
// walked [N][32]; weights of dt (12,928 with bf16 and with R = 16, 18,048 with float)
#define E_SMEM (2 * E_STAGE + E_T * GS_N * 4 + E_T * E_PAD * 8 + 128 + GS_N * 128 + P_WEIGHTS)
#ifndef E_BLOCKS
#define E_BLOCKS 12                     // on a multiprocessor
#endif

// 16 steps, latest first, for the first `groups` groups of 4 states, exactly. waiting: the lane's sums, [N][32]. a: the channel's A. d, v: delta and delta u of its steps.
__device__ __forceinline__ void gs_walk(float* waiting, const float* a, int groups, float sigma0, const float* d, const float* v, const float* b)
{
#pragma unroll 1
    for (int k = 0; k < groups; k++, waiting += 128, a += 4, b += 4)
    {
        float end[4], an[4], sigma = sigma0;
#pragma unroll
        for (int n = 0; n < 4; n++) { end[n] = waiting[n * 32]; an[n] = fminf(a[n] * GS_LOG2E, -1e-30f); }
#pragma unroll
        for (int t = E_T - 1; t >= 0; t--)
        {
            const float4 b4 = *(const float4*)(b + t * GS_N);
            end[0] = fmaf(gs_ex2(an[0] * sigma), v[t] * b4.x, end[0]);
            end[1] = fmaf(gs_ex2(an[1] * sigma), v[t] * b4.y, end[1]);
            end[2] = fmaf(gs_ex2(an[2] * sigma), v[t] * b4.z, end[2]);
            end[3] = fmaf(gs_ex2(an[3] * sigma), v[t] * b4.w, end[3]);
            sigma += d[t];
        }
#pragma unroll
        for (int n = 0; n < 4; n++) waiting[n * 32] = end[n];
    }
}

#if E_MOMENTS
__device__ __forceinline__ float gs_cut_tf32(float v) { return __uint_as_float(__float_as_uint(v) & 0xffffe000u); }
// decay at the block's middle times sum over m <= Degree of a^m / m! s_m. a carries log2 e.
template <int Degree> __device__ __forceinline__ float gs_series(float a, float middle, float end, const float* s)
{
    float r = s[Degree];
#pragma unroll
    for (int m = Degree; m > 0; m--) r = fmaf(a * (GS_LN2 / m), r, s[m - 1]);
    return fmaf(gs_ex2(a * middle), r, end);
}
// One block of 16 steps for all states (Tiles 2) or the first 8 (1). Lane = 4 g + q: channels 16 c + g and + 8, states 8 n + 2 q and + 1, as the tensor
// core has them. B is exact in tf32; what tf32 cuts from delta u is added by a second product, and is left out in the higher moments, which are small.
template <int Tiles, int Degree> __device__ __forceinline__ void gs_moments(float4 (&end)[2][2], const float4 (&a)[2][2], const float2* pairs, const float* middle, const float* wide, int g, int q)
{
    float b[2][Tiles][2];
#pragma unroll
    for (int k = 0; k < 2; k++)
#pragma unroll
        for (int n = 0; n < Tiles; n++) { b[k][n][0] = wide[(8 * k + q) * GS_N + 8 * n + g]; b[k][n][1] = wide[(8 * k + q + 4) * GS_N + 8 * n + g]; }
#pragma unroll
    for (int c = 0; c < 2; c++)
    {
        float x[2][4], v[2][4];
#pragma unroll
        for (int k = 0; k < 2; k++)
#pragma unroll
            for (int e = 0; e < 4; e++)
            {
                const float2 both = pairs[(8 * k + q + (e >> 1) * 4) * E_PAD + 16 * c + g + (e & 1) * 8];
                x[k][e] = both.x; v[k][e] = both.y;
            }
        float4 sum[Degree + 1][Tiles];
#pragma unroll
        for (int m = 0; m <= Degree; m++)
        {
            if (m > 0)
            {
#pragma unroll
                for (int k = 0; k < 2; k++)
#pragma unroll
                    for (int e = 0; e < 4; e++) v[k][e] *= x[k][e];
            }
#pragma unroll
            for (int n = 0; n < Tiles; n++)
            {
                sum[m][n] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#pragma unroll
                for (int k = 0; k < 2; k++)
                {
                    gs_mma_tf32(sum[m][n], v[k][0], v[k][1], v[k][2], v[k][3], b[k][n][0], b[k][n][1]);
                    if (m == 0)
                        gs_mma_tf32(sum[m][n], v[k][0] - gs_cut_tf32(v[k][0]), v[k][1] - gs_cut_tf32(v[k][1]),
                            v[k][2] - gs_cut_tf32(v[k][2]), v[k][3] - gs_cut_tf32(v[k][3]), b[k][n][0], b[k][n][1]);
                }
            }
        }
        const float low = middle[16 * c + g], high = middle[16 * c + g + 8];
#pragma unroll
        for (int n = 0; n < Tiles; n++)
        {
            float s[4][Degree + 1];
#pragma unroll
            for (int m = 0; m <= Degree; m++) { s[0][m] = sum[m][n].x; s[1][m] = sum[m][n].y; s[2][m] = sum[m][n].z; s[3][m] = sum[m][n].w; }
            const float4& an = a[c][n];
            float4& to = end[c][n];
            to.x = gs_series<Degree>(an.x, low, to.x, s[0]); to.y = gs_series<Degree>(an.y, low, to.y, s[1]);
            to.z = gs_series<Degree>(an.z, high, to.z, s[2]); to.w = gs_series<Degree>(an.w, high, to.w, s[3]);
        }
    }
}
#endif

// softplus, with one part in 10^6 where moments are no better.
__device__ __forceinline__ float gs_softplus_ends(float x)
{
#if E_MOMENTS
    const float w = gs_ex2(fabsf(x) * -GS_LOG2E);
    float q = fmaf(0.0141410215f, w, -0.0664017929f);
    q = fmaf(q, w, 0.149223867f); q = fmaf(q, w, -0.235038599f); q = fmaf(q, w, 0.331094489f); q = fmaf(q, w, -0.499869656f); q = fmaf(q, w, 0.999998732f);
    return fmaf(q, w, fmaxf(x, 0.0f));
#else
    return gs_softplus_poly(x);
#endif
}

// Grid scans * batch * (segments - 1) * ceil(d_inner / 32), 32 threads: the last segment's end is not asked for.
extern "C" __global__ void __launch_bounds__(32, E_BLOCKS) gs_scan_ends(const __grid_constant__ GsForward p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    float* wide = (float*)(smem + 2 * E_STAGE);
    const int lane = threadIdx.x, L = p.length, D = p.d_inner, strips = (D + 31) >> 5;
    int task = blockIdx.x;
    const int d0 = task % strips * 32; task /= strips;
    const int seg = task % (p.segments - 1); task /= p.segments - 1;
    const int b = task % p.batch;
    const GsForwardScan& s = p.s[task / p.batch];
    const int rev = s.reverse, first = seg * p.steps, dl = min(d0 + lane, D - 1);
    const i64 rowBase = (i64)b * L;
    const int* ids = s.ids;

    float slow[GS_N / 4], fast[GS_N / 4], sigma = 0.0f;    // the slowest decay of 4 states; the fastest of these and those before; sum of delta so far
    const float* aRow = s.a + (i64)dl * GS_N;
#pragma unroll
    for (int n = 0; n < GS_N; n++)
    {
        const float an = fminf(aRow[n] * GS_LOG2E, -1e-30f);
        slow[n / 4] = n % 4 == 0 ? an : fmaxf(slow[n / 4], an);
        fast[n / 4] = n == 0 ? an : fminf(fast[(n - (n % 4 == 0)) / 4], an);
    }
    const float slowest = fmaxf(fmaxf(slow[0], slow[1]), fmaxf(slow[2], slow[3]));
    const float bias = s.bias != 0 ? s.bias[dl] : 0.0f;
    float2* pairs = (float2*)(wide + E_T * GS_N);
    float* middle = (float*)(pairs + E_T * E_PAD);
    float* waiting = middle + 32 + lane;                   // sums of the blocks that were walked, [N][32]
#pragma unroll
    for (int n = 0; n < GS_N; n++) waiting[n * 32] = 0.0f;
#if E_MOMENTS
    const int g8 = lane >> 2, q = lane & 3;
    float4 tile[2][2], at[2][2];                           // end states and A as the tensor core has them
#pragma unroll
    for (int c = 0; c < 2; c++)
#pragma unroll
        for (int n = 0; n < 2; n++)
        {
            const float* low = s.a + (i64)min(d0 + 16 * c + g8, D - 1) * GS_N + 8 * n + 2 * q;
            const float* high = s.a + (i64)min(d0 + 16 * c + g8 + 8, D - 1) * GS_N + 8 * n + 2 * q;
            at[c][n] = make_float4(fminf(low[0] * GS_LOG2E, -1e-30f), fminf(low[1] * GS_LOG2E, -1e-30f), fminf(high[0] * GS_LOG2E, -1e-30f), fminf(high[1] * GS_LOG2E, -1e-30f));
            tile[c][n] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        }
#endif
#if GS_DT_RANK
    unsigned char* weights = smem + E_SMEM - P_WEIGHTS;
    u32* projected = (u32*)(wide + E_T * GS_N);
    gs_stage_weights(weights, s.dt_weight, d0, D, lane);
#endif
    // This lane's pieces of the block to fetch next: piece lane + 32 i of u, B and delta or dt, and what takes them a block back.
    const i64 sign = rev ? -GS_ESIZE : GS_ESIZE, last = rowBase + (rev ? L - 1 - (first + p.steps - E_T) : first + p.steps - E_T);
    const int column = min(d0 + lane % E_PIECES * (16 / GS_ESIZE), D - 16 / GS_ESIZE) * GS_ESIZE;
    const int uRow = (int)(s.u_stride * sign), bRow = (int)(s.b_stride * sign);
    const unsigned char* u = (const unsigned char*)s.u + last * s.u_stride * GS_ESIZE + column + lane / E_PIECES * (i64)uRow;
    const unsigned char* bmat = (const unsigned char*)s.bmat + last * s.b_stride * GS_ESIZE + lane % E_B_PIECES * 16 + lane / E_B_PIECES * (i64)bRow;
#if GS_DT_RANK
    const int dRow = (int)(s.dt_stride * sign);
    const unsigned char* delta = (const unsigned char*)s.dt + last * s.dt_stride * 2;
#else
    const int dRow = (int)(s.delta_stride * sign);
    const unsigned char* delta = (const unsigned char*)s.delta + last * s.delta_stride * GS_ESIZE + column + lane / E_PIECES * (i64)dRow;
#endif
    const auto fetch = [&](int t0, int buffer)
    {
        if (t0 >= first)
        {
            unsigned char* to = smem + buffer * E_STAGE + lane * 16;
#pragma unroll
            for (int i = 0; i < E_T * E_ROW / 512; i++)
            {
                gs_copy16(to + i * 512, u + i * (32 / E_PIECES) * (i64)uRow);
#if !GS_DT_RANK
                gs_copy16(to + E_D + i * 512, delta + i * (32 / E_PIECES) * (i64)dRow);
#endif
            }
#if GS_DT_RANK
#pragma unroll
            for (int i = 0; i < (2 * GS_DT_RANK + 31) / 32; i++) // 16 rows of R / 8 pieces
            {
                const int piece = lane + i * 32;
                if (piece < 2 * GS_DT_RANK) gs_copy16(to + E_D + i * 512, delta + piece / (GS_DT_RANK / 8) * (i64)dRow + piece % (GS_DT_RANK / 8) * 16);
            }
#endif
#pragma unroll
            for (int i = 0; i < E_T * GS_N * GS_ESIZE / 512; i++) gs_copy16(to + E_B + i * 512, bmat + i * (32 / E_B_PIECES) * (i64)bRow);
            u -= E_T * (i64)uRow; bmat -= E_T * (i64)bRow; delta -= E_T * (i64)dRow;
        }
        gs_copy_commit();
    };
    int t0 = first + p.steps - E_T, buffer = 0;            // segments are whole blocks of 16 but for the last
    int groups = GS_N / 4;                                 // the last group of 4 states that is awake; looked at now and then
    float fastest = fast[GS_N / 4 - 1];
    fetch(t0, 0);
#pragma unroll 1
    for (int block = 0; t0 >= first; t0 -= E_T, buffer ^= 1, block++)
    {
        if ((block & 3) == 0)
        {
            groups = 0;
#pragma unroll
            for (int k = 0; k < GS_N / 4; k++)
                if (gs_any(slow[k] * sigma > GS_DEAD)) { groups = k + 1; fastest = fast[k]; }
            if (groups == 0) break;
        }
        gs_copy_wait();
        const unsigned char* raw = smem + buffer * E_STAGE;
#pragma unroll
        for (int i = 0; i < E_T * GS_N * GS_ESIZE / 512; i++) // widen this lane's own pieces of B
        {
            const int piece = lane + i * 32;
            float* to = wide + piece * (16 / GS_ESIZE);
            const uint4 v = *(const uint4*)(raw + E_B + piece * 16);
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
        fetch(t0 - E_T, buffer ^ 1);
#if GS_DT_RANK
#pragma unroll
        for (int half = 0; half < 2; half++)
        {
            u32 r[2][2];
            gs_project8(r, raw + E_D + half * 8 * P_ROW, weights, lane);
#pragma unroll
            for (int i = 0; i < 4; i++)                    // channels 16 m + 2 (lane / 4) and + 1, step lane % 4 + 4 e
                projected[(8 * half + (lane & 3) + 4 * (i & 1)) * 16 + 8 * (i >> 1) + (lane >> 2)] = r[i >> 1][i & 1];
        }
        gs_warp_sync();
        const unsigned char* deltas = (const unsigned char*)projected;
#else
        const unsigned char* deltas = raw + E_D;
#endif
        float d[E_T], v[E_T];
#pragma unroll
        for (int t = 0; t < E_T; t++)
        {
            d[t] = gs_softplus_ends(gs_load1(deltas, t * 32 + lane) + bias);
            v[t] = d[t] * gs_load1(raw, t * 32 + lane);
        }
        if (ids != 0)                                      // a cleared state: nothing from before the step
        {
#pragma unroll
            for (int t = 0; t < E_T; t++)
            {
                const i64 row = rowBase + (rev ? L - 1 - t0 - t : t0 + t);
                if (t0 + t > 0 && ids[row] != ids[rev ? row + 1 : row - 1]) d[t] = S_BIG;
            }
        }
#if E_MOMENTS
        float sum = 0.0f;
#pragma unroll
        for (int t = E_T - 1; t > 0; t--) sum += d[t];
        const float half = 0.5f * sum;
        // The error of one state, (A half)^(m + 1) / (m + 1)! times its decay so far, is largest at A = -(m + 1) / (delta so far), or at the end of A's range nearest
        // to that.
        const float peak = -GS_LOG2E * gs_rcp(sigma), worst = fminf(fmaxf(5.0f * peak, fastest), slowest), worst2 = fminf(fmaxf(3.0f * peak, fastest), slowest);
        const float y = worst * half * -GS_LN2, y2 = y * y, off = y2 * y2 * y * gs_ex2(worst * sigma);
        const float x2 = worst2 * half * -GS_LN2, off2 = x2 * x2 * x2 * gs_ex2(worst2 * sigma);
        if (!gs_any(!(off < 2.4e-3f)))
        {
            const bool low = !gs_any(!(off2 < 1.2e-4f));
#if GS_DT_RANK
            gs_warp_sync();                                // pairs take the place of delta
#endif
            float x = -half;
#pragma unroll
            for (int t = E_T - 1; t >= 0; t--)
            {
                pairs[t * E_PAD + lane] = make_float2(x, v[t]);
                x += d[t];
            }
            middle[lane] = sigma + half;
            gs_warp_sync();
            if (groups > 2)
            {
                if (low) gs_moments<2, 2>(tile, at, pairs, middle, wide, g8, q);
                else gs_moments<2, 4>(tile, at, pairs, middle, wide, g8, q);
            }
            else if (low) gs_moments<1, 2>(tile, at, pairs, middle, wide, g8, q);
            else gs_moments<1, 4>(tile, at, pairs, middle, wide, g8, q);
            sigma += sum + d[0];
        }
        else
#endif
        {
            gs_walk(waiting, aRow, groups, sigma, d, v, wide);
#pragma unroll
            for (int t = E_T - 1; t >= 0; t--) sigma += d[t];
        }
        gs_warp_sync();
    }
    gs_copy_wait();
    const i64 to = ((i64)b * p.segments + seg) * D + d0;
    if (d0 + lane < D)
    {
#if !E_MOMENTS
#pragma unroll
        for (int n = 0; n < GS_N; n++) s.ends[(to + lane) * GS_N + n] = waiting[n * 32];
#endif
        s.sums[to + lane] = sigma;
    }
#if E_MOMENTS
    gs_warp_sync();
#pragma unroll
    for (int c = 0; c < 2; c++)
#pragma unroll
        for (int n = 0; n < 2; n++)
#pragma unroll
            for (int high = 0; high < 2; high++)
            {
                const int channel = 16 * c + g8 + high * 8, state = 8 * n + 2 * q;
                if (d0 + channel >= D) continue;
                const float* walked = middle + 32 + state * 32 + channel;
                *(float2*)(s.ends + (to + channel) * GS_N + state) =
                    make_float2(walked[0] + (high ? tile[c][n].z : tile[c][n].x), walked[32] + (high ? tile[c][n].w : tile[c][n].y));
            }
#endif
}
