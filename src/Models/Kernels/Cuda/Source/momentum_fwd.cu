// What a chunk is before its state is known, and the outputs; momentum_args.cu has the formulas.
constexpr int O_CHUNKS_SMEM = (SQ * SN_PITCH + SQ * SP_PITCH + SQ * SQ_PITCH + S_WARPS * SQ * (16 + GS_PAD)) * GS_ESIZE + (int)(sizeof(SsdDecays) + sizeof(MomentumRows)) + S_WARPS * D_INNER * 4;
constexpr int O_OUT_SMEM = (2 * SQ * SN_PITCH + SQ * SP_PITCH + ON * SP_PITCH + SQ * S_OUT_PITCH) * GS_ESIZE + (int)(sizeof(SsdDecays) + sizeof(MomentumRows));
// Grid (chunks, heads, batch), S_THREADS threads, O_CHUNKS_SMEM bytes.
extern "C" __global__ void __launch_bounds__(S_THREADS) gs_momentum_chunks(const __grid_constant__ GsMomentum p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* k = (gs_t*)smem;
    gs_t* v = k + SQ * SN_PITCH;
    gs_t* m = v + SQ * SP_PITCH;
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, row = warp * 16;
    gs_t* stages = m + SQ * SQ_PITCH;
    gs_t* stage = stages + warp * SQ * (16 + GS_PAD); // 16 columns of W on their way to memory
    MomentumRows& c = *(MomentumRows*)(stages + S_WARPS * SQ * (16 + GS_PAD));
    SsdDecays& d = *(SsdDecays*)(&c + 1);
    float* inner = (float*)(&d + 1) + warp * D_INNER;
    const SsdPlace at = gs_ssd_place(p.s);
    const int head = at.group;
    gs_ssd_rows<SN>(p.s, at, k, p.s.k, p.s.k_stride, head * SN);
    gs_ssd_rows<SP>(p.s, at, v, p.s.v, p.s.v_stride, head * SP);
    gs_copy_commit();
    gs_copy_wait();
    gs_momentum_rows(p, at, d, c);
    {
        float4 s[SQ / 8];
        gs_tile_zero<SQ / 8>(s);
        gs_tile_product<false, false, SQ / 8>(s, k + row * SN_PITCH, SN_PITCH, k, SN_PITCH, 0, SN, 2 * (warp + 1));
        gs_momentum_system(c, s, s);
        gs_triangle_put(s, m, inner);
    }
    gs_momentum_twice(p, at, k, c.d[c.last], c.end, p.kept);
    if (threadIdx.x == 0)
        *(float4*)(p.s.through + (((i64)at.batch * p.s.chunks + at.chunk) * p.s.heads + head) * 4) = make_float4(c.m[c.last], c.x[c.last], c.e, 0.0f);
    __syncthreads();
    for (int t = warp; t < (ON + SP) / 16; t += S_WARPS)
    {
        const bool keys = t < ON / 16, second = t >= SN / 16;
        gs_t* rows = keys ? k + (second ? t - SN / 16 : t) * 16 : v + (t - ON / 16) * 16;
        const int pitch = keys ? SN_PITCH : SP_PITCH;
        float4 x[SQ / 8];
        gs_turned_get<SQ / 16>(x, rows, pitch);
#pragma unroll
        for (int n = 0; n < SQ / 8; n++)
        {
            const int i = 8 * n + 2 * (lane & 3);
            const float y = !keys ? c.theta[i] : -c.theta[i] * (second ? gs_momentum_x(c, i) : gs_momentum_m(c, i));
            const float z = !keys ? c.theta[i + 1] : -c.theta[i + 1] * (second ? gs_momentum_x(c, i + 1) : gs_momentum_m(c, i + 1));
            x[n] = make_float4(x[n].x * y, x[n].y * z, x[n].z * y, x[n].w * z);
        }
        gs_triangle_solve<false>(x, m);
        gs_turned_put<SQ / 16>(stage, 16 + GS_PAD, x);
        gs_warp_sync();
        constexpr int Pieces = 16 / GS_PAD;
        for (int i = lane; i < SQ * Pieces; i += 32)
        {
            const int r = i / Pieces, e = (i - r * Pieces) * GS_PAD, position = at.first + r;
            if (position >= p.s.length) continue;
            const i64 to = gs_ssd_row(p.s, at.batch, position) * p.s.heads + head;
            *(uint4*)(keys ? (gs_t*)p.w + to * ON + t * 16 + e : (gs_t*)p.written + to * SP + (t - ON / 16) * 16 + e) = *(const uint4*)(stage + r * (16 + GS_PAD) + e);
        }
        gs_warp_sync();
    }
}
// Grid (chunks, heads, batch), S_THREADS threads, O_OUT_SMEM bytes.
extern "C" __global__ void __launch_bounds__(S_THREADS) gs_momentum_out(const __grid_constant__ GsMomentum p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* q = (gs_t*)smem;
    gs_t* k = q + SQ * SN_PITCH;
    gs_t* written = k + SQ * SN_PITCH;
    gs_t* state = written + SQ * SP_PITCH;
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, row = warp * 16, top = row + (lane >> 2), low = top + 8;
    gs_t* scores = state + ON * SP_PITCH;
    MomentumRows& c = *(MomentumRows*)(scores + SQ * S_OUT_PITCH);
    SsdDecays& d = *(SsdDecays*)(&c + 1);
    scores += row * S_OUT_PITCH;                // a warp's own rows
    const SsdPlace at = gs_ssd_place(p.s);
    const int head = at.group;
    gs_ssd_rows<SN>(p.s, at, q, p.s.q, p.s.q_stride, head * SN);
    gs_ssd_rows<SN>(p.s, at, k, p.s.k, p.s.k_stride, head * SN);
    gs_ssd_rows<SP>(p.s, at, written, p.written, (i64)p.s.heads * SP, head * SP);
    gs_momentum_state(p, at, state, p.s.states);
    gs_copy_commit();
    gs_copy_wait();
    gs_momentum_rows(p, at, d, c);
    {
        float4 s[SQ / 8];
        gs_tile_zero<SQ / 8>(s);
        gs_tile_product<false, false, SQ / 8>(s, q + row * SN_PITCH, SN_PITCH, k, SN_PITCH, 0, SN, 2 * (warp + 1));
#pragma unroll
        for (int n = 0; n < SQ / 8; n++)
        {
            if (n >= 2 * (warp + 1)) continue;
            const int j = 8 * n + 2 * (lane & 3);
            gs_t* to = scores + (lane >> 2) * S_OUT_PITCH + j;
            gs_tile_put2(to, s[n].x * c.d[top][j], s[n].y * c.d[top][j + 1]);
            gs_tile_put2(to + 8 * S_OUT_PITCH, s[n].z * c.d[low][j], s[n].w * c.d[low][j + 1]);
        }
    }
    gs_warp_sync();
    float4 y[SP / 8], z[SP / 8];
    gs_tile_zero<SP / 8>(y);
    gs_tile_zero<SP / 8>(z);
    gs_tile_product<false, true, SP / 8>(y, q + row * SN_PITCH, SN_PITCH, state, SP_PITCH, 0, SN);
    gs_tile_product<false, true, SP / 8>(z, q + row * SN_PITCH, SN_PITCH, state + SN * SP_PITCH, SP_PITCH, 0, SN);
    const float m0 = c.m[top], m1 = c.m[low], x0 = c.x[top], x1 = c.x[low];
#pragma unroll
    for (int n = 0; n < SP / 8; n++)
        y[n] = make_float4(fmaf(m0, y[n].x, x0 * z[n].x), fmaf(m0, y[n].y, x0 * z[n].y), fmaf(m1, y[n].z, x1 * z[n].z), fmaf(m1, y[n].w, x1 * z[n].w));
    gs_tile_product<false, true, SP / 8>(y, scores, S_OUT_PITCH, written, SP_PITCH, 0, row + 16);
    gs_warp_sync();
    gs_tile_put<SP / 8>(scores, S_OUT_PITCH, y);
    gs_warp_sync();
    gs_ssd_store<SP>(p.s, at, scores, S_OUT_PITCH, row, p.s.y, p.s.y_stride, head * SP);
}
