// Chunked delta rule (Yang et al. 2024, arXiv 2406.06484; with decay arXiv 2412.06464), for each head: S_t = exp(g_t) S_(t-1) + beta_t k_t (v_t - exp(g_t) S_(t-1)^T k_t)^T,
// y_t = S_t^T q_t. In a chunk, with D, `start`, `end` and `through` as in ssd_tiles.cu, A_ij = beta_i (k_i . k_j) D_ij for j < i and T = (1 + A)^-1:
//   U = T (beta v), W = T (beta start k);   N = U - W S_in;   S_out = through S_in + (end k)^T N;   y = (q k^T o D) N + start q S_in
// So what is written, N, are the values of the recurrence of ssd_args.cu, whose kernels give y from N and the entering states, and back the gradients of q, N, and in
// part of k and g. Kernels: gs_delta_chunks (W, end k, U), gs_matrix_pass (states and N), gs_ssd_out (y); back: gs_delta_read (what y alone says of N's gradient),
// gs_matrix_pass from the other end, gs_ssd_bwd, gs_delta_bwd.
struct GsDelta
{
    GsSsd s;                // k, v, g, ids, and where named below q, dy, states; scale: beta; every group one head; dv, dk, dg, of which dk and dg are added to
    void* w;                // -W [batch, length, heads * SN]
    void* kept;             // end k, the same
    void* read;             // start q, the same
    void* written;          // U, then N: [batch, length, heads * SP]
    void* dwritten;         // gradient of N, the same: within the chunk, then all of it
    float* dbeta;           // like g
};
// A warp's 16 rows of A from those of k k^T.
__device__ __forceinline__ void gs_delta_rows(const SsdDecays& d, const float4* s, float4* a)
{
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, top = warp * 16 + (lane >> 2), low = top + 8;
    const float sum0 = d.sum[top], sum1 = d.sum[low], cut0 = d.cut[top], cut1 = d.cut[low], b0 = d.scale[top], b1 = d.scale[low];
#pragma unroll
    for (int n = 0; n < SQ / 8; n++)
    {
        if (n >= 2 * (warp + 1)) continue;
        const int j = 8 * n + 2 * (lane & 3);
        a[n].x = j < top ? b0 * s[n].x * gs_ssd_decay(d, top, sum0, cut0, j) : 0.0f;
        a[n].y = j + 1 < top ? b0 * s[n].y * gs_ssd_decay(d, top, sum0, cut0, j + 1) : 0.0f;
        a[n].z = j < low ? b1 * s[n].z * gs_ssd_decay(d, low, sum1, cut1, j) : 0.0f;
        a[n].w = j + 1 < low ? b1 * s[n].w * gs_ssd_decay(d, low, sum1, cut1, j + 1) : 0.0f;
    }
}
// Rows of keys times a number each, to memory.
__device__ __forceinline__ void gs_delta_put_scaled(const GsDelta& p, const SsdPlace& at, const gs_t* from, const float* scale, void* to)
{
    for (int i = threadIdx.x; i < SQ * (SN / 8); i += S_THREADS)
    {
        const int r = i / (SN / 8), c = (i - r * (SN / 8)) * 8, position = at.first + r;
        if (position >= p.s.length) continue;
        float f[8];
        gs_tile_get8(from + r * SN_PITCH + c, f);
#pragma unroll
        for (int j = 0; j < 8; j++) f[j] *= scale[r];
        gs_store8(to, gs_ssd_row(p.s, at.batch, position) * ((i64)p.s.heads * SN) + at.group * SN + c, f);
    }
}
