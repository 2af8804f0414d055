// Selective scan, forward: h_t = exp(delta_t A) h_{t-1} + delta_t B_t u_t;  y_t = C_t h_t + D u_t;  out_t = y_t silu(z_t).
//
// A block takes a tile of 16 channels x (16 * GS_TL) time steps. A lane holds one channel and 16 consecutive steps; GS_TL lanes
// of a warp are consecutive time blocks of one channel. For each state n the lane keeps its 16 decays in registers, scans them from
// zero, the lanes combine their ends by a log-step scan (the decay over any span is exp(A * sum delta), so no products are carried),
// the state at the tile's start comes from the tile before it through a tagged word in L2, and a second sweep over the
// same registers gives h and C h. So every exponential is paid once and no pre-pass is needed, however few channels there are.
//
// The chain between tiles is always folded in time order, so results do not depend on scheduling. Tiles are handed out by a
// ticket in time order: a tile waits only for tiles that are already running, so the kernel cannot deadlock.
#ifndef GS_TL
#define GS_TL 8                       // time lanes: 8 or 16 (16: half as many hops of the chain per step, but too much shared memory for 3 blocks)
#endif
#define F_CPW (32 / GS_TL)            // channels of a warp
#define F_NT (16 / F_CPW * 32)        // threads
#define F_TC (GS_T * GS_TL)           // steps of a tile
#ifndef GS_FWD_BLOCKS
#define GS_FWD_BLOCKS (384 / F_NT)
#endif
#define F_LEVELS (GS_TL == 16 ? 4 : 3)
#define F_PAD 20
#define F_ROW (GS_TL * F_PAD)         // floats of a shared row of B or C
#define F_CH (GS_TL == 16 ? 336 : 168) // floats of a shared row of delta, du
#define F_ARR (16 * F_CH + 16)
#define F_STAGE (3 * 2 * GS_PIECES * F_NT * 16)
// Shared memory, bytes: delta, du [F_ARR]; B, C [N][F_ROW]; A, state in, state out [N][16]; checkpoints [GS_TL][GS_CK_ROW]; ticket; staging of delta, u, z, twice
// (74,000 bytes with bf16 activations and checkpoints; 102,672 with float for both)
#define F_SMEM (2 * F_ARR * 4 + 2 * GS_N * F_ROW * 4 + 3 * GS_N * 16 * 4 + GS_TL * GS_CK_ROW + 16 + 2 * F_STAGE)

#ifndef GS_FWD_UNROLL
#define GS_FWD_UNROLL 1
#endif
// Words of one chain: [tile mod slots][N][16 channels]
__device__ __forceinline__ u64* words(const GsArgs& p, int scan, int b, int chunks, int chunk)
{ return p.ring + ((((i64)scan * p.batch + b) * chunks + chunk) * GS_SLOTS) * (GS_N * 16); }

