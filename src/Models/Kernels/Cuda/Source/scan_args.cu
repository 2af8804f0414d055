// Arguments of the selective scan. One kernel launch runs up to GS_MAX_SCANS scans (directions, strands) of the same shape.
// Row r of batch b of an activation starts at element (b * length + r) * stride. Strides and channel counts are multiples of 8 elements.
#define GS_MAX_SCANS 4
struct GsScan
{
    const void* u; const void* delta; const void* z; const void* bmat; const void* cmat; // [batch, length, d_inner] x3 (z may be null), [batch, length, N] x2
    const float* a; const float* skip; const float* bias; // [d_inner, N] negative; [d_inner] or null; [d_inner] or null
    const float* h0;        // [batch, d_inner, N] or null
    const int* ids;         // [batch, length] sequence ids or null: the state is cleared where the id changes
    void* out;              // forward: [batch, length, d_inner]
    float* h_last;          // forward: [batch, d_inner, N] or null
    void* y;                // forward: y before the gate, dense [batch, length, d_inner] in the activation type, for the backward; null: not saved
    void* ckpt;             // state at the start of every 16 steps: [batch, ceil(length/16), ceil(d_inner/16), N, 16] bf16 or float; null: not saved
    const void* dout; const float* dh_last; // backward: gradient of out; of h_last or null
    void* du; void* ddelta; void* dz;       // backward outputs, dense rows (stride d_inner); dz unused without z
    float* dh0;             // [batch, d_inner, N] or null
    float* part_bc;         // [sets, batch, 2 N, tiles * 128] partial sums of dB, dC in scan order
    float* part_p;          // [batch, ceil(d_inner/16), N + 2, 16]: dA, d skip, d bias of one sequence
    i64 u_stride, delta_stride, z_stride, b_stride, c_stride, out_stride, dout_stride;
    int reverse;            // 1: the scan runs from the last position to the first
    int pad;
};
struct GsArgs
{
    GsScan s[GS_MAX_SCANS];
    u32* ticket;            // zero before the first launch; every launch leaves it zero
    u64* ring;              // chain words (scans * batch * chunks * GS_SLOTS * (2 * 16 N + 32) + 64 of them), zero before the first launch; every launch leaves them zero
    int scans, batch, length, d_inner;
    int tiles;              // time tiles of a sequence
    int zero;               // 0 (the compiler must not know)
    int groups;             // groups of 16 channels that one block takes in turn for one time tile
};
#define GS_T 16
#define GS_SLOTS 4              // words of a chain are reused after this many tiles
#define GS_BIG 3.0e38f
#ifndef GS_N
#define GS_N 16
#endif
#ifndef GS_CK_F32
#define GS_CK_F32 0
#endif
#define GS_CK_ESIZE (GS_CK_F32 ? 4 : 2)
#define GS_CK_BLOCK (GS_N * 16 * GS_CK_ESIZE)   // bytes of one checkpoint: N states x 16 channels
#define GS_CK_ROW (GS_CK_BLOCK + 16)            // padded in shared memory
// Position of time t in a shared row of B or C: a block of 16 takes `pad` floats (16 or 20), the offsets within a block are constants.
__device__ __forceinline__ int gs_padded(int t, int pad) { return (t >> 4) * pad + (t & 15); }
// The same for a channel's row of delta and the like. Rows are a multiple of 4 floats long, chosen so that the lanes of 2 or 4 neighbouring channels
// fall on different banks; channels 8..15 are shifted by 16 floats, so that the elementwise phases (16 times x 2 halves) are free of conflicts.
__device__ __forceinline__ int gs_chan(int c, int row) { return c * row + (c >> 3) * 16; }
__device__ __forceinline__ int gs_time(int t) { return (t >> 4) * 20 + (t & 15); }
// GS_DEBUG: a wait that lasts too long is reported in ticket[8..] and given up.
#ifndef GS_DEBUG
#define GS_DEBUG 0
#endif
#if GS_DEBUG
__device__ __forceinline__ bool gs_stuck(const GsArgs& p, u32& spins, int kernel, int k, int chunk, int n, int ch, u32 seen)
{
    if (++spins < 2000000u && *(volatile u32*)(p.ticket + 8) == 0) return false;
    if (atomicAdd(p.ticket + 8, 1u) == 0)
    { u32* d = p.ticket + 9; d[0] = kernel; d[1] = k; d[2] = chunk; d[3] = n; d[4] = ch; d[5] = seen; d[6] = blockIdx.x; d[7] = threadIdx.x; d[8] = spins; }
    return true;
}
#define GS_STUCK(kernel, k, chunk, n, ch, seen) if (gs_stuck(p, spins, kernel, k, chunk, n, ch, seen)) break;
#else
#define GS_STUCK(kernel, k, chunk, n, ch, seen)
#endif
