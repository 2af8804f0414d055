// The unit triangular system (1 + A) X = R of a chunk of SQ positions, A strictly below the diagonal, by blocks of 16 positions.
// In shared memory: -A below the diagonal blocks; in the diagonal ones T - 1, T = (1 + A)^-1, so that what is rounded are corrections alone.
constexpr int D_INNER_PITCH = 20;               // floats of a row of a diagonal block
constexpr int D_INNER = 16 * D_INNER_PITCH;
// From a warp's 16 rows of A. The diagonal block is inverted column by column in single precision.
__device__ __forceinline__ void gs_triangle_put(const float4* a, gs_t* m, float* inner)
{
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, row = warp * 16, top = row + (lane >> 2), low = top + 8;
#pragma unroll
    for (int n = 0; n < SQ / 8; n++)
    {
        if (n >= 2 * (warp + 1)) continue;
        const int j = 8 * n + 2 * (lane & 3);
        if (n < 2 * warp)
        {
            gs_tile_put2(m + top * SQ_PITCH + j, -a[n].x, -a[n].y);
            gs_tile_put2(m + low * SQ_PITCH + j, -a[n].z, -a[n].w);
        }
        else
        {
            float* to = inner + (lane >> 2) * D_INNER_PITCH + j - row;
            to[0] = a[n].x; to[1] = a[n].y; to[8 * D_INNER_PITCH] = a[n].z; to[8 * D_INNER_PITCH + 1] = a[n].w;
        }
    }
    gs_warp_sync();
    const int c = lane & 15;
    float x[16];
#pragma unroll
    for (int i = 0; i < 16; i++)
    {
        x[i] = i == c ? 1.0f : 0.0f;
#pragma unroll
        for (int j = 0; j < i; j++) x[i] = fmaf(-inner[i * D_INNER_PITCH + j], x[j], x[i]);
    }
#pragma unroll
    for (int i = 0; i < 16; i++) if (lane < 16) gs_tile_put1(m + (row + i) * SQ_PITCH + row + c, i == c ? 0.0f : x[i]);
}
// 16 columns of the right side, turned: c becomes T c, or with `Back` T^T c. By a warp.
template <bool Back> __device__ __forceinline__ void gs_triangle_solve(float4* c, const gs_t* m)
{
#pragma unroll
    for (int step = 0; step < SQ / 16; step++)
    {
        const int i = Back ? SQ / 16 - 1 - step : step;
#pragma unroll
        for (int before = 0; before < step; before++)
        {
            const int k = Back ? SQ / 16 - 1 - before : before;
            gs_chain_product<Back, 2, 2>(c + 2 * i, c + 2 * k, m + (Back ? 16 * k * SQ_PITCH + 16 * i : 16 * i * SQ_PITCH + 16 * k), SQ_PITCH);
        }
        const float4 own[2] = {c[2 * i], c[2 * i + 1]};
        gs_chain_product<Back, 2, 2>(c + 2 * i, own, m + 16 * i * (SQ_PITCH + 1), SQ_PITCH);
    }
}
