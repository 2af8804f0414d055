// Selective scan, backward, where time is split: what each span of steps hands to the adjoint at its early edge, from no adjoint at its late edge:
//   carry = sum over t of exp(A (delta_first + .. + delta_t)) C_t g_t,  decay = sum of delta.
// The walk starts at the early edge, so contributions only shrink: it leaves out blocks of 4 states that every channel of the warp has forgotten
// and stops when all have. Lane = one channel with its N states; a warp is alone, no barrier of the block.
// GS_MOMENTS: where delta summed over half a block of 16 steps changes no state's decay by much (any state that still counts, far from the edge), the
// decay is its value mid-block times a polynomial in the distance x = sum of delta from there, exp(A x) = sum of (A x)^m / m!, and the sum over steps of
// g x^m C is a matrix product: 16 exponentials a block instead of 256. Blocks where that would be off by 2e-5 are walked step by step.
#ifndef GS_MOMENTS
#define GS_MOMENTS (!GS_F32_IO)
#endif
#define C_DEGREE 4
#define C_PAD 36                         // float2 of a row of {x, g} in shared memory
#define C_T 16
#define C_ROW (32 * GS_ESIZE)
#define C_STAGE (2 * C_T * C_ROW + C_T * GS_N * GS_ESIZE)
// Shared memory, bytes: two stages of delta, g, C; C as float; {x, g} [16][C_PAD], mid-block sums of delta
#define C_SMEM (2 * C_STAGE + C_T * GS_N * 4 + C_T * C_PAD * 8 + 128)

struct GsWalk { float carry[GS_N], a[GS_N], sigma; };
// 16 steps for the first Alive states. d: delta of this lane's channel, softplus done; g likewise [t][32].
template <int Alive> __device__ __forceinline__ void gs_walk(GsWalk& w, const float* d, const float* g, const float* c)
{
#pragma unroll
    for (int t = 0; t < C_T; t++)
    {
        w.sigma += d[t];
#pragma unroll
        for (int n = 0; n < Alive; n += 4)
        {
            const float4 c4 = *(const float4*)(c + t * GS_N + n);
            w.carry[n] = fmaf(gs_ex2(w.a[n] * w.sigma), g[t] * c4.x, w.carry[n]);
            w.carry[n + 1] = fmaf(gs_ex2(w.a[n + 1] * w.sigma), g[t] * c4.y, w.carry[n + 1]);
            w.carry[n + 2] = fmaf(gs_ex2(w.a[n + 2] * w.sigma), g[t] * c4.z, w.carry[n + 2]);
            w.carry[n + 3] = fmaf(gs_ex2(w.a[n + 3] * w.sigma), g[t] * c4.w, w.carry[n + 3]);
        }
    }
}

#if GS_MOMENTS
// One block of 16 steps for all states (Tiles 2) or the first 8 (1). Lane = 4 g + q: channels 16 c + g and + 8, states 8 n + 2 q and + 1, as the tensor core has them.
template <int Tiles> __device__ __forceinline__ void gs_moments(float4 (&carry)[2][2], const float4 (&a)[2][2], const float2* pairs, const float* middle, const float* wide, int g, int q)
{
    float x[2][2][4], v[2][2][4], b[2][Tiles][2];
#pragma unroll
    for (int k = 0; k < 2; k++)
    {
#pragma unroll
        for (int c = 0; c < 2; c++)
#pragma unroll
            for (int e = 0; e < 4; e++)
            {
                const float2 both = pairs[(8 * k + q + (e >> 1) * 4) * C_PAD + 16 * c + g + (e & 1) * 8];
                x[k][c][e] = both.x; v[k][c][e] = both.y;
            }
#pragma unroll
        for (int n = 0; n < Tiles; n++) { b[k][n][0] = wide[(8 * k + q) * GS_N + 8 * n + g]; b[k][n][1] = wide[(8 * k + q + 4) * GS_N + 8 * n + g]; }
    }
    float4 factor[2][Tiles];
#pragma unroll
    for (int c = 0; c < 2; c++)
    {
        const float low = middle[16 * c + g], high = middle[16 * c + g + 8];
#pragma unroll
        for (int n = 0; n < Tiles; n++)
            factor[c][n] = make_float4(gs_ex2(a[c][n].x * low), gs_ex2(a[c][n].y * low), gs_ex2(a[c][n].z * high), gs_ex2(a[c][n].w * high));
    }
#pragma unroll
    for (int m = 0; m <= C_DEGREE; m++)
    {
        if (m > 0)
        {
#pragma unroll
            for (int k = 0; k < 2; k++)
            {
#pragma unroll
                for (int c = 0; c < 2; c++)
#pragma unroll
                    for (int e = 0; e < 4; e++) v[k][c][e] *= x[k][c][e];
#pragma unroll
                for (int n = 0; n < Tiles; n++) { b[k][n][0] *= GS_LN2 / m; b[k][n][1] *= GS_LN2 / m; }
            }
        }
#pragma unroll
        for (int c = 0; c < 2; c++)
#pragma unroll
            for (int n = 0; n < Tiles; n++)
            {
                float4 sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
                gs_mma_tf32(sum, v[0][c][0], v[0][c][1], v[0][c][2], v[0][c][3], b[0][n][0], b[0][n][1]);
                gs_mma_tf32(sum, v[1][c][0], v[1][c][1], v[1][c][2], v[1][c][3], b[1][n][0], b[1][n][1]);
                float4& f = factor[c][n];
                const float4& an = a[c][n];
                if (m > 0) { f.x *= an.x; f.y *= an.y; f.z *= an.z; f.w *= an.w; }
                float4& to = carry[c][n];
                to.x = fmaf(f.x, sum.x, to.x); to.y = fmaf(f.y, sum.y, to.y); to.z = fmaf(f.z, sum.z, to.z); to.w = fmaf(f.w, sum.w, to.w);
            }
    }
}
#endif

