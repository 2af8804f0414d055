// What the forward scan's kernels share. Arguments: up to GS_MAX_SCANS scans (directions, strands) of the same shape in one launch.
#define GS_MAX_SCANS 4
#ifndef GS_CK_STEPS
#define GS_CK_STEPS 16      // steps between checkpoints: 4, 8 or 16
#endif
struct GsForwardScan
{
    const void* u; const void* delta; const void* bmat; const void* cmat; // [batch, length, d_inner] x2, [batch, length, N] x2
    const float* a; const float* skip; const float* bias;                 // [d_inner, N] negative; [d_inner] or null; [d_inner] or null
    const float* h0;        // [batch, d_inner, N] or null
    const int* ids;         // [batch, length] or null: the state is cleared where the id changes
    void* y;                // [batch, length, d_inner], dense
    void* ckpt;             // state before every GS_CK_STEPS steps: [batch, ceil(length/GS_CK_STEPS), ceil(d_inner/16), N, 16] in the activations' type, or null
    float* h_last;          // [batch, d_inner, N] or null
    const void* dt; const void* dt_weight; // with GS_DT_RANK, in place of delta: [batch, length, R], [d_inner, R]
    void* delta_out;        // with GS_KEEP_DELTA: delta as it was computed, [batch, length, d_inner], dense
    const void* z; const void* add; // with GS_SCAN_GATE: y becomes (y + add) silu(z); z [batch, length, d_inner], add likewise, dense, may be y, or null
    float* ends; float* sums; // [batch, segments, d_inner, N], [batch, segments, d_inner]: each segment's end state from zero, its sum of delta; null with one segment
    i64 u_stride, delta_stride, b_stride, c_stride, dt_stride, z_stride; // elements per row; rows are 16-byte aligned
    int reverse;            // 1: from the last position to the first
    int pad;
};
struct GsForward
{
    GsForwardScan s[GS_MAX_SCANS];
    u32* ticket;            // chained kernel: zero before the first launch; every launch leaves it zero
    u64* ring;              // its words, scans * batch * ceil(d_inner/16) * GS_SLOTS * 16 N and 64 more, likewise
    int scans, batch, length, d_inner;
    int segments, steps;    // serial kernel: segments of a sequence and their steps, a multiple of 16; the last segment may be shorter
    int tiles, groups;      // chained kernel: tiles of 128 steps, and groups of 16 channels that a block takes in turn for one tile
    int zero;               // 0 (the compiler must not know)
    int pad;
};
#ifndef GS_DT_RANK
#define GS_DT_RANK 0                    // R: delta is dt W^T, worked out in the kernel; 0: delta is given
#endif
#ifndef GS_KEEP_DELTA
#define GS_KEEP_DELTA 0                 // with GS_DT_RANK: delta is written out
#endif
#ifndef GS_SCAN_GATE
#define GS_SCAN_GATE 0                  // 1: the gate, on the way out
#endif
#ifndef GS_N
#define GS_N 16
#endif

#ifndef GS_DEAD
#define GS_DEAD (GS_F32_IO ? -32.0f : -18.0f) // a state whose decay falls below 2^GS_DEAD is forgotten
#endif
#define S_BIG 3.0e38f                   // as delta: an endless step, which forgets everything

// softplus(x) = max(x, 0) + log(1 + w), w = exp(-|x|); log(1 + w) / w by a polynomial (relative error 2e-7), so no second special function.
__device__ __forceinline__ float gs_softplus_poly(float x)
{
    const float w = gs_ex2(fabsf(x) * -GS_LOG2E);
    float q = fmaf(-0.00853920973f, w, 0.0440896355f);
    q = fmaf(q, w, -0.107681718f); q = fmaf(q, w, 0.177452417f); q = fmaf(q, w, -0.244954629f);
    q = fmaf(q, w, 0.332754798f); q = fmaf(q, w, -0.499974054f); q = fmaf(q, w, 0.999999806f);
    return fmaf(q, w, fmaxf(x, 0.0f));
}
