// Chunked recurrence whose transition is diagonal plus of rank one (RWKV-7; Peng et al. 2025, arXiv 2503.14456), for each head: with u_t = S_(t-1)^T a_t
//   S_t = diag(exp g_t) S_(t-1) + b_t u_t^T + k_t v_t^T,   y_t = S_t^T q_t
// Time goes in chunks of 16 positions, as in gla_args.cu, and for the same reason; G: sums of g, H_i = G_(i-1), A(x, z)_ij = sum_n x_in z_jn exp(X_in - G_jn) of pairs of one
// sequence, X = G and j <= i for x = q, X = H and j < i for x = a. With T = (1 - A(a, b))^-1, k' = k o exp(G_last - G), b' and q', a' = q o exp G, a o exp H:
//   U' = T A(a, k) V, W = T a';   U = U' + W S_in;   S_out = diag(exp G_last) S_in + b'^T U + k'^T V;   y = A(q, k) V + A(q, b) U + q' S_in
// Kernels: gs_dplr_chunks (U', W, k', b'), gs_matrix_pass (states and U), gs_dplr_out (y); back: gs_dplr_read (what y alone says of U's gradient), gs_matrix_pass from the other
// end, which leaves the gradient E of the states behind chunks and all of U's, then gs_dplr_bwd. A block is one warp and takes a chunk of one head.
struct GsDplr
{
    GsGla s;                // q, k, v, g, ids, states, through, y, dy, after and the gradients of these as there
    const void* a;          // [batch, length, heads * VN], row stride a_stride
    const void* b;          // the same, row stride b_stride
    void* w;                // W [batch, length, heads * VN]
    void* kept;             // k', the same
    void* added;            // b', the same
    void* read;             // q', the same
    void* u;                // U', then U: [batch, length, heads * VP]
    void* du;               // gradient of U, the same: within the chunk, then all of it
    void* da;               // like w
    void* db;               // the same
    i64 a_stride, b_stride;
};
constexpr int R_TILE = VT * VT_PITCH, R_INNER_PITCH = 20, R_INNER = VT * R_INNER_PITCH;
// By a warp: sums of all channels' decays.
__device__ __forceinline__ void gs_dplr_sums(const GsDplr& p, const GlaPlace& at, float* sums)
{
    for (int c = threadIdx.x; c < VN; c += 32)
    {
        float own[VT];
        gs_gla_sums(p.s, at, c, own);
#pragma unroll
        for (int i = 0; i < VT; i++) sums[i * V_SUMS + c] = own[i];
    }
}
// Sums that position i reads with: G_i, or G_(i-1) for `Late`.
template <bool Late> __device__ __forceinline__ float2 gs_dplr_reads(const float* sums, int i, int n)
{
    if (!Late) return *(const float2*)(sums + i * V_SUMS + n);
    return i == 0 ? make_float2(0.0f, 0.0f) : *(const float2*)(sums + (i - 1) * V_SUMS + n);
}
// A(x, y) and, where Two, A(x, z), in the layout of gs_gla_scores; pairs that are not seen are left to gs_dplr_put.
template <bool Late, bool Two>
__device__ __forceinline__ void gs_dplr_scores(const gs_t* x, const gs_t* y, const gs_t* z, const float* sums, float (&r)[2][4], float (&s)[2][4])
{
    const int row = threadIdx.x >> 2, column = 2 * (threadIdx.x & 3);
#pragma unroll
    for (int i = 0; i < 2; i++)
#pragma unroll
        for (int c = 0; c < 4; c++) r[i][c] = s[i][c] = 0.0f;
    for (int n = 0; n < VN; n += 2)
    {
        float2 u[4], v[4], g[4];
#pragma unroll
        for (int c = 0; c < 4; c++)
        {
            const int j = column + (c & 1) + (c >> 1) * 8;
            gs_tile_get2(y + j * VN_PITCH + n, u[c].x, u[c].y);
            if (Two) gs_tile_get2(z + j * VN_PITCH + n, v[c].x, v[c].y);
            g[c] = *(const float2*)(sums + j * V_SUMS + n);
        }
#pragma unroll
        for (int i = 0; i < 2; i++)
        {
            float qx, qy;
            gs_tile_get2(x + (row + 8 * i) * VN_PITCH + n, qx, qy);
            const float2 from = gs_dplr_reads<Late>(sums, row + 8 * i, n);
#pragma unroll
            for (int c = 0; c < 4; c++)
            {
                const float ex = qx * gs_ex2(fminf(from.x - g[c].x, 0.0f)), ey = qy * gs_ex2(fminf(from.y - g[c].y, 0.0f));
                r[i][c] = fmaf(ex, u[c].x, fmaf(ey, u[c].y, r[i][c]));
                if (Two) s[i][c] = fmaf(ex, v[c].x, fmaf(ey, v[c].y, s[i][c]));
            }
        }
    }
}
template <bool Late> __device__ __forceinline__ bool gs_dplr_seen(const GlaPlace& at, int i, int j) { return (Late ? j < i : j <= i) && gs_gla_same(at, i, j); }
// Seen pairs to a tile, others 0.
template <bool Late> __device__ __forceinline__ void gs_dplr_put(const GlaPlace& at, const float (&a)[2][4], gs_t* to)
{
    const int row = threadIdx.x >> 2, column = 2 * (threadIdx.x & 3);
#pragma unroll
    for (int r = 0; r < 2; r++)
#pragma unroll
        for (int c = 0; c < 4; c += 2)
        {
            const int i = row + 8 * r, j = column + 4 * c;
            gs_tile_put2(to + i * VT_PITCH + j, gs_dplr_seen<Late>(at, i, j) ? a[r][c] : 0.0f, gs_dplr_seen<Late>(at, i, j + 1) ? a[r][c + 1] : 0.0f);
        }
}
// T - 1 from A(a, b), column by column in single precision; what is rounded are corrections alone.
__device__ __forceinline__ void gs_dplr_system(const GlaPlace& at, const float (&a)[2][4], float* inner, gs_t* m)
{
    const int lane = threadIdx.x, row = lane >> 2, column = 2 * (lane & 3), own = lane & 15;
#pragma unroll
    for (int r = 0; r < 2; r++)
#pragma unroll
        for (int c = 0; c < 4; c++)
        {
            const int i = row + 8 * r, j = column + (c & 1) + (c >> 1) * 8;
            inner[i * R_INNER_PITCH + j] = gs_dplr_seen<true>(at, i, j) ? a[r][c] : 0.0f;
        }
    gs_warp_sync();
    float x[VT];
#pragma unroll
    for (int i = 0; i < VT; i++)
    {
        x[i] = i == own ? 1.0f : 0.0f;
#pragma unroll
        for (int j = 0; j < i; j++) x[i] = fmaf(inner[i * R_INNER_PITCH + j], x[j], x[i]);
    }
#pragma unroll
    for (int i = 0; i < VT; i++) if (lane < VT) gs_tile_put1(m + i * VT_PITCH + own, i == own ? 0.0f : x[i]);
}
// 16 columns, turned: c becomes T c, or with `Back` T^T c.
template <bool Back> __device__ __forceinline__ void gs_dplr_solve(float4* c, const gs_t* m)
{
    const float4 own[2] = {c[0], c[1]};
    gs_chain_product<Back, 2, 2>(c, own, m, VT_PITCH);
}
// Rows times exp(G_last - G), or times exp G, or exp H with `Late`, in place.
__device__ __forceinline__ void gs_dplr_to_end(const GlaPlace& at, const float* sums, gs_t* rows)
{
    for (int c = threadIdx.x; c < VN; c += 32)
        for (int j = 0; j < VT; j++)
        {
            gs_t* to = rows + j * VN_PITCH + c;
            gs_tile_put1(to, gs_gla_to_end(at, j) ? gs_tile_get1(to) * gs_ex2(sums[(VT - 1) * V_SUMS + c] - sums[j * V_SUMS + c]) : 0.0f);
        }
}
template <bool Late> __device__ __forceinline__ void gs_dplr_from_start(const GlaPlace& at, const float* sums, gs_t* rows)
{
    for (int c = threadIdx.x; c < VN; c += 32)
        for (int i = 0; i < VT; i++)
        {
            gs_t* to = rows + i * VN_PITCH + c;
            const float w = !Late ? gs_ex2(sums[i * V_SUMS + c]) : i > 0 ? gs_ex2(sums[(i > 0 ? i - 1 : 0) * V_SUMS + c]) : 1.0f;
            gs_tile_put1(to, gs_gla_from_start(at, i) ? gs_tile_get1(to) * w : 0.0f);
        }
}
