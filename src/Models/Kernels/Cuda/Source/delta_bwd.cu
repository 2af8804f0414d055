// The delta rule's gradients besides those that gs_ssd_bwd gives of it with N for values; delta_args.cu has the formulas. With dR = T^T dN:
//   dv_i = beta_i dR_i;   X_ij = -(dR_i . N_j) D_ij for j < i;   t_i = start_i k_i . S dR_i
//   dk_i += sum_j beta_i X_ij k_j - beta_i start_i S dR_i;   dk_j += sum_i beta_i X_ij k_i
//   dbeta_i = sum_j X_ij (k_i . k_j) + dR_i . v_i - t_i
//   gradient of G_i: beta_i (sum_j X_ij (k_i . k_j) - t_i), of G_j: -sum_i beta_i X_ij (k_i . k_j); dg_t += its sum from t to the chunk's end.
constexpr int D_READ_SMEM = (2 * SQ * SN_PITCH + SQ * SP_PITCH + SQ * SQ_PITCH) * GS_ESIZE + (int)sizeof(SsdDecays);
// Grid (chunks, heads, batch), S_THREADS threads, D_READ_SMEM bytes. end k, start q, and the gradient of N within the chunk: sum_i (q_i . k_j) D_ij dy_i.
extern "C" __global__ void __launch_bounds__(S_THREADS) gs_delta_read(const __grid_constant__ GsDelta p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* q = (gs_t*)smem;
    gs_t* k = q + SQ * SN_PITCH;
    gs_t* dy = k + SQ * SN_PITCH;
    gs_t* scores = dy + SQ * SP_PITCH;
    SsdDecays& d = *(SsdDecays*)(scores + SQ * SQ_PITCH);
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, row = warp * 16, top = row + (lane >> 2), low = top + 8, tiles = 2 * (warp + 1);
    const SsdPlace at = gs_ssd_place(p.s);
    const int head = at.group;
    gs_ssd_rows<SN>(p.s, at, q, p.s.q, p.s.q_stride, head * SN);
    gs_ssd_rows<SN>(p.s, at, k, p.s.k, p.s.k_stride, head * SN);
    gs_ssd_rows<SP>(p.s, at, dy, p.s.dy, p.s.dy_stride, head * SP);
    gs_copy_commit();
    if (warp == 0)
    {
        gs_ssd_cuts(p.s, at, d);
        gs_ssd_decays(p.s, at, head, d);
    }
    gs_copy_wait();
    __syncthreads();
    gs_delta_put_scaled(p, at, k, d.end, p.kept);
    gs_delta_put_scaled(p, at, q, d.start, p.read);
    {
        float4 s[SQ / 8];
        gs_tile_zero<SQ / 8>(s);
        gs_tile_product<false, false, SQ / 8>(s, q + row * SN_PITCH, SN_PITCH, k, SN_PITCH, 0, SN, tiles);
        const float sum0 = d.sum[top], sum1 = d.sum[low], cut0 = d.cut[top], cut1 = d.cut[low];
#pragma unroll
        for (int n = 0; n < SQ / 8; n++)
        {
            if (n >= tiles) continue;
            const int j = 8 * n + 2 * (lane & 3);
            gs_tile_put2(scores + top * SQ_PITCH + j, s[n].x * gs_ssd_decay(d, top, sum0, cut0, j), s[n].y * gs_ssd_decay(d, top, sum0, cut0, j + 1));
            gs_tile_put2(scores + low * SQ_PITCH + j, s[n].z * gs_ssd_decay(d, low, sum1, cut1, j), s[n].w * gs_ssd_decay(d, low, sum1, cut1, j + 1));
        }
    }
    __syncthreads();
    float4 c[SP / 8];
    gs_tile_zero<SP / 8>(c);
    gs_tile_product<true, true, SP / 8>(c, scores + row, SQ_PITCH, dy, SP_PITCH, row, SQ);
    __syncthreads();                            // dy has been read by all
    gs_tile_put<SP / 8>(dy + row * SP_PITCH, SP_PITCH, c);
    gs_warp_sync();
    gs_ssd_store<SP>(p.s, at, dy + row * SP_PITCH, SP_PITCH, row, p.dwritten, (i64)p.s.heads * SP, head * SP);
}
struct DeltaSums
{
    float row[SQ];              // sum_j X_ij (k_i . k_j)
    float state[SQ];            // t
    float value[SQ];            // dR_i . v_i
    float column[S_WARPS][SQ];  // sums of beta_i X_ij (k_i . k_j) over a warp's rows
};
constexpr int D_BWD_SMEM = (SQ * SN_PITCH + 3 * SQ * SP_PITCH + 2 * SQ * SQ_PITCH + SN * SP_PITCH) * GS_ESIZE + (int)(sizeof(SsdDecays) + sizeof(DeltaSums)) + S_WARPS * D_INNER * 4;
static_assert(D_BWD_SMEM <= 227 * 1024, "shared memory of a block");
__device__ __forceinline__ float gs_delta_quad(float v) { v += gs_xor(v, 1); return v + gs_xor(v, 2); }
// Sums over columns of c times the rows of `with`, for the quad's two rows.
template <int Tiles> __device__ __forceinline__ void gs_delta_dots(const float4* c, const gs_t* with, int pitch, float& dot0, float& dot1)
{
    const int lane = threadIdx.x & 31;
    const gs_t* at = with + (lane >> 2) * pitch + 2 * (lane & 3);
    float a = 0.0f, b = 0.0f;
#pragma unroll
    for (int n = 0; n < Tiles; n++)
    {
        float x0, x1, x2, x3;
        gs_tile_get2(at + 8 * n, x0, x1);
        gs_tile_get2(at + 8 * pitch + 8 * n, x2, x3);
        a = fmaf(c[n].x, x0, fmaf(c[n].y, x1, a));
        b = fmaf(c[n].z, x2, fmaf(c[n].w, x3, b));
    }
    dot0 = gs_delta_quad(a);
    dot1 = gs_delta_quad(b);
}
// Gradients of the step sizes and decays, by one warp.
__device__ __forceinline__ void gs_delta_finish(const GsDelta& p, const SsdPlace& at, const SsdDecays& d, const DeltaSums& sums)
{
    const int lane = threadIdx.x & 31;
    float own[S_LANE], total = 0.0f;
#pragma unroll
    for (int e = S_LANE - 1; e >= 0; e--)
    {
        const int i = lane * S_LANE + e;
        float column = 0.0f;
#pragma unroll
        for (int w = 0; w < S_WARPS; w++) if (i < 16 * (w + 1)) column += sums.column[w][i];
        own[e] = total += fmaf(d.scale[i], sums.row[i] - sums.state[i], -column);
    }
    float behind = total;                       // sums over the lanes from this one on
#pragma unroll
    for (int m = 1; m < 32; m <<= 1)
    {
        const float other = gs_down(behind, m);
        if (lane + m < 32) behind += other;
    }
    behind = gs_down(behind, 1);
    if (lane == 31) behind = 0.0f;
#pragma unroll
    for (int e = 0; e < S_LANE; e++)
    {
        const int i = lane * S_LANE + e, position = at.first + i;
        if (position >= p.s.length) continue;
        const i64 to = gs_ssd_row(p.s, at.batch, position) * p.s.heads + at.group;
        p.s.dg[to] += own[e] + behind;
        p.dbeta[to] = sums.row[i] + sums.value[i] - sums.state[i];
    }
}
// Grid (chunks, heads, batch), S_THREADS threads, D_BWD_SMEM bytes.
extern "C" __global__ void __launch_bounds__(S_THREADS) gs_delta_bwd(const __grid_constant__ GsDelta p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* k = (gs_t*)smem;
    gs_t* v = k + SQ * SN_PITCH;
    gs_t* written = v + SQ * SP_PITCH;
    gs_t* dr = written + SQ * SP_PITCH;         // dN, then dR
    gs_t* m = dr + SQ * SP_PITCH;
    gs_t* slopes = m + SQ * SQ_PITCH;           // beta_i X_ij
    gs_t* state = slopes + SQ * SQ_PITCH;
    SsdDecays& d = *(SsdDecays*)(state + SN * SP_PITCH);
    DeltaSums& sums = *(DeltaSums*)(&d + 1);
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, row = warp * 16, top = row + (lane >> 2), low = top + 8, tiles = 2 * (warp + 1);
    float* inner = (float*)(&sums + 1) + warp * D_INNER;
    const SsdPlace at = gs_ssd_place(p.s);
    const int head = at.group;
    gs_ssd_rows<SN>(p.s, at, k, p.s.k, p.s.k_stride, head * SN);
    gs_ssd_rows<SP>(p.s, at, dr, p.dwritten, (i64)p.s.heads * SP, head * SP);
    gs_copy_commit();
    gs_ssd_rows<SP>(p.s, at, v, p.s.v, p.s.v_stride, head * SP);
    gs_ssd_rows<SP>(p.s, at, written, p.written, (i64)p.s.heads * SP, head * SP);
    gs_ssd_state(state, p.s.states, gs_ssd_matrix(p.s, at, head));
    gs_copy_commit();
    if (warp == 0)
    {
        gs_ssd_cuts(p.s, at, d);
        gs_ssd_decays(p.s, at, head, d);
    }
    gs_copy_wait_for(1);
    __syncthreads();
    float4 s[SQ / 8];
    gs_tile_zero<SQ / 8>(s);
    gs_tile_product<false, false, SQ / 8>(s, k + row * SN_PITCH, SN_PITCH, k, SN_PITCH, 0, SN, tiles);
    {
        float4 own[SQ / 8];
        gs_delta_rows(d, s, own);
        gs_triangle_put(own, m, inner);
    }
    __syncthreads();
    for (int t = warp; t < SP / 16; t += S_WARPS)
    {
        float4 c[SQ / 8];
        gs_turned_get<SQ / 16>(c, dr + t * 16, SP_PITCH);
        gs_triangle_solve<true>(c, m);
        gs_turned_put<SQ / 16>(dr + t * 16, SP_PITCH, c);
    }
    gs_copy_wait();
    __syncthreads();
    const float b0 = d.scale[top], b1 = d.scale[low];
    {
        float4 x[SQ / 8];
        gs_tile_zero<SQ / 8>(x);
        gs_tile_product<false, false, SQ / 8>(x, dr + row * SP_PITCH, SP_PITCH, written, SP_PITCH, 0, SP, tiles);
        const float sum0 = d.sum[top], sum1 = d.sum[low], cut0 = d.cut[top], cut1 = d.cut[low];
        float row0 = 0.0f, row1 = 0.0f;
#pragma unroll
        for (int n = 0; n < SQ / 8; n++)
        {
            if (n >= tiles) continue;
            const int j = 8 * n + 2 * (lane & 3);
            x[n].x = j < top ? -x[n].x * gs_ssd_decay(d, top, sum0, cut0, j) : 0.0f;
            x[n].y = j + 1 < top ? -x[n].y * gs_ssd_decay(d, top, sum0, cut0, j + 1) : 0.0f;
            x[n].z = j < low ? -x[n].z * gs_ssd_decay(d, low, sum1, cut1, j) : 0.0f;
            x[n].w = j + 1 < low ? -x[n].w * gs_ssd_decay(d, low, sum1, cut1, j + 1) : 0.0f;
            gs_tile_put2(slopes + top * SQ_PITCH + j, b0 * x[n].x, b0 * x[n].y);
            gs_tile_put2(slopes + low * SQ_PITCH + j, b1 * x[n].z, b1 * x[n].w);
            x[n] = make_float4(x[n].x * s[n].x, x[n].y * s[n].y, x[n].z * s[n].z, x[n].w * s[n].w);
            row0 += x[n].x + x[n].y;
            row1 += x[n].z + x[n].w;
            float c0 = fmaf(b0, x[n].x, b1 * x[n].z), c1 = fmaf(b0, x[n].y, b1 * x[n].w);
#pragma unroll
            for (int e = 4; e < 32; e <<= 1) { c0 += gs_xor(c0, e); c1 += gs_xor(c1, e); }
            if (lane < 4) { sums.column[warp][j] = c0; sums.column[warp][j + 1] = c1; }
        }
        row0 = gs_delta_quad(row0);
        row1 = gs_delta_quad(row1);
        if ((lane & 3) == 0) { sums.row[top] = row0; sums.row[low] = row1; }
    }
    float4 dk[SN / 8];
    gs_tile_zero<SN / 8>(dk);
    gs_tile_product<false, false, SN / 8>(dk, dr + row * SP_PITCH, SP_PITCH, state, SP_PITCH, 0, SP);
    {
        const float e0 = d.start[top], e1 = d.start[low];
        float dot0, dot1;
        gs_delta_dots<SN / 8>(dk, k + row * SN_PITCH, SN_PITCH, dot0, dot1);
        if ((lane & 3) == 0) { sums.state[top] = e0 * dot0; sums.state[low] = e1 * dot1; }
        const float w0 = -b0 * e0, w1 = -b1 * e1;
#pragma unroll
        for (int n = 0; n < SN / 8; n++) dk[n] = make_float4(dk[n].x * w0, dk[n].y * w0, dk[n].z * w1, dk[n].w * w1);
    }
    __syncthreads();                            // slopes are there
    gs_tile_product<false, true, SN / 8>(dk, slopes + row * SQ_PITCH, SQ_PITCH, k, SN_PITCH, 0, row + 16);
    gs_tile_product<true, true, SN / 8>(dk, slopes + row, SQ_PITCH, k, SN_PITCH, row, SQ);
    // A warp's rows of v become dv; two lanes take a row.
    {
        const int r = row + (lane >> 1), half = (lane & 1) * 8;
        const float b = d.scale[r];
        float dot = 0.0f;
        for (int c = half; c < SP; c += 16)
        {
            float x[8], y[8];
            gs_tile_get8(dr + r * SP_PITCH + c, x);
            gs_tile_get8(v + r * SP_PITCH + c, y);
#pragma unroll
            for (int j = 0; j < 8; j++) { dot = fmaf(x[j], y[j], dot); x[j] *= b; }
#pragma unroll
            for (int j = 0; j < 8; j += 2) gs_tile_put2(v + r * SP_PITCH + c + j, x[j], x[j + 1]);
        }
        dot += gs_xor(dot, 1);
        if (half == 0) sums.value[r] = dot;
    }
    gs_warp_sync();
    gs_ssd_store<SP>(p.s, at, v + row * SP_PITCH, SP_PITCH, row, p.s.dv, p.s.dv_stride, head * SP);
    // Added to what gs_ssd_bwd left.
#pragma unroll
    for (int half = 0; half < 2; half++)
    {
        const int position = at.first + (half == 0 ? top : low);
        if (position >= p.s.length) continue;
        gs_t* to = (gs_t*)p.s.dk + gs_ssd_row(p.s, at.batch, position) * p.s.dk_stride + head * SN + 2 * (lane & 3);
#pragma unroll
        for (int n = 0; n < SN / 8; n++)
        {
            float x, y;
            gs_tile_get2(to + 8 * n, x, y);
            gs_tile_put2(to + 8 * n, x + (half == 0 ? dk[n].x : dk[n].z), y + (half == 0 ? dk[n].y : dk[n].w));
        }
    }
    __syncthreads();
    if (warp == 0) gs_delta_finish(p, at, d, sums);
}
