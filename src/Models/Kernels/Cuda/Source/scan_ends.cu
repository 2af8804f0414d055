// Pre-pass of the serial forward scan: the state at the end of each segment from a zero start, sum over t of exp(A sigma_t) delta_t u_t B_t with sigma_t the
// sum of delta over the steps after t, and the segment's sum of delta. The walk goes backwards from the segment's end, so contributions only shrink: it leaves
// out blocks of 4 states that every channel of the warp has forgotten, and stops when all have, or at a cleared state.
// Lane = one channel with its N states; a warp is alone in its block.
//
// E_MOMENTS: where the steps' distances within a block of 16 change no state's decay by much (any state that still counts, far from the end), the decay is
// its value mid-block times a polynomial in the distance x from there, exp(A x) = sum of (A x)^m / m!, and the sum over steps of delta u x^m B is a
// matrix product on the tensor cores: 16 exponentials a block instead of 256. Blocks where that would be off by 2e-5 are walked step by step.
#ifndef E_MOMENTS
#define E_MOMENTS (!GS_F32_IO)
#endif
#define E_DEGREE 4
#define E_PAD 36                        // float2 of a row of {x, delta u} in shared memory
#define E_T 16
#define E_ROW (32 * GS_ESIZE)
#define E_STAGE (2 * E_T * E_ROW + E_T * GS_N * GS_ESIZE)
// Shared memory, bytes: two stages of delta, u, B; B as float; {x, delta u} [16][E_PAD], mid-block sums of delta (10,880 with bf16, 16,000 with float)
#define E_SMEM (2 * E_STAGE + E_T * GS_N * 4 + E_T * E_PAD * 8 + 128)

struct GsWalk { float end[GS_N], a[GS_N], sigma; };
// 16 steps for the first Alive states, latest first. d: delta of this lane's channel; v: delta u.
template <int Alive> __device__ __forceinline__ void gs_walk(GsWalk& w, const float* d, const float* v, const float* b)
{
#pragma unroll
    for (int t = E_T - 1; t >= 0; t--)
    {
#pragma unroll
        for (int n = 0; n < Alive; n += 4)
        {
            const float4 b4 = *(const float4*)(b + t * GS_N + n);
            w.end[n] = fmaf(gs_ex2(w.a[n] * w.sigma), v[t] * b4.x, w.end[n]);
            w.end[n + 1] = fmaf(gs_ex2(w.a[n + 1] * w.sigma), v[t] * b4.y, w.end[n + 1]);
            w.end[n + 2] = fmaf(gs_ex2(w.a[n + 2] * w.sigma), v[t] * b4.z, w.end[n + 2]);
            w.end[n + 3] = fmaf(gs_ex2(w.a[n + 3] * w.sigma), v[t] * b4.w, w.end[n + 3]);
        }
        w.sigma += d[t];
    }
}

#if E_MOMENTS
__device__ __forceinline__ float gs_cut_tf32(float v) { return __uint_as_float(__float_as_uint(v) & 0xffffe000u); }
// One block of 16 steps for all states (Tiles 2) or the first 8 (1). Lane = 4 g + q: channels 16 c + g and + 8, states 8 n + 2 q and + 1, as the tensor
// core has them. B is exact in tf32; what tf32 cuts from delta u is added by a second product, and is left out in the higher moments, which are small.
template <int Tiles> __device__ __forceinline__ void gs_moments(float4 (&end)[2][2], const float4 (&a)[2][2], const float2* pairs, const float* middle, const float* wide, int g, int q)
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
                const float2 both = pairs[(8 * k + q + (e >> 1) * 4) * E_PAD + 16 * c + g + (e & 1) * 8];
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
    for (int m = 0; m <= E_DEGREE; m++)
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
            }
        }
#pragma unroll
        for (int c = 0; c < 2; c++)
#pragma unroll
            for (int n = 0; n < Tiles; n++)
            {
                float4 sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#pragma unroll
                for (int k = 0; k < 2; k++)
                {
                    gs_mma_tf32(sum, v[k][c][0], v[k][c][1], v[k][c][2], v[k][c][3], b[k][n][0], b[k][n][1]);
                    if (m == 0)
                        gs_mma_tf32(sum, v[k][c][0] - gs_cut_tf32(v[k][c][0]), v[k][c][1] - gs_cut_tf32(v[k][c][1]),
                            v[k][c][2] - gs_cut_tf32(v[k][c][2]), v[k][c][3] - gs_cut_tf32(v[k][c][3]), b[k][n][0], b[k][n][1]);
                }
                float4& f = factor[c][n];
                const float4& an = a[c][n];
                if (m > 0)
                {
                    const float unit = GS_LN2 / m;         // a carries log2 e
                    f.x *= an.x * unit; f.y *= an.y * unit; f.z *= an.z * unit; f.w *= an.w * unit;
                }
                float4& to = end[c][n];
                to.x = fmaf(f.x, sum.x, to.x); to.y = fmaf(f.y, sum.y, to.y); to.z = fmaf(f.z, sum.z, to.z); to.w = fmaf(f.w, sum.w, to.w);
            }
    }
}
#endif

// Grid scans * batch * (segments - 1) * ceil(d_inner / 32), 32 threads: the last segment's end is not asked for.
extern "C" __global__ void __launch_bounds__(32) gs_scan_ends(const __grid_constant__ GsForward p)
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

    GsWalk w;
    float slow[GS_N / 4], fast[GS_N / 4];                  // the slowest decay of 4 states; the fastest of these and those before
