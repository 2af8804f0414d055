// Chains of products in registers. A warp keeps 16 columns of a matrix as the rows of its accumulators ("turned"); these are the left operand of the
// next product as they are, so that nothing passes through shared memory and no warp waits for another between the products of a chain.
// c[16 x 8 Tiles] += A[16 x 8 Depth] B, A a warp's accumulators; B lies as [column][k] or, turned, as [k][column]. Depth, Tiles even. By a whole warp.
template <bool BTurned, int Depth, int Tiles>
__device__ __forceinline__ void gs_chain_product(float4* c, const float4* a, const gs_t* b, int pitch)
{
    const int lane = threadIdx.x & 31;
#if GS_F32_IO
    const int g = lane >> 2, q = lane & 3;      // the sum's index in the order in which accumulators have it: k = q is column 2q, k = q + 4 is 2q + 1
#pragma unroll
    for (int k = 0; k < Depth; k++)
    {
        const float f[4] = {a[k].x, a[k].z, a[k].y, a[k].w};
#pragma unroll
        for (int n = 0; n < Tiles; n++)
        {
            const float* at = BTurned ? b + (8 * k + 2 * q) * pitch + 8 * n + g : b + (8 * n + g) * pitch + 8 * k + 2 * q;
            gs_mma_split<true, true>(c[n], f, at[0], at[BTurned ? pitch : 1]);
        }
    }
#else
    const int tile = lane >> 3, row = lane & 7, odd = (tile & 1) * 8, high = (tile >> 1) * 8;
    const gs_t* from = BTurned ? b + (odd + row) * pitch + high : b + (high + row) * pitch + odd;
#pragma unroll
    for (int k = 0; k < Depth; k += 2)
    {
        const u32 f0 = gs_pack_bf16(a[k].x, a[k].y), f1 = gs_pack_bf16(a[k].z, a[k].w);
        const u32 f2 = gs_pack_bf16(a[k + 1].x, a[k + 1].y), f3 = gs_pack_bf16(a[k + 1].z, a[k + 1].w);
#pragma unroll
        for (int n = 0; n < Tiles; n += 2)
        {
            u32 w[4];
            if (BTurned) gs_ld_tiles4_turned(w, from + 8 * k * pitch + 8 * n);
            else gs_ld_tiles4(w, from + 8 * n * pitch + 8 * k);
            gs_mma_bf16(c[n], f0, f1, f2, f3, w[0], w[1]);
            gs_mma_bf16(c[n + 1], f0, f1, f2, f3, w[2], w[3]);
        }
    }
#endif
}
// c += 16 rows of 8 columns of A times B, B in memory as single precision, [column][k]; both are cut in two, so that nothing is rounded.
template <int Tiles> __device__ __forceinline__ void gs_chain_exact8(float4* c, const float4& a, const float* b, int pitch)
{
    const int lane = threadIdx.x & 31;
    const float f0 = gs_cut(a.x), f1 = gs_cut(a.z), f2 = gs_cut(a.y), f3 = gs_cut(a.w), r0 = a.x - f0, r1 = a.z - f1, r2 = a.y - f2, r3 = a.w - f3;
#pragma unroll
    for (int n = 0; n < Tiles; n++)
    {
        const float2 w = *(const float2*)(b + (8 * n + (lane >> 2)) * pitch + 2 * (lane & 3));
        const float w0 = gs_cut(w.x), w1 = gs_cut(w.y);
        gs_mma_tf32(c[n], r0, r1, r2, r3, w0, w1);
        gs_mma_tf32(c[n], f0, f1, f2, f3, w.x - w0, w.y - w1);
        gs_mma_tf32(c[n], f0, f1, f2, f3, w0, w1);
    }
}
// All of A's columns. `room`, of 64 for the warp, halves the text where there are many: a lane reads there what it wrote.
template <int Depth, int Tiles> __device__ __forceinline__ void gs_chain_exact(float4* c, const float4* a, const float* b, int pitch, float4* room)
{
    const int lane = threadIdx.x & 31;
#pragma unroll
    for (int k = 0; k < Depth; k += 2)
    {
        if (Depth <= 8)
        {
            gs_chain_exact8<Tiles>(c, a[k], b + 8 * k, pitch);
            gs_chain_exact8<Tiles>(c, a[k + 1], b + 8 * k + 8, pitch);
            continue;
        }
        room[lane] = a[k];
        room[32 + lane] = a[k + 1];
#pragma unroll 1
        for (int e = 0; e < 2; e++) gs_chain_exact8<Tiles>(c, room[32 * e + lane], b + 8 * (k + e), pitch);
    }
}
// 16 columns of 16 Blocks rows in shared memory, turned, and back.
template <int Blocks> __device__ __forceinline__ void gs_turned_get(float4* c, const gs_t* rows, int pitch)
{
    const int lane = threadIdx.x & 31;
#if GS_F32_IO
    const float* at = rows + 2 * (lane & 3) * pitch + (lane >> 2);
#pragma unroll
    for (int n = 0; n < 2 * Blocks; n++, at += 8 * pitch) c[n] = make_float4(at[0], at[pitch], at[8], at[pitch + 8]);
#else
    const gs_t* at = rows + ((lane >> 4) * 8 + (lane & 7)) * pitch + (lane >> 3 & 1) * 8;
#pragma unroll
    for (int m = 0; m < Blocks; m++)
    {
        u32 r[4];
        gs_ld_tiles4_turned(r, at + 16 * m * pitch);
        c[2 * m] = make_float4(gs_lo(r[0]), gs_hi(r[0]), gs_lo(r[1]), gs_hi(r[1]));
        c[2 * m + 1] = make_float4(gs_lo(r[2]), gs_hi(r[2]), gs_lo(r[3]), gs_hi(r[3]));
    }
#endif
}
template <int Blocks> __device__ __forceinline__ void gs_turned_put(gs_t* rows, int pitch, const float4* c)
{
    const int lane = threadIdx.x & 31;
#if GS_F32_IO
    float* at = rows + 2 * (lane & 3) * pitch + (lane >> 2);
#pragma unroll
    for (int n = 0; n < 2 * Blocks; n++, at += 8 * pitch) { at[0] = c[n].x; at[pitch] = c[n].y; at[8] = c[n].z; at[pitch + 8] = c[n].w; }
#else
    gs_t* at = rows + ((lane >> 4) * 8 + (lane & 7)) * pitch + (lane >> 3 & 1) * 8;
#pragma unroll
    for (int m = 0; m < Blocks; m++)
        gs_st_tiles4_turned(at + 16 * m * pitch, gs_pack_bf16(c[2 * m].x, c[2 * m].y), gs_pack_bf16(c[2 * m].z, c[2 * m].w),
            gs_pack_bf16(c[2 * m + 1].x, c[2 * m + 1].y), gs_pack_bf16(c[2 * m + 1].z, c[2 * m + 1].w));
#endif
}
