// Selective scan, backward. Same lane layout as the forward with 8 time lanes: lane = 4 g + q, channel q of the warp's 4, time block g of 16 steps.
//   lambda_t = C_t g_t + a_{t+1} lambda_{t+1},  g = dout silu(z);  w = lambda_t (a_t h_{t-1});
//   dB += lambda delta u, dC += g h, du = D g + delta sum(lambda B), ddelta = u sum(lambda B) + sum(w A), dA += w delta.
// h restarts from the checkpoint of every 16-step block, so the states need no scan here; lambda needs one, done as in the forward
// with tiles chained from the end. The 16 decays of a lane and state stay in registers for both directions: one exponential per (state, step).
// dB, dC: the sum over a quad's 4 channels runs on the tensor cores (a constant 0/1 selection as B operand), whose accumulators are added
// up over the block's warps and channel groups in shared memory, in a fixed order.
#ifndef GS_BWD_BLOCKS
#define GS_BWD_BLOCKS 2
#endif
#ifndef GS_G_REGS
#define GS_G_REGS 1                   // 1: g stays in registers; 0: read from shared memory for every state
#endif
// The products are cut to tf32 (10 bits) by the tensor core; GS_EXACT_BC = 1 adds the cut-off part in a second product (for float gradients).
#ifndef GS_EXACT_BC
#define GS_EXACT_BC GS_F32_IO
#endif
#if GS_EXACT_BC
#define GS_SUM4(c, a0, a1, a2, a3, b0, b1) gs_sum4_exact(c, a0, a1, a2, a3, b0, b1)
__device__ __forceinline__ float gs_cut(float v) { return __uint_as_float(__float_as_uint(v) & 0xffffe000u); }
__device__ __forceinline__ void gs_sum4_exact(float4& c, float a0, float a1, float a2, float a3, float b0, float b1)
{
    const float h0 = gs_cut(a0), h1 = gs_cut(a1), h2 = gs_cut(a2), h3 = gs_cut(a3);
    gs_mma_tf32(c, h0, h1, h2, h3, b0, b1);
    gs_mma_tf32(c, a0 - h0, a1 - h1, a2 - h2, a3 - h3, b0, b1);
}
#else
#define GS_SUM4(c, a0, a1, a2, a3, b0, b1) gs_mma_tf32(c, a0, a1, a2, a3, b0, b1)
#endif
#define R_TL 8
#define R_NT 128
#define R_TC 128
#define R_PAR (GS_N * 16 + 32)        // dA [N][16], d skip [16], d bias [16]
#define R_PADDED 16
#define R_ROW (R_TL * R_PADDED)       // floats of a shared row of B or C
#define R_CH 168                      // floats of a shared row of delta, du, g
#define R_ARR (16 * R_CH + 16)
// Shared memory, bytes: delta, du, g [R_ARR]; B, C [N][R_ROW]; sums of dB, dC [N][128]; A, carry in, carry out, dA [N][16]; selection [8][8]; dA of a quarter [4 warps][4][32];
// skip, bias sums [4][32]; checkpoints [8][GS_CK_ROW]; ticket; staging of delta, u, dout, z twice, of y once
#define R_STAGE (4 * 2 * GS_PIECES * R_NT * 16)
#define R_SMEM (3 * R_ARR * 4 + 4 * 128 * 4 + 2 * GS_N * R_ROW * 4 + 2 * GS_N * R_TC * 4 + 4 * GS_N * 16 * 4 + 64 * 4 + 128 * 4 + R_TL * GS_CK_ROW + 16 + R_STAGE * 9 / 4)
#ifndef GS_SEL_REGS
#define GS_SEL_REGS 1                 // 1: the selection operand stays in 8 registers; 0: read from shared memory
#endif
// Words of one chain: carries [tile mod slots][N][16], then parameter sums [tile mod slots][R_PAR]
__device__ __forceinline__ u64* words(const GsArgs& p, int scan, int b, int chunks, int chunk)
{ return p.ring + ((((i64)scan * p.batch + b) * chunks + chunk) * GS_SLOTS) * (GS_N * 16 + R_PAR); }

#define R_CKN (R_TL * (GS_CK_BLOCK / 16) / R_NT)

