// Selective scan, backward, where time is split: what each span of steps hands to the adjoint at its early edge, from no adjoint at its late edge:
//   carry = sum over t of exp(A (delta_first + .. + delta_t)) C_t g_t,  decay = sum of delta.
// The walk starts at the early edge, so contributions only shrink: it leaves out blocks of 4 states that every channel of the warp has forgotten
// and stops when all have. Lane = one channel with its N states; a warp is alone, no barrier of the block.
#define C_T 16
#define C_ROW (32 * GS_ESIZE)
#define C_STAGE (2 * C_T * C_ROW + C_T * GS_N * GS_ESIZE)
// Shared memory, bytes: two stages of delta, g, C; C as float
#define C_SMEM (2 * C_STAGE + C_T * GS_N * 4)

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
    float slow[GS_N / 4];                                  // the slowest decay of 4 states
#pragma unroll
    for (int n = 0; n < GS_N; n++)
    {
        w.a[n] = GS_A_LOG2(s.a[(i64)dl * GS_N + n]);
        w.carry[n] = 0.0f;
        slow[n / 4] = n % 4 == 0 ? w.a[n] : fmaxf(slow[n / 4], w.a[n]);
    }
    w.sigma = 0.0f;
    const float bias = s.bias != 0 ? s.bias[dl] : 0.0f;

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
        const unsigned char* at = smem + buffer * C_STAGE;
#pragma unroll
        for (int i = 0; i < C_T * GS_N * GS_ESIZE / 512; i++) // widen this lane's own pieces of C
        {
            const int piece = lane + i * 32;
            float* to = wide + piece * (16 / GS_ESIZE);
            const uint4 v = *(const uint4*)(at + 2 * C_T * C_ROW + piece * 16);
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
            d[t] = gs_softplus(gs_load1(at, t * 32 + lane) + bias);
            g[t] = gs_load1(at + C_T * C_ROW, t * 32 + lane);
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
        if (awake[3]) gs_walk<16>(w, d, g, wide);
        else if (awake[2]) gs_walk<12>(w, d, g, wide);
        else if (awake[1]) gs_walk<8>(w, d, g, wide);
        else if (awake[0]) gs_walk<4>(w, d, g, wide);
        else break;
        gs_warp_sync();
    }
    gs_copy_wait();
    if (d0 + lane < D)
    {
        const i64 to = ((i64)b * p.spans + r) * D + d0 + lane;
#pragma unroll
        for (int n = 0; n < GS_N; n += 4)
            *(float4*)(s.carry + to * GS_N + n) = make_float4(w.carry[n], w.carry[n + 1], w.carry[n + 2], w.carry[n + 3]);
        s.decay[to] = w.sigma;
    }
}
