// Gradients; dplr_args.cu has the formulas. With dR = T^T dU, whose rows stand to a as dy's do to q, and slopes of seen pairs, else 0:
//   qk_ij = dy_i . v_j, qb_ij = dy_i . U_j, ak_ij = dR_i . v_j, ab_ij = dR_i . U_j;   dv_j = sum_i A(q, k)_ij dy_i + A(a, k)_ij dR_i + E^T k'_j
//   dq_in = sum_j (qk_ij k_jn + qb_ij b_jn) exp(G_in - G_jn) + exp(G_in) (S dy_i)_n, da with H, ak, ab and dR in place of G, qk, qb and dy
//   dk_jn = sum_i qk_ij q_in exp(G_in - G_jn) + ak_ij a_in exp(H_in - G_jn) + exp(G_last,n - G_jn) (E v_j)_n, db with qb, ab and U in place of qk, ak and v
//   gradient of G_in: q_in dq_in + a_(i+1)n da_(i+1)n - k_in dk_in - b_in db_in, of G_last,n also the sum over j of k_jn and b_jn times their last parts + exp(G_last,n)
//   sum_p E_np S_np; dg_t: the sum of these from t to the chunk's end.
// A lane takes a channel with all 16 positions in registers; channels go by 32.
constexpr int R_READ_SMEM = (3 * VT * VN_PITCH + VT * VP_PITCH + R_TILE) * GS_ESIZE + VT * V_SUMS * 4;
constexpr int R_PART = VT * 36;                 // floats: 16 positions of 32 channels
constexpr int R_BWD_SMEM = (4 * VT * VN_PITCH + 4 * VT * VP_PITCH + 2 * VN * VP_PITCH + 3 * R_TILE) * GS_ESIZE + (VT * V_SUMS + R_INNER + 4 * R_PART + 4 * VT * VT) * 4;
static_assert(R_BWD_SMEM <= 227 * 1024, "shared memory of a block");
// Grid (chunks, heads, batch), 32 threads, R_READ_SMEM bytes. k', b', q', and the gradient of U within the chunk.
extern "C" __global__ void __launch_bounds__(32) gs_dplr_read(const __grid_constant__ GsDplr p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* q = (gs_t*)smem;
    gs_t* k = q + VT * VN_PITCH;
    gs_t* b = k + VT * VN_PITCH;
    gs_t* dy = b + VT * VN_PITCH;
    gs_t* scores = dy + VT * VP_PITCH;
    float* sums = (float*)(scores + R_TILE);
    const GlaPlace at = gs_gla_place(p.s);
    gs_gla_load<VN>(p.s, at, q, p.s.q, p.s.q_stride);
    gs_gla_load<VN>(p.s, at, k, p.s.k, p.s.k_stride);
    gs_gla_load<VN>(p.s, at, b, p.b, p.b_stride);
    gs_gla_load<VP>(p.s, at, dy, p.s.dy, p.s.dy_stride);
    gs_copy_commit();
    gs_dplr_sums(p, at, sums);
    gs_copy_wait();
    gs_warp_sync();
    {
        float qb[2][4], none[2][4];
        gs_dplr_scores<false, false>(q, b, b, sums, qb, none);
        gs_dplr_put<false>(at, qb, scores);
    }
    gs_warp_sync();
    gs_dplr_from_start<false>(at, sums, q);
    gs_dplr_to_end(at, sums, k);
    gs_dplr_to_end(at, sums, b);
    float4 c[VP / 8];
    gs_tile_zero<VP / 8>(c);
    gs_tile_product<true, true, VP / 8>(c, scores, VT_PITCH, dy, VP_PITCH, 0, VT);
    gs_warp_sync();
    gs_tile_put<VP / 8>(dy, VP_PITCH, c);
    gs_warp_sync();
    const i64 keys = (i64)p.s.heads * VN;
    gs_gla_store<VN>(p.s, at, q, p.read, keys);
    gs_gla_store<VN>(p.s, at, k, p.kept, keys);
    gs_gla_store<VN>(p.s, at, b, p.added, keys);
    gs_gla_store<VP>(p.s, at, dy, p.du, (i64)p.s.heads * VP);
}
// Rows x rows of values: the part of slopes that lies `which` floats into each.
template <bool Late> __device__ __forceinline__ void gs_dplr_slopes(const GlaPlace& at, const gs_t* rows, const gs_t* values, float* to, int which)
{
    const int row = threadIdx.x >> 2, column = 2 * (threadIdx.x & 3);
    float4 c[2];
    gs_tile_zero<2>(c);
    gs_tile_product<false, false, 2>(c, rows, VP_PITCH, values, VP_PITCH, 0, VP);
#pragma unroll
    for (int t = 0; t < 2; t++)
    {
        const int j = column + 8 * t;
        float* own = to + (row * VT + j) * 4 + which;
        own[0] = gs_dplr_seen<Late>(at, row, j) ? c[t].x : 0.0f;
        own[4] = gs_dplr_seen<Late>(at, row, j + 1) ? c[t].y : 0.0f;
        own[8 * VT * 4] = gs_dplr_seen<Late>(at, row + 8, j) ? c[t].z : 0.0f;
        own[(8 * VT + 1) * 4] = gs_dplr_seen<Late>(at, row + 8, j + 1) ? c[t].w : 0.0f;
    }
}
// Rows times 32 rows of a matrix [VN][VP], as floats.
__device__ __forceinline__ void gs_dplr_part(const gs_t* rows, const gs_t* matrix, float* to, int tiles)
{
    float4 c[4];
    gs_tile_zero<4>(c);
    gs_tile_product<false, false, 4>(c, rows, VP_PITCH, matrix, VP_PITCH, 0, VP, tiles);
    float* at = to + (threadIdx.x >> 2) * 36 + 2 * (threadIdx.x & 3);
#pragma unroll
    for (int n = 0; n < 4; n++)
    {
        *(float2*)(at + 8 * n) = make_float2(c[n].x, c[n].y);
        *(float2*)(at + 8 * 36 + 8 * n) = make_float2(c[n].z, c[n].w);
    }
}
// Grid (chunks, heads, batch), 32 threads, R_BWD_SMEM bytes.
extern "C" __global__ void __launch_bounds__(32) gs_dplr_bwd(const __grid_constant__ GsDplr p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* q = (gs_t*)smem;                      // k' at first
    gs_t* k = q + VT * VN_PITCH;
    gs_t* a = k + VT * VN_PITCH;
    gs_t* b = a + VT * VN_PITCH;
    gs_t* v = b + VT * VN_PITCH;
    gs_t* u = v + VT * VP_PITCH;
    gs_t* dy = u + VT * VP_PITCH;
    gs_t* dr = dy + VT * VP_PITCH;              // dU, then dR
    gs_t* state = dr + VT * VP_PITCH;
    gs_t* after = state + VN * VP_PITCH;
    gs_t* qk = after + VN * VP_PITCH;
    gs_t* ak = qk + R_TILE;
    gs_t* m = ak + R_TILE;
    float* sums = (float*)(m + R_TILE);
    float* inner = sums + VT * V_SUMS;
    float* parts = inner + R_INNER;             // S dy, S dR, E v, E U
    float* slopes = parts + 4 * R_PART;         // for each pair qk, qb, ak, ab
    const int lane = threadIdx.x, row = lane >> 2, column = 2 * (lane & 3);
    const i64 keys = (i64)p.s.heads * VN, values = (i64)p.s.heads * VP;
    const GlaPlace at = gs_gla_place(p.s);
    gs_gla_load<VN>(p.s, at, q, p.kept, keys);
    gs_gla_state(after, p.s.after, at.matrix);
    gs_copy_commit();
    gs_gla_load<VN>(p.s, at, k, p.s.k, p.s.k_stride);
    gs_gla_load<VN>(p.s, at, a, p.a, p.a_stride);
    gs_gla_load<VN>(p.s, at, b, p.b, p.b_stride);
    gs_gla_load<VP>(p.s, at, v, p.s.v, p.s.v_stride);
    gs_gla_load<VP>(p.s, at, u, p.u, values);
    gs_gla_load<VP>(p.s, at, dy, p.s.dy, p.s.dy_stride);
    gs_gla_load<VP>(p.s, at, dr, p.du, values);
    gs_gla_state(state, p.s.states, at.matrix);
    gs_copy_commit();
    gs_dplr_sums(p, at, sums);
    gs_copy_wait_for(1);
    gs_warp_sync();
    float4 dv[VP / 8];
    gs_tile_zero<VP / 8>(dv);
    gs_tile_product<false, true, VP / 8>(dv, q, VN_PITCH, after, VP_PITCH, 0, VN);
    gs_warp_sync();
    gs_gla_load<VN>(p.s, at, q, p.s.q, p.s.q_stride);
    gs_copy_commit();
    gs_copy_wait();
    gs_warp_sync();
    {
        float x[2][4], y[2][4];
        gs_dplr_scores<true, true>(a, b, k, sums, x, y);
        gs_dplr_put<true>(at, y, ak);
        gs_dplr_system(at, x, inner, m);
        gs_dplr_scores<false, false>(q, k, k, sums, x, y);
        gs_dplr_put<false>(at, x, qk);
    }
    gs_warp_sync();
    for (int t = 0; t < VP; t += 16)
    {
        float4 c[2];
        gs_turned_get<1>(c, dr + t, VP_PITCH);
        gs_dplr_solve<true>(c, m);
        gs_turned_put<1>(dr + t, VP_PITCH, c);
    }
    gs_warp_sync();
    gs_tile_product<true, true, VP / 8>(dv, qk, VT_PITCH, dy, VP_PITCH, 0, VT);
    gs_tile_product<true, true, VP / 8>(dv, ak, VT_PITCH, dr, VP_PITCH, 0, VT);
#pragma unroll
    for (int half = 0; half < 2; half++)
    {
        const int position = at.first + row + 8 * half;
        if (position >= p.s.length) continue;
        gs_t* to = (gs_t*)p.s.dv + gs_gla_row(p.s, at.batch, position) * p.s.dv_stride + at.head * VP + column;
#pragma unroll
        for (int n = 0; n < VP / 8; n++) gs_tile_put2(to + 8 * n, half == 0 ? dv[n].x : dv[n].z, half == 0 ? dv[n].y : dv[n].w);
    }
    gs_dplr_slopes<false>(at, dy, v, slopes, 0);
    gs_dplr_slopes<false>(at, dy, u, slopes, 1);
    gs_dplr_slopes<true>(at, dr, v, slopes, 2);
    gs_dplr_slopes<true>(at, dr, u, slopes, 3);
    for (int first = 0; first < VN; first += 32)
    {
        const int tiles = VN - first < 32 ? 2 : 4;
        gs_warp_sync();
        gs_dplr_part(dy, state + first * VP_PITCH, parts, tiles);
        gs_dplr_part(dr, state + first * VP_PITCH, parts + R_PART, tiles);
        gs_dplr_part(v, after + first * VP_PITCH, parts + 2 * R_PART, tiles);
        gs_dplr_part(u, after + first * VP_PITCH, parts + 3 * R_PART, tiles);
        gs_warp_sync();
        const int c = first + lane;
        if (c >= VN) continue;
        float g[VT], xq[VT], xk[VT], xa[VT], xb[VT], dq[VT], dk[VT], da[VT], db[VT], last = 0.0f;
#pragma unroll
        for (int i = 0; i < VT; i++) g[i] = sums[i * V_SUMS + c];
#pragma unroll
        for (int i = 0; i < VT; i++)
        {
            xq[i] = gs_tile_get1(q + i * VN_PITCH + c);
            xk[i] = gs_tile_get1(k + i * VN_PITCH + c);
            xa[i] = gs_tile_get1(a + i * VN_PITCH + c);
            xb[i] = gs_tile_get1(b + i * VN_PITCH + c);
            const bool from_start = gs_gla_from_start(at, i);
            dq[i] = from_start ? gs_ex2(g[i]) * parts[i * 36 + lane] : 0.0f;
            da[i] = from_start ? gs_ex2(i > 0 ? g[i > 0 ? i - 1 : 0] : 0.0f) * parts[R_PART + i * 36 + lane] : 0.0f;
            const float left = gs_gla_to_end(at, i) ? gs_ex2(g[VT - 1] - g[i]) : 0.0f;
            dk[i] = left * parts[2 * R_PART + i * 36 + lane];
            db[i] = left * parts[3 * R_PART + i * 36 + lane];
            last = fmaf(xk[i], dk[i], fmaf(xb[i], db[i], last));
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
            // q reads one step later than a: its exponentials are a's times this step's decay, but for the pair of a position with itself.
            const float step = gs_ex2(i > 0 ? g[i] - g[i > 0 ? i - 1 : 0] : g[0]), reader = xq[i] * step;
            float read = 0.0f;
#pragma unroll
            for (int j = 0; j < i; j++)
            {
                const float4 w = *(const float4*)(slopes + (i * VT + j) * 4);
                const float e = gs_ex2(fminf(g[i > 0 ? i - 1 : 0] - g[j], 0.0f));
                const float ek = e * xk[j], eb = e * xb[j];
                read = fmaf(w.x, ek, fmaf(w.y, eb, read));
                da[i] = fmaf(w.z, ek, fmaf(w.w, eb, da[i]));
                dk[j] = fmaf(e, fmaf(w.x, reader, w.z * xa[i]), dk[j]);
                db[j] = fmaf(e, fmaf(w.y, reader, w.w * xa[i]), db[j]);
            }
            const float2 own = *(const float2*)(slopes + (i * VT + i) * 4);
            dq[i] += fmaf(step, read, fmaf(own.x, xk[i], own.y * xb[i]));
            dk[i] = fmaf(own.x, xq[i], dk[i]);
            db[i] = fmaf(own.y, xq[i], db[i]);
        }
        float behind = last;
#pragma unroll
        for (int i = VT - 1; i >= 0; i--)
        {
            behind += xq[i] * dq[i] - xk[i] * dk[i] - xb[i] * db[i];
            const int position = at.first + i;
            if (position < p.s.length) p.s.dg[gs_gla_row(p.s, at.batch, position) * keys + at.head * VN + c] = behind;
            behind = fmaf(xa[i], da[i], behind);
            gs_tile_put1(q + i * VN_PITCH + c, dq[i]);
            gs_tile_put1(k + i * VN_PITCH + c, dk[i]);
            gs_tile_put1(a + i * VN_PITCH + c, da[i]);
            gs_tile_put1(b + i * VN_PITCH + c, db[i]);
        }
    }
    gs_warp_sync();
    gs_gla_store<VN>(p.s, at, q, p.s.dq, p.s.dq_stride);
    gs_gla_store<VN>(p.s, at, k, p.s.dk, p.s.dk_stride);
    gs_gla_store<VN>(p.s, at, a, p.da, keys);
    gs_gla_store<VN>(p.s, at, b, p.db, keys);
}