static constexpr int fwdUnroll = GS_FWD_UNROLL;
extern "C" __global__ void __launch_bounds__(F_NT, GS_FWD_BLOCKS) gs_scan_fwd(const __grid_constant__ GsArgs p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    float* sDelta = (float*)smem;
    float* sDu = sDelta + F_ARR;
    float* sB = sDu + F_ARR;
    float* sA = sB + 2 * GS_N * F_ROW;
    float* sIn = sA + GS_N * 16;
    float* sOut = sIn + GS_N * 16;
    unsigned char* sCk = (unsigned char*)(sOut + GS_N * 16);
#if GS_DEBUG
    u32 spins = 0;
#endif
    const u32 zero = (u32)p.zero;
    u32* sTicket = (u32*)(sCk + GS_TL * GS_CK_ROW);
    unsigned char* sStage = (unsigned char*)(sTicket + 4);

    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    const int q = lane & (F_CPW - 1), g = lane / F_CPW;   // channel within the warp, time block
    const int ch = warp * F_CPW + q;
    const int half = tid & 1;                             // elementwise phases: a thread takes 8 channels of a row
    const int L = p.length, D = p.d_inner;
    const int chunks = (D + 15) >> 4;                     // groups of 16 channels
    const int sets = (chunks + p.groups - 1) / p.groups;
    const u32 lanesOfTiles = (u32)(p.batch * p.scans * sets);
    const u32 total = lanesOfTiles * (u32)p.tiles;
    const int blocks16 = (L + 15) >> 4;

    // Starts copying a chunk of a tile into the thread's own staging slots: delta, u, z of two rows.
    const auto fetch = [&](u32 of, int ahead, int buffer)
    {
        const int t0 = (int)(of / lanesOfTiles) * F_TC;
        int rest = (int)(of % lanesOfTiles);
        const int chunk = rest % sets * p.groups + ahead; rest /= sets;
        const GsScan& s = p.s[rest / p.batch];
        const i64 rowBase = (i64)(rest % p.batch) * L;
        const int dh = chunk * 16 + half * 8, dSafe = dh < D ? dh : 0;
        unsigned char* to = sStage + buffer * F_STAGE;
#pragma unroll
        for (int it = 0; it < 2; it++)
        {
            const int tc = min(t0 + (tid >> 1) + it * (F_NT / 2), L - 1);
            const i64 r = rowBase + (s.reverse ? L - 1 - tc : tc);
            gs_stage8(to, F_NT, tid, it, s.delta, r * s.delta_stride + dSafe);
            gs_stage8(to, F_NT, tid, 2 + it, s.u, r * s.u_stride + dSafe);
            if (s.z != 0) gs_stage8(to, F_NT, tid, 4 + it, s.z, r * s.z_stride + dSafe);
        }
        gs_copy_commit();
    };

    if (tid == 0) *sTicket = gs_ticket(p.ticket, total + gridDim.x - 1);
    __syncthreads();
    u32 ticket = *sTicket;
    if (ticket < total) fetch(ticket, 0, 0);
    int buffer = 0;
    while (ticket < total)
    {
        const int k = (int)(ticket / lanesOfTiles);       // time tile, in scan order
        int rest = (int)(ticket % lanesOfTiles);
        const int set = rest % sets; rest /= sets;
        const int b = rest % p.batch, scan = rest / p.batch;
        const GsScan& s = p.s[scan];
        const int rev = s.reverse;
        const int t0 = k * F_TC;
        const i64 rowBase = (i64)b * L;
        const bool last = k == p.tiles - 1;

        // B and C of the tile, widened and transposed to [n][t].
        for (int i = tid; i < F_TC * (GS_N / 8); i += F_NT)
        {
            const int t = i % F_TC, n0 = (i / F_TC) * 8;
            float fb[8], fc[8];
            const int tt = t0 + t;
            if (tt < L)
            {
                const i64 r = rowBase + (rev ? L - 1 - tt : tt);
                gs_load8(s.bmat, r * s.b_stride + n0, fb);
                gs_load8(s.cmat, r * s.c_stride + n0, fc);
            }
            else for (int j = 0; j < 8; j++) { fb[j] = 0.0f; fc[j] = 0.0f; }
            float* to = sB + n0 * F_ROW + gs_padded(t, F_PAD);
#pragma unroll
            for (int j = 0; j < 8; j++) { to[j * F_ROW] = fb[j]; to[(GS_N + j) * F_ROW] = fc[j]; }
        }

        const int chunkEnd = min(chunks, (set + 1) * p.groups);
        for (int chunk = set * p.groups; chunk < chunkEnd; chunk++)
        {
            const int d0 = chunk * 16;
            const int dh = d0 + half * 8;                 // first of this thread's 8 channels
            const bool dOk = dh < D;
            // --- elementwise: delta = softplus(raw + bias), du = delta * u ---
            const int dSafe = dOk ? dh : 0;
            {
                float de[2][8], fu[2][8], bias8[8];
                bool ok[2], reset[2];
#pragma unroll
                for (int it = 0; it < 2; it++)
                {
                    const int tt = t0 + (tid >> 1) + it * (F_NT / 2), tc = min(tt, L - 1);
                    ok[it] = tt < L && dOk;
                    reset[it] = false;
                    if (s.ids != 0 && tc > 0 && tt < L)     // no reset past the end: the last state stays
                    {
                        const i64 r = rowBase + (rev ? L - 1 - tc : tc);
                        reset[it] = s.ids[r] != s.ids[rev ? r + 1 : r - 1];
                    }
                }
                float an8[GS_N * 16 / F_NT], in8[GS_N * 16 / F_NT];
#pragma unroll
                for (int i = 0; i < GS_N * 16 / F_NT; i++)
                {
                    const int e = tid + i * F_NT, c = e / GS_N, n = e % GS_N, d = d0 + c;
                    an8[i] = s.a[(i64)min(d, D - 1) * GS_N + n];
                    in8[i] = k == 0 && s.h0 != 0 && d < D ? s.h0[((i64)b * D + d) * GS_N + n] : 0.0f;
                }
                if (s.bias != 0) gs_load8f(s.bias + dSafe, bias8);
                else
                {
#pragma unroll
                    for (int j = 0; j < 8; j++) bias8[j] = 0.0f;
                }
                const unsigned char* from = sStage + buffer * F_STAGE;
                gs_copy_wait();
#pragma unroll
                for (int it = 0; it < 2; it++)
                {
                    const int at = gs_chan(half * 8, F_CH) + gs_time((tid >> 1) + it * (F_NT / 2));
                    gs_staged8(from, F_NT, tid, it, de[it]);
                    gs_staged8(from, F_NT, tid, 2 + it, fu[it]);
#pragma unroll
                    for (int j = 0; j < 8; j++)
                    {
                        float d = gs_softplus(de[it][j] + bias8[j]);
                        d = ok[it] ? d : 0.0f;
                        sDu[at + j * F_CH] = d * fu[it][j];
                        sDelta[at + j * F_CH] = reset[it] ? GS_BIG : d; // an infinite step: the decay becomes zero
                    }
                }
#pragma unroll
                for (int i = 0; i < GS_N * 16 / F_NT; i++)
                {
                    const int e = tid + i * F_NT, at = e % GS_N * 16 + e / GS_N;
                    sA[at] = fminf(an8[i] * GS_LOG2E, -1e-30f);
                    sIn[at] = in8[i];
                }
            }
            __syncthreads();

            // --- scan ---
            const bool more = chunk + 1 < chunkEnd;
            if (more) fetch(ticket, chunk + 1 - set * p.groups, buffer ^ 1);
            else if (tid == 0) *sTicket = gs_ticket(p.ticket, total + gridDim.x - 1);
            {
                float dl[GS_T], du[GS_T], y[GS_T];
#pragma unroll
                for (int i = 0; i < 4; i++)
                {
                    const int at = gs_chan(ch, F_CH) + g * 20 + i * 4;
                    const float4 v = *(const float4*)(sDelta + at), w = *(const float4*)(sDu + at);
                    dl[4 * i] = v.x; dl[4 * i + 1] = v.y; dl[4 * i + 2] = v.z; dl[4 * i + 3] = v.w;
                    du[4 * i] = w.x; du[4 * i + 1] = w.y; du[4 * i + 2] = w.z; du[4 * i + 3] = w.w;
                }
                float span = 0.0f;
#pragma unroll
                for (int t = 0; t < GS_T; t++) { span += dl[t]; y[t] = 0.0f; }
                float level[F_LEVELS];                    // sum of delta over the span that a level carries across; "infinite" where nothing comes in
#pragma unroll
                for (int l = 0; l < F_LEVELS; l++)
                {
                    const float o = gs_up(span, F_CPW << l);
                    const bool in = g >= (1 << l);
                    level[l] = in ? span : GS_BIG;
                    if (in) span += o;
                }                                          // span: from the tile's start to this block's end
                const u64* in = words(p, scan, b, chunks, chunk) + ((k - 1) & (GS_SLOTS - 1)) * (GS_N * 16) + ch;
                u64* to = words(p, scan, b, chunks, chunk) + (k & (GS_SLOTS - 1)) * (GS_N * 16) + ch;
                const bool tail = g == GS_TL - 1, publish = tail && !last;
                const float* pB = sB + g * F_PAD;
                const float* pA = sA + ch;
#if GS_CK_F32
                float* pCk = (float*)(sCk + g * GS_CK_ROW) + ch;
#else
                u16* pCk = (u16*)(sCk + g * GS_CK_ROW) + ch;
#endif
                u32 value, tag;                           // the state before the tile, loaded one state ahead; a first tile reads zero words (tag 0)
                gs_ld_word(in, value, tag);
#pragma unroll fwdUnroll
                for (int n = 0; n < GS_N; n++)
                {
                    const float an = pA[0];
                    float a[GS_T], bu[GS_T];
#pragma unroll
                    for (int i = 0; i < 4; i++)
                    {
                        const float4 v = *(const float4*)(pB + i * 4);
                        bu[4 * i] = du[4 * i] * v.x; bu[4 * i + 1] = du[4 * i + 1] * v.y;
                        bu[4 * i + 2] = du[4 * i + 2] * v.z; bu[4 * i + 3] = du[4 * i + 3] * v.w;
                    }
#pragma unroll
                    for (int t = 0; t < GS_T; t++) a[t] = gs_ex2(an * dl[t]);
                    float v = bu[0];
#pragma unroll
                    for (int t = 1; t < GS_T; t++) v = fmaf(a[t], v, bu[t]);
#pragma unroll
                    for (int l = 0; l < F_LEVELS; l++)
                    {
                        const float o = gs_up(v, F_CPW << l);
                        v = fmaf(gs_ex2(an * level[l]), o, v);
                    }
                    tag ^= __float_as_uint(v) & zero;           // a false dependency: the tag must not be looked at, and so waited for, before the lanes' scan
                    while (gs_any(tag != (u32)k)) { gs_ld_word(in, value, tag); GS_STUCK(1, k, chunk, n, ch, tag) }
                    const float x = __uint_as_float(value) + pA[GS_N * 16]; // one of the two is zero: the initial state enters in the first tile
                    gs_ld_word(in + 16, value, tag);
                    v = fmaf(gs_ex2(an * span), x, v);    // state at this block's end
                    gs_st_word(to, v, (u32)(k + 1), publish);
                    if (tail) ((float*)pA)[2 * GS_N * 16] = v;
                    float h = gs_up(v, F_CPW);
                    if (g == 0) h = x;
#if GS_CK_F32
                    *pCk = h;
#else
                    *pCk = gs_to_bf16(h);
#endif
#pragma unroll
                    for (int i = 0; i < 4; i++)
                    {
                        const float4 c = *(const float4*)(pB + GS_N * F_ROW + i * 4);
                        h = fmaf(a[4 * i], h, bu[4 * i]); y[4 * i] = fmaf(c.x, h, y[4 * i]);
                        h = fmaf(a[4 * i + 1], h, bu[4 * i + 1]); y[4 * i + 1] = fmaf(c.y, h, y[4 * i + 1]);
                        h = fmaf(a[4 * i + 2], h, bu[4 * i + 2]); y[4 * i + 2] = fmaf(c.z, h, y[4 * i + 2]);
                        h = fmaf(a[4 * i + 3], h, bu[4 * i + 3]); y[4 * i + 3] = fmaf(c.w, h, y[4 * i + 3]);
                    }
                    in += 16; to += 16; pA += 16; pB += F_ROW; pCk += 16;
                }
#pragma unroll
                for (int i = 0; i < 4; i++)               // y takes the lane's own places of delta
                    *(float4*)(sDelta + gs_chan(ch, F_CH) + g * 20 + i * 4) = make_float4(y[4 * i], y[4 * i + 1], y[4 * i + 2], y[4 * i + 3]);
            }
            __syncthreads();

            u32 nextTicket = ticket;
            if (!more)
            {
                nextTicket = *sTicket;
                if (nextTicket < total) fetch(nextTicket, 0, buffer ^ 1);
            }

            // --- elementwise: skip and gate; store ---
            if (dOk)
            {
                float fu[2][8], fz[2][8], skip8[8];
                const unsigned char* from = sStage + buffer * F_STAGE;
                if (s.skip != 0) gs_load8f(s.skip + dh, skip8);
                else
                {
#pragma unroll
                    for (int j = 0; j < 8; j++) skip8[j] = 0.0f;
                }
#pragma unroll
                for (int it = 0; it < 2; it++)
                {
                    const int tt = t0 + (tid >> 1) + it * (F_NT / 2);
                    const int at = gs_chan(half * 8, F_CH) + gs_time((tid >> 1) + it * (F_NT / 2));
                    if (tt >= L) continue;
                    const i64 r = rowBase + (rev ? L - 1 - tt : tt);
                    gs_staged8(from, F_NT, tid, 2 + it, fu[it]);
                    if (s.z != 0) gs_staged8(from, F_NT, tid, 4 + it, fz[it]);
#pragma unroll
                    for (int j = 0; j < 8; j++) fu[it][j] = fmaf(skip8[j], fu[it][j], sDelta[at + j * F_CH]);
                    if (s.y != 0) gs_store8(s.y, r * D + dh, fu[it]);
                    if (s.z != 0)
                    {
#pragma unroll
                        for (int j = 0; j < 8; j++) fu[it][j] *= fz[it][j] * gs_sigmoid(fz[it][j]);
                    }
                    gs_store8(s.out, r * s.out_stride + dh, fu[it]);
                }
            }
            if (last)                                     // final state; clear the chain's words for the next launch
            {
                u64* w = words(p, scan, b, chunks, chunk);
                for (int i = tid; i < GS_N * 16; i += F_NT)
                {
                    const int d = d0 + i / GS_N, n = i % GS_N;
                    if (s.h_last != 0 && d < D) s.h_last[((i64)b * D + d) * GS_N + n] = sOut[n * 16 + i / GS_N];
                    if (k > 0)
                        for (int slot = 0; slot < min(GS_SLOTS, k); slot++) w[slot * (GS_N * 16) + i] = 0;
                }
            }
            if (s.ckpt != 0)
            {
                for (int i = tid; i < GS_TL * (GS_CK_BLOCK / 16); i += F_NT)
                {
                    const int blk = i / (GS_CK_BLOCK / 16), part = i % (GS_CK_BLOCK / 16);
                    const int gb = k * GS_TL + blk;
                    if (gb < blocks16)
                        ((uint4*)((unsigned char*)s.ckpt + (((i64)b * blocks16 + gb) * chunks + chunk) * GS_CK_BLOCK))[part] = *(const uint4*)(sCk + blk * GS_CK_ROW + part * 16);
                }
            }
            __syncthreads();
            buffer ^= 1;
            if (!more) { ticket = nextTicket; break; }
        }
    }
}
