// Chunked recurrence with one decay a head (SSD; Dao and Gu 2024), for each head: S_t = exp(g_t) S_(t-1) + k_t (s_t v_t)^T, y_t = S_t^T q_t + skip v_t.
// Time goes in chunks of SQ positions; G: sums of g from a chunk's first position, D_ij = exp(G_i - G_j) for j <= i of one sequence, else 0.
//   y = (q k^T o D) (s v) + exp(G) q S_in + skip v;   S_out = exp(G_last) S_in + sum_j exp(G_last - G_j) k_j (s_j v_j)^T
// Kernels: gs_ssd_states (a chunk's own state), gs_state_pass (states entering chunks, in order), gs_ssd_out (y); back, gs_ssd_states and gs_state_pass
// once more for the states' gradients (with q, dy, exp(G) in place of k, s v, exp(G_last - G), from the last chunk to the first), then gs_ssd_bwd.
// A block takes a chunk of one group (heads that share q and k) of one sequence and walks through its heads: q k^T is worked out once, and the gradients
// of q and k are summed over heads in registers. Products run on the tensor core: bfloat16, or single precision cut in two tf32 parts.
// Positions are counted in the order of the recurrence; with `reverse` position s is row length - 1 - s of every tensor. Exponents are those of two.
// GS_SSD_Q: positions of a chunk (64; 32 with float activations), a warp takes 16. GS_SSD_N, GS_SSD_P: width of keys and of values, multiples of 16 up to 128.
#ifndef GS_SSD_Q
#define GS_SSD_Q (GS_F32_IO ? 32 : 64)
#endif
#ifndef GS_SSD_N
#define GS_SSD_N 64
#endif
#ifndef GS_SSD_P
#define GS_SSD_P 64
#endif
constexpr int SQ = GS_SSD_Q, SN = GS_SSD_N, SP = GS_SSD_P;
constexpr int S_WARPS = SQ / 16, S_THREADS = S_WARPS * 32, S_LANE = SQ / 32; // S_LANE: positions of a lane where one warp takes the chunk
constexpr int SN_PITCH = SN + GS_PAD, SP_PITCH = SP + GS_PAD, SQ_PITCH = SQ + GS_PAD;
constexpr int S_OUT_PITCH = (SP > SQ ? SP : SQ) + GS_PAD;                     // scores, then rows of y
static_assert(SQ % 32 == 0 && SN % 16 == 0 && SP % 16 == 0, "whole tiles");
struct GsSsd
{
    const void* q;          // [batch, length, groups * SN], row stride q_stride
    const void* k;          // the same; gs_ssd_states reads this one alone
    const void* v;          // [batch, length, heads * SP], row stride v_stride
    const float* g;         // [batch, length, heads], at most 0
    const float* scale;     // [batch, length, heads] or null: 1
    const float* skip;      // [heads] or null
    const int* ids;         // [batch, length] or null: nothing is carried across a change
    void* states;           // [batch, chunks, heads, SN, SP] activation: a chunk's own, then those that enter chunks
    float* through;         // [batch, chunks, heads]: what is left of a state behind a chunk
    void* y;                // [batch, length, heads * SP], row stride y_stride
    const void* dy;         // the same, row stride dy_stride
    const void* after;      // gs_ssd_bwd: like states, the gradient of the state behind each chunk
    void* dq;               // row stride dq_stride
    void* dk;               // row stride dk_stride
    void* dv;               // row stride dv_stride
    float* dg;              // like g
    float* dscale;          // like g, or null
    float* dskip;           // [batch * chunks, heads] or null: sums over a chunk
    i64 q_stride, k_stride, v_stride, y_stride, dy_stride, dq_stride, dk_stride, dv_stride;
    int batch, length, chunks, heads, groups;
    int reverse;            // read from the last row to the first
    int adjoint;            // gs_ssd_states: the way back
    int pad;
};
