// Products on the tensor core that keep more digits than its operands' 11 bits (tf32): a number is cut into what the tensor core reads
// exactly and the rest, and the products of the parts are summed. A bfloat16 is read exactly as it is.
__device__ __forceinline__ float gs_cut(float v) { return __uint_as_float(__float_as_uint(v) & 0xffffe000u); }
// To the nearest number that the tensor core reads exactly: for operands that are not cut in two, so that the errors have no sign.
__device__ __forceinline__ float gs_near_tf32(float v) { return __uint_as_float((__float_as_uint(v) + 0x1000u) & 0xffffe000u); }
// c[16x8] += a[16x8] b[8x8]; SplitA, SplitB: the operand is cut in two (the product of the two rests is left out: 2^-22).
template <bool SplitA, bool SplitB>
__device__ __forceinline__ void gs_mma_split(float4& c, const float* a, float b0, float b1)
{
    if (SplitA)
    {
        gs_mma_tf32(c, a[0] - gs_cut(a[0]), a[1] - gs_cut(a[1]), a[2] - gs_cut(a[2]), a[3] - gs_cut(a[3]), SplitB ? gs_cut(b0) : b0, SplitB ? gs_cut(b1) : b1);
    }
    if (SplitB)
    {
        gs_mma_tf32(c, SplitA ? gs_cut(a[0]) : a[0], SplitA ? gs_cut(a[1]) : a[1], SplitA ? gs_cut(a[2]) : a[2], SplitA ? gs_cut(a[3]) : a[3],
            b0 - gs_cut(b0), b1 - gs_cut(b1));
    }
    gs_mma_tf32(c, SplitA ? gs_cut(a[0]) : a[0], SplitA ? gs_cut(a[1]) : a[1], SplitA ? gs_cut(a[2]) : a[2], SplitA ? gs_cut(a[3]) : a[3],
        SplitB ? gs_cut(b0) : b0, SplitB ? gs_cut(b1) : b1);
}
