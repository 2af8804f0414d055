// Selective scan, forward: h_t = exp(delta_t A) h_{t-1} + delta_t B_t u_t;  y_t = C_t h_t + D u_t. See scan_serial.cu for the layout.
// Where channels do not fill the card, time is cut into segments: gs_scan_ends has left every segment's end state from zero and its sum of delta,
// and each warp folds those before it, backwards until their decay is nothing, into the state that it starts from.

// The 16-byte pieces of a finished stage, which lie in the place of its delta.
__device__ __forceinline__ void gs_store_stage(const unsigned char* from, unsigned char* to, i64 row, int lane, int rows, bool ok)
{
#pragma unroll
    for (int i = 0; i < S_T / S_ROWS; i++)
        if (ok && lane / S_PIECES + i * S_ROWS < rows) *(uint4*)(to + i * S_ROWS * row) = *(const uint4*)(from + i * 512 + lane * 16);
}

// Grid scans * batch * segments * ceil(d_inner / 32), 32 threads. d_inner is a multiple of 8 (of 32 for full speed).
#ifndef GS_SERIAL_BLOCKS
#define GS_SERIAL_BLOCKS (GS_F32_IO ? 12 : 16)
#endif
extern "C" __global__ void __launch_bounds__(32, GS_SERIAL_BLOCKS) gs_scan_fwd_serial(const __grid_constant__ GsForward p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    const int lane = threadIdx.x, parity = lane & 1;
    const int L = p.length, D = p.d_inner, strips = (D + 31) >> 5;
    int task = blockIdx.x;
    const int strip = task % strips, d0 = strip * 32; task /= strips;
    const int seg = task % p.segments; task /= p.segments;
    const int b = task % p.batch;
    const GsForwardScan& s = p.s[task / p.batch];
    const int chunks = (D + 15) >> 4, blocks16 = (L + 15) >> 4;
    const bool ok = d0 + lane < D;                         // the same for both lanes of a pair
    const int own = min(d0 + lane, D - 1 - (lane & 1 ^ 1)), other = own ^ 1;

    GsLane k;
    k.lane = lane;
    k.stages = smem;
    k.pairs = (float*)(smem + S_STAGES * S_STAGE);
    k.wide = k.pairs + 2 * S_PAIRS;
    k.bias0 = s.bias != 0 ? s.bias[min(own, other)] : 0.0f;
    k.bias1 = s.bias != 0 ? s.bias[max(own, other)] : 0.0f;
    const float skip = s.skip != 0 ? s.skip[own] : 0.0f;

    float ao[S_J], ax[S_J], ho[S_J], hx[S_J];
    gs_load_states(s.a, own, other, parity, ao, ax);
#pragma unroll
    for (int j = 0; j < S_J; j++) { ao[j] = fminf(ao[j] * GS_LOG2E, -1e-30f); ax[j] = fminf(ax[j] * GS_LOG2E, -1e-30f); ho[j] = hx[j] = 0.0f; }
    {
        float sumO = 0.0f, sumX = 0.0f;                    // of delta since the segment that is folded in
        bool alive = true;
        for (int from = seg - 1; from >= 0 && alive; from--)
        {
            const float* e = s.ends + (((i64)b * p.segments + from) * strips + strip) * S_END + lane;
            alive = false;
#pragma unroll
            for (int j = 0; j < S_J; j++)
            {
                ho[j] = fmaf(gs_ex2(ao[j] * sumO), e[j * 32], ho[j]);
                hx[j] = fmaf(gs_ex2(ax[j] * sumX), e[(S_J + j) * 32], hx[j]);
            }
            sumO += e[2 * S_J * 32]; sumX += e[(2 * S_J + 1) * 32];
#pragma unroll
            for (int j = 0; j < S_J; j++) alive = alive || fmaxf(ao[j] * sumO, ax[j] * sumX) > GS_DEAD;
            alive = gs_any(alive);
        }
        if (s.h0 != 0 && alive)
        {
            float fo[S_J], fx[S_J];
            gs_load_states(s.h0 + (i64)b * D * GS_N, own, other, parity, fo, fx);
#pragma unroll
            for (int j = 0; j < S_J; j++) { ho[j] = fmaf(gs_ex2(ao[j] * sumO), fo[j], ho[j]); hx[j] = fmaf(gs_ex2(ax[j] * sumX), fx[j], hx[j]); }
        }
    }

    const int begin = seg * p.steps, end = min(L, begin + p.steps);
    const int count = (end - begin + S_T - 1) / S_T;
    gs_point(k, p, s, b, d0, begin);
    int now = 0, next = S_STAGE, after = 2 * S_STAGE;      // slots of this stage, the next, and the one after it
    gs_fetch<true>(k, now, end - begin);
    gs_copy_commit();
    gs_advance(k, 1);
    if (count > 1) gs_fetch<true>(k, next, end - begin - S_T);
    gs_copy_commit();
    gs_advance(k, 1);
    gs_copy_wait_for(1);
    gs_warp_sync();
#pragma unroll
    for (int i = 0; i < S_T / 2; i++) gs_elementwise(k, now, 0, i);
    gs_widen<true>(k, now, 0);
    const bool ids = s.ids != 0;
    if (ids || begin + S_T > end) gs_correct(k, p, s, b, 0, begin, end - begin);

    const int cy = d0 + lane % S_PIECES * (16 / GS_ESIZE);
    const bool yOk = cy < D;
    const i64 yRow = (i64)(s.reverse ? -D : D) * GS_ESIZE;
    unsigned char* y = (unsigned char*)s.y + (((i64)b * L + (s.reverse ? L - 1 - begin : begin)) * D + cy) * GS_ESIZE + lane / S_PIECES * yRow;
    const int pairOwn = lane * 2, pairOther = (lane ^ 1) * 2;

#pragma unroll 1
    for (int stage = 0; stage < count; stage++)
    {
        const int t0 = begin + stage * S_T, buffer = stage & 1;
        gs_copy_wait();                                    // the next stage has landed
        gs_warp_sync();                                    // and this stage's pairs, B and C are there
        if (stage > 0) { gs_store_stage(k.stages + after + S_TENSOR, y, yRow, lane, S_T, yOk); y += S_T * yRow; }
        if (stage + 2 < count) gs_fetch<true>(k, after, end - t0 - 2 * S_T);
        gs_copy_commit();
        gs_advance(k, 1);
        const int dPair = d0 + (lane & ~1);
        if (s.ckpt != 0 && (t0 & 15) == 0 && (dPair >> 4) < chunks) // absent channels of the last group of 16 get zeros
        {
            const i64 to = (((i64)b * blocks16 + (t0 >> 4)) * chunks + (dPair >> 4)) * (GS_N * 16) + parity * 16 + (dPair & 15);
#pragma unroll
            for (int j = 0; j < S_J; j++)
            {
                const float c0 = ok ? parity ? hx[j] : ho[j] : 0.0f, c1 = ok ? parity ? ho[j] : hx[j] : 0.0f;
#if GS_F32_IO
                *(float2*)((float*)s.ckpt + to + j * 32) = make_float2(c0, c1);
#else
                *(u32*)((u16*)s.ckpt + to + j * 32) = gs_pack_bf16(c0, c1);
#endif
            }
        }
        const float* pairs = k.pairs + buffer * S_PAIRS;
        const float* wide = k.wide + buffer * S_WIDE + parity * S_J;
        unsigned char* at = k.stages + now;
        gs_widen<true>(k, next, buffer ^ 1);
#pragma unroll
        for (int i = 0; i < S_T / 2; i++) gs_elementwise(k, next, buffer ^ 1, i);
#pragma unroll
        for (int t = 0; t < S_T; t++)
        {
            const float2 o = *(const float2*)(pairs + t * S_PAIR + pairOwn), x = *(const float2*)(pairs + t * S_PAIR + pairOther);
            float yo = skip * gs_load1(at, t * 32 + lane), yx = 0.0f;
#pragma unroll
            for (int j = 0; j < S_J; j += 4)
            {
                const float4 b4 = *(const float4*)(wide + t * (2 * GS_N) + j), c4 = *(const float4*)(wide + t * (2 * GS_N) + GS_N + j);
                ho[j] = fmaf(gs_ex2(ao[j] * o.x), ho[j], o.y * b4.x); yo = fmaf(c4.x, ho[j], yo);
                hx[j] = fmaf(gs_ex2(ax[j] * x.x), hx[j], x.y * b4.x); yx = fmaf(c4.x, hx[j], yx);
                ho[j + 1] = fmaf(gs_ex2(ao[j + 1] * o.x), ho[j + 1], o.y * b4.y); yo = fmaf(c4.y, ho[j + 1], yo);
                hx[j + 1] = fmaf(gs_ex2(ax[j + 1] * x.x), hx[j + 1], x.y * b4.y); yx = fmaf(c4.y, hx[j + 1], yx);
                ho[j + 2] = fmaf(gs_ex2(ao[j + 2] * o.x), ho[j + 2], o.y * b4.z); yo = fmaf(c4.z, ho[j + 2], yo);
                hx[j + 2] = fmaf(gs_ex2(ax[j + 2] * x.x), hx[j + 2], x.y * b4.z); yx = fmaf(c4.z, hx[j + 2], yx);
                ho[j + 3] = fmaf(gs_ex2(ao[j + 3] * o.x), ho[j + 3], o.y * b4.w); yo = fmaf(c4.w, ho[j + 3], yo);
                hx[j + 3] = fmaf(gs_ex2(ax[j + 3] * x.x), hx[j + 3], x.y * b4.w); yx = fmaf(c4.w, hx[j + 3], yx);
            }
            gs_store1(at + S_TENSOR, t * 32 + lane, yo + gs_xor(yx, 1));
        }
        if (ids || t0 + 2 * S_T > end) gs_correct(k, p, s, b, buffer ^ 1, t0 + S_T, end - t0 - S_T);
        const int done = now;
        now = next; next = after; after = done;
    }
    gs_warp_sync();
    gs_store_stage(k.stages + after + S_TENSOR, y, yRow, lane, end - begin - (count - 1) * S_T, yOk);
    if (s.h_last != 0 && ok && end == L)
    {
#pragma unroll
        for (int j = 0; j < S_J; j++)
        {
            s.h_last[((i64)b * D + own) * GS_N + 2 * j + parity] = ho[j];
            s.h_last[((i64)b * D + other) * GS_N + 2 * j + parity] = hx[j];
        }
    }
}
