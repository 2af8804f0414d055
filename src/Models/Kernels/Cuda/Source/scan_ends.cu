// Pre-pass of the serial forward scan: the state at the end of each segment from a zero start, sum_t exp(A (sigma_end - sigma_t)) delta_t u_t B_t
// with sigma the running sum of delta. The walk goes backwards from the segment's end; states with large |A| are forgotten soon, and the loop continues for
// as few of them as are still felt by any channel of the warp. It ends where none is, or at a cleared state.

// A cleared state within the stage that begins at t0: steps before it take no part, and the stage is the last.
__device__ __forceinline__ void gs_cut(const GsLane& k, const GsForward& p, const GsForwardScan& s, int b, int buffer, int t0, int stage, int& stop)
{
    const int t = t0 + (k.lane & 7);
    const i64 r = (i64)b * p.length + (s.reverse ? p.length - 1 - t : t);
    const u32 clears = __ballot_sync(0xffffffffu, t > 0 && s.ids[r] != s.ids[t == 0 ? r : s.reverse ? r + 1 : r - 1]) & 255;
    if (clears == 0) return;
    stop = stage;
    for (int i = 0; i < S_T / 2; i++)
    {
        const int row = 2 * i + (k.lane & 1);
        if (clears >> (row + 1) != 0)
            *(float4*)(k.pairs + buffer * S_PAIRS + row * S_PAIR + (k.lane >> 1) * 4) = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    }
}

// Steps while any of the J states of each parity is felt. Returns the next stage.
template <int J> __device__ __forceinline__ int gs_walk(
    GsLane& k, const GsForward& p, const GsForwardScan& s, int b, int tEnd, int count, int stage, int& stop, int& now, int& next, int& after,
    const float* ao, const float* ax, float* ho, float* hx, float& sumO, float& sumX)
{
    const int lane = k.lane, pairOwn = lane * 2, pairOther = (lane ^ 1) * 2;
    while (stage < count && stage <= stop)
    {
        if ((stage & 1) == 0)
        {
            const float felt = fmaxf(fmaxf(ao[J - 1] * sumO, ao[J - 2] * sumO), fmaxf(ax[J - 1] * sumX, ax[J - 2] * sumX));
            if (!gs_any(felt > GS_DEAD)) break;
        }
        const int buffer = stage & 1;
        gs_copy_wait();
        gs_warp_sync();
        if (stage + 2 < count) gs_fetch<false>(k, after, S_T);
        gs_copy_commit();
        gs_advance(k, -1);
        const float* pairs = k.pairs + buffer * S_PAIRS;
        const float* wide = k.wide + buffer * S_WIDE + (lane & 1) * S_J;
        gs_widen<false>(k, next, buffer ^ 1);
#pragma unroll
        for (int i = 0; i < S_T / 2; i++) gs_elementwise(k, next, buffer ^ 1, i);
#pragma unroll
        for (int t = S_T - 1; t >= 0; t--)
        {
            const float2 o = *(const float2*)(pairs + t * S_PAIR + pairOwn), x = *(const float2*)(pairs + t * S_PAIR + pairOther);
#pragma unroll
            for (int j = 0; j < J; j += 2)
            {
                const float2 b2 = *(const float2*)(wide + t * (2 * GS_N) + j);
                ho[j] = fmaf(gs_ex2(ao[j] * sumO), o.y * b2.x, ho[j]);
                hx[j] = fmaf(gs_ex2(ax[j] * sumX), x.y * b2.x, hx[j]);
                ho[j + 1] = fmaf(gs_ex2(ao[j + 1] * sumO), o.y * b2.y, ho[j + 1]);
                hx[j + 1] = fmaf(gs_ex2(ax[j + 1] * sumX), x.y * b2.y, hx[j + 1]);
            }
            sumO += o.x; sumX += x.x;
        }
        stage++;
        if (s.ids != 0 && stage < count && stop == count) gs_cut(k, p, s, b, buffer ^ 1, tEnd - (stage + 1) * S_T, stage, stop);
        const int done = now;
        now = next; next = after; after = done;
    }
    return stage;
}

