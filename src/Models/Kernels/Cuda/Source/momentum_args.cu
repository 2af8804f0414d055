// Chunked delta rule with momentum and forgetting (Titans with a linear memory; Behrouz et al. 2024, arXiv 2501.00663, equations 11 to 14), for each head:
//   S_t = eta_t S_(t-1) + theta_t k_t (v_t - M_(t-1)^T k_t)^T,   M_t = keep_t M_(t-1) + S_t,   y_t = M_t^T q_t
// In a chunk, with N_t = theta_t (v_t - M_(t-1)^T k_t): M_i = sum_j D_ij k_j N_j^T + m_i M_in + x_i S_in, S_i = sum_j E_ij k_j N_j^T + e_i S_in, where for every column
// E_ij = eta_i E_(i-1)j, D_ij = keep_i D_(i-1)j + E_ij from a diagonal of 1, e and x being the column of S_in and m running products of keep: products of numbers of at most 1.
// With B_ij = D_(i-1)j, m- and x- of the position before, A_ij = theta_i (k_i . k_j) B_ij for j < i, T = (1 + A)^-1, and states [M; S] of twice the keys' rows:
//   U = T (theta v), W = T theta [m- k | x- k];   N = U - W [M; S]_in;   M_out = m M_in + x S_in + (D_last k)^T N, S_out = e S_in + (E_last k)^T N
//   y = (q k^T o D) N + [m q | x q] [M; S]_in
// `last` is the chunk's last position that there is. Kernels: gs_momentum_chunks (W, U, [D_last k | E_last k]), gs_matrix_pass (states and N), gs_momentum_out (y); back:
// gs_momentum_read (N's gradient within the chunk, [m q | x q]), gs_matrix_pass from the other end (all of N's, and of the states), gs_momentum_bwd.
struct GsMomentum
{
    GsSsd s;                // as in ssd_args.cu, every group one head; g: log keep; scale: theta; states, after: [batch, chunks, heads, 2 SN, SP]; through: [batch, chunks, heads, 4]
    const float* momentum;  // log eta, like g
    void* w;                // -W [batch, length, heads * 2 SN]
    void* kept;             // [D_last k | E_last k], the same
    void* read;             // [m q | x q], the same
    void* written;          // U, then N: [batch, length, heads * SP]
    void* dwritten;         // gradient of N, the same
    float* dtheta;          // like g
    float* dmomentum;       // like g
};
constexpr int ON = 2 * SN, ON_PITCH = ON + GS_PAD, O_PITCH = SQ + 4; // O_PITCH: floats of a row of D
struct MomentumRows
{
    float d[SQ][O_PITCH];   // D, 0 where j > i or of another sequence
    float m[SQ], x[SQ];
    float keep[SQ], eta[SQ], theta[SQ];
    float run[SQ];          // sums of log eta, in exponents of two
    float cut[SQ];          // as in SsdDecays
    float end[SQ];          // E_last
    float e;
    int last;
    float pad[2];
};
// B_ij for j < i, and m-, x-.
__device__ __forceinline__ float gs_momentum_before(const MomentumRows& c, int i, int j) { return j < i && (float)j >= c.cut[i] ? c.d[i - 1][j] : 0.0f; }
__device__ __forceinline__ float gs_momentum_m(const MomentumRows& c, int i) { return c.cut[i] >= 0.0f ? 0.0f : i == 0 ? 1.0f : c.m[i > 0 ? i - 1 : 0]; }
__device__ __forceinline__ float gs_momentum_x(const MomentumRows& c, int i) { return c.cut[i] >= 0.0f || i == 0 ? 0.0f : c.x[i > 0 ? i - 1 : 0]; }
// By the block; `d` is room that gs_ssd_cuts and gs_ssd_decays fill, which only find where sequences begin and read theta. Ends with the block waiting.
__device__ __forceinline__ void gs_momentum_rows(const GsMomentum& p, const SsdPlace& at, SsdDecays& d, MomentumRows& c)
{
    const int t = threadIdx.x;
    if (t < 32)
    {
        gs_ssd_cuts(p.s, at, d);
        gs_ssd_decays(p.s, at, at.group, d);
        gs_warp_sync();
        float sum = 0.0f, own[S_LANE];
#pragma unroll
        for (int e = 0; e < S_LANE; e++)
        {
            const int i = t * S_LANE + e, position = at.first + i;
            const i64 from = position < p.s.length ? gs_ssd_row(p.s, at.batch, position) * p.s.heads + at.group : 0;
            const float keep = position < p.s.length ? p.s.g[from] * GS_LOG2E : 0.0f, eta = position < p.s.length ? p.momentum[from] * GS_LOG2E : 0.0f;
            own[e] = sum += eta;
            c.keep[i] = gs_ex2(keep);
            c.eta[i] = gs_ex2(eta);
            c.theta[i] = d.scale[i];
            c.cut[i] = d.cut[i];
        }
        float before = sum;
#pragma unroll
        for (int m = 1; m < 32; m <<= 1)
        {
            const float other = gs_up(before, m);
            if (t >= m) before += other;
        }
        before = gs_up(before, 1);
#pragma unroll
        for (int e = 0; e < S_LANE; e++) c.run[t * S_LANE + e] = t > 0 ? before + own[e] : own[e];
        if (t == 0) c.last = min(SQ, p.s.length - at.first) - 1;
    }
    __syncthreads();
    // A thread a column: those of the positions, then x, then m.
    for (int j = t; j < SQ + 2; j += S_THREADS)
    {
        float d_own = j == SQ + 1 ? 1.0f : 0.0f, e_own = j == SQ ? 1.0f : 0.0f;
        for (int i = 0; i < SQ; i++)
        {
            if (c.cut[i] == (float)i) d_own = e_own = 0.0f;
            e_own = i == j ? 1.0f : e_own * c.eta[i];
            d_own = fmaf(d_own, c.keep[i], e_own);
            if (j < SQ) c.d[i][j] = d_own;
            else if (j == SQ) c.x[i] = d_own;
            else c.m[i] = d_own;
            if (i == c.last && j < SQ) c.end[j] = e_own;
            if (i == c.last && j == SQ) c.e = e_own;
        }
    }
    __syncthreads();
}
// A warp's 16 rows of A from those of k k^T.
__device__ __forceinline__ void gs_momentum_system(const MomentumRows& c, const float4* s, float4* a)
{
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, top = warp * 16 + (lane >> 2), low = top + 8;
    const float b0 = c.theta[top], b1 = c.theta[low];
#pragma unroll
    for (int n = 0; n < SQ / 8; n++)
    {
        if (n >= 2 * (warp + 1)) continue;
        const int j = 8 * n + 2 * (lane & 3);
        a[n] = make_float4(b0 * s[n].x * gs_momentum_before(c, top, j), b0 * s[n].y * gs_momentum_before(c, top, j + 1),
            b1 * s[n].z * gs_momentum_before(c, low, j), b1 * s[n].w * gs_momentum_before(c, low, j + 1));
    }
}
// Rows of q or k times two numbers each, side by side, to memory.
__device__ __forceinline__ void gs_momentum_twice(const GsMomentum& p, const SsdPlace& at, const gs_t* from, const float* first, const float* second, void* to)
{
    for (int i = threadIdx.x; i < SQ * (ON / 8); i += S_THREADS)
    {
        const int r = i / (ON / 8), c = (i - r * (ON / 8)) * 8, position = at.first + r;
        if (position >= p.s.length) continue;
        const float w = c < SN ? first[r] : second[r];
        float f[8];
        gs_tile_get8(from + r * SN_PITCH + (c < SN ? c : c - SN), f);
#pragma unroll
        for (int j = 0; j < 8; j++) f[j] *= w;
        gs_store8(to, gs_ssd_row(p.s, at.batch, position) * ((i64)p.s.heads * ON) + at.group * ON + c, f);
    }
}
// A head's matrix [2 SN][SP] of the chunk.
__device__ __forceinline__ void gs_momentum_state(const GsMomentum& p, const SsdPlace& at, gs_t* to, const void* from)
{
    constexpr int Pieces = SP / GS_PAD;
    const gs_t* own = (const gs_t*)from + (((i64)at.batch * p.s.chunks + at.chunk) * p.s.heads + at.group) * (ON * SP);
    for (int i = threadIdx.x; i < ON * Pieces; i += S_THREADS)
    {
        const int r = i / Pieces, c = (i - r * Pieces) * GS_PAD;
        gs_copy16(to + r * SP_PITCH + c, own + r * SP + c);
    }
}
