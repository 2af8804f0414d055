// Selective scan, forward, where channels do not fill the card: tiles of time, chained.
//
// A block takes a tile of 16 channels x 128 steps. A lane holds one channel and 16 consecutive steps; the time lanes of a
// channel lie in one warp. For each state the lane keeps its 16 decays in registers and scans them from zero, the lanes combine their ends by a log-step scan (the decay over any
// span is exp(A * sum delta), so no products are carried), the state at the tile's start comes from the tile before through a tagged word in L2, and a
// second sweep over the same registers gives h and C h. So every exponential is paid once.
//
// The chain is folded in time order, so results do not depend on scheduling. Tiles are handed out by a ticket in time order: a tile waits only for
// tiles that already run, so the kernel cannot deadlock, whatever is resident.
#define C_T 16
#define C_TL 8                          // time lanes
#define C_CPW (32 / C_TL)               // channels of a warp
#define C_NT (16 * C_TL)
#define C_LEVELS 3
#define C_TC (C_T * C_TL)
#define C_PAD 20                        // floats of 16 steps of B or C in shared memory
#define C_ROW (C_TL * C_PAD)
#define GS_SLOTS 4                      // words of a chain are reused after this many tiles
#define C_CHANNELS (16 * GS_ESIZE)      // bytes of a row of 16 channels
#define C_BLOCK (16 * C_CHANNELS + 16)  // of 16 rows, padded so that the time lanes fall on different banks
#define C_TENSOR (C_TL * C_BLOCK)
#define C_STAGE (2 * C_TENSOR)
#define C_CK_BYTES (GS_N * 16 * GS_ESIZE)
#define C_CKS (C_T / GS_CK_STEPS)       // checkpoints of a lane
#define C_CK_ROW (C_CKS * C_CK_BYTES + 16)
// Shared memory, bytes: B, C [N][C_ROW]; A, state in, state out [N][16]; checkpoints [C_TL][C_CK_ROW]; ticket; u and delta twice (48,784 with bf16, 73,360 with float)
#define C_SMEM (2 * GS_N * C_ROW * 4 + 3 * GS_N * 16 * 4 + C_TL * C_CK_ROW + 16 + 2 * C_STAGE)
#define C_BLOCKS (GS_F32_IO ? 3 : 4)    // on a multiprocessor

// Words of one chain: [tile mod slots][N][16 channels]
__device__ __forceinline__ u64* gs_words(const GsForward& p, int scan, int b, int chunks, int chunk)
{ return p.ring + ((((i64)scan * p.batch + b) * chunks + chunk) * GS_SLOTS) * (GS_N * 16); }
struct GsTile { int k, set, b, scan; };  // time tile in scan order, set of channel groups, sequence, scan
__device__ __forceinline__ int gs_staged(int row) { return (row >> 4) * C_BLOCK + (row & 15) * C_CHANNELS; }

