// What a chunk of the delta rule is before its state is known; delta_args.cu has the formulas.
constexpr int D_CHUNKS_SMEM = (SQ * SN_PITCH + SQ * SP_PITCH + SQ * SQ_PITCH) * GS_ESIZE + (int)sizeof(SsdDecays) + S_WARPS * D_INNER * 4;
// Grid (chunks, heads, batch), S_THREADS threads, D_CHUNKS_SMEM bytes.
extern "C" __global__ void __launch_bounds__(S_THREADS) gs_delta_chunks(const __grid_constant__ GsDelta p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* k = (gs_t*)smem;
    gs_t* v = k + SQ * SN_PITCH;
    gs_t* m = v + SQ * SP_PITCH;
    SsdDecays& d = *(SsdDecays*)(m + SQ * SQ_PITCH);
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, row = warp * 16;
    float* inner = (float*)(&d + 1) + warp * D_INNER;
    const SsdPlace at = gs_ssd_place(p.s);
    const int head = at.group;
    gs_ssd_rows<SN>(p.s, at, k, p.s.k, p.s.k_stride, head * SN);
    gs_ssd_rows<SP>(p.s, at, v, p.s.v, p.s.v_stride, head * SP);
    gs_copy_commit();
    if (warp == 0)
    {
        gs_ssd_cuts(p.s, at, d);
        gs_ssd_decays(p.s, at, head, d);
    }
    gs_copy_wait();
    __syncthreads();
    {
        float4 s[SQ / 8];
        gs_tile_zero<SQ / 8>(s);
        gs_tile_product<false, false, SQ / 8>(s, k + row * SN_PITCH, SN_PITCH, k, SN_PITCH, 0, SN, 2 * (warp + 1));
        gs_delta_rows(d, s, s);
        gs_triangle_put(s, m, inner);
    }
    gs_delta_put_scaled(p, at, k, d.end, p.kept);
    if (threadIdx.x == 0) p.s.through[((i64)at.batch * p.s.chunks + at.chunk) * p.s.heads + head] = d.through;
    __syncthreads();
    for (int t = warp; t < (SN + SP) / 16; t += S_WARPS)
    {
        const bool keys = t < SN / 16;
        gs_t* rows = keys ? k + t * 16 : v + (t - SN / 16) * 16;
        const int pitch = keys ? SN_PITCH : SP_PITCH;
        float4 c[SQ / 8];
        gs_turned_get<SQ / 16>(c, rows, pitch);
#pragma unroll
        for (int n = 0; n < SQ / 8; n++)
        {
            const int i = 8 * n + 2 * (lane & 3);
            const float x = keys ? -d.scale[i] * d.start[i] : d.scale[i], y = keys ? -d.scale[i + 1] * d.start[i + 1] : d.scale[i + 1];
            c[n] = make_float4(c[n].x * x, c[n].y * y, c[n].z * x, c[n].w * y);
        }
        gs_triangle_solve<false>(c, m);
        gs_turned_put<SQ / 16>(rows, pitch, c);
    }
    __syncthreads();
    gs_ssd_store<SN>(p.s, at, k + row * SN_PITCH, SN_PITCH, row, p.w, (i64)p.s.heads * SN, head * SN);
    gs_ssd_store<SP>(p.s, at, v + row * SP_PITCH, SP_PITCH, row, p.written, (i64)p.s.heads * SP, head * SP);
}
