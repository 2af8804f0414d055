// The vector-decay recurrence's states and outputs; gla_args.cu has the formulas.
constexpr int V_STATES_SMEM = (VT * VN_PITCH + 2 * VT * VP_PITCH) * GS_ESIZE;
constexpr int V_OUT_SMEM = (2 * VT * VN_PITCH + VT * VP_PITCH + VN * VP_PITCH + VT * VT_PITCH) * GS_ESIZE + VT * V_SUMS * 4;
// V_STATES_SMEM bytes. What a chunk adds to the state; on the way back what it adds to the gradient of the state before it.
extern "C" __global__ void __launch_bounds__(32) gs_gla_states(const __grid_constant__ GsGla p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* k = (gs_t*)smem;
    gs_t* v = k + VT * VN_PITCH;
    gs_t* stage = v + VT * VP_PITCH;
    const int lane = threadIdx.x;
    const GlaPlace at = gs_gla_place(p);
    gs_gla_load<VN>(p, at, k, p.k, p.k_stride);
    gs_gla_load<VP>(p, at, v, p.v, p.v_stride);
    gs_copy_commit();
    float sums[V_ROUNDS][VT];
#pragma unroll
    for (int m = 0; m < V_ROUNDS; m++)
        if (m * 32 + lane < VN) gs_gla_sums(p, at, m * 32 + lane, sums[m]);
    gs_copy_wait();
    gs_warp_sync();
#pragma unroll
    for (int m = 0; m < V_ROUNDS; m++)
    {
        const int c = m * 32 + lane;
        if (c >= VN) continue;
        const float total = sums[m][VT - 1];
#pragma unroll
        for (int i = 0; i < VT; i++)
        {
            const float w = p.adjoint ? (gs_gla_from_start(at, i) ? gs_ex2(gs_gla_read(p, sums[m], i)) : 0.0f) : gs_gla_to_end(at, i) ? gs_ex2(total - sums[m][i]) : 0.0f;
            gs_tile_put1(k + i * VN_PITCH + c, gs_tile_get1(k + i * VN_PITCH + c) * w);
        }
        if (!p.adjoint) p.through[at.rows + c] = at.cuts == 0 ? gs_ex2(total) : 0.0f;
    }
    gs_warp_sync();
    gs_t* to = (gs_t*)p.states + at.matrix;
    for (int m = 0; m < VN / 16; m++)
    {
        float4 c[VP / 8];
        gs_tile_zero<VP / 8>(c);
        gs_tile_product<true, true, VP / 8>(c, k + m * 16, VN_PITCH, v, VP_PITCH, 0, VT);
        gs_tile_put<VP / 8>(stage, VP_PITCH, c);
        gs_warp_sync();
        for (int i = lane; i < 16 * (VP / GS_PAD); i += 32)
        {
            const int r = i / (VP / GS_PAD), column = (i - r * (VP / GS_PAD)) * GS_PAD;
            *(uint4*)(to + (m * 16 + r) * VP + column) = *(const uint4*)(stage + r * VP_PITCH + column);
        }
        gs_warp_sync();
    }
}
// V_OUT_SMEM bytes.
extern "C" __global__ void __launch_bounds__(32) gs_gla_out(const __grid_constant__ GsGla p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* q = (gs_t*)smem;
    gs_t* k = q + VT * VN_PITCH;
    gs_t* v = k + VT * VN_PITCH;
    gs_t* state = v + VT * VP_PITCH;
    gs_t* scores = state + VN * VP_PITCH;
    float* sums = (float*)(scores + VT * VT_PITCH);
    const int lane = threadIdx.x;
    const GlaPlace at = gs_gla_place(p);
    gs_gla_load<VN>(p, at, q, p.q, p.q_stride);
    gs_gla_load<VN>(p, at, k, p.k, p.k_stride);
    gs_gla_load<VP>(p, at, v, p.v, p.v_stride);
    gs_gla_state(state, p.states, at.matrix);
    gs_copy_commit();
#pragma unroll
    for (int m = 0; m < V_ROUNDS; m++)
    {
        const int c = m * 32 + lane;
        if (c >= VN) continue;
        float own[VT];
        gs_gla_sums(p, at, c, own);
#pragma unroll
        for (int i = 0; i < VT; i++) sums[i * V_SUMS + c] = own[i];
    }
    gs_copy_wait();
    gs_warp_sync();
    float a[2][4];
    gs_gla_scores(p, at, q, k, sums, a);
    gs_gla_put_scores(p, at, a, scores);
    gs_warp_sync();
    for (int c = lane; c < VN; c += 32)
        for (int i = 0; i < VT; i++)
        {
            const int from = p.late ? i - 1 : i;
            const float w = !gs_gla_from_start(at, i) ? 0.0f : from < 0 ? 1.0f : gs_ex2(sums[from * V_SUMS + c]);
            gs_tile_put1(q + i * VN_PITCH + c, gs_tile_get1(q + i * VN_PITCH + c) * w);
        }
    gs_warp_sync();
    float4 y[VP / 8];
    gs_tile_zero<VP / 8>(y);
    gs_tile_product<false, true, VP / 8>(y, q, VN_PITCH, state, VP_PITCH, 0, VN);
    gs_tile_product<false, true, VP / 8>(y, scores, VT_PITCH, v, VP_PITCH, 0, VT);
    gs_warp_sync();
    gs_tile_put<VP / 8>(v, VP_PITCH, y);
    gs_warp_sync();
    gs_gla_store<VP>(p, at, v, p.y, p.y_stride);
}