#pragma unroll
    for (int n = 0; n < GS_N; n++)
    {
        w.a[n] = fminf(s.a[(i64)dl * GS_N + n] * GS_LOG2E, -1e-30f);
        w.end[n] = 0.0f;
        slow[n / 4] = n % 4 == 0 ? w.a[n] : fmaxf(slow[n / 4], w.a[n]);
        fast[n / 4] = n == 0 ? w.a[0] : fminf(fast[(n - (n % 4 == 0)) / 4], w.a[n]);
    }
    w.sigma = 0.0f;
    const float slowest = fmaxf(fmaxf(slow[0], slow[1]), fmaxf(slow[2], slow[3]));
    const float bias = s.bias != 0 ? s.bias[dl] : 0.0f;
#if E_MOMENTS
    const int g8 = lane >> 2, q = lane & 3;
    float2* pairs = (float2*)(wide + E_T * GS_N);
    float* middle = (float*)(pairs + E_T * E_PAD);
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
    const auto fetch = [&](int t0, int buffer)
    {
        if (t0 >= first)
        {
            unsigned char* to = smem + buffer * E_STAGE;
#pragma unroll
            for (int i = 0; i < E_T * E_ROW / 512; i++)
            {
                const int piece = lane + i * 32, t = t0 + piece / (E_ROW / 16), part = piece % (E_ROW / 16);
                const i64 row = rowBase + (rev ? L - 1 - t : t);
                const int c = min(d0 + part * (16 / GS_ESIZE), D - 16 / GS_ESIZE);
                gs_copy16(to + piece * 16, (const unsigned char*)s.delta + (row * s.delta_stride + c) * GS_ESIZE);
                gs_copy16(to + E_T * E_ROW + piece * 16, (const unsigned char*)s.u + (row * s.u_stride + c) * GS_ESIZE);
            }
#pragma unroll
            for (int i = 0; i < E_T * GS_N * GS_ESIZE / 512; i++)
            {
                const int piece = lane + i * 32, t = t0 + piece / (GS_N * GS_ESIZE / 16), part = piece % (GS_N * GS_ESIZE / 16);
                const i64 row = rowBase + (rev ? L - 1 - t : t);
                gs_copy16(to + 2 * E_T * E_ROW + piece * 16, (const unsigned char*)s.bmat + row * s.b_stride * GS_ESIZE + part * 16);
            }
        }
        gs_copy_commit();
    };
    int t0 = first + p.steps - E_T, buffer = 0;            // segments are whole blocks of 16 but for the last
    fetch(t0, 0);
#pragma unroll 1
    for (; t0 >= first; t0 -= E_T, buffer ^= 1)
    {
        bool awake[GS_N / 4];
#pragma unroll
        for (int k = 0; k < GS_N / 4; k++) awake[k] = gs_any(slow[k] * w.sigma > GS_DEAD);
        if (!awake[0] && !awake[1] && !awake[2] && !awake[3]) break;
        gs_copy_wait();
        const unsigned char* raw = smem + buffer * E_STAGE;
#pragma unroll
        for (int i = 0; i < E_T * GS_N * GS_ESIZE / 512; i++) // widen this lane's own pieces of B
        {
            const int piece = lane + i * 32;
            float* to = wide + piece * (16 / GS_ESIZE);
            const uint4 v = *(const uint4*)(raw + 2 * E_T * E_ROW + piece * 16);
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
        float d[E_T], v[E_T];
#pragma unroll
        for (int t = 0; t < E_T; t++)
        {
            d[t] = gs_softplus_poly(gs_load1(raw, t * 32 + lane) + bias);
            v[t] = d[t] * gs_load1(raw + E_T * E_ROW, t * 32 + lane);
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
        // The error of one state, (A half)^5 / 5! times its decay so far, is largest at A = -5 / (delta so far), or at the end of A's range nearest to that.
        const float fastest = awake[3] ? fast[3] : awake[2] ? fast[2] : awake[1] ? fast[1] : fast[0];
        const float worst = fminf(fmaxf(-5.0f * GS_LOG2E * gs_rcp(w.sigma), fastest), slowest);
        const float y = worst * half * -GS_LN2, y2 = y * y, off = y2 * y2 * y * gs_ex2(worst * w.sigma);
        if (!gs_any(!(off < 2.4e-3f)))
        {
            float x = -half;
#pragma unroll
            for (int t = E_T - 1; t >= 0; t--)
            {
                pairs[t * E_PAD + lane] = make_float2(x, v[t]);
                x += d[t];
            }
            middle[lane] = w.sigma + half;
            gs_warp_sync();
            if (awake[2] || awake[3]) gs_moments<2>(tile, at, pairs, middle, wide, g8, q);
            else gs_moments<1>(tile, at, pairs, middle, wide, g8, q);
            w.sigma += sum + d[0];
        }
        else
#endif
        if (awake[3]) gs_walk<16>(w, d, v, wide);
        else if (awake[2]) gs_walk<12>(w, d, v, wide);
        else if (awake[1]) gs_walk<8>(w, d, v, wide);
        else gs_walk<4>(w, d, v, wide);
        gs_warp_sync();
    }
    gs_copy_wait();
    const i64 to = ((i64)b * p.segments + seg) * D + d0;
    if (d0 + lane < D)
    {
#pragma unroll
        for (int n = 0; n < GS_N; n += 4) *(float4*)(s.ends + (to + lane) * GS_N + n) = make_float4(w.end[n], w.end[n + 1], w.end[n + 2], w.end[n + 3]);
        s.sums[to + lane] = w.sigma;
    }
#if E_MOMENTS
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
                float2* x = (float2*)(s.ends + (to + channel) * GS_N + 8 * n + 2 * q);
                const float2 before = *x;
                *x = make_float2(before.x + (high ? tile[c][n].z : tile[c][n].x), before.y + (high ? tile[c][n].w : tile[c][n].y));
            }
#endif
}
