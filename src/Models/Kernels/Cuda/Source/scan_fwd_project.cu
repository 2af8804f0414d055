// Raw step sizes, delta[t][c] = sum over r of dt[t][r] W[c][r], on the tensor cores, rounded to bf16 as a matrix product's output is: what the backward pass
// reads is what the forward pass used. 32 channels x 8 steps are two products of 16 x 8 for each 16 of R.
//
// Rows and columns of a product may stand for any channels and steps, and its k for any r. Here rows g and g + 8 of product m are channels 16 m + 2 g and + 1, so that
// a lane gets neighbours; columns 2 q and 2 q + 1 are steps q and q + 4; k 2 q, + 1, + 8, + 9 are r 4 q to 4 q + 3, so that a lane reads 8 bytes of a row.
#if GS_DT_RANK
#define P_TILES ((GS_DT_RANK + 15) / 16)
#define P_WEIGHTS (P_TILES * 2 * 512)   // bytes
#define P_ROW (GS_DT_RANK * 2)          // bytes of a row of dt in shared memory

// Brings the weights of 32 channels into the order in which the lanes take them.
__device__ __forceinline__ void gs_stage_weights(unsigned char* to, const void* weight, int d0, int channels, int lane)
{
    const int g = lane >> 2, q = lane & 3;
#pragma unroll
    for (int k = 0; k < P_TILES; k++)
#pragma unroll
        for (int m = 0; m < 2; m++)
        {
            const int c = min(d0 + 16 * m + 2 * g, channels - 2), r = 16 * k + 4 * q;
            uint4 v = make_uint4(0, 0, 0, 0);
            if (r < GS_DT_RANK)
            {
                const uint2 a = gs_ldg8((const u16*)weight + (i64)c * GS_DT_RANK + r), b = gs_ldg8((const u16*)weight + (i64)(c + 1) * GS_DT_RANK + r);
                v = make_uint4(a.x, b.x, a.y, b.y);
            }
            ((uint4*)to)[(2 * k + m) * 32 + lane] = v;
        }
}
// From 8 rows of dt: raw[m][e] are channels 16 m + 2 g and + 1 at step q + 4 e.
__device__ __forceinline__ void gs_project8(u32 (&raw)[2][2], const unsigned char* rows, const unsigned char* weights, int lane)
{
    const int g = lane >> 2, q = lane & 3, step = (g >> 1) + 4 * (g & 1);
    float4 c[2];
    c[0] = c[1] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#pragma unroll
    for (int k = 0; k < P_TILES; k++)
    {
        uint2 b = make_uint2(0, 0);
        if (16 * k + 4 * q < GS_DT_RANK) b = *(const uint2*)(rows + step * P_ROW + k * 32 + q * 8);
#pragma unroll
        for (int m = 0; m < 2; m++)
        {
            const uint4 a = ((const uint4*)weights)[(2 * k + m) * 32 + lane];
            gs_mma_bf16(c[m], a.x, a.y, a.z, a.w, b.x, b.y);
        }
    }
#pragma unroll
    for (int m = 0; m < 2; m++) { raw[m][0] = gs_pack_bf16(c[m].x, c[m].z); raw[m][1] = gs_pack_bf16(c[m].y, c[m].w); }
}
#else
#define P_WEIGHTS 0
#define P_ROW 0
#endif