extern "C" __global__ void __launch_bounds__(R_NT, GS_BWD_BLOCKS) gs_scan_bwd(const __grid_constant__ GsArgs p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    float* sDelta = (float*)smem;
    float* sDu = sDelta + R_ARR;
    float* sG = sDu + R_ARR;
    float* sB = sG + R_ARR;
    float* sSumB = sB + 2 * GS_N * R_ROW;                  // [N][128], dC after dB
    float* sA = sSumB + 2 * GS_N * R_TC;
    float* sIn = sA + GS_N * 16;
    float* sOut = sIn + GS_N * 16;
    float* sDa = sOut + GS_N * 16;
    float* sSel = sDa + GS_N * 16;
    float* sDaq = sSel + 64;
    float* sRed = sDaq + 4 * 128;
    unsigned char* sCk = (unsigned char*)(sRed + 128);
#if GS_DEBUG
    u32 spins = 0;
#endif
    const u32 zero = (u32)p.zero;
    u32* sTicket = (u32*)(sCk + R_TL * GS_CK_ROW);
    unsigned char* sStage = (unsigned char*)(sTicket + 4);

    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    const int q = lane & 3, g = lane >> 2;
    const int ch = warp * 4 + q;
    const int half = tid & 1;
    const int L = p.length, D = p.d_inner;
    const int chunks = (D + 15) >> 4;
    const int sets = (chunks + p.groups - 1) / p.groups;
    const u32 lanesOfTiles = (u32)(p.batch * p.scans * sets);
    const u32 total = lanesOfTiles * (u32)p.tiles;
    const int blocks16 = (L + 15) >> 4;
    const i64 padded = (i64)p.tiles * R_TC;
    // Columns 2m and 2m+1 of the m-th product collect the times 4m, 4m+1 (rows g) and 4m+2, 4m+3 (rows g+8).
#if GS_SEL_REGS
    float sel[8];
#pragma unroll
    for (int c = 0; c < 8; c++) sel[c] = g == c ? 1.0f : 0.0f;
#else
    if (tid < 64) sSel[tid] = (tid >> 3) == (tid & 7) ? 1.0f : 0.0f;
#endif

    // Starts copying a chunk of a tile: delta, u, dout, z of two rows into the thread's own staging slots, and the checkpoints.
    const auto fetch = [&](u32 of, int ahead, int buffer, bool data, bool states)
    {
        const int k = p.tiles - 1 - (int)(of / lanesOfTiles);
        int rest = (int)(of % lanesOfTiles);
        const int chunk = rest % sets * p.groups + ahead; rest /= sets;
        const GsScan& s = p.s[rest / p.batch];
        const int b = rest % p.batch;
        const int dh = chunk * 16 + half * 8, dSafe = dh < D ? dh : 0;
        unsigned char* to = sStage + buffer * R_STAGE;
        if (data)
#pragma unroll
        for (int it = 0; it < 2; it++)
        {
            const int tc = min(k * R_TC + (tid >> 1) + it * (R_NT / 2), L - 1);
            const i64 r = (i64)b * L + (s.reverse ? L - 1 - tc : tc);
            gs_stage8(to, R_NT, tid, it, s.delta, r * s.delta_stride + dSafe);
            gs_stage8(to, R_NT, tid, 2 + it, s.u, r * s.u_stride + dSafe);
            gs_stage8(to, R_NT, tid, 4 + it, s.dout, r * s.dout_stride + dSafe);
            if (s.z != 0) gs_stage8(to, R_NT, tid, 6 + it, s.z, r * s.z_stride + dSafe);
        }
        if (states)
#pragma unroll
        for (int i = 0; i < R_CKN; i++)
        {
            const int blk = (tid + i * R_NT) / (GS_CK_BLOCK / 16), part = (tid + i * R_NT) % (GS_CK_BLOCK / 16);
            const int gb = min(k * R_TL + blk, blocks16 - 1);
            gs_copy16(sCk + blk * GS_CK_ROW + part * 16, (const unsigned char*)s.ckpt + (((i64)b * blocks16 + gb) * chunks + chunk) * GS_CK_BLOCK + part * 16);
        }
        gs_copy_commit();
    };

    if (tid == 0) *sTicket = gs_ticket(p.ticket, total + gridDim.x - 1);
    __syncthreads();
    u32 ticket = *sTicket;
    if (ticket < total) fetch(ticket, 0, 0, true, true);
    int buffer = 0;
    while (ticket < total)
    {
        const int step = (int)(ticket / lanesOfTiles);    // how many tiles lie after this one
        int rest = (int)(ticket % lanesOfTiles);
        const int set = rest % sets; rest /= sets;
        const int b = rest % p.batch, scan = rest / p.batch;
        const GsScan& s = p.s[scan];
        const int rev = s.reverse;
        const int k = p.tiles - 1 - step;
        const int t0 = k * R_TC;
        const i64 rowBase = (i64)b * L;
        const bool last = k == 0;                         // last of the backward chain

        for (int i = tid; i < R_TC * (GS_N / 8); i += R_NT)
        {
            const int t = i % R_TC, n0 = (i / R_TC) * 8;
            float fb[8], fc[8];
            const int tt = t0 + t;
            if (tt < L)
            {
                const i64 r = rowBase + (rev ? L - 1 - tt : tt);
                gs_load8(s.bmat, r * s.b_stride + n0, fb);
                gs_load8(s.cmat, r * s.c_stride + n0, fc);
            }
            else for (int j = 0; j < 8; j++) { fb[j] = 0.0f; fc[j] = 0.0f; }
            float* to = sB + n0 * R_ROW + gs_padded(t, R_PADDED);
#pragma unroll
            for (int j = 0; j < 8; j++) { to[j * R_ROW] = fb[j]; to[(GS_N + j) * R_ROW] = fc[j]; }
        }

        const int chunkEnd = min(chunks, (set + 1) * p.groups);
        int round = 0;
        for (int chunk = set * p.groups; chunk < chunkEnd; chunk++, round++)
        {
            const int d0 = chunk * 16;
            const int dh = d0 + half * 8;
            const bool dOk = dh < D;
            // --- elementwise: delta, delta u, g = dout silu(z); checkpoints; A ---
            const int dSafe = dOk ? dh : 0;
            {
                float bias8[8];
                bool ok[2], reset[2];
#pragma unroll
                for (int it = 0; it < 2; it++)
                {
                    const int tt = t0 + (tid >> 1) + it * (R_NT / 2), tc = min(tt, L - 1);
                    ok[it] = tt < L && dOk;
                    reset[it] = false;
                    if (s.ids != 0 && tc > 0 && tt < L)     // no reset past the end: the last state stays
                    {
                        const i64 r = rowBase + (rev ? L - 1 - tc : tc);
                        reset[it] = s.ids[r] != s.ids[rev ? r + 1 : r - 1];
                    }
                }
                float an8[GS_N * 16 / R_NT], in8[GS_N * 16 / R_NT];
#pragma unroll
                for (int i = 0; i < GS_N * 16 / R_NT; i++)
                {
                    const int e = tid + i * R_NT, c = e / GS_N, n = e % GS_N, d = d0 + c;
                    an8[i] = s.a[(i64)min(d, D - 1) * GS_N + n];
                    in8[i] = step == 0 && s.dh_last != 0 && d < D ? s.dh_last[((i64)b * D + d) * GS_N + n] : 0.0f;
                }
                if (s.bias != 0) gs_load8f(s.bias + dSafe, bias8);
                else
                {
#pragma unroll
                    for (int j = 0; j < 8; j++) bias8[j] = 0.0f;
                }
                const unsigned char* from = sStage + buffer * R_STAGE;
                gs_copy_wait();
#pragma unroll
                for (int it = 0; it < 2; it++)
                {
                    const int at = gs_chan(half * 8, R_CH) + gs_time((tid >> 1) + it * (R_NT / 2));
                    float de[8], fu[8], fg[8], fz[8];
                    gs_staged8(from, R_NT, tid, it, de); gs_staged8(from, R_NT, tid, 2 + it, fu); gs_staged8(from, R_NT, tid, 4 + it, fg);
                    if (s.z != 0) gs_staged8(from, R_NT, tid, 6 + it, fz);
#pragma unroll
                    for (int j = 0; j < 8; j++)
                    {
                        float d = gs_softplus(de[j] + bias8[j]);
                        float gv = fg[j];
                        if (s.z != 0) gv *= fz[j] * gs_sigmoid(fz[j]);
                        d = ok[it] ? d : 0.0f;
                        sDu[at + j * R_CH] = d * fu[j];
                        sG[at + j * R_CH] = ok[it] ? gv : 0.0f;
                        sDelta[at + j * R_CH] = reset[it] ? GS_BIG : d;
                    }
                }
#pragma unroll
                for (int i = 0; i < GS_N * 16 / R_NT; i++)
                {
                    const int e = tid + i * R_NT, at = e % GS_N * 16 + e / GS_N;
                    sA[at] = fminf(an8[i] * GS_LOG2E, -1e-30f);
                    sIn[at] = in8[i];
                }
            }
            __syncthreads();

            // --- scan ---
            const bool more = chunk + 1 < chunkEnd;
            unsigned char* sY = sStage + 2 * R_STAGE;
            if (more) fetch(ticket, chunk + 1 - set * p.groups, buffer ^ 1, true, false);
            if (s.z != 0)
            {
#pragma unroll
                for (int it = 0; it < 2; it++)
                {
                    const int tc = min(t0 + (tid >> 1) + it * (R_NT / 2), L - 1);
                    gs_stage8(sY, R_NT, tid, it, s.y, (rowBase + (rev ? L - 1 - tc : tc)) * D + dSafe);
                }
                gs_copy_commit();
            }
            if (!more && tid == 0) *sTicket = gs_ticket(p.ticket, total + gridDim.x - 1);
            {
                float dl[GS_T], du[GS_T], lb[GS_T], wa[GS_T];
#if GS_G_REGS
                float gg[GS_T];
#endif
#pragma unroll
                for (int i = 0; i < 4; i++)
                {
                    const int at = gs_chan(ch, R_CH) + g * 20 + i * 4;
                    const float4 v = *(const float4*)(sDelta + at), w = *(const float4*)(sDu + at);
                    dl[4 * i] = v.x; dl[4 * i + 1] = v.y; dl[4 * i + 2] = v.z; dl[4 * i + 3] = v.w;
                    du[4 * i] = w.x; du[4 * i + 1] = w.y; du[4 * i + 2] = w.z; du[4 * i + 3] = w.w;
#if GS_G_REGS
                    const float4 e = *(const float4*)(sG + at);
                    gg[4 * i] = e.x; gg[4 * i + 1] = e.y; gg[4 * i + 2] = e.z; gg[4 * i + 3] = e.w;
#endif
                }
                float span = 0.0f;
#pragma unroll
                for (int t = 0; t < GS_T; t++) { span += dl[t]; lb[t] = 0.0f; wa[t] = 0.0f; }
                float level[3];
#pragma unroll
                for (int l = 0; l < 3; l++)
                {
                    const float o = gs_down(span, 4 << l);
                    const bool in = g + (1 << l) < 8;
                    level[l] = in ? span : GS_BIG;
                    if (in) span += o;
                }                                          // span: from this block's start to the tile's end
                const u64* chainIn = words(p, scan, b, chunks, chunk) + ((step - 1) & (GS_SLOTS - 1)) * (GS_N * 16) + ch;
                u64* chainOut = words(p, scan, b, chunks, chunk) + (step & (GS_SLOTS - 1)) * (GS_N * 16) + ch;
                const bool publish = g == 0 && !last;
                const int sumAt0 = g * 16 + q * 4;
#if !GS_G_REGS
                const float* pG = sG + gs_chan(ch, R_CH) + g * 20;
#endif

                // In each quarter the warps add to the sums of different states; the order per state is fixed by the rotation.
                u32 value, tag;                           // the carry into the tile, loaded one state ahead; a first tile reads zero words (tag 0)
                gs_ld_word(chainIn + warp * (GS_N / 4) * 16, value, tag);
#pragma unroll 1
                for (int quarter = 0; quarter < 4; quarter++)
                {
                    if (quarter > 0) __syncthreads();
                    const bool first = round == 0 && quarter == 0;
                    const int n0 = ((quarter + warp) & 3) * (GS_N / 4);
                    const u64* in = chainIn + n0 * 16;
                    u64* to = chainOut + n0 * 16;
                    const float* pA = sA + n0 * 16 + ch;
                    const float* pB = sB + n0 * R_ROW + g * R_PADDED;
                    float* pSum = sSumB + n0 * R_TC + sumAt0;
#if GS_CK_F32
                    const float* pCk = (const float*)(sCk + g * GS_CK_ROW) + n0 * 16 + ch;
#else
                    const u16* pCk = (const u16*)(sCk + g * GS_CK_ROW) + n0 * 16 + ch;
#endif
#pragma unroll 1
                    for (int m = 0; m < GS_N / 4; m++)
                    {
                        const float an = pA[0];
#if GS_CK_F32
                        float h = *pCk;
#else
                        float h = gs_from_bf16(*pCk);
#endif
                        float4 sum = first ? make_float4(0.0f, 0.0f, 0.0f, 0.0f) : *(const float4*)(pSum + GS_N * R_TC);
                        float a[GS_T], pr[GS_T], e[GS_T];
#pragma unroll
                        for (int i = 0; i < 4; i++)
                        {
                            const float4 b4 = *(const float4*)(pB + i * 4), c4 = *(const float4*)(pB + GS_N * R_ROW + i * 4);
#if !GS_G_REGS
                            const float4 g4 = *(const float4*)(pG + i * 4);
#endif
#if !GS_SEL_REGS
                            const float2 se = *(const float2*)(sSel + g * 8 + i * 2);
#endif
                            float x[4];
#pragma unroll
                            for (int j = 0; j < 4; j++)
                            {
                                const int t = 4 * i + j;
                                const float bj = j == 0 ? b4.x : j == 1 ? b4.y : j == 2 ? b4.z : b4.w;
                                const float cj = j == 0 ? c4.x : j == 1 ? c4.y : j == 2 ? c4.z : c4.w;
#if GS_G_REGS
                                const float gj = gg[t];
#else
                                const float gj = j == 0 ? g4.x : j == 1 ? g4.y : j == 2 ? g4.z : g4.w;
#endif
                                a[t] = gs_ex2(an * dl[t]);
                                pr[t] = a[t] * h;
                                h = fmaf(a[t], h, du[t] * bj);
                                e[t] = cj * gj;
                                x[j] = gj * h;
                            }
#if GS_SEL_REGS
                            GS_SUM4(sum, x[0], x[2], x[1], x[3], sel[2 * i], sel[2 * i + 1]);
#else
                            GS_SUM4(sum, x[0], x[2], x[1], x[3], se.x, se.y);
#endif
                        }
                        *(float4*)(pSum + GS_N * R_TC) = sum;

                        float v = e[15];
#pragma unroll
                        for (int t = 14; t >= 0; t--) v = fmaf(a[t + 1], v, e[t]);
                        v *= a[0];
#pragma unroll
                        for (int l = 0; l < 3; l++)
                        {
                            const float o = gs_down(v, 4 << l);
                            v = fmaf(gs_ex2(an * level[l]), o, v);
                        }
                        tag ^= __float_as_uint(v) & zero;           // a false dependency: the tag must not be looked at, and so waited for, before the lanes' scan
                        while (gs_any(tag != (u32)step)) { gs_ld_word(in, value, tag); GS_STUCK(2, step, chunk, n0 + m, ch, tag) }
                        const float x0 = __uint_as_float(value) + pA[GS_N * 16]; // one of the two is zero: the final state's gradient enters in the first tile
                        gs_ld_word(m < GS_N / 4 - 1 ? in + 16 : chainIn + ((quarter + 1 + warp) & 3) * (GS_N / 4) * 16, value, tag);
                        v = fmaf(gs_ex2(an * span), x0, v); // a_first lambda_first of this block
                        gs_st_word(to, v, (u32)(step + 1), publish);
                        if (g == 0) ((float*)pA)[2 * GS_N * 16] = v;
                        float lam = gs_down(v, 4);
                        if (g == 7) lam = x0;
                        lam += e[15];

                        sum = first ? make_float4(0.0f, 0.0f, 0.0f, 0.0f) : *(const float4*)pSum;
                        float da = 0.0f;
#pragma unroll
                        for (int i = 3; i >= 0; i--)
                        {
                            const float4 b4 = *(const float4*)(pB + i * 4);
#if !GS_SEL_REGS
                            const float2 se = *(const float2*)(sSel + g * 8 + i * 2);
#endif
                            float x[4];
#pragma unroll
                            for (int j = 3; j >= 0; j--)
                            {
                                const int t = 4 * i + j;
                                const float bj = j == 0 ? b4.x : j == 1 ? b4.y : j == 2 ? b4.z : b4.w;
                                if (t < 15) lam = fmaf(a[t + 1 < 16 ? t + 1 : 15], lam, e[t]);
                                lb[t] = fmaf(lam, bj, lb[t]);
                                const float w = lam * pr[t];
                                wa[t] = fmaf(w, an, wa[t]);
                                da = fmaf(w, dl[t], da);
                                x[j] = lam * du[t];
                            }
#if GS_SEL_REGS
                            GS_SUM4(sum, x[0], x[2], x[1], x[3], sel[2 * i], sel[2 * i + 1]);
#else
                            GS_SUM4(sum, x[0], x[2], x[1], x[3], se.x, se.y);
#endif
                        }
                        *(float4*)pSum = sum;
                        sDaq[warp * (GS_N / 4 * 32) + m * 32 + lane] = da;
                        in += 16; to += 16; pA += 16; pB += R_ROW; pSum += R_TC; pCk += 16;
                    }
                    gs_warp_sync();                       // dA of this quarter: 4 states x 4 channels, over the 8 time blocks
                    {
                        const float* from = sDaq + warp * (GS_N / 4 * 32) + (lane >> 3) * 32 + (lane & 3) + (lane & 4) * 4;
                        float da = (from[0] + from[4]) + (from[8] + from[12]);
                        da += gs_xor(da, 4);
                        if ((lane & 4) == 0) sDa[(n0 + (lane >> 3)) * 16 + ch] = da;
                    }
                    gs_warp_sync();
                }
#pragma unroll
                for (int i = 0; i < 4; i++)               // results take the lane's own places of du and g
                {
                    const int at = gs_chan(ch, R_CH) + g * 20 + i * 4;
                    *(float4*)(sDu + at) = make_float4(lb[4 * i], lb[4 * i + 1], lb[4 * i + 2], lb[4 * i + 3]);
                    *(float4*)(sG + at) = make_float4(wa[4 * i], wa[4 * i + 1], wa[4 * i + 2], wa[4 * i + 3]);
                }
            }
            __syncthreads();

            u32 nextTicket = ticket;
            gs_copy_wait();
            if (more) fetch(ticket, chunk + 1 - set * p.groups, buffer ^ 1, false, true);
            else
            {
                nextTicket = *sTicket;
                if (nextTicket < total) fetch(nextTicket, 0, buffer ^ 1, true, true);
            }

            // --- elementwise: du, ddelta_raw, dz; sums for skip and bias ---
            u32 parValue[(R_PAR + R_NT - 1) / R_NT], parTag[(R_PAR + R_NT - 1) / R_NT];
            const u64* parIn = words(p, scan, b, chunks, chunk) + GS_SLOTS * GS_N * 16 + ((step - 1) & (GS_SLOTS - 1)) * R_PAR;
#pragma unroll
            for (int i = 0; i < (R_PAR + R_NT - 1) / R_NT; i++) gs_ld_word(parIn + min(tid + i * R_NT, R_PAR - 1), parValue[i], parTag[i]);
            float acc[16];                                 // d skip of 8 channels, d bias of 8 channels
#pragma unroll
            for (int j = 0; j < 16; j++) acc[j] = 0.0f;
            {
                float skip8[8];
                const unsigned char* from = sStage + buffer * R_STAGE;
                if (s.skip != 0) gs_load8f(s.skip + dSafe, skip8);
                else
                {
#pragma unroll
                    for (int j = 0; j < 8; j++) skip8[j] = 0.0f;
                }
#pragma unroll 1
                for (int it = 0; it < 2; it++)
                {
                    const int tt = t0 + (tid >> 1) + it * (R_NT / 2);
                    if (tt < L && dOk)
                    {
                        const i64 r = rowBase + (rev ? L - 1 - tt : tt);
                        const int at = gs_chan(half * 8, R_CH) + gs_time((tid >> 1) + it * (R_NT / 2));
                        float fu[8], fo[8], fz[8], fy[8], fd[8];
                        gs_staged8(from, R_NT, tid, 2 + it, fu); gs_staged8(from, R_NT, tid, 4 + it, fo);
                        if (s.z != 0) { gs_staged8(from, R_NT, tid, 6 + it, fz); gs_staged8(sY, R_NT, tid, it, fy); }
#pragma unroll
                        for (int j = 0; j < 8; j++) fd[j] = sDelta[at + j * R_CH];
                        if (fd[0] >= GS_BIG)               // a reset hides the step: take it again
                        {
                            gs_load8(s.delta, r * s.delta_stride + dh, fd);
#pragma unroll
                            for (int j = 0; j < 8; j++) fd[j] = gs_softplus(fd[j] + (s.bias != 0 ? s.bias[dh + j] : 0.0f));
                        }
                        if (s.z != 0)
                        {
#pragma unroll
                            for (int j = 0; j < 8; j++)
                            {
                                const float sg = gs_sigmoid(fz[j]), sz = fz[j] * sg;
                                fz[j] = fo[j] * fy[j] * fmaf(sz, 1.0f - sg, sg);
                                fo[j] *= sz;
                            }
                            gs_store8(s.dz, r * D + dh, fz);
                        }
#pragma unroll
                        for (int j = 0; j < 8; j++)
                        {
                            const float lbv = sDu[at + j * R_CH], wav = sG[at + j * R_CH];
                            const float dd = fmaf(fu[j], lbv, wav * GS_LN2) * gs_softplus_slope(fd[j]);
                            acc[j] = fmaf(fo[j], fu[j], acc[j]);
                            acc[8 + j] += dd;
                            fu[j] = fmaf(skip8[j], fo[j], fd[j] * lbv);
                            fd[j] = dd;
                        }
                        gs_store8(s.du, r * D + dh, fu);
                        gs_store8(s.ddelta, r * D + dh, fd);
                    }
                }
            }
            // Over the 16 lanes of one half (lane bits 1..4), halving the values each time: value index = bits 1..4 of the lane, high bit first.
#pragma unroll
            for (int l = 0; l < 4; l++)
            {
                const int cnt = 8 >> l, mask = 16 >> l;
                const bool up = (lane & mask) != 0;
#pragma unroll
                for (int j = 0; j < 8; j++)
                    if (j < cnt)
                    {
                        const float keep = up ? acc[j + cnt] : acc[j], give = up ? acc[j] : acc[j + cnt];
                        acc[j] = keep + gs_xor(give, mask);
                    }
            }
            sRed[warp * 32 + (lane >> 4) * 16 + half * 8 + ((lane >> 1) & 7)] = acc[0]; // [skip | bias][16 channels]
            __syncthreads();

            // --- parameter gradients travel along the chain, so their sum is taken in time order ---
            {
                u64* carry = words(p, scan, b, chunks, chunk);
                u64* chain = carry + GS_SLOTS * GS_N * 16;
                if (last)
                    for (int i = tid; i < GS_N * 16; i += R_NT)
                    {
                        const int d = d0 + i / GS_N, n = i % GS_N;
                        if (s.dh0 != 0 && d < D) s.dh0[((i64)b * D + d) * GS_N + n] = sOut[n * 16 + i / GS_N];
                        for (int slot = 0; slot < min(GS_SLOTS, step); slot++) carry[slot * (GS_N * 16) + i] = 0;
                    }
#pragma unroll
                for (int j = 0; j < (R_PAR + R_NT - 1) / R_NT; j++)
                {
                    const int i = tid + j * R_NT;
                    if (i >= R_PAR) break;
                    float v;
                    if (i < GS_N * 16) v = sDa[i];
                    else
                    {
                        const int c = i - GS_N * 16;
                        v = (sRed[c] + sRed[32 + c]) + (sRed[64 + c] + sRed[96 + c]);
                    }
                    while (parTag[j] != (u32)step) { gs_ld_word(parIn + i, parValue[j], parTag[j]); GS_STUCK(3, step, chunk, i, 0, parTag[j]) }
                    v += __uint_as_float(parValue[j]);
                    if (!last) gs_st_word(chain + (step & (GS_SLOTS - 1)) * R_PAR + i, v, (u32)(step + 1), true);
                    else
                    {
                        s.part_p[((i64)b * chunks + chunk) * R_PAR + i] = v;
                        for (int slot = 0; slot < min(GS_SLOTS, step); slot++) chain[slot * R_PAR + i] = 0;
                    }
                }
            }
            buffer ^= 1;
            if (!more) ticket = nextTicket;
        }

        // --- this block's share of dB, dC: rows of [2 N][time in scan order] ---
        __syncthreads();
        {
            float* to = s.part_bc + ((i64)set * p.batch + b) * (2 * GS_N) * padded + t0;
            for (int i = tid; i < 2 * GS_N * (R_TC / 4); i += R_NT)
            {
                const int row = i / (R_TC / 4), t = (i % (R_TC / 4)) * 4;
                const float4 v = *(const float4*)(sSumB + row * R_TC + t);
                *(float4*)(to + row * padded + t) = v;
            }
        }
        __syncthreads();
    }
}