extern "C" __global__ void __launch_bounds__(C_NT, C_BLOCKS) gs_scan_fwd_chain(const __grid_constant__ GsForward p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    float* sB = (float*)smem;
    float* sA = sB + 2 * GS_N * C_ROW;
    float* sIn = sA + GS_N * 16;
    float* sOut = sIn + GS_N * 16;
    unsigned char* sCk = (unsigned char*)(sOut + GS_N * 16);
    u32* sTicket = (u32*)(sCk + C_TL * C_CK_ROW);
    unsigned char* sStage = (unsigned char*)(sTicket + 4);

    const u32 zero = (u32)p.zero;
    const int tid = threadIdx.x, lane = tid & 31;
    const int g = lane / C_CPW, ch = (tid >> 5) * C_CPW + lane % C_CPW; // time block, channel of the group
    const int half = tid & 1;                             // copying: a thread takes 8 channels of row tid / 2 and of the one C_NT / 2 on
    const int L = p.length, D = p.d_inner;
    const int chunks = (D + 15) >> 4, marks = (L + GS_CK_STEPS - 1) / GS_CK_STEPS;
    const int sets = (chunks + p.groups - 1) / p.groups;
    const u32 lanesOfTiles = (u32)(p.batch * p.scans * sets);
    const u32 total = lanesOfTiles * (u32)p.tiles;

    const auto decode = [&](u32 of)
    {
        GsTile t;
        t.k = (int)(of / lanesOfTiles);
        const int rest = (int)(of - t.k * lanesOfTiles);
        const int sequence = rest / sets;
        t.set = rest - sequence * sets;
        t.scan = sequence / p.batch; t.b = sequence - t.scan * p.batch;
        return t;
    };
    // Starts copying u and delta of a group of a tile.
    const auto fetch = [&](const GsTile& tile, int chunk, int buffer)
    {
        const int t0 = tile.k * C_TC;
        const GsForwardScan& s = p.s[tile.scan];
        const int dh = chunk * 16 + half * 8, dSafe = dh < D ? dh : 0;
        unsigned char* to = sStage + buffer * C_STAGE + half * (8 * GS_ESIZE);
#pragma unroll
        for (int it = 0; it < 2; it++)
        {
            const int row = (tid >> 1) + it * (C_NT / 2), tc = min(t0 + row, L - 1);
            const i64 r = (i64)tile.b * L + (s.reverse ? L - 1 - tc : tc);
            const unsigned char* u = (const unsigned char*)s.u + (r * s.u_stride + dSafe) * GS_ESIZE;
            const unsigned char* delta = (const unsigned char*)s.delta + (r * s.delta_stride + dSafe) * GS_ESIZE;
#pragma unroll
            for (int j = 0; j < GS_PIECES; j++)
            {
                gs_copy16(to + gs_staged(row) + j * 16, u + j * 16);
                gs_copy16(to + C_TENSOR + gs_staged(row) + j * 16, delta + j * 16);
            }
        }
        gs_copy_commit();
    };

    if (tid == 0) *sTicket = gs_ticket(p.ticket, total + gridDim.x - 1);
    __syncthreads();
    u32 ticket = *sTicket;
    GsTile tile = decode(ticket);
    if (ticket < total) fetch(tile, tile.set * p.groups, 0);
    int buffer = 0;
    while (ticket < total)
    {
        const int k = tile.k, set = tile.set, b = tile.b, scan = tile.scan;
        const GsForwardScan& s = p.s[scan];
        const int rev = s.reverse;
        const int t0 = k * C_TC;
        const i64 rowBase = (i64)b * L;
        const bool first = k == 0, last = k == p.tiles - 1;

        // B and C of the tile, widened and transposed to [n][t].
        for (int i = tid; i < C_TC * (GS_N / 8); i += C_NT)
        {
            const int t = i % C_TC, n0 = (i / C_TC) * 8, tt = t0 + t;
            float fb[8], fc[8];
            if (tt < L)
            {
                const i64 r = rowBase + (rev ? L - 1 - tt : tt);
                gs_load8(s.bmat, r * s.b_stride + n0, fb);
                gs_load8(s.cmat, r * s.c_stride + n0, fc);
            }
            else for (int j = 0; j < 8; j++) { fb[j] = 0.0f; fc[j] = 0.0f; }
            float* to = sB + n0 * C_ROW + (t >> 4) * C_PAD + (t & 15);
#pragma unroll
            for (int j = 0; j < 8; j++) { to[j * C_ROW] = fb[j]; to[(GS_N + j) * C_ROW] = fc[j]; }
        }
        u32 clears = 0;                                   // steps of this lane before which the state is cleared
        if (s.ids != 0)
            for (int t = 0; t < C_T; t++)
            {
                const int tt = t0 + g * C_T + t;
                const i64 r = rowBase + (rev ? L - 1 - tt : tt);
                if (tt > 0 && tt < L && s.ids[r] != s.ids[rev ? r + 1 : r - 1]) clears |= 1u << t;
            }

        const int chunkEnd = min(chunks, (set + 1) * p.groups);
        for (int chunk = set * p.groups; chunk < chunkEnd; chunk++)
        {
            const int d0 = chunk * 16, d = min(d0 + ch, D - 1);
            const float bias = s.bias != 0 ? s.bias[d] : 0.0f, skip = s.skip != 0 ? s.skip[d] : 0.0f;
#pragma unroll
            for (int i = 0; i < GS_N * 16 / C_NT; i++)
            {
                const int e = tid + i * C_NT, c = e / GS_N, n = e % GS_N, dc = d0 + c;
                sA[n * 16 + c] = fminf(s.a[(i64)min(dc, D - 1) * GS_N + n] * GS_LOG2E, -1e-30f);
                if (first) sIn[n * 16 + c] = s.h0 != 0 && dc < D ? s.h0[((i64)b * D + dc) * GS_N + n] : 0.0f;
            }
            gs_copy_wait();
            __syncthreads();

            const bool more = chunk + 1 < chunkEnd;
            if (more) fetch(tile, chunk + 1, buffer ^ 1);
            else if (tid == 0) *sTicket = gs_ticket(p.ticket, total + gridDim.x - 1);

            // --- the lane's own 16 steps: delta = softplus(raw + bias), du = delta u ---
            unsigned char* own = sStage + buffer * C_STAGE + g * C_BLOCK + ch * GS_ESIZE;
            float dl[C_T], du[C_T], y[C_T], span = 0.0f;
#pragma unroll
            for (int t = 0; t < C_T; t++)
            {
                const float uv = gs_load1(own, t * 16);
                dl[t] = gs_softplus_poly(gs_load1(own + C_TENSOR, t * 16) + bias);
                y[t] = skip * uv;
                du[t] = dl[t] * uv;
            }
            if (t0 + C_TC > L)                             // steps past the end take no part
            {
#pragma unroll
                for (int t = 0; t < C_T; t++)
                    if (t0 + g * C_T + t >= L) dl[t] = du[t] = 0.0f;
            }
            if (clears != 0)                               // an endless step: the decay becomes zero
            {
#pragma unroll
                for (int t = 0; t < C_T; t++)
                    if ((clears >> t & 1) != 0) dl[t] = S_BIG;
            }
#pragma unroll
            for (int t = 0; t < C_T; t++) span += dl[t];
            float level[C_LEVELS];                              // sum of delta over the span that a level carries across; "infinite" where nothing comes in
#pragma unroll
            for (int l = 0; l < C_LEVELS; l++)
            {
                const float o = gs_up(span, C_CPW << l);
                const bool in = g >= (1 << l);
                level[l] = in ? span : S_BIG;
                if (in) span += o;
            }                                              // span: from the tile's start to this block's end
            const u64* in = gs_words(p, scan, b, chunks, chunk) + ((k - 1) & (GS_SLOTS - 1)) * (GS_N * 16) + ch;
            u64* to = gs_words(p, scan, b, chunks, chunk) + (k & (GS_SLOTS - 1)) * (GS_N * 16) + ch;
            const bool tail = g == C_TL - 1, publish = tail && !last;
            const float* pB = sB + g * C_PAD;
            const float* pA = sA + ch;
#if GS_F32_IO
            float* pCk = (float*)(sCk + g * C_CK_ROW) + ch;
#else
            u16* pCk = (u16*)(sCk + g * C_CK_ROW) + ch;
#endif
            u32 value, tag;                                // the state before the tile, loaded one state ahead; a first tile reads zero words (tag 0)
            gs_ld_word(in, value, tag);
#pragma unroll 2
            for (int n = 0; n < GS_N; n++)
            {
                const float an = pA[0];
                float a[C_T], bu[C_T];
#pragma unroll
                for (int i = 0; i < 4; i++)
                {
                    const float4 v = *(const float4*)(pB + i * 4);
                    bu[4 * i] = du[4 * i] * v.x; bu[4 * i + 1] = du[4 * i + 1] * v.y;
                    bu[4 * i + 2] = du[4 * i + 2] * v.z; bu[4 * i + 3] = du[4 * i + 3] * v.w;
                }
#pragma unroll
                for (int t = 0; t < C_T; t++) a[t] = gs_ex2(an * dl[t]);
                float v = bu[0];
#pragma unroll
                for (int t = 1; t < C_T; t++) v = fmaf(a[t], v, bu[t]);
#pragma unroll
                for (int l = 0; l < C_LEVELS; l++)
                {
                    const float o = gs_up(v, C_CPW << l);
                    v = fmaf(gs_ex2(an * level[l]), o, v);
                }
                tag ^= __float_as_uint(v) & zero;          // a false dependency: the tag must not be looked at, and so waited for, before the lanes' scan
                while (gs_any(tag != (u32)k)) gs_ld_word(in, value, tag);
                float x = __uint_as_float(value);
                if (first) x = pA[GS_N * 16];
                gs_ld_word(in + 16, value, tag);
                v = fmaf(gs_ex2(an * span), x, v);         // state at this block's end
                gs_st_word(to, v, (u32)(k + 1), publish);
                if (tail) ((float*)pA)[2 * GS_N * 16] = v;
                float h = gs_up(v, C_CPW);
                if (g == 0) h = x;
#pragma unroll
                for (int i = 0; i < 4; i++)
                {
                    if (i * 4 % GS_CK_STEPS == 0) gs_store1(pCk, i * 4 / GS_CK_STEPS * (GS_N * 16), h);
                    const float4 c = *(const float4*)(pB + GS_N * C_ROW + i * 4);
                    h = fmaf(a[4 * i], h, bu[4 * i]); y[4 * i] = fmaf(c.x, h, y[4 * i]);
                    h = fmaf(a[4 * i + 1], h, bu[4 * i + 1]); y[4 * i + 1] = fmaf(c.y, h, y[4 * i + 1]);
                    h = fmaf(a[4 * i + 2], h, bu[4 * i + 2]); y[4 * i + 2] = fmaf(c.z, h, y[4 * i + 2]);
                    h = fmaf(a[4 * i + 3], h, bu[4 * i + 3]); y[4 * i + 3] = fmaf(c.w, h, y[4 * i + 3]);
                }
                in += 16; to += 16; pA += 16; pB += C_ROW; pCk += 16;
            }
#pragma unroll
            for (int t = 0; t < C_T; t++) gs_store1(own + C_TENSOR, t * 16, y[t]); // y takes the lane's own places of delta
            __syncthreads();

            GsTile next = tile;
            if (!more)
            {
                ticket = *sTicket;
                next = decode(ticket);
                if (ticket < total) fetch(next, next.set * p.groups, buffer ^ 1);
            }
            if (d0 + half * 8 < D)
            {
                const unsigned char* from = sStage + buffer * C_STAGE + C_TENSOR + half * (8 * GS_ESIZE);
#pragma unroll
                for (int it = 0; it < 2; it++)
                {
                    const int row = (tid >> 1) + it * (C_NT / 2), tt = t0 + row;
                    if (tt >= L) continue;
                    unsigned char* out = (unsigned char*)s.y + ((rowBase + (rev ? L - 1 - tt : tt)) * D + d0 + half * 8) * GS_ESIZE;
#pragma unroll
                    for (int j = 0; j < GS_PIECES; j++) *(uint4*)(out + j * 16) = *(const uint4*)(from + gs_staged(row) + j * 16);
                }
            }
            if (last)                                      // final state; clear the chain's words for the next launch
            {
                u64* w = gs_words(p, scan, b, chunks, chunk);
                for (int i = tid; i < GS_N * 16; i += C_NT)
                {
                    const int dc = d0 + i / GS_N, n = i % GS_N;
                    if (s.h_last != 0 && dc < D) s.h_last[((i64)b * D + dc) * GS_N + n] = sOut[n * 16 + i / GS_N];
                    if (k > 0)
                        for (int slot = 0; slot < min(GS_SLOTS, k); slot++) w[slot * (GS_N * 16) + i] = 0;
                }
            }
            if (s.ckpt != 0)
            {
                const int parts = C_CK_BYTES / 16;
#pragma unroll
                for (int i = tid; i < C_TL * C_CKS * parts; i += C_NT)
                {
                    const int mark = i / parts, part = i % parts, at = k * (C_TL * C_CKS) + mark;
                    if (at < marks)
                        ((uint4*)((unsigned char*)s.ckpt + (((i64)b * marks + at) * chunks + chunk) * C_CK_BYTES))[part] =
                            *(const uint4*)(sCk + mark / C_CKS * C_CK_ROW + mark % C_CKS * C_CK_BYTES + part * 16);
                }
            }
            buffer ^= 1;
            tile = next;
        }
    }
}
