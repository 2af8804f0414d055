// Tiles in shared memory and products of them on the tensor core: bfloat16, or single precision cut in two tf32 parts (split_mma.cu).
#if GS_F32_IO
typedef float gs_t;
#else
typedef u16 gs_t;
#endif
constexpr int GS_PAD = 16 / GS_ESIZE; // a row of 16 m + GS_PAD elements is an odd number of 16-byte pieces: no bank conflicts
__device__ __forceinline__ float gs_tile_get1(const gs_t* at)
{
#if GS_F32_IO
    return *at;
#else
    return gs_from_bf16(*at);
#endif
}
__device__ __forceinline__ void gs_tile_put1(gs_t* at, float v)
{
#if GS_F32_IO
    *at = v;
#else
    *at = gs_to_bf16(v);
#endif
}
__device__ __forceinline__ void gs_tile_get8(const gs_t* at, float* f)
{
#if GS_F32_IO
    gs_load8f(at, f);
#else
    gs_unpack8(*(const uint4*)at, f);
#endif
}
__device__ __forceinline__ void gs_tile_get2(const gs_t* at, float& x, float& y)
{
#if GS_F32_IO
    const float2 v = *(const float2*)at;
    x = v.x; y = v.y;
#else
    const u32 v = *(const u32*)at;
    x = gs_lo(v); y = gs_hi(v);
#endif
}
__device__ __forceinline__ void gs_tile_put2(gs_t* at, float x, float y)
{
#if GS_F32_IO
    *(float2*)at = make_float2(x, y);
#else
    *(u32*)at = gs_pack_bf16(x, y);
#endif
}
// A warp's accumulators: row `lane / 4` and the eighth after it, columns 8 n + 2 (lane % 4) and the next.
template <int Tiles> __device__ __forceinline__ void gs_tile_zero(float4* c)
{
#pragma unroll
    for (int n = 0; n < Tiles; n++) c[n] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
}
template <int Tiles> __device__ __forceinline__ void gs_tile_put(gs_t* rows, int pitch, const float4* c)
{
    const int lane = threadIdx.x & 31;
    gs_t* at = rows + (lane >> 2) * pitch + 2 * (lane & 3);
#pragma unroll
    for (int n = 0; n < Tiles; n++)
    {
        gs_tile_put2(at + 8 * n, c[n].x, c[n].y);
        gs_tile_put2(at + 8 * pitch + 8 * n, c[n].z, c[n].w);
    }
}
// c[16 x 8 Tiles] += A[16 x k] B[k x 8 Tiles], k from `first` to `end`, multiples of 16; column tiles from `tiles` on (an even number) are left out.
// A lies as [row][k] or, turned, as [k][row]; B as [column][k] or, turned, as [k][column]. By a whole warp.
template <bool ATurned, bool BTurned, int Tiles>
__device__ __forceinline__ void gs_tile_product(float4* c, const gs_t* a, int a_pitch, const gs_t* b, int b_pitch, int first, int end, int tiles = Tiles)
{
    const int lane = threadIdx.x & 31;
#if GS_F32_IO
    const int g = lane >> 2, q = lane & 3;
#pragma unroll 2
    for (int k = first; k < end; k += 8)
    {
        float f[4];
        if (ATurned)
        {
            const float* at = a + (k + q) * a_pitch + g;
            f[0] = at[0]; f[1] = at[8]; f[2] = at[4 * a_pitch]; f[3] = at[4 * a_pitch + 8];
        }
        else
        {
            const float* at = a + g * a_pitch + k + q;
            f[0] = at[0]; f[1] = at[8 * a_pitch]; f[2] = at[4]; f[3] = at[8 * a_pitch + 4];
        }
#pragma unroll
        for (int n = 0; n < Tiles; n++)
        {
            if (n >= tiles) continue;
            const float* at = BTurned ? b + (k + q) * b_pitch + 8 * n + g : b + (8 * n + g) * b_pitch + k + q;
            gs_mma_split<true, true>(c[n], f, at[0], at[BTurned ? 4 * b_pitch : 4]);
        }
    }
#else
    const int tile = lane >> 3, row = lane & 7, odd = (tile & 1) * 8, high = (tile >> 1) * 8;
    const gs_t* from_a = ATurned ? a + (high + row) * a_pitch + odd : a + (odd + row) * a_pitch + high;
    const gs_t* from_b = BTurned ? b + (odd + row) * b_pitch + high : b + (high + row) * b_pitch + odd;
#pragma unroll 2
    for (int k = first; k < end; k += 16)
    {
        u32 f[4];
        if (ATurned) gs_ld_tiles4_turned(f, from_a + k * a_pitch);
        else gs_ld_tiles4(f, from_a + k);
#pragma unroll
        for (int n = 0; n < Tiles; n += 2)
        {
            if (n >= tiles) continue;
            u32 w[4];
            if (BTurned) gs_ld_tiles4_turned(w, from_b + k * b_pitch + 8 * n);
            else gs_ld_tiles4(w, from_b + 8 * n * b_pitch + k);
            gs_mma_bf16(c[n], f[0], f[1], f[2], f[3], w[0], w[1]);
            gs_mma_bf16(c[n + 1], f[0], f[1], f[2], f[3], w[2], w[3]);
        }
    }
#endif
}
