// Gradients; momentum_args.cu has the formulas. M, S: the entering states; E, F: gradients of the states behind the chunk. With dR = T^T dN, R_ij = dy_i . N_j for j <= i and
// X_ij = -dR_i . N_j for j < i:
//   dv_i = theta_i dR_i;   dq_i = sum_j D_ij R_ij k_j + m_i M dy_i + x_i S dy_i
//   dk_j = sum_i D_ij R_ij q_i + sum_i theta_i B_ij X_ij k_i + D_last,j E N_j + E_last,j F N_j, and as i: sum_j theta_i B_ij X_ij k_j - theta_i (m-_i M dR_i + x-_i S dR_i)
//   dtheta_i = sum_j X_ij (k_i . k_j) B_ij + dR_i . (v_i - (m-_i M + x-_i S)^T k_i)
//   gradient of D_ij: R_ij (q_i . k_j), of B_ij: theta_i X_ij (k_i . k_j), of m_i: q_i . M dy_i, of m-_i: -theta_i k_i . M dR_i, of x as of m with S; at `last` those of the states.
// Gradients of keep and eta run down each column: what D_ij has is D_(i-1)j's times keep_i, E_ij's besides, and so on; their sums over columns are one warp's.
constexpr int O_READ_SMEM = (2 * SQ * SN_PITCH + SQ * SP_PITCH + SQ * SQ_PITCH) * GS_ESIZE + (int)(sizeof(SsdDecays) + sizeof(MomentumRows));
struct MomentumSums
{
    float d[SQ][O_PITCH];       // gradient of D_ij, with that of B_(i+1)j
    float m[SQ], x[SQ];         // of m and x
    float m_before[SQ], x_before[SQ];
    float last[SQ], end[SQ];    // of D_last and E_last, by the states
    float theta[SQ];
    float states[S_WARPS][3];   // parts of <E, M>, <E, S>, <F, S>
};
constexpr int O_BWD_SMEM = (2 * SQ * SN_PITCH + 4 * SQ * SP_PITCH + 2 * SQ * SQ_PITCH + 2 * ON * SP_PITCH) * GS_ESIZE
    + (int)(sizeof(SsdDecays) + sizeof(MomentumRows) + (sizeof(MomentumSums) + 15) / 16 * 16) + S_WARPS * D_INNER * 4;
