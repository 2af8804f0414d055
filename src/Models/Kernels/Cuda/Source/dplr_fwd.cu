// What a chunk is before its state is known, and the outputs; dplr_args.cu has the formulas.
constexpr int R_CHUNKS_SMEM = (3 * VT * VN_PITCH + VT * VP_PITCH + 2 * R_TILE) * GS_ESIZE + (VT * V_SUMS + R_INNER) * 4;
constexpr int R_OUT_SMEM = (3 * VT * VN_PITCH + 2 * VT * VP_PITCH + VN * VP_PITCH + 2 * R_TILE) * GS_ESIZE + VT * V_SUMS * 4;
// Grid (chunks, heads, batch), 32 threads, R_CHUNKS_SMEM bytes.
extern "C" __global__ void __launch_bounds__(32) gs_dplr_chunks(const __grid_constant__ GsDplr p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* a = (gs_t*)smem;
    gs_t* b = a + VT * VN_PITCH;
    gs_t* k = b + VT * VN_PITCH;
    gs_t* v = k + VT * VN_PITCH;
    gs_t* scores = v + VT * VP_PITCH;           // A(a, k)
    gs_t* m = scores + R_TILE;
    float* sums = (float*)(m + R_TILE);
    float* inner = sums + VT * V_SUMS;
    const GlaPlace at = gs_gla_place(p.s);
    gs_gla_load<VN>(p.s, at, a, p.a, p.a_stride);
    gs_gla_load<VN>(p.s, at, b, p.b, p.b_stride);
    gs_gla_load<VN>(p.s, at, k, p.s.k, p.s.k_stride);
    gs_gla_load<VP>(p.s, at, v, p.s.v, p.s.v_stride);
    gs_copy_commit();
    gs_dplr_sums(p, at, sums);
    gs_copy_wait();
    gs_warp_sync();
    {
        float ab[2][4], ak[2][4];
        gs_dplr_scores<true, true>(a, b, k, sums, ab, ak);
        gs_dplr_put<true>(at, ak, scores);
        gs_dplr_system(at, ab, inner, m);
    }
    gs_warp_sync();
    for (int c = threadIdx.x; c < VN; c += 32) p.s.through[at.rows + c] = at.cuts == 0 ? gs_ex2(sums[(VT - 1) * V_SUMS + c]) : 0.0f;
    gs_dplr_from_start<true>(at, sums, a);
    gs_dplr_to_end(at, sums, b);
    gs_dplr_to_end(at, sums, k);
    gs_warp_sync();
    for (int t = 0; t < VN; t += 16)
    {
        float4 c[2];
        gs_turned_get<1>(c, a + t, VN_PITCH);
        gs_dplr_solve<false>(c, m);
        gs_turned_put<1>(a + t, VN_PITCH, c);
    }
    for (int t = 0; t < VP; t += 16)
    {
        float4 c[2], own[2];
        gs_turned_get<1>(own, v + t, VP_PITCH);
        gs_tile_zero<2>(c);
        gs_chain_product<false, 2, 2>(c, own, scores, VT_PITCH);
        gs_dplr_solve<false>(c, m);
        gs_turned_put<1>(v + t, VP_PITCH, c);
    }
    gs_warp_sync();
    const i64 keys = (i64)p.s.heads * VN;
    gs_gla_store<VN>(p.s, at, a, p.w, keys);
    gs_gla_store<VN>(p.s, at, b, p.added, keys);
    gs_gla_store<VN>(p.s, at, k, p.kept, keys);
    gs_gla_store<VP>(p.s, at, v, p.u, (i64)p.s.heads * VP);
}
// Grid (chunks, heads, batch), 32 threads, R_OUT_SMEM bytes.
extern "C" __global__ void __launch_bounds__(32) gs_dplr_out(const __grid_constant__ GsDplr p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* q = (gs_t*)smem;
    gs_t* k = q + VT * VN_PITCH;
    gs_t* b = k + VT * VN_PITCH;
    gs_t* v = b + VT * VN_PITCH;
    gs_t* u = v + VT * VP_PITCH;
    gs_t* state = u + VT * VP_PITCH;
    gs_t* scores = state + VN * VP_PITCH;       // A(q, k)
    gs_t* more = scores + R_TILE;               // A(q, b)
    float* sums = (float*)(more + R_TILE);
    const GlaPlace at = gs_gla_place(p.s);
    gs_gla_load<VN>(p.s, at, q, p.s.q, p.s.q_stride);
    gs_gla_load<VN>(p.s, at, k, p.s.k, p.s.k_stride);
    gs_gla_load<VN>(p.s, at, b, p.b, p.b_stride);
    gs_gla_load<VP>(p.s, at, v, p.s.v, p.s.v_stride);
    gs_gla_load<VP>(p.s, at, u, p.u, (i64)p.s.heads * VP);
    gs_gla_state(state, p.s.states, at.matrix);
    gs_copy_commit();
    gs_dplr_sums(p, at, sums);
    gs_copy_wait();
    gs_warp_sync();
    {
        float qk[2][4], qb[2][4];
        gs_dplr_scores<false, true>(q, k, b, sums, qk, qb);
        gs_dplr_put<false>(at, qk, scores);
        gs_dplr_put<false>(at, qb, more);
    }
    gs_warp_sync();
    gs_dplr_from_start<false>(at, sums, q);
    gs_warp_sync();
    float4 y[VP / 8];
    gs_tile_zero<VP / 8>(y);
    gs_tile_product<false, true, VP / 8>(y, q, VN_PITCH, state, VP_PITCH, 0, VN);
    gs_tile_product<false, true, VP / 8>(y, scores, VT_PITCH, v, VP_PITCH, 0, VT);
    gs_tile_product<false, true, VP / 8>(y, more, VT_PITCH, u, VP_PITCH, 0, VT);
    gs_warp_sync();
    gs_tile_put<VP / 8>(v, VP_PITCH, y);
    gs_warp_sync();
    gs_gla_store<VP>(p.s, at, v, p.s.y, p.s.y_stride);
}
