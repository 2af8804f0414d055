// Causal depthwise convolution of width 4 with SiLU, channel-last, for a forward direction (taps reach back), a reverse one (taps reach ahead), or both over the same x.
//   c_p = bias + sum_j w_j x_{p -+ j} (w_j = weight[3-j]),  u_p = silu(c_p);  dc_p = du_p silu'(c_p), silu'(c) = s (1 + c (1 - s))
//   dx_p = sum over directions and j of w_j dc_{p +- j};  dw_j = sum dc_p x_{p -+ j};  dbias = sum dc_p.  c is recomputed in the backward.
// Positions, not scan steps, are counted everywhere: a tile of both directions is the same rows of memory.
struct GsConvDirection
{
    const float* weight;    // [channels, 4]
    const float* bias;      // [channels] or null
    const void* before;     // [batch, 3, channels]: the three inputs before the first, oldest first in scan order, or null (zeros)
    void* u;                // forward: [batch, length, channels], row stride u_stride
    const void* du;         // backward: the same, row stride du_stride
    void* dbefore;          // backward: [batch, 3, channels] or null
    const void* through;    // backward: [batch, length, GS_CONV_WIDTH], row stride through_stride: du gets through . projection added
    const void* projection; // [GS_CONV_WIDTH, channels]
    i64 u_stride, du_stride;
};
struct GsConv
{
    GsConvDirection d[2];   // forward, reverse
    const void* x;          // [batch, length, channels], row stride x_stride
    const int* ids;         // [batch, length] sequence ids or null: no tap reaches across a change of id
    void* dx;               // backward: row stride dx_stride
    float* part;            // backward: [batch * segments][directions][channels * 4 of weight, channels of bias]
    i64 x_stride, dx_stride, through_stride;
    int batch, length, channels;
    int directions;         // 1: forward only, 2: reverse only, 3: both
    int tiles, rows;        // backward: segments of a sequence, rows of a segment
    int lead, tail;         // backward: 3 where the gradient of the forward / reverse direction's `before` is wanted: its rows lie before / after the sequence's
    int period, pad;        // backward: 0, or sequences of `period` rows lie end to end as the one that `length` counts
};
#ifndef GS_CONV_SILU
#define GS_CONV_SILU 1                // 0: u_p = c_p
#endif
#ifndef GS_CONV_IDS
#define GS_CONV_IDS 0                 // 1: ids may be given
#endif
// Whether tap j is open: no change of id at j consecutive rows. Bit k of cuts: the row k of the window differs from the one before it.
__device__ __forceinline__ bool gs_open(u32 cuts, int first, int j) { return (cuts >> first & ((1u << j) - 1)) == 0; }
// Row `at` differs in id from the row before it in memory. The first row continues `before`.
__device__ __forceinline__ bool gs_conv_cut(const GsConv& p, int b, int at)
{
    if (at <= 0 || at >= p.length) return false;
    const int* ids = p.ids + (i64)b * p.length + at;
    return ids[0] != ids[-1];
}