// Grid scans * batch * (spans - spans of the first segment) * ceil(d_inner / 32), 32 threads.
extern "C" __global__ void __launch_bounds__(32) gs_scan_carry(const __grid_constant__ GsBackwardArgs p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    float* wide = (float*)(smem + 2 * C_STAGE);
    const int lane = threadIdx.x, L = p.length, D = p.d_inner, strips = (D + 31) >> 5, skipped = p.segment / p.span;
    int task = blockIdx.x;
    const int d0 = task % strips * 32; task /= strips;
    const int r = skipped + task % (p.spans - skipped); task /= p.spans - skipped;
    const int b = task % p.batch;
    const GsBackwardScan& s = p.s[task / p.batch];
    const int rev = s.reverse, first = r * p.span, end = min(L, first + p.span), dl = min(d0 + lane, D - 1);
    const i64 rowBase = (i64)b * L;
    const int* ids = s.ids;

    GsWalk w;
    float slow[GS_N / 4], fast[GS_N / 4];                  // the slowest decay of 4 states; the fastest of these and those before
#pragma unroll
    for (int n = 0; n < GS_N; n++)
    {
        w.a[n] = GS_A_LOG2(s.a[(i64)dl * GS_N + n]);
        w.carry[n] = 0.0f;
        slow[n / 4] = n % 4 == 0 ? w.a[n] : fmaxf(slow[n / 4], w.a[n]);
        fast[n / 4] = n == 0 ? w.a[0] : fminf(fast[(n - (n % 4 == 0)) / 4], w.a[n]);
    }
    w.sigma = 0.0f;
    const float slowest = fmaxf(fmaxf(slow[0], slow[1]), fmaxf(slow[2], slow[3]));
    const float bias = s.bias != 0 ? s.bias[dl] : 0.0f;

#if GS_MOMENTS
    const int g8 = lane >> 2, q = lane & 3;
    float2* pairs = (float2*)(wide + C_T * GS_N);
    float* middle = (float*)(pairs + C_T * C_PAD);
    float4 tile[2][2], at[2][2];                           // carry and A as the tensor core has them
#pragma unroll
    for (int c = 0; c < 2; c++)
#pragma unroll
        for (int n = 0; n < 2; n++)
        {
            const float* low = s.a + (i64)min(d0 + 16 * c + g8, D - 1) * GS_N + 8 * n + 2 * q;
            const float* high = s.a + (i64)min(d0 + 16 * c + g8 + 8, D - 1) * GS_N + 8 * n + 2 * q;
            at[c][n] = make_float4(GS_A_LOG2(low[0]), GS_A_LOG2(low[1]), GS_A_LOG2(high[0]), GS_A_LOG2(high[1]));
            tile[c][n] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        }
#endif
    const auto fetch = [&](int t0, int buffer)
    {
        if (t0 < end)
        {
            unsigned char* to = smem + buffer * C_STAGE;
#pragma unroll
            for (int i = 0; i < C_T * C_ROW / 512; i++)
            {
                const int piece = lane + i * 32, t = piece / (C_ROW / 16), part = piece % (C_ROW / 16), tc = min(t0 + t, L - 1);
                const i64 row = rowBase + (rev ? L - 1 - tc : tc);
                const int c = min(d0 + part * (16 / GS_ESIZE), D - 16 / GS_ESIZE);
                gs_copy16(to + piece * 16, (const unsigned char*)s.delta + (row * s.delta_stride + c) * GS_ESIZE);
                gs_copy16(to + C_T * C_ROW + piece * 16, (const unsigned char*)s.g + (row * s.g_stride + c) * GS_ESIZE);
            }
#pragma unroll
            for (int i = 0; i < C_T * GS_N * GS_ESIZE / 512; i++)
            {
                const int piece = lane + i * 32, t = piece / (GS_N * GS_ESIZE / 16), part = piece % (GS_N * GS_ESIZE / 16), tc = min(t0 + t, L - 1);
                const i64 row = rowBase + (rev ? L - 1 - tc : tc);
                gs_copy16(to + 2 * C_T * C_ROW + piece * 16, (const unsigned char*)s.cmat + row * s.c_stride * GS_ESIZE + part * 16);
            }
        }
        gs_copy_commit();
    };
    fetch(first, 0);
    int buffer = 0;
#pragma unroll 1
    for (int t0 = first; t0 < end; t0 += C_T, buffer ^= 1)
    {
        bool awake[GS_N / 4];
#pragma unroll
        for (int k = 0; k < GS_N / 4; k++) awake[k] = gs_any(slow[k] * w.sigma > -GS_FORGOTTEN);
        gs_copy_wait();
        const unsigned char* raw = smem + buffer * C_STAGE;
#pragma unroll
        for (int i = 0; i < C_T * GS_N * GS_ESIZE / 512; i++) // widen this lane's own pieces of C
        {
            const int piece = lane + i * 32;
            float* to = wide + piece * (16 / GS_ESIZE);
            const uint4 v = *(const uint4*)(raw + 2 * C_T * C_ROW + piece * 16);
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
        fetch(t0 + C_T, buffer ^ 1);
        float d[C_T], g[C_T];
#pragma unroll
        for (int t = 0; t < C_T; t++)
        {
            d[t] = gs_step(gs_load1(raw, t * 32 + lane) + bias);
            g[t] = gs_load1(raw + C_T * C_ROW, t * 32 + lane);
        }
        if (ids != 0 || t0 + C_T > L)
        {
#pragma unroll
            for (int t = 0; t < C_T; t++)
            {
                if (t0 + t >= L) { d[t] = 0.0f; g[t] = 0.0f; }
                else if (ids != 0 && t0 + t > 0)
                {
                    const i64 row = rowBase + (rev ? L - 1 - t0 - t : t0 + t);
                    if (ids[row] != ids[rev ? row + 1 : row - 1]) d[t] = GS_BIG;
                }
            }
        }
        if (!awake[0] && !awake[1] && !awake[2] && !awake[3]) break;
#if GS_MOMENTS
        float sum = 0.0f;
#pragma unroll
        for (int t = 0; t < C_T; t++) sum += d[t];
        const float half = 0.5f * (sum - d[0]), mid = 0.5f * (sum + d[0]);
        // The error of one state, (A half)^5 / 5! times its decay so far, is largest at A = -5 / (delta so far), or at the end of A's range nearest to that.
        const float fastest = awake[3] ? fast[3] : awake[2] ? fast[2] : awake[1] ? fast[1] : fast[0];
        const float worst = fminf(fmaxf(-5.0f * GS_LOG2E * gs_rcp(w.sigma), fastest), slowest);
        const float y = worst * half * -GS_LN2, y2 = y * y, off = y2 * y2 * y * gs_ex2(worst * w.sigma);
        if (!gs_any(!(off < 2.4e-3f && sum < 1e30f)))      // nothing like that where a step forgets all
        {
            float x = -mid;
#pragma unroll
            for (int t = 0; t < C_T; t++)
            {
                x += d[t];
                pairs[t * C_PAD + lane] = make_float2(x, g[t]);
            }
            middle[lane] = w.sigma + mid;
            gs_warp_sync();
            if (awake[2] || awake[3]) gs_moments<2>(tile, at, pairs, middle, wide, g8, q);
            else gs_moments<1>(tile, at, pairs, middle, wide, g8, q);
            w.sigma += sum;
        }
        else
#endif
        if (awake[3]) gs_walk<16>(w, d, g, wide);
        else if (awake[2]) gs_walk<12>(w, d, g, wide);
        else if (awake[1]) gs_walk<8>(w, d, g, wide);
        else gs_walk<4>(w, d, g, wide);
        gs_warp_sync();
    }
    gs_copy_wait();
    const i64 to = ((i64)b * p.spans + r) * D + d0;
    if (d0 + lane < D)
    {
#pragma unroll
        for (int n = 0; n < GS_N; n += 4)
            *(float4*)(s.carry + (to + lane) * GS_N + n) = make_float4(w.carry[n], w.carry[n + 1], w.carry[n + 2], w.carry[n + 3]);
        s.decay[to + lane] = w.sigma;
    }
#if GS_MOMENTS
    gs_warp_sync();                                        // orders the warp's own accesses to global memory
#pragma unroll
    for (int c = 0; c < 2; c++)
#pragma unroll
        for (int n = 0; n < 2; n++)
#pragma unroll
            for (int high = 0; high < 2; high++)
            {
                const int channel = 16 * c + g8 + high * 8;
                if (d0 + channel >= D) continue;
                float2* x = (float2*)(s.carry + (to + channel) * GS_N + 8 * n + 2 * q);
                const float2 v = *x;
                *x = make_float2(v.x + (high ? tile[c][n].z : tile[c][n].x), v.y + (high ? tile[c][n].w : tile[c][n].y));
            }
#endif
}