static_assert(O_BWD_SMEM <= 227 * 1024, "shared memory of a block");
// Grid (chunks, heads, batch), S_THREADS threads, O_READ_SMEM bytes. What the passes between chunks need, and the gradient of N within the chunk.
extern "C" __global__ void __launch_bounds__(S_THREADS) gs_momentum_read(const __grid_constant__ GsMomentum p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* q = (gs_t*)smem;
    gs_t* k = q + SQ * SN_PITCH;
    gs_t* dy = k + SQ * SN_PITCH;
    gs_t* scores = dy + SQ * SP_PITCH;
    MomentumRows& c = *(MomentumRows*)(scores + SQ * SQ_PITCH);
    SsdDecays& d = *(SsdDecays*)(&c + 1);
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, row = warp * 16, top = row + (lane >> 2), low = top + 8;
    const SsdPlace at = gs_ssd_place(p.s);
    const int head = at.group;
    gs_ssd_rows<SN>(p.s, at, q, p.s.q, p.s.q_stride, head * SN);
    gs_ssd_rows<SN>(p.s, at, k, p.s.k, p.s.k_stride, head * SN);
    gs_ssd_rows<SP>(p.s, at, dy, p.s.dy, p.s.dy_stride, head * SP);
    gs_copy_commit();
    gs_copy_wait();
    gs_momentum_rows(p, at, d, c);
    gs_momentum_twice(p, at, k, c.d[c.last], c.end, p.kept);
    gs_momentum_twice(p, at, q, c.m, c.x, p.read);
    {
        float4 s[SQ / 8];
        gs_tile_zero<SQ / 8>(s);
        gs_tile_product<false, false, SQ / 8>(s, q + row * SN_PITCH, SN_PITCH, k, SN_PITCH, 0, SN, 2 * (warp + 1));
#pragma unroll
        for (int n = 0; n < SQ / 8; n++)
        {
            if (n >= 2 * (warp + 1)) continue;
            const int j = 8 * n + 2 * (lane & 3);
            gs_tile_put2(scores + top * SQ_PITCH + j, s[n].x * c.d[top][j], s[n].y * c.d[top][j + 1]);
            gs_tile_put2(scores + low * SQ_PITCH + j, s[n].z * c.d[low][j], s[n].w * c.d[low][j + 1]);
        }
    }
    __syncthreads();
    float4 x[SP / 8];
    gs_tile_zero<SP / 8>(x);
    gs_tile_product<true, true, SP / 8>(x, scores + row, SQ_PITCH, dy, SP_PITCH, row, SQ);
    __syncthreads();                            // dy has been read by all
    gs_tile_put<SP / 8>(dy + row * SP_PITCH, SP_PITCH, x);
    gs_warp_sync();
    gs_ssd_store<SP>(p.s, at, dy + row * SP_PITCH, SP_PITCH, row, p.dwritten, (i64)p.s.heads * SP, head * SP);
}
__device__ __forceinline__ float gs_momentum_quad(float v) { v += gs_xor(v, 1); return v + gs_xor(v, 2); }
// to += (w0, w1) by rows times rows x matrix [SN][SP]; also the sums over columns of the product times the rows of `with`.
__device__ __forceinline__ void gs_momentum_through(float4* to, float w0, float w1, const gs_t* rows, const gs_t* matrix, const gs_t* with, float& dot0, float& dot1)
{
    const int lane = threadIdx.x & 31;
    const gs_t* at = with + (lane >> 2) * SN_PITCH + 2 * (lane & 3);
    float4 c[SN / 8];
    gs_tile_zero<SN / 8>(c);
    gs_tile_product<false, false, SN / 8>(c, rows, SP_PITCH, matrix, SP_PITCH, 0, SP);
    float a = 0.0f, b = 0.0f;
#pragma unroll
    for (int n = 0; n < SN / 8; n++)
    {
        float x0, x1, x2, x3;
        gs_tile_get2(at + 8 * n, x0, x1);
        gs_tile_get2(at + 8 * SN_PITCH + 8 * n, x2, x3);
        a = fmaf(c[n].x, x0, fmaf(c[n].y, x1, a));
        b = fmaf(c[n].z, x2, fmaf(c[n].w, x3, b));
        to[n] = make_float4(fmaf(w0, c[n].x, to[n].x), fmaf(w0, c[n].y, to[n].y), fmaf(w1, c[n].z, to[n].z), fmaf(w1, c[n].w, to[n].w));
    }
    dot0 = gs_momentum_quad(a);
    dot1 = gs_momentum_quad(b);
}
// Gradients of theta, keep and eta, by one warp; a lane has columns `lane`, `lane` + 32, .., and lanes 0 and 1 those of x and m.
__device__ __forceinline__ void gs_momentum_finish(const GsMomentum& p, const SsdPlace& at, const MomentumRows& c, const MomentumSums& sums)
{
    const int lane = threadIdx.x & 31, last = c.last;
    float states[3];
#pragma unroll
    for (int s = 0; s < 3; s++)
    {
        states[s] = 0.0f;
#pragma unroll
        for (int w = 0; w < S_WARPS; w++) states[s] += sums.states[w][s];
    }
    float carry_d[S_LANE + 1], carry_e[S_LANE + 1];
#pragma unroll
    for (int s = 0; s <= S_LANE; s++) carry_d[s] = carry_e[s] = 0.0f;
    for (int i = last; i >= 0; i--)
    {
        const int before = i > 0 ? i - 1 : 0;
        const float keep = c.keep[i], eta = c.eta[i], cut = c.cut[i], run = i > 0 ? c.run[before] : 0.0f;
        float dkeep = 0.0f, deta = 0.0f;
#pragma unroll
        for (int s = 0; s < S_LANE; s++)
        {
            const int j = lane + 32 * s;
            const bool seen = j < i && (float)j >= cut;
            const float own = carry_d[s] + sums.d[i][j] + (i == last ? sums.last[j] : 0.0f), beside = carry_e[s] + (i == last ? sums.end[j] : 0.0f) + own;
            const float dd = seen ? own : 0.0f, de = seen ? beside : 0.0f;
            dkeep = fmaf(dd, c.d[before][j], dkeep);
            deta = fmaf(de, gs_ex2(fminf(run - c.run[j], 0.0f)), deta);
            carry_d[s] = keep * dd;
            carry_e[s] = eta * de;
        }
        {
            const bool seen = cut < 0.0f && lane < 2, x = lane == 0;
            const float own = carry_d[S_LANE] + (x ? sums.x[i] : sums.m[i]) + (i == last ? (x ? states[1] : states[0]) : x ? sums.x_before[i < last ? i + 1 : i] : sums.m_before[i < last ? i + 1 : i]);
            const float dd = seen ? own : 0.0f, de = seen && x ? carry_e[S_LANE] + (i == last ? states[2] : 0.0f) + own : 0.0f;
            dkeep = fmaf(dd, i > 0 ? (x ? c.x[before] : c.m[before]) : x ? 0.0f : 1.0f, dkeep);
            deta = fmaf(de, gs_ex2(run), deta);
            carry_d[S_LANE] = keep * dd;
            carry_e[S_LANE] = eta * de;
        }
#pragma unroll
        for (int m = 16; m > 0; m >>= 1) { dkeep += gs_xor(dkeep, m); deta += gs_xor(deta, m); }
        if (lane == 0)
        {
            const i64 to = gs_ssd_row(p.s, at.batch, at.first + i) * p.s.heads + at.group;
            p.s.dg[to] = keep * dkeep;
            p.dmomentum[to] = eta * deta;
            p.dtheta[to] = sums.theta[i];
        }
    }
}
// Grid (chunks, heads, batch), S_THREADS threads, O_BWD_SMEM bytes.
extern "C" __global__ void __launch_bounds__(S_THREADS) gs_momentum_bwd(const __grid_constant__ GsMomentum p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* q = (gs_t*)smem;
    gs_t* k = q + SQ * SN_PITCH;
    gs_t* v = k + SQ * SN_PITCH;
    gs_t* dy = v + SQ * SP_PITCH;
    gs_t* written = dy + SQ * SP_PITCH;
    gs_t* dr = written + SQ * SP_PITCH;         // dN, then dR
    gs_t* m = dr + SQ * SP_PITCH;               // the system, then theta_i B_ij X_ij
    gs_t* slopes = m + SQ * SQ_PITCH;           // D_ij R_ij
    gs_t* state = slopes + SQ * SQ_PITCH;
    gs_t* after = state + ON * SP_PITCH;
    MomentumRows& c = *(MomentumRows*)(after + ON * SP_PITCH);
    SsdDecays& d = *(SsdDecays*)(&c + 1);
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, row = warp * 16, top = row + (lane >> 2), low = top + 8, tiles = 2 * (warp + 1);
    float* inner = (float*)(&d + 1) + warp * D_INNER;
    MomentumSums& sums = *(MomentumSums*)((float*)(&d + 1) + S_WARPS * D_INNER);
    const SsdPlace at = gs_ssd_place(p.s);
    const int head = at.group;
    gs_ssd_rows<SN>(p.s, at, q, p.s.q, p.s.q_stride, head * SN);
    gs_ssd_rows<SN>(p.s, at, k, p.s.k, p.s.k_stride, head * SN);
    gs_ssd_rows<SP>(p.s, at, v, p.s.v, p.s.v_stride, head * SP);
    gs_ssd_rows<SP>(p.s, at, dy, p.s.dy, p.s.dy_stride, head * SP);
    gs_ssd_rows<SP>(p.s, at, written, p.written, (i64)p.s.heads * SP, head * SP);
    gs_ssd_rows<SP>(p.s, at, dr, p.dwritten, (i64)p.s.heads * SP, head * SP);
    gs_momentum_state(p, at, state, p.s.states);
    gs_momentum_state(p, at, after, p.s.after);
    gs_copy_commit();
    gs_copy_wait();
    gs_momentum_rows(p, at, d, c);
    float4 s[SQ / 8];
    gs_tile_zero<SQ / 8>(s);
    gs_tile_product<false, false, SQ / 8>(s, k + row * SN_PITCH, SN_PITCH, k, SN_PITCH, 0, SN, tiles);
    {
        float4 own[SQ / 8];
        gs_momentum_system(c, s, own);
        gs_triangle_put(own, m, inner);
    }
    __syncthreads();
    for (int t = warp; t < SP / 16; t += S_WARPS)
    {
        float4 x[SQ / 8];
        gs_turned_get<SQ / 16>(x, dr + t * 16, SP_PITCH);
        gs_triangle_solve<true>(x, m);
        gs_turned_put<SQ / 16>(dr + t * 16, SP_PITCH, x);
    }
    __syncthreads();
    {
        float4 r[SQ / 8], x[SQ / 8];
        gs_tile_zero<SQ / 8>(r);
        gs_tile_zero<SQ / 8>(x);
        gs_tile_product<false, false, SQ / 8>(r, dy + row * SP_PITCH, SP_PITCH, written, SP_PITCH, 0, SP, tiles);
        gs_tile_product<false, false, SQ / 8>(x, q + row * SN_PITCH, SN_PITCH, k, SN_PITCH, 0, SN, tiles);
#pragma unroll
        for (int n = 0; n < SQ / 8; n++)
        {
            const int j = 8 * n + 2 * (lane & 3);
            const bool there = n < tiles;       // what lies above is never written to by others
            *(float2*)&sums.d[top][j] = make_float2(there && j <= top ? r[n].x * x[n].x : 0.0f, there && j + 1 <= top ? r[n].y * x[n].y : 0.0f);
            *(float2*)&sums.d[low][j] = make_float2(there && j <= low ? r[n].z * x[n].z : 0.0f, there && j + 1 <= low ? r[n].w * x[n].w : 0.0f);
            if (!there) continue;
            gs_tile_put2(slopes + top * SQ_PITCH + j, r[n].x * c.d[top][j], r[n].y * c.d[top][j + 1]);
            gs_tile_put2(slopes + low * SQ_PITCH + j, r[n].z * c.d[low][j], r[n].w * c.d[low][j + 1]);
        }
    }
    const float b0 = c.theta[top], b1 = c.theta[low];
    float theta0 = 0.0f, theta1 = 0.0f;
    {
        float4 x[SQ / 8];
        gs_tile_zero<SQ / 8>(x);
        gs_tile_product<false, false, SQ / 8>(x, dr + row * SP_PITCH, SP_PITCH, written, SP_PITCH, 0, SP, tiles);
#pragma unroll
        for (int n = 0; n < SQ / 8; n++)
        {
            if (n >= tiles) continue;
            const int j = 8 * n + 2 * (lane & 3);
            const float w0 = gs_momentum_before(c, top, j), w1 = gs_momentum_before(c, top, j + 1), w2 = gs_momentum_before(c, low, j), w3 = gs_momentum_before(c, low, j + 1);
            gs_tile_put2(m + top * SQ_PITCH + j, -b0 * w0 * x[n].x, -b0 * w1 * x[n].y);
            gs_tile_put2(m + low * SQ_PITCH + j, -b1 * w2 * x[n].z, -b1 * w3 * x[n].w);
            s[n] = make_float4(-s[n].x * x[n].x, -s[n].y * x[n].y, -s[n].z * x[n].z, -s[n].w * x[n].w); // X_ij (k_i . k_j)
            theta0 = fmaf(s[n].x, w0, fmaf(s[n].y, w1, theta0));
            theta1 = fmaf(s[n].z, w2, fmaf(s[n].w, w3, theta1));
        }
    }
    __syncthreads();                            // rows of `sums.d`, `slopes` and `m` are there
    // What B has, to D of the position before. A number has one writer.
#pragma unroll
    for (int n = 0; n < SQ / 8; n++)
    {
        if (n >= tiles) continue;
        const int j = 8 * n + 2 * (lane & 3);
        const float cut0 = c.cut[top], cut1 = c.cut[low];
        if (j < top && (float)j >= cut0) sums.d[top - 1][j] = fmaf(b0, s[n].x, sums.d[top - 1][j]);
        if (j + 1 < top && (float)(j + 1) >= cut0) sums.d[top - 1][j + 1] = fmaf(b0, s[n].y, sums.d[top - 1][j + 1]);
        if (j < low && (float)j >= cut1) sums.d[low - 1][j] = fmaf(b1, s[n].z, sums.d[low - 1][j]);
        if (j + 1 < low && (float)(j + 1) >= cut1) sums.d[low - 1][j + 1] = fmaf(b1, s[n].w, sums.d[low - 1][j + 1]);
    }
    const bool writes = (lane & 3) == 0;
    float dot0, dot1;
    {
        float4 dq[SN / 8];
        gs_tile_zero<SN / 8>(dq);
        gs_momentum_through(dq, c.m[top], c.m[low], dy + row * SP_PITCH, state, q + row * SN_PITCH, dot0, dot1);
        if (writes) { sums.m[top] = dot0; sums.m[low] = dot1; }
        gs_momentum_through(dq, c.x[top], c.x[low], dy + row * SP_PITCH, state + SN * SP_PITCH, q + row * SN_PITCH, dot0, dot1);
        if (writes) { sums.x[top] = dot0; sums.x[low] = dot1; }
        gs_tile_product<false, true, SN / 8>(dq, slopes + row * SQ_PITCH, SQ_PITCH, k, SN_PITCH, 0, row + 16);
        // q is read by all until the block waits below.
        float4 dk[SN / 8];
        gs_tile_zero<SN / 8>(dk);
        gs_momentum_through(dk, c.d[c.last][top], c.d[c.last][low], written + row * SP_PITCH, after, k + row * SN_PITCH, dot0, dot1);
        if (writes) { sums.last[top] = dot0; sums.last[low] = dot1; }
        gs_momentum_through(dk, c.end[top], c.end[low], written + row * SP_PITCH, after + SN * SP_PITCH, k + row * SN_PITCH, dot0, dot1);
        if (writes) { sums.end[top] = dot0; sums.end[low] = dot1; }
        const float m0 = gs_momentum_m(c, top), m1 = gs_momentum_m(c, low), x0 = gs_momentum_x(c, top), x1 = gs_momentum_x(c, low);
        gs_momentum_through(dk, -b0 * m0, -b1 * m1, dr + row * SP_PITCH, state, k + row * SN_PITCH, dot0, dot1);
        theta0 = gs_momentum_quad(theta0) - m0 * dot0;
        theta1 = gs_momentum_quad(theta1) - m1 * dot1;
        if (writes) { sums.m_before[top] = c.cut[top] < 0.0f ? -b0 * dot0 : 0.0f; sums.m_before[low] = c.cut[low] < 0.0f ? -b1 * dot1 : 0.0f; }
        gs_momentum_through(dk, -b0 * x0, -b1 * x1, dr + row * SP_PITCH, state + SN * SP_PITCH, k + row * SN_PITCH, dot0, dot1);
        theta0 -= x0 * dot0;
        theta1 -= x1 * dot1;
        if (writes)
        {
            sums.x_before[top] = c.cut[top] < 0.0f ? -b0 * dot0 : 0.0f; sums.x_before[low] = c.cut[low] < 0.0f ? -b1 * dot1 : 0.0f;
            sums.theta[top] = theta0; sums.theta[low] = theta1;
        }
        gs_tile_product<true, true, SN / 8>(dk, slopes + row, SQ_PITCH, q, SN_PITCH, row, SQ);
        gs_tile_product<false, true, SN / 8>(dk, m + row * SQ_PITCH, SQ_PITCH, k, SN_PITCH, 0, row + 16);
        gs_tile_product<true, true, SN / 8>(dk, m + row, SQ_PITCH, k, SN_PITCH, row, SQ);
        float product[3] = {0.0f, 0.0f, 0.0f};
        for (int i = threadIdx.x; i < SN * (SP / 8); i += S_THREADS)
        {
            const int r = i / (SP / 8), from = r * SP_PITCH + (i - r * (SP / 8)) * 8;
            float x[8], y[8], e[8], f[8];
            gs_tile_get8(state + from, x);
            gs_tile_get8(state + SN * SP_PITCH + from, y);
            gs_tile_get8(after + from, e);
            gs_tile_get8(after + SN * SP_PITCH + from, f);
#pragma unroll
            for (int j = 0; j < 8; j++)
            {
                product[0] = fmaf(x[j], e[j], product[0]);
                product[1] = fmaf(y[j], e[j], product[1]);
                product[2] = fmaf(y[j], f[j], product[2]);
            }
        }
#pragma unroll
        for (int e = 0; e < 3; e++)
        {
#pragma unroll
            for (int w = 16; w > 0; w >>= 1) product[e] += gs_xor(product[e], w);
            if (lane == 0) sums.states[warp][e] = product[e];
        }
        __syncthreads();                        // q and k have been read by all
        gs_tile_put<SN / 8>(q + row * SN_PITCH, SN_PITCH, dq);
        gs_tile_put<SN / 8>(k + row * SN_PITCH, SN_PITCH, dk);
    }
    // A warp's rows of v become dv; two lanes take a row.
    {
        const int r = row + (lane >> 1), half = (lane & 1) * 8;
        const float b = c.theta[r];
        float dot = 0.0f;
        for (int e = half; e < SP; e += 16)
        {
            float x[8], y[8];
            gs_tile_get8(dr + r * SP_PITCH + e, x);
            gs_tile_get8(v + r * SP_PITCH + e, y);
#pragma unroll
            for (int j = 0; j < 8; j++) { dot = fmaf(x[j], y[j], dot); x[j] *= b; }
#pragma unroll
            for (int j = 0; j < 8; j += 2) gs_tile_put2(v + r * SP_PITCH + e + j, x[j], x[j + 1]);
        }
        dot += gs_xor(dot, 1);
        if (half == 0) sums.theta[r] += dot;
    }
    gs_warp_sync();
    gs_ssd_store<SN>(p.s, at, q + row * SN_PITCH, SN_PITCH, row, p.s.dq, p.s.dq_stride, head * SN);
    gs_ssd_store<SN>(p.s, at, k + row * SN_PITCH, SN_PITCH, row, p.s.dk, p.s.dk_stride, head * SN);
    gs_ssd_store<SP>(p.s, at, v + row * SP_PITCH, SP_PITCH, row, p.s.dv, p.s.dv_stride, head * SP);
    __syncthreads();
    if (warp == 0) gs_momentum_finish(p, at, c, sums);
}
