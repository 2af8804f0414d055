// Arguments of the selective scan's backward pass (gs_scan_carry, gs_scan_backward) and what both need.
// One launch runs up to 4 scans (directions, strands) of the same shape. Row r of batch b of an activation starts at element (b * length + r) * stride;
// strides and channel counts are multiples of 8 elements. "Time" below is the scan's order: position length - 1 - t where reverse is set.
#ifndef GS_N
#define GS_N 16
#endif
#ifndef GS_CK_STEPS
#define GS_CK_STEPS 16                   // between checkpoints: 4 or 16
#endif
#ifndef GS_CK_F32
#define GS_CK_F32 GS_F32_IO
#endif
struct GsBackwardScan
{
    const void* u; const void* delta; const void* bmat; const void* cmat; const void* g; // [batch, length, d_inner], delta before bias and softplus; [batch, length, N] x2; gradient of y
    const float* a; const float* skip; const float* bias; // [d_inner, N] negative; [d_inner] or null; [d_inner] or null
    const int* ids;          // [batch, length] sequence ids or null: the state is cleared where the id changes
    const void* ckpt;        // state before every GS_CK_STEPS steps: [batch, ceil(length/GS_CK_STEPS), ceil(d_inner/16), N, 16] bf16 (float with GS_CK_F32)
    const float* dh_last;    // gradient of the final state [batch, d_inner, N] or null
    void* du; void* ddelta;  // dense [batch, length, d_inner]
    float* dh0;              // [batch, d_inner, N] or null
    float* part_bc;          // [sets, batch, ceil(length/16) * 16, 2 N]: dB, dC of one block's channels, in time order
    float* part_p;           // [segments * batch, scans, d_inner * (N + 2)] from this scan's first element: dA [d_inner, N], d skip, d bias [d_inner] of one segment
    float* carry;            // [batch, spans, d_inner, N]: what a span's steps give to the adjoint before its first step
    float* decay;            // [batch, spans, d_inner]: sum of delta over a span
    i64 u_stride, delta_stride, b_stride, c_stride, g_stride;
    int reverse, pad;
};
struct GsBackwardArgs
{
    GsBackwardScan s[4];
    int scans, batch, length, d_inner;
    int sets;                // ceil(d_inner / (32 * GS_WARPS))
    int segments, segment;   // time segments and their steps (a multiple of 16); the main kernel gives each to one block
    int spans, span;         // the carry kernel's: a segment is a whole number of spans
};
#define GS_BIG 3.0e38f                   // as delta: forgets everything
#ifndef GS_FORGOTTEN
#define GS_FORGOTTEN (GS_F32_IO ? 26.0f : 18.0f) // a state decayed below 2^-this is gone: beneath the rounding of float; bf16 as in the forward scan
#endif
#define GS_A_LOG2(a) fminf((a) * GS_LOG2E, -1e-30f)
#if GS_F32_IO
#define gs_step gs_softplus
#define gs_step_slope gs_softplus_slope
#else
// As in common.cu with shorter series: right to 1e-4, and no branches.
__device__ __forceinline__ float gs_step(float x)
{
    const float w = gs_ex2(fabsf(x) * -GS_LOG2E), m = fmaxf(x, 0.0f);
    const float big = fmaf(gs_lg2(1.0f + w), GS_LN2, m), small = fmaf(w, fmaf(w, -0.5f, 1.0f), m);
    return gs_select_below(w, 0.001f, small, big);
}
__device__ __forceinline__ float gs_step_slope(float d)
{
    const float big = 1.0f - gs_ex2(d * -GS_LOG2E), small = d * fmaf(d, -0.5f, 1.0f);
    return gs_select_below(d, 0.01f, small, big);
}
#endif
