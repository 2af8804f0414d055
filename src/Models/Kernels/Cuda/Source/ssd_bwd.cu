// The chunked recurrence's gradients, of everything but the states, which gs_ssd_states and gs_state_pass have left: `states` enter the chunks, `after` is
// the gradient E of the state behind each. With P_ij = (q_i . k_j) D_ij and R_ij = (dy_i . v_j) D_ij:
//   dv_j = s_j (sum_i P_ij dy_i + end_j E^T k_j) + skip dy_j;   dq_i = sum_j R_ij s_j k_j + start_i S dy_i;   dk_j = s_j (sum_i R_ij q_i + end_j E v_j)
//   M_ij = (q_i . k_j) R_ij, a_i = start_i q_i . S dy_i, b_j = end_j k_j . E v_j:   ds_j = sum_i M_ij + b_j
//   gradient of G_i: sum_j M_ij s_j + a_i - s_i ds_i, at the chunk's last position also sum_j s_j b_j + through <E, S>; dg_t: its sum from t to the chunk's end.
// M's sums over rows and columns are taken of the same unrounded numbers, so that what cancels between them cancels. A warp owns 16 rows i and 16 rows j.
struct SsdSums
{
    float row[SQ];              // sum_j M_ij s_j + a_i
    float b[SQ];
    float column[S_WARPS][SQ];  // sums of M over a warp's rows
    float product[S_WARPS];     // parts of <E, S>
    float diagonal[S_WARPS];    // parts of the sum of dy_i . v_i
};
constexpr int S_BWD_SMEM = (2 * SQ * SN_PITCH + 2 * SQ * SP_PITCH + 2 * SQ * SQ_PITCH + 2 * SN * SP_PITCH) * GS_ESIZE + (int)(sizeof(SsdDecays) + sizeof(SsdSums));
__device__ __forceinline__ float gs_ssd_quad(float v) { v += gs_xor(v, 1); return v + gs_xor(v, 2); }
// c *= (w0, w1) by rows, then the sums over columns of c times the rows of `with`, times one, for the quad's two rows.
template <int Tiles> __device__ __forceinline__ void gs_ssd_scaled(float4* c, float w0, float w1, const gs_t* with, int pitch, float& dot0, float& dot1)
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
        c[n] = make_float4(c[n].x * w0, c[n].y * w0, c[n].z * w1, c[n].w * w1);
        a = fmaf(c[n].x, x0, fmaf(c[n].y, x1, a));
        b = fmaf(c[n].z, x2, fmaf(c[n].w, x3, b));
    }
    dot0 = gs_ssd_quad(a);
    dot1 = gs_ssd_quad(b);
}
// Gradients of a head's decays, by one warp.
__device__ __forceinline__ void gs_ssd_finish(const GsSsd& p, const SsdPlace& at, int head, const SsdDecays& d, const SsdSums& sums)
{
    const int lane = threadIdx.x & 31;
    float own[S_LANE], ds[S_LANE], total = 0.0f, last = 0.0f;
#pragma unroll
    for (int e = S_LANE - 1; e >= 0; e--)
    {
        const int i = lane * S_LANE + e;
        ds[e] = sums.b[i];
#pragma unroll
        for (int w = 0; w < S_WARPS; w++) if (i < 16 * (w + 1)) ds[e] += sums.column[w][i];
        own[e] = total += fmaf(-d.scale[i], ds[e], sums.row[i]);
        last = fmaf(d.scale[i], sums.b[i], last);
    }
    float behind = total;                                       // sums over the lanes from this one on
#pragma unroll
    for (int m = 1; m < 32; m <<= 1)
    {
        const float other = gs_down(behind, m);
        if (lane + m < 32) behind += other;
    }
    behind = gs_down(behind, 1);
    if (lane == 31) behind = 0.0f;
#pragma unroll
    for (int m = 16; m > 0; m >>= 1) last += gs_xor(last, m);
    float product = 0.0f, diagonal = 0.0f;
#pragma unroll
    for (int w = 0; w < S_WARPS; w++) { product += sums.product[w]; diagonal += sums.diagonal[w]; }
    last = fmaf(d.through, product, last);
#pragma unroll
    for (int e = 0; e < S_LANE; e++)
    {
        const int position = at.first + lane * S_LANE + e;
        if (position >= p.length) continue;
        const i64 to = gs_ssd_row(p, at.batch, position) * p.heads + head;
        p.dg[to] = own[e] + behind + last;
        if (p.dscale != 0) p.dscale[to] = ds[e];
    }
    if (lane == 0 && p.dskip != 0) p.dskip[((i64)at.batch * p.chunks + at.chunk) * p.heads + head] = diagonal;
}
constexpr int S_BWD_BLOCKS = SN <= 64 && SP <= 64 ? 3 : 1; // of a multiprocessor: shared memory and registers have room for them
// Grid (chunks, groups, batch), S_THREADS threads, S_BWD_SMEM bytes.
extern "C" __global__ void __launch_bounds__(S_THREADS, S_BWD_BLOCKS) gs_ssd_bwd(const __grid_constant__ GsSsd p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* q = (gs_t*)smem;
    gs_t* k = q + SQ * SN_PITCH;
    gs_t* v = k + SQ * SN_PITCH;
    gs_t* dy = v + SQ * SP_PITCH;
    gs_t* scores = dy + SQ * SP_PITCH;          // P_ij s_j
    gs_t* slopes = scores + SQ * SQ_PITCH;      // R_ij s_j
    gs_t* state = slopes + SQ * SQ_PITCH;       // S
    gs_t* after = state + SN * SP_PITCH;        // E
    SsdDecays& d = *(SsdDecays*)(after + SN * SP_PITCH);
    SsdSums& sums = *(SsdSums*)(&d + 1);
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, row = warp * 16, top = row + (lane >> 2), low = top + 8, tiles = 2 * (warp + 1);
    const SsdPlace at = gs_ssd_place(p);
    gs_ssd_rows<SN>(p, at, q, p.q, p.q_stride, at.group * SN);
    gs_ssd_rows<SN>(p, at, k, p.k, p.k_stride, at.group * SN);
    gs_copy_commit();
    if (warp == 0) gs_ssd_cuts(p, at, d);
    gs_copy_wait();
    __syncthreads();
    float4 s[SQ / 8], dq[SN / 8], dk[SN / 8];
    gs_tile_zero<SQ / 8>(s);
    gs_tile_zero<SN / 8>(dq);
    gs_tile_zero<SN / 8>(dk);
    gs_tile_product<false, false, SQ / 8>(s, q + row * SN_PITCH, SN_PITCH, k, SN_PITCH, 0, SN, tiles);
    for (int h = 0; h < at.heads; h++)
    {
        const int head = at.group * at.heads + h;
        __syncthreads();
        gs_ssd_rows<SP>(p, at, v, p.v, p.v_stride, head * SP);
        gs_ssd_rows<SP>(p, at, dy, p.dy, p.dy_stride, head * SP);
        gs_ssd_state(state, p.states, gs_ssd_matrix(p, at, head));
        gs_ssd_state(after, p.after, gs_ssd_matrix(p, at, head));
        gs_copy_commit();
        if (warp == 0) gs_ssd_decays(p, at, head, d);
        gs_copy_wait();
        __syncthreads();
        float row0 = 0.0f, row1 = 0.0f, diagonal = 0.0f;
        {
            float4 r[SQ / 8];
            gs_tile_zero<SQ / 8>(r);
            gs_tile_product<false, false, SQ / 8>(r, dy + row * SP_PITCH, SP_PITCH, v, SP_PITCH, 0, SP, tiles);
            const float sum0 = d.sum[top], sum1 = d.sum[low], cut0 = d.cut[top], cut1 = d.cut[low];
#pragma unroll
            for (int n = 0; n < SQ / 8; n++)
            {
                if (n >= tiles) continue;
                const int j = 8 * n + 2 * (lane & 3);
                diagonal += (j == top ? r[n].x : 0.0f) + (j + 1 == top ? r[n].y : 0.0f) + (j == low ? r[n].z : 0.0f) + (j + 1 == low ? r[n].w : 0.0f);
                const float s0 = d.scale[j], s1 = d.scale[j + 1];
                const float d0 = gs_ssd_decay(d, top, sum0, cut0, j), d1 = gs_ssd_decay(d, top, sum0, cut0, j + 1);
                const float d2 = gs_ssd_decay(d, low, sum1, cut1, j), d3 = gs_ssd_decay(d, low, sum1, cut1, j + 1);
                const int to = top * SQ_PITCH + j;
                gs_tile_put2(scores + to, s[n].x * d0 * s0, s[n].y * d1 * s1);
                gs_tile_put2(scores + to + 8 * SQ_PITCH, s[n].z * d2 * s0, s[n].w * d3 * s1);
                r[n] = make_float4(r[n].x * d0, r[n].y * d1, r[n].z * d2, r[n].w * d3);
                gs_tile_put2(slopes + to, r[n].x * s0, r[n].y * s1);
                gs_tile_put2(slopes + to + 8 * SQ_PITCH, r[n].z * s0, r[n].w * s1);
                r[n] = make_float4(r[n].x * s[n].x, r[n].y * s[n].y, r[n].z * s[n].z, r[n].w * s[n].w);
                row0 = fmaf(r[n].x, s0, fmaf(r[n].y, s1, row0));
                row1 = fmaf(r[n].z, s0, fmaf(r[n].w, s1, row1));
                float c0 = r[n].x + r[n].z, c1 = r[n].y + r[n].w;
#pragma unroll
                for (int m = 4; m < 32; m <<= 1) { c0 += gs_xor(c0, m); c1 += gs_xor(c1, m); }
                if (lane < 4) { sums.column[warp][j] = c0; sums.column[warp][j + 1] = c1; }
            }
            row0 = gs_ssd_quad(row0);
            row1 = gs_ssd_quad(row1);
        }
        float product = 0.0f;
        for (int i = threadIdx.x; i < SN * (SP / 8); i += S_THREADS)
        {
            const int r = i / (SP / 8), from = r * SP_PITCH + (i - r * (SP / 8)) * 8;
            float x[8], y[8];
            gs_tile_get8(state + from, x);
            gs_tile_get8(after + from, y);
#pragma unroll
            for (int j = 0; j < 8; j++) product = fmaf(x[j], y[j], product);
        }
#pragma unroll
        for (int m = 16; m > 0; m >>= 1) { product += gs_xor(product, m); diagonal += gs_xor(diagonal, m); }
        if (lane == 0) { sums.product[warp] = product; sums.diagonal[warp] = diagonal; }
        __syncthreads();
        const float end0 = d.end[top], end1 = d.end[low], s0 = d.scale[top], s1 = d.scale[low];
        {
            float4 c[SN / 8];
            float dot0, dot1;
            gs_tile_zero<SN / 8>(c);
            gs_tile_product<false, false, SN / 8>(c, dy + row * SP_PITCH, SP_PITCH, state, SP_PITCH, 0, SP);
            gs_ssd_scaled<SN / 8>(c, d.start[top], d.start[low], q + row * SN_PITCH, SN_PITCH, dot0, dot1);
#pragma unroll
            for (int n = 0; n < SN / 8; n++) dq[n] = make_float4(dq[n].x + c[n].x, dq[n].y + c[n].y, dq[n].z + c[n].z, dq[n].w + c[n].w);
            if ((lane & 3) == 0) { sums.row[top] = row0 + dot0; sums.row[low] = row1 + dot1; }
            gs_tile_zero<SN / 8>(c);
            gs_tile_product<false, false, SN / 8>(c, v + row * SP_PITCH, SP_PITCH, after, SP_PITCH, 0, SP);
            gs_ssd_scaled<SN / 8>(c, end0, end1, k + row * SN_PITCH, SN_PITCH, dot0, dot1);
#pragma unroll
            for (int n = 0; n < SN / 8; n++)
                dk[n] = make_float4(fmaf(s0, c[n].x, dk[n].x), fmaf(s0, c[n].y, dk[n].y), fmaf(s1, c[n].z, dk[n].z), fmaf(s1, c[n].w, dk[n].w));
            if ((lane & 3) == 0) { sums.b[top] = dot0; sums.b[low] = dot1; }
        }
        gs_tile_product<false, true, SN / 8>(dq, slopes + row * SQ_PITCH, SQ_PITCH, k, SN_PITCH, 0, row + 16);
        gs_tile_product<true, true, SN / 8>(dk, slopes + row, SQ_PITCH, q, SN_PITCH, row, SQ);
        {
            float4 c[SP / 8];
            gs_tile_zero<SP / 8>(c);
            gs_tile_product<false, true, SP / 8>(c, k + row * SN_PITCH, SN_PITCH, after, SP_PITCH, 0, SN);
            const float w0 = end0 * s0, w1 = end1 * s1, skip = p.skip != 0 ? p.skip[head] : 0.0f;
#pragma unroll
            for (int n = 0; n < SP / 8; n++)
            {
                float x0, x1, x2, x3;
                const gs_t* own = dy + top * SP_PITCH + 8 * n + 2 * (lane & 3);
                gs_tile_get2(own, x0, x1);
                gs_tile_get2(own + 8 * SP_PITCH, x2, x3);
                c[n] = make_float4(fmaf(c[n].x, w0, skip * x0), fmaf(c[n].y, w0, skip * x1), fmaf(c[n].z, w1, skip * x2), fmaf(c[n].w, w1, skip * x3));
            }
            gs_tile_product<true, true, SP / 8>(c, scores + row, SQ_PITCH, dy, SP_PITCH, row, SQ);
            gs_warp_sync();                     // the warp has read its rows of v, and nobody else reads them any more
            gs_tile_put<SP / 8>(v + row * SP_PITCH, SP_PITCH, c);
            gs_warp_sync();
            gs_ssd_store<SP>(p, at, v + row * SP_PITCH, SP_PITCH, row, p.dv, p.dv_stride, head * SP);
        }
        __syncthreads();
        if (warp == 0) gs_ssd_finish(p, at, head, d, sums);
    }
    __syncthreads();
    gs_tile_put<SN / 8>(q + row * SN_PITCH, SN_PITCH, dq);
    gs_tile_put<SN / 8>(k + row * SN_PITCH, SN_PITCH, dk);
    gs_warp_sync();
    gs_ssd_store<SN>(p, at, q + row * SN_PITCH, SN_PITCH, row, p.dq, p.dq_stride, at.group * SN);
    gs_ssd_store<SN>(p, at, k + row * SN_PITCH, SN_PITCH, row, p.dk, p.dk_stride, at.group * SN);
}
