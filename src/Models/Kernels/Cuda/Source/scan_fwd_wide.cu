// Selective scan, forward, for many channels (batch * scans * d_inner of about 16,000 and more): a lane runs one channel serially with its N states in registers.
// A warp is alone with its 32 channels of one sequence: inputs come by asynchronous copies into its own ring of stages of 8 steps, B and C are widened
// once per stage and read by all lanes at once. No barrier of the block, no chain between blocks.
#define W_T 8                           // steps of a stage
#define W_STAGES 4
#ifndef GS_WIDE_WARPS
#define GS_WIDE_WARPS 1
#endif
#define W_TENSOR (W_T * 32 * GS_ESIZE)  // bytes of u, delta or z of a stage
#define W_BC (W_T * GS_N * GS_ESIZE)
#define W_STAGE (3 * W_TENSOR + 2 * W_BC)
// Shared memory, bytes, of each warp: stages; B, C of the current stage [8][2 N] float
#define W_SMEM (GS_WIDE_WARPS * (W_STAGES * W_STAGE + W_T * 2 * GS_N * 4))
#define W_ROW_PIECES (32 * GS_ESIZE / 16) // 16-byte pieces of a row of 32 channels
#define W_BC_PIECES (GS_N * GS_ESIZE / 16)

// Grid ceil(scans * batch * ceil(d_inner / 32) / GS_WIDE_WARPS), GS_WIDE_WARPS * 32 threads. d_inner is a multiple of 8 (of 32 for full speed).
extern "C" __global__ void __launch_bounds__(GS_WIDE_WARPS * 32) gs_scan_fwd_wide(const __grid_constant__ GsArgs p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    unsigned char* stages = smem + warp * (W_STAGES * W_STAGE + W_T * 2 * GS_N * 4);
    float* wide = (float*)(stages + W_STAGES * W_STAGE);
    const int L = p.length, D = p.d_inner;
    const int strips = (D + 31) >> 5;
    int task = blockIdx.x * GS_WIDE_WARPS + warp;
    if (task >= p.scans * p.batch * strips) return;
    const int d0 = (task % strips) * 32; task /= strips;
    const int b = task % p.batch;
    const GsScan& s = p.s[task / p.batch];
    const int rev = s.reverse;
    const i64 rowBase = (i64)b * L;
    const int d = d0 + lane;
    const bool ok = d < D;
    const int dl = min(d, D - 1);
    const int chunks = (D + 15) >> 4, blocks16 = (L + 15) >> 4;

    const int* ids = s.ids;
    const bool gate = s.z != 0, saveY = s.y != 0;

    float a[GS_N], h[GS_N];
#pragma unroll
    for (int n = 0; n < GS_N; n++)
    {
        a[n] = s.a[(i64)dl * GS_N + n] * GS_LOG2E;
        h[n] = s.h0 != 0 ? s.h0[((i64)b * D + dl) * GS_N + n] : 0.0f;
    }
    const float bias = s.bias != 0 ? s.bias[dl] : 0.0f, skip = s.skip != 0 ? s.skip[dl] : 0.0f;

    const auto fetch = [&](int stage)
    {
        const int t0 = stage * W_T;
        if (t0 < L)
        {
            unsigned char* to = stages + (stage & (W_STAGES - 1)) * W_STAGE;
#pragma unroll
            for (int i = 0; i < W_T * W_ROW_PIECES / 32; i++)
            {
                const int piece = lane + i * 32, t = piece / W_ROW_PIECES, part = piece % W_ROW_PIECES;
                const int tc = min(t0 + t, L - 1);
                const i64 r = rowBase + (rev ? L - 1 - tc : tc);
                const int c = min(d0 + part * (16 / GS_ESIZE), D - 16 / GS_ESIZE);
                gs_copy16(to + piece * 16, (const unsigned char*)s.u + (r * s.u_stride + c) * GS_ESIZE);
                gs_copy16(to + W_TENSOR + piece * 16, (const unsigned char*)s.delta + (r * s.delta_stride + c) * GS_ESIZE);
                if (s.z != 0) gs_copy16(to + 2 * W_TENSOR + piece * 16, (const unsigned char*)s.z + (r * s.z_stride + c) * GS_ESIZE);
            }
#pragma unroll
            for (int i = 0; i < 2 * W_T * W_BC_PIECES / 32; i++)
            {
                const int piece = lane + i * 32, t = (piece / W_BC_PIECES) % W_T, part = piece % W_BC_PIECES;
                const bool isC = piece >= W_T * W_BC_PIECES;
                const int tc = min(t0 + t, L - 1);
                const i64 r = rowBase + (rev ? L - 1 - tc : tc);
                gs_copy16(to + 3 * W_TENSOR + piece * 16, isC ? (const unsigned char*)s.cmat + r * s.c_stride * GS_ESIZE + part * 16
                                                               : (const unsigned char*)s.bmat + r * s.b_stride * GS_ESIZE + part * 16);
            }
        }
        gs_copy_commit();
    };
    const int count = (L + W_T - 1) / W_T;
    for (int i = 0; i < W_STAGES - 1; i++) fetch(i);

#pragma unroll 1
    for (int stage = 0; stage < count; stage++)
    {
        gs_copy_wait_for(W_STAGES - 2);                    // this stage has landed
        unsigned char* at = stages + (stage & (W_STAGES - 1)) * W_STAGE;
        const int t0 = stage * W_T;
        // Widen this lane's own pieces of B and C.
#pragma unroll
        for (int i = 0; i < 2 * W_T * W_BC_PIECES / 32; i++)
        {
            const int piece = lane + i * 32, t = (piece / W_BC_PIECES) % W_T, part = piece % W_BC_PIECES;
            float* to = wide + t * (2 * GS_N) + (piece >= W_T * W_BC_PIECES ? GS_N : 0) + part * (16 / GS_ESIZE);
            const uint4 v = *(const uint4*)(at + 3 * W_TENSOR + piece * 16);
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
        fetch(stage + W_STAGES - 1);                       // into the stage that was used last
        if (s.ckpt != 0 && (stage & (16 / W_T - 1)) == 0 && (d >> 4) < chunks) // absent channels of the last group of 16 get zeros
        {
            const i64 to = ((((i64)b * blocks16 + (t0 >> 4)) * chunks + (d >> 4)) * GS_N) * 16 + (d & 15);
#pragma unroll
            for (int n = 0; n < GS_N; n++)
#if GS_CK_F32
                ((float*)s.ckpt)[to + n * 16] = ok ? h[n] : 0.0f;
#else
                ((u16*)s.ckpt)[to + n * 16] = gs_to_bf16(ok ? h[n] : 0.0f);
#endif
        }
        // Results stay in registers until all steps are done, so that no store stands between a step and the loads of the next.
        float ys[W_T], os[W_T];
        const auto steps = [&](const bool checked)         // inlined for both values
        {
#pragma unroll
            for (int t = 0; t < W_T; t++)
            {
                const float uv = gs_load1(at, t * 32 + lane), raw = gs_load1(at + W_TENSOR, t * 32 + lane);
                float de = gs_softplus(raw + bias);
                if (checked)
                {
                    if (t0 + t >= L) de = 0.0f;
                    if (ids != 0 && t0 + t > 0 && t0 + t < L)
                    {
                        const i64 r = rowBase + (rev ? L - 1 - t0 - t : t0 + t);
                        if (ids[r] != ids[rev ? r + 1 : r - 1])
                        {
#pragma unroll
                            for (int n = 0; n < GS_N; n++) h[n] = 0.0f;
                        }
                    }
                }
                const float du = de * uv;
                float y = skip * uv, y2 = 0.0f;
                const float* bc = wide + t * (2 * GS_N);
#pragma unroll
                for (int n = 0; n < GS_N; n += 4)
                {
                    const float4 b4 = *(const float4*)(bc + n), c4 = *(const float4*)(bc + GS_N + n);
                    h[n] = fmaf(gs_ex2(a[n] * de), h[n], du * b4.x); y = fmaf(c4.x, h[n], y);
                    h[n + 1] = fmaf(gs_ex2(a[n + 1] * de), h[n + 1], du * b4.y); y2 = fmaf(c4.y, h[n + 1], y2);
                    h[n + 2] = fmaf(gs_ex2(a[n + 2] * de), h[n + 2], du * b4.z); y = fmaf(c4.z, h[n + 2], y);
                    h[n + 3] = fmaf(gs_ex2(a[n + 3] * de), h[n + 3], du * b4.w); y2 = fmaf(c4.w, h[n + 3], y2);
                }
                ys[t] = os[t] = y + y2;
                if (gate) { const float zv = gs_load1(at + 2 * W_TENSOR, t * 32 + lane); os[t] *= zv * gs_sigmoid(zv); }
            }
        };
        if (ids != 0 || t0 + W_T > L) steps(true); else steps(false);
#pragma unroll
        for (int t = 0; t < W_T; t++)                      // y and out take the places of u and z
        {
            if (saveY) gs_store1(at, t * 32 + lane, ys[t]);
            gs_store1(at + 2 * W_TENSOR, t * 32 + lane, os[t]);
        }
        gs_warp_sync();
#pragma unroll
        for (int i = 0; i < W_T * W_ROW_PIECES / 32; i++)
        {
            const int piece = lane + i * 32, t = piece / W_ROW_PIECES, part = piece % W_ROW_PIECES;
            const int c = d0 + part * (16 / GS_ESIZE);
            if (t0 + t < L && c < D)
            {
                const i64 r = rowBase + (rev ? L - 1 - t0 - t : t0 + t);
                *(uint4*)((unsigned char*)s.out + (r * s.out_stride + c) * GS_ESIZE) = *(const uint4*)(at + 2 * W_TENSOR + piece * 16);
                if (s.y != 0) *(uint4*)((unsigned char*)s.y + (r * D + c) * GS_ESIZE) = *(const uint4*)(at + piece * 16);
            }
        }
        gs_warp_sync();
    }
    if (s.h_last != 0 && ok)
    {
#pragma unroll
        for (int n = 0; n < GS_N; n++) s.h_last[((i64)b * D + d) * GS_N + n] = h[n];
    }
}