// Grid scans * batch * (segments - 1) * ceil(d_inner / 32), 32 threads: the last segment's end is not asked for.
extern "C" __global__ void __launch_bounds__(32) gs_scan_ends(const __grid_constant__ GsForward p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    const int lane = threadIdx.x, parity = lane & 1;
    const int D = p.d_inner, strips = (D + 31) >> 5;
    int task = blockIdx.x;
    const int strip = task % strips, d0 = strip * 32; task /= strips;
    const int seg = task % (p.segments - 1); task /= p.segments - 1;
    const int b = task % p.batch;
    const GsForwardScan& s = p.s[task / p.batch];
    const int own = min(d0 + lane, D - 1 - (lane & 1 ^ 1)), other = own ^ 1;

    GsLane k;
    k.lane = lane;
    k.stages = smem;
    k.pairs = (float*)(smem + S_STAGES * S_STAGE);
    k.wide = k.pairs + 2 * S_PAIRS;
    k.bias0 = s.bias != 0 ? s.bias[min(own, other)] : 0.0f;
    k.bias1 = s.bias != 0 ? s.bias[max(own, other)] : 0.0f;
    float ao[S_J], ax[S_J], ho[S_J], hx[S_J], sumO = 0.0f, sumX = 0.0f;
    gs_load_states(s.a, own, other, parity, ao, ax);
#pragma unroll
    for (int j = 0; j < S_J; j++) { ao[j] = fminf(ao[j] * GS_LOG2E, -1e-30f); ax[j] = fminf(ax[j] * GS_LOG2E, -1e-30f); ho[j] = hx[j] = 0.0f; }

    const int tEnd = (seg + 1) * p.steps, count = p.steps / S_T; // stage i holds the steps tEnd - 8 (i + 1) ...
    gs_point(k, p, s, b, d0, tEnd - S_T);
    int now = 0, next = S_STAGE, after = 2 * S_STAGE;
    gs_fetch<false>(k, now, S_T);
    gs_copy_commit();
    gs_advance(k, -1);
    gs_fetch<false>(k, next, S_T);                         // a segment has two stages at least
    gs_copy_commit();
    gs_advance(k, -1);
    gs_copy_wait_for(1);
    gs_warp_sync();
#pragma unroll
    for (int i = 0; i < S_T / 2; i++) gs_elementwise(k, now, 0, i);
    gs_widen<false>(k, now, 0);
    int stop = count;                                      // the last stage to take
    if (s.ids != 0) gs_cut(k, p, s, b, 0, tEnd - S_T, 0, stop);

    int stage = 0;
    stage = gs_walk<8>(k, p, s, b, tEnd, count, stage, stop, now, next, after, ao, ax, ho, hx, sumO, sumX);
    stage = gs_walk<6>(k, p, s, b, tEnd, count, stage, stop, now, next, after, ao, ax, ho, hx, sumO, sumX);
    stage = gs_walk<4>(k, p, s, b, tEnd, count, stage, stop, now, next, after, ao, ax, ho, hx, sumO, sumX);
    stage = gs_walk<2>(k, p, s, b, tEnd, count, stage, stop, now, next, after, ao, ax, ho, hx, sumO, sumX);
    gs_copy_wait();
    if (stop < count) sumO = sumX = S_BIG;                 // nothing from before the cut
    float* e = s.ends + (((i64)b * p.segments + seg) * strips + strip) * S_END + lane;
#pragma unroll
    for (int j = 0; j < S_J; j++) { e[j * 32] = ho[j]; e[(S_J + j) * 32] = hx[j]; }
    e[2 * S_J * 32] = sumO; e[(2 * S_J + 1) * 32] = sumX;
}
