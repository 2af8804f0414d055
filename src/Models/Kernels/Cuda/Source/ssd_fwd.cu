// The chunked recurrence's states and outputs; ssd_args.cu has the formulas.
constexpr int S_STATES_SMEM = (SQ * SN_PITCH + SQ * SP_PITCH + S_WARPS * 16 * SP_PITCH) * GS_ESIZE + (int)sizeof(SsdDecays);
constexpr int S_OUT_SMEM = (2 * SQ * SN_PITCH + SQ * SP_PITCH + SN * SP_PITCH + SQ * S_OUT_PITCH) * GS_ESIZE + (int)sizeof(SsdDecays);
// Grid (chunks, groups, batch), S_THREADS threads, S_STATES_SMEM bytes. What a chunk adds to the state, sum_j end_j k_j (s_j v_j)^T; on the way
// back (k and v being q and dy) what it adds to the gradient of the state before it, sum_i start_i q_i dy_i^T.
extern "C" __global__ void __launch_bounds__(S_THREADS) gs_ssd_states(const __grid_constant__ GsSsd p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* k = (gs_t*)smem;
    gs_t* v = k + SQ * SN_PITCH;
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
    gs_t* stage = v + SQ * SP_PITCH + warp * 16 * SP_PITCH;
    SsdDecays& d = *(SsdDecays*)(v + SQ * SP_PITCH + S_WARPS * 16 * SP_PITCH);
    const SsdPlace at = gs_ssd_place(p);
    gs_ssd_rows<SN>(p, at, k, p.k, p.k_stride, at.group * SN);
    if (warp == 0) gs_ssd_cuts(p, at, d);
    for (int h = 0; h < at.heads; h++)
    {
        const int head = at.group * at.heads + h;
        __syncthreads();
        gs_ssd_rows<SP>(p, at, v, p.v, p.v_stride, head * SP);
        gs_copy_commit();
        if (warp == 0) gs_ssd_decays(p, at, head, d);
        gs_copy_wait();
        __syncthreads();
        for (int i = threadIdx.x; i < SQ * (SP / 8); i += S_THREADS)
        {
            const int r = i / (SP / 8);
            gs_t* to = v + r * SP_PITCH + (i - r * (SP / 8)) * 8;
            const float w = p.adjoint ? d.start[r] : d.end[r] * d.scale[r];
            float f[8];
            gs_tile_get8(to, f);
#pragma unroll
            for (int j = 0; j < 8; j += 2) gs_tile_put2(to + j, f[j] * w, f[j + 1] * w);
        }
        if (threadIdx.x == 0 && !p.adjoint) p.through[((i64)at.batch * p.chunks + at.chunk) * p.heads + head] = d.through;
        __syncthreads();
        gs_t* to = (gs_t*)p.states + gs_ssd_matrix(p, at, head);
        for (int m = warp; m < SN / 16; m += S_WARPS)
        {
            float4 c[SP / 8];
            gs_tile_zero<SP / 8>(c);
            gs_tile_product<true, true, SP / 8>(c, k + m * 16, SN_PITCH, v, SP_PITCH, 0, SQ);
            gs_tile_put<SP / 8>(stage, SP_PITCH, c);
            gs_warp_sync();
            for (int i = lane; i < 16 * (SP / GS_PAD); i += 32)
            {
                const int r = i / (SP / GS_PAD), column = (i - r * (SP / GS_PAD)) * GS_PAD;
                *(uint4*)(to + (m * 16 + r) * SP + column) = *(const uint4*)(stage + r * SP_PITCH + column);
            }
            gs_warp_sync();
        }
    }
}
// Grid (chunks, groups, batch), S_THREADS threads, S_OUT_SMEM bytes.
extern "C" __global__ void __launch_bounds__(S_THREADS) gs_ssd_out(const __grid_constant__ GsSsd p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* q = (gs_t*)smem;
    gs_t* k = q + SQ * SN_PITCH;
    gs_t* v = k + SQ * SN_PITCH;
    gs_t* state = v + SQ * SP_PITCH;
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, row = warp * 16, top = row + (lane >> 2), low = top + 8, tiles = 2 * (warp + 1);
    gs_t* scores = state + SN * SP_PITCH + row * S_OUT_PITCH;             // the warp's own rows
    SsdDecays& d = *(SsdDecays*)(state + SN * SP_PITCH + SQ * S_OUT_PITCH);
    const SsdPlace at = gs_ssd_place(p);
    gs_ssd_rows<SN>(p, at, q, p.q, p.q_stride, at.group * SN);
    gs_ssd_rows<SN>(p, at, k, p.k, p.k_stride, at.group * SN);
    gs_copy_commit();
    if (warp == 0) gs_ssd_cuts(p, at, d);
    gs_copy_wait();
    __syncthreads();
    float4 s[SQ / 8];
    gs_tile_zero<SQ / 8>(s);
    gs_tile_product<false, false, SQ / 8>(s, q + row * SN_PITCH, SN_PITCH, k, SN_PITCH, 0, SN, tiles);
    for (int h = 0; h < at.heads; h++)
    {
        const int head = at.group * at.heads + h;
        __syncthreads();
        gs_ssd_rows<SP>(p, at, v, p.v, p.v_stride, head * SP);
        gs_ssd_state(state, p.states, gs_ssd_matrix(p, at, head));
        gs_copy_commit();
        if (warp == 0) gs_ssd_decays(p, at, head, d);
        gs_copy_wait();
        __syncthreads();
        const float sum0 = d.sum[top], sum1 = d.sum[low], cut0 = d.cut[top], cut1 = d.cut[low];
#pragma unroll
        for (int n = 0; n < SQ / 8; n++)
        {
            if (n >= tiles) continue;
            const int j = 8 * n + 2 * (lane & 3);
            const float s0 = d.scale[j], s1 = d.scale[j + 1];
            gs_t* to = scores + (lane >> 2) * S_OUT_PITCH + j;
            gs_tile_put2(to, s[n].x * s0 * gs_ssd_decay(d, top, sum0, cut0, j), s[n].y * s1 * gs_ssd_decay(d, top, sum0, cut0, j + 1));
            gs_tile_put2(to + 8 * S_OUT_PITCH, s[n].z * s0 * gs_ssd_decay(d, low, sum1, cut1, j), s[n].w * s1 * gs_ssd_decay(d, low, sum1, cut1, j + 1));
        }
        gs_warp_sync();
        float4 y[SP / 8];
        gs_tile_zero<SP / 8>(y);
        gs_tile_product<false, true, SP / 8>(y, q + row * SN_PITCH, SN_PITCH, state, SP_PITCH, 0, SN);
        const float e0 = d.start[top], e1 = d.start[low], skip = p.skip != 0 ? p.skip[head] : 0.0f;
#pragma unroll
        for (int n = 0; n < SP / 8; n++)
        {
            float x0, x1, x2, x3;
            const gs_t* own = v + top * SP_PITCH + 8 * n + 2 * (lane & 3);
            gs_tile_get2(own, x0, x1);
            gs_tile_get2(own + 8 * SP_PITCH, x2, x3);
            y[n] = make_float4(fmaf(y[n].x, e0, skip * x0), fmaf(y[n].y, e0, skip * x1), fmaf(y[n].z, e1, skip * x2), fmaf(y[n].w, e1, skip * x3));
        }
        gs_tile_product<false, true, SP / 8>(y, scores, S_OUT_PITCH, v, SP_PITCH, 0, row + 16);
        gs_warp_sync();
        gs_tile_put<SP / 8>(scores, S_OUT_PITCH, y);
        gs_warp_sync();
        gs_ssd_store<SP>(p, at, scores, S_OUT_PITCH, row, p.y, p.y_stride, head * SP);
    }
}
