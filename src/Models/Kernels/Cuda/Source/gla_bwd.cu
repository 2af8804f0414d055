// The vector-decay recurrence's gradients, of everything but the states, which gs_gla_states and gs_state_pass have left: `states` (S) enter the chunks,
// `after` is the gradient E of the state behind each. With B_ij = dy_i . v_j of seen pairs, else 0, and by channels n:
//   dv_j = sum_i A_ij dy_i + E^T (k_j o exp(G_last - G_j));   dq_in = sum_j B_ij k_jn exp(Q_in - G_jn) + exp(Q_in) (S dy_i)_n
//   dk_jn = sum_i B_ij q_in exp(Q_in - G_jn) + exp(G_last,n - G_jn) (E v_j)_n
//   gradient of Q_in: q_in dq_in, of G_in: -k_in dk_in, of G_last,n: the sum over j of k_jn times dk's second part + exp(G_last,n) sum_p E_np S_np;
//   dg_t: the sums of these from t to the chunk's end.
// A lane takes a channel with all 16 positions in registers; B is the same for all of them.
constexpr int V_BWD_SMEM = (3 * VT * VN_PITCH + 2 * VT * VP_PITCH + 2 * VN * VP_PITCH + VT * VT_PITCH) * GS_ESIZE + (3 * VT * V_SUMS + VT * 20) * 4;
// Rows of accumulators as floats.
__device__ __forceinline__ void gs_gla_put_wide(float* to, const float4* c)
{
    float* at = to + (threadIdx.x >> 2) * V_SUMS + 2 * (threadIdx.x & 3);
#pragma unroll
    for (int n = 0; n < VN / 8; n++)
    {
        *(float2*)(at + 8 * n) = make_float2(c[n].x, c[n].y);
        *(float2*)(at + 8 * V_SUMS + 8 * n) = make_float2(c[n].z, c[n].w);
    }
}
// V_BWD_SMEM bytes.
extern "C" __global__ void __launch_bounds__(32) gs_gla_bwd(const __grid_constant__ GsGla p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* q = (gs_t*)smem;
    gs_t* k = q + VT * VN_PITCH;
    gs_t* kept = k + VT * VN_PITCH;             // k o exp(G_last - G)
    gs_t* v = kept + VT * VN_PITCH;
    gs_t* dy = v + VT * VP_PITCH;
    gs_t* state = dy + VT * VP_PITCH;
    gs_t* after = state + VN * VP_PITCH;
    gs_t* scores = after + VN * VP_PITCH;
    float* sums = (float*)(scores + VT * VT_PITCH);
    float* from_state = sums + VT * V_SUMS;     // S dy_i
    float* from_after = from_state + VT * V_SUMS; // E v_j
    float* slopes = from_after + VT * V_SUMS;   // B, rows of 20
    const int lane = threadIdx.x, row = lane >> 2, column = 2 * (lane & 3);
    const GlaPlace at = gs_gla_place(p);
    gs_gla_load<VN>(p, at, q, p.q, p.q_stride);
    gs_gla_load<VN>(p, at, k, p.k, p.k_stride);
    gs_gla_load<VP>(p, at, v, p.v, p.v_stride);
    gs_gla_load<VP>(p, at, dy, p.dy, p.dy_stride);
    gs_gla_state(state, p.states, at.matrix);
    gs_gla_state(after, p.after, at.matrix);
    gs_copy_commit();
    for (int c = lane; c < VN; c += 32)
    {
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
    for (int c = lane; c < VN; c += 32)
        for (int j = 0; j < VT; j++)
            gs_tile_put1(kept + j * VN_PITCH + c, gs_gla_to_end(at, j)
                ? gs_tile_get1(k + j * VN_PITCH + c) * gs_ex2(sums[(VT - 1) * V_SUMS + c] - sums[j * V_SUMS + c]) : 0.0f);
    {
        float4 b[2], c[VN / 8];
        gs_tile_zero<2>(b);
        gs_tile_product<false, false, 2>(b, dy, VP_PITCH, v, VP_PITCH, 0, VP);
#pragma unroll
        for (int t = 0; t < 2; t++)
        {
            const int j = column + 8 * t;
            float* to = slopes + row * 20 + j;
            to[0] = gs_gla_seen(p, at, row, j) ? b[t].x : 0.0f;
            to[1] = gs_gla_seen(p, at, row, j + 1) ? b[t].y : 0.0f;
            to[8 * 20] = gs_gla_seen(p, at, row + 8, j) ? b[t].z : 0.0f;
            to[8 * 20 + 1] = gs_gla_seen(p, at, row + 8, j + 1) ? b[t].w : 0.0f;
        }
        gs_tile_zero<VN / 8>(c);
        gs_tile_product<false, false, VN / 8>(c, dy, VP_PITCH, state, VP_PITCH, 0, VP);
        gs_gla_put_wide(from_state, c);
        gs_tile_zero<VN / 8>(c);
        gs_tile_product<false, false, VN / 8>(c, v, VP_PITCH, after, VP_PITCH, 0, VP);
        gs_gla_put_wide(from_after, c);
    }
    gs_warp_sync();
    {
        float4 c[VP / 8];
        gs_tile_zero<VP / 8>(c);
        gs_tile_product<false, true, VP / 8>(c, kept, VN_PITCH, after, VP_PITCH, 0, VN);
        gs_tile_product<true, true, VP / 8>(c, scores, VT_PITCH, dy, VP_PITCH, 0, VT);
        gs_warp_sync();
        gs_tile_put<VP / 8>(v, VP_PITCH, c);
        gs_warp_sync();
        gs_gla_store<VP>(p, at, v, p.dv, p.dv_stride);
    }
    for (int c = lane; c < VN; c += 32)
    {
        float g[VT], x[VT], z[VT], dq[VT], dk[VT], last = 0.0f; // x: q, z: k
#pragma unroll
        for (int i = 0; i < VT; i++) g[i] = sums[i * V_SUMS + c];
#pragma unroll
        for (int i = 0; i < VT; i++)
        {
            x[i] = gs_tile_get1(q + i * VN_PITCH + c);
            z[i] = gs_tile_get1(k + i * VN_PITCH + c);
            dq[i] = gs_gla_from_start(at, i) ? gs_ex2(gs_gla_read(p, g, i)) * from_state[i * V_SUMS + c] : 0.0f;
            dk[i] = gs_gla_to_end(at, i) ? gs_ex2(g[VT - 1] - g[i]) * from_after[i * V_SUMS + c] : 0.0f;
            last = fmaf(z[i], dk[i], last);
        }
        if (at.cuts == 0)
        {
            float product = 0.0f;
            for (int i = 0; i < VP; i += 8)
            {
                float s[8], e[8];
                gs_tile_get8(state + c * VP_PITCH + i, s);
                gs_tile_get8(after + c * VP_PITCH + i, e);
#pragma unroll
                for (int j = 0; j < 8; j++) product = fmaf(s[j], e[j], product);
            }
            last = fmaf(gs_ex2(g[VT - 1]), product, last);
        }
#pragma unroll
        for (int i = 0; i < VT; i++)
        {
            const float read = gs_gla_read(p, g, i);
#pragma unroll
            for (int j = 0; j <= i; j++)
            {
                // A pair that is not seen has no slope; reading late, the pair of a position with itself would have an exponent above 0.
                const float w = slopes[i * 20 + j] * gs_ex2(fminf(read - g[j], 0.0f));
                dq[i] = fmaf(w, z[j], dq[i]);
                dk[j] = fmaf(w, x[i], dk[j]);
            }
        }
        float behind = last;
#pragma unroll
        for (int i = VT - 1; i >= 0; i--)
        {
            const float own = x[i] * dq[i];
            behind -= z[i] * dk[i];
            const float dg = p.late ? behind : behind + own;
            behind += own;
            const int position = at.first + i;
            if (position < p.length) p.dg[gs_gla_row(p, at.batch, position) * ((i64)p.heads * VN) + at.head * VN + c] = dg;
            gs_tile_put1(q + i * VN_PITCH + c, dq[i]);
            gs_tile_put1(k + i * VN_PITCH + c, dk[i]);
        }
    }
    gs_warp_sync();
    gs_gla_store<VN>(p, at, q, p.dq, p.dq_stride);
    gs_gla_store<VN>(p, at, k, p.dk, p.dk_stride);
}
