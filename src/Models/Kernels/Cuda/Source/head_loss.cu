// Head of a language model with a small vocabulary (at most 16) and its cross-entropy, in one pass: logits and their gradient stay on the chip.
//   logits[r] = W h0[r] (+ W[complement] h1[mirror of r] with two strands);  loss_r = lse - logit[target];
//   g = scale weight (softmax - onehot);  dh0[r] = W^T g,  dh1[mirror] = W[complement]^T g,  dW = sum g h0^T (+ rows of complement: g h1^T).
// With two strands a row is the two rows side by side (H_K = 2 d wide) and the matrix is [W, W[complement]]: one product.
// Rows without a target are not read; their gradients are written as zeros. A block lists the rows with a target of 256-row segments and
// takes 32 of them at a time: h to shared memory; logits by all warps, each over a part of H_K; softmax; then every warp has its own columns.
// H_D: width of a strand, a multiple of 8; H_STRANDS: 1 or 2.
#ifndef H_STRANDS
#define H_STRANDS 1
#endif
#ifndef H_BLOCKS
#define H_BLOCKS 2
#endif
// 1: logits are capped, l = cap tanh(l / cap), and the squared log partition is part of the loss, z lse^2; the fifth total is the sum of weight z lse^2.
#ifndef H_OPTIONS
#define H_OPTIONS 0
#endif
constexpr int H_SUMS = H_OPTIONS ? 8 : 4;                              // totals of a block, with room
constexpr int H_TOTALS = H_OPTIONS ? 5 : 4;
constexpr int H_K = H_D * H_STRANDS;
constexpr int H_PAD = (H_K + 63) / 64 * 64;                            // columns in shared memory, the last ones zero
constexpr int H_GROUPS = (H_PAD / 32 + 7) / 8;                         // groups of 32 columns of a warp in the second phase
constexpr int H_PITCH = (H_PAD * GS_ESIZE + 127) / 128 * 128 + 32;     // bytes of a row: eight lanes read 128 different bytes
constexpr int H_W = 32 * H_PITCH;                                      // the matrix, in the order in which lanes take it (see H_W_AT)
constexpr int H_PART = H_W + 16 * H_PAD * 4;                           // partial logits [8 warps][32][16 + 2]
constexpr int H_G = H_PART + 8 * 32 * 18 * 4;                          // gradient of the logits [32][20]
constexpr int H_LIST = H_G + 32 * 20 * 4;                              // rows with a target, not taken yet [288]
constexpr int H_FLAGS = H_LIST + 288 * 4;                              // [256] of the segment at hand
constexpr int H_SMEM = H_FLAGS + 256 * 4 + 64;
static_assert(H_SMEM <= 227 * 1024, "a row is too wide for shared memory");
struct GsHead
{
    const void* h;          // [strands * batch * length, d] activation
    const float* weight;    // [vocab, d]
    const int* complement;  // [vocab] or null
    const int* targets;     // [batch * length]; negative: none
    const float* weights;   // [batch * length] or null
    const float* factor;    // one number that multiplies scale, or null
    void* dh;               // like h; null: no gradients
    float* part;            // [blocks][16][H_PAD]
    double* totals;         // [blocks][H_SUMS]: loss, weight, count, correct, z-loss
    int batch, length, vocab; float scale, cap, z; // cap 0: none
};
__device__ __forceinline__ i64 gs_mirror(const GsHead& p, int row) // the other strand's row
{
    const u32 b = (u32)row / (u32)p.length;
    return (i64)p.batch * p.length + ((2 * b + 1) * (u32)p.length - 1 - (u32)row);
}
// Column of element e of lane q in piece s (two pieces of 32 in 64 columns): with this order eight lanes read different banks.
__device__ __forceinline__ int gs_head_column(int s, int q) { return (s >> 1) * 64 + (s & 1) * 16 + (q & 1) * 8 + (q >> 1) * 32; }
__device__ __forceinline__ float gs_head_matrix(const GsHead& p, int v, int c)
{
    if (v >= p.vocab || c >= H_K) return 0.0f;
    return c < H_D ? p.weight[v * H_D + c] : p.weight[p.complement[v] * H_D + c - H_D];
}
__device__ __forceinline__ void gs_head_four(const unsigned char* at, float* f) // four activations in shared memory
{
#if GS_F32_IO
    const float4 v = *(const float4*)at;
    f[0] = v.x; f[1] = v.y; f[2] = v.z; f[3] = v.w;
#else
    const uint2 v = *(const uint2*)at;
    f[0] = gs_lo(v.x); f[1] = gs_hi(v.x); f[2] = gs_lo(v.y); f[3] = gs_hi(v.y);
#endif
}
extern "C" __global__ void __launch_bounds__(256, H_BLOCKS) gs_head_loss(const __grid_constant__ GsHead p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    float* matrix = (float*)(smem + H_W);
    float* partial = (float*)(smem + H_PART);
    float* grad = (float*)(smem + H_G);
    int* list = (int*)(smem + H_LIST);
    int* flags = (int*)(smem + H_FLAGS);
    int* counts = (int*)(smem + H_FLAGS + 1024);
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5, g = lane >> 2, q = lane & 3;
    const int rows = p.batch * p.length, segments = (rows + 255) / 256;
    const float scale = p.factor != 0 ? p.scale * p.factor[0] : p.scale;
    // Matrix: piece s, half of the vocabulary n, half of the 8 elements k, lane, 4 elements.
    for (int i = tid; i < 16 * H_PAD; i += 256)
    {
        const int e = i & 3, l = (i >> 2) & 31, k = (i >> 7) & 1, n = (i >> 8) & 1, s = i >> 9;
        matrix[i] = gs_head_matrix(p, n * 8 + (l >> 2), gs_head_column(s, l & 3) + k * 4 + e);
    }
    for (int i = tid; i < 32 * H_PITCH / 4; i += 256) ((u32*)smem)[i] = 0;
    // Second phase: the warp's columns of the matrix, and its sums for dW.
    float4 dw[H_GROUPS][4];
    float wb[H_GROUPS][4][4];
#pragma unroll
    for (int j = 0; j < H_GROUPS; j++)
    {
        const int base = (warp * H_GROUPS + j) * 32;
#pragma unroll
        for (int t = 0; t < 4; t++)
        {
            dw[j][t] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
            const int c = base + (g >> 1) * 8 + 2 * t + (g & 1);
#pragma unroll
            for (int k = 0; k < 4; k++)
            {
                const float w = p.dh != 0 ? gs_head_matrix(p, k * 4 + q, c) : 0.0f;
                wb[j][t][k] = GS_F32_IO ? w : gs_near_tf32(w);
            }
        }
    }
    double lossSum = 0.0, weightSum = 0.0;
#if H_OPTIONS
    double zSum = 0.0;
#endif
    int count = 0, correct = 0, waiting = 0;
    int segment = blockIdx.x;
    __syncthreads();
    while (true)
    {
        // Rows with a target of the next segment join the list, in order; the others' gradients are zero.
        if (segment < segments && waiting < 32)
        {
            const int row = segment * 256 + tid;
            const bool has = row < rows && p.targets[row] >= 0;
            float before = has ? 1.0f : 0.0f;
#pragma unroll
            for (int m = 1; m < 32; m <<= 1)
            {
                const float up = gs_up(before, m);
                if (lane >= m) before += up;
            }
            flags[tid] = row < rows && !has ? 1 : 0;
            if (lane == 31) counts[warp] = (int)before;
            __syncthreads();
            int at = waiting + (int)before - 1, total = 0;
            for (int w = 0; w < 8; w++)
            {
                if (w < warp) at += counts[w];
                total += counts[w];
            }
            if (has) list[at] = row;
            if (p.dh != 0)
            {
                float zero[8];
#pragma unroll
                for (int k = 0; k < 8; k++) zero[k] = 0.0f;
                for (int r = 0; r < 32; r++)
                {
                    if (flags[warp * 32 + r] == 0) continue;
                    const int empty = segment * 256 + warp * 32 + r;
                    for (int c = lane * 8; c < H_D; c += 256) gs_store8(p.dh, (i64)empty * H_D + c, zero);
                    if (H_STRANDS == 2)
                    {
                        const i64 other = gs_mirror(p, empty);
                        for (int c = lane * 8; c < H_D; c += 256) gs_store8(p.dh, other * H_D + c, zero);
                    }
                }
            }
            waiting += total;
            segment += gridDim.x;
            __syncthreads();
            continue;
        }
        if (waiting == 0) break;
        const int take = waiting < 32 ? waiting : 32, rest = waiting - take;
        // Rows from the end of the list: what stays needs no moving.
        const int* rowsHere = list + rest;
        for (int i = tid; i < 32 * (H_K / 8); i += 256)
        {
            const int r = i / (H_K / 8), c = (i - r * (H_K / 8)) * 8;
            unsigned char* to = smem + r * H_PITCH + c * GS_ESIZE;
            if (r < take)
            {
                const i64 from = c < H_D ? (i64)rowsHere[r] * H_D + c : gs_mirror(p, rowsHere[r]) * H_D + c - H_D;
#pragma unroll
                for (int k = 0; k < GS_PIECES; k++) gs_copy16(to + k * 16, (const unsigned char*)p.h + from * GS_ESIZE + k * 16);
            }
            else
            {
#pragma unroll
                for (int k = 0; k < GS_PIECES; k++) *(uint4*)(to + k * 16) = make_uint4(0, 0, 0, 0); // 0 * garbage might be NaN
            }
        }
        gs_copy_commit();
        gs_copy_wait();
        __syncthreads();
        // Logits, each warp over its pieces: c[m][n] = 16 rows x 8 of the vocabulary.
        {
            float4 c[2][2];
#pragma unroll
            for (int m = 0; m < 4; m++) c[m >> 1][m & 1] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
            for (int s = warp; s < H_PAD / 32; s += 8)
            {
                const unsigned char* at = smem + gs_head_column(s, q) * GS_ESIZE;
                float x[4][8];
#pragma unroll
                for (int r = 0; r < 4; r++)
                {
                    GsRaw8 raw;
                    raw.a = *(const uint4*)(at + (r * 8 + g) * H_PITCH);
#if GS_F32_IO
                    raw.b = *(const uint4*)(at + (r * 8 + g) * H_PITCH + 16);
#endif
                    gs_numbers(raw, x[r]);
                }
#pragma unroll
                for (int n = 0; n < 2; n++)
                {
                    float w[8];
                    const float* from = matrix + ((s * 2 + n) * 64 + lane) * 4;
                    const float4 w0 = *(const float4*)from, w1 = *(const float4*)(from + 128);
                    w[0] = w0.x; w[1] = w0.y; w[2] = w0.z; w[3] = w0.w; w[4] = w1.x; w[5] = w1.y; w[6] = w1.z; w[7] = w1.w;
#pragma unroll
                    for (int e = 0; e < 4; e++)
#pragma unroll
                        for (int m = 0; m < 2; m++)
                        {
                            const float a[4] = { x[m * 2][2 * e], x[m * 2 + 1][2 * e], x[m * 2][2 * e + 1], x[m * 2 + 1][2 * e + 1] };
                            gs_mma_split<GS_F32_IO != 0, true>(c[m][n], a, w[2 * e], w[2 * e + 1]);
                        }
                }
            }
#pragma unroll
            for (int m = 0; m < 2; m++)
#pragma unroll
                for (int n = 0; n < 2; n++)
                {
                    float* to = partial + (warp * 32 + m * 16 + g) * 18 + n * 8 + 2 * q;
                    to[0] = c[m][n].x; to[1] = c[m][n].y;
                    to[8 * 18] = c[m][n].z; to[8 * 18 + 1] = c[m][n].w;
                }
        }
        __syncthreads();
        // Softmax: eight lanes take a row, two of the vocabulary each.
        {
            const int r = tid >> 3, e = tid & 7;
            float low = 0.0f, high = 0.0f;
#pragma unroll
            for (int w = 0; w < 8; w++) { low += partial[(w * 32 + r) * 18 + e]; high += partial[(w * 32 + r) * 18 + e + 8]; }
#if H_OPTIONS
            float slopeLow = 1.0f, slopeHigh = 1.0f; // of the cap
            if (p.cap > 0.0f)
            {
                const float tl = tanhf(low / p.cap), th = tanhf(high / p.cap);
                low = p.cap * tl; high = p.cap * th;
                slopeLow = 1.0f - tl * tl; slopeHigh = 1.0f - th * th;
            }
#endif
            const float none = __uint_as_float(0xff800000u);
            if (e >= p.vocab) low = none;
            if (e + 8 >= p.vocab) high = none;
            const int row = r < take ? rowsHere[r] : -1, target = row >= 0 ? p.targets[row] : 0;
            const float weight = row < 0 ? 0.0f : p.weights != 0 ? p.weights[row] : 1.0f;
            float most = fmaxf(low, high), own = e == target ? low : e + 8 == target ? high : none;
#pragma unroll
            for (int m = 1; m < 8; m <<= 1) { most = fmaxf(most, gs_xor(most, m)); own = fmaxf(own, gs_xor(own, m)); }
            const float pl = gs_ex2((low - most) * GS_LOG2E), ph = gs_ex2((high - most) * GS_LOG2E);
            // The target is the first largest logit if none before it is as large and none after it larger.
            float beaten = (e < target ? low >= own : low > own) || (e + 8 < target ? high >= own : high > own) ? 1.0f : 0.0f, sum = pl + ph;
#pragma unroll
            for (int m = 1; m < 8; m <<= 1) { sum += gs_xor(sum, m); beaten += gs_xor(beaten, m); }
            if (row >= 0 && e == 0)
            {
                const float loss = most - own + gs_lg2(sum) * GS_LN2;
                lossSum += (double)(weight * loss);
                weightSum += (double)weight;
                count++;
                correct += beaten == 0.0f ? 1 : 0;
#if H_OPTIONS
                const float lse = most + gs_lg2(sum) * GS_LN2;
                zSum += (double)(weight * p.z * lse * lse);
#endif
            }
#if H_OPTIONS
            const float inverse = gs_rcp(sum) * (1.0f + 2.0f * p.z * (most + gs_lg2(sum) * GS_LN2)), factor = weight * scale;
            slopeLow *= factor; slopeHigh *= factor;
#else
            const float inverse = gs_rcp(sum), factor = weight * scale, slopeLow = factor, slopeHigh = factor;
#endif
            grad[r * 20 + e] = row < 0 || e >= p.vocab ? 0.0f : slopeLow * (pl * inverse - (e == target ? 1.0f : 0.0f));
            grad[r * 20 + e + 8] = row < 0 || e + 8 >= p.vocab ? 0.0f : slopeHigh * (ph * inverse - (e + 8 == target ? 1.0f : 0.0f));
        }
        __syncthreads();
        waiting = rest;
        if (p.dh == 0) continue;
        // dW[16 x 32 columns] += g^T h, over the 32 rows.
#pragma unroll
        for (int k = 0; k < 4; k++)
        {
            const float* low = grad + (k * 8 + q) * 20 + g;
            const float a[4] = { low[0], low[8], low[80], low[88] };
#pragma unroll
            for (int j = 0; j < H_GROUPS; j++)
            {
                const int base = (warp * H_GROUPS + j) * 32;
                if (base >= H_PAD) break;
                const unsigned char* at = smem + (k * 8 + q) * H_PITCH + (base + g * 4) * GS_ESIZE;
                float u[4], v[4];
                gs_head_four(at, u);
                gs_head_four(at + 4 * H_PITCH, v);
#pragma unroll
                for (int t = 0; t < 4; t++) gs_mma_split<true, GS_F32_IO != 0>(dw[j][t], a, u[t], v[t]);
            }
        }
        // dh[32 rows x 32 columns] = g W.
#pragma unroll
        for (int m = 0; m < 2; m++)
        {
            float a[2][4];
#pragma unroll
            for (int k = 0; k < 2; k++)
            {
                const float* at = grad + (m * 16 + g) * 20 + k * 8 + q;
                a[k][0] = at[0]; a[k][1] = at[160]; a[k][2] = at[4]; a[k][3] = at[164];
#if !GS_F32_IO
#pragma unroll
                for (int i = 0; i < 4; i++) a[k][i] = gs_near_tf32(a[k][i]);
#endif
            }
            const int r = m * 16 + g;
#pragma unroll
            for (int j = 0; j < H_GROUPS; j++)
            {
                const int base = (warp * H_GROUPS + j) * 32;
                if (base >= H_PAD) break;
                float low[8], high[8];
#pragma unroll
                for (int t = 0; t < 4; t++)
                {
                    float4 c = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
                    gs_mma_split<GS_F32_IO != 0, GS_F32_IO != 0>(c, a[0], wb[j][t][0], wb[j][t][1]);
                    gs_mma_split<GS_F32_IO != 0, GS_F32_IO != 0>(c, a[1], wb[j][t][2], wb[j][t][3]);
                    low[2 * t] = c.x; low[2 * t + 1] = c.y; high[2 * t] = c.z; high[2 * t + 1] = c.w;
                }
                const int column = base + q * 8;
                if (column >= H_K) continue;
                const bool second = column >= H_D;
                if (r < take) gs_store8(p.dh, (second ? gs_mirror(p, rowsHere[r]) * H_D - H_D : (i64)rowsHere[r] * H_D) + column, low);
                if (r + 8 < take) gs_store8(p.dh, (second ? gs_mirror(p, rowsHere[r + 8]) * H_D - H_D : (i64)rowsHere[r + 8] * H_D) + column, high);
            }
        }
        __syncthreads();
    }
    // The block's sums. dw[j][t]: columns base + 8 q + t (x, z) and base + 8 q + 4 + t (y, w); rows g (x, y) and g + 8 (z, w).
    if (p.dh != 0)
    {
#pragma unroll
        for (int j = 0; j < H_GROUPS; j++)
        {
            const int base = (warp * H_GROUPS + j) * 32;
            if (base >= H_PAD) break;
            float4* to = (float4*)(p.part + ((i64)blockIdx.x * 16 + g) * H_PAD + base + q * 8);
            to[0] = make_float4(dw[j][0].x, dw[j][1].x, dw[j][2].x, dw[j][3].x);
            to[1] = make_float4(dw[j][0].y, dw[j][1].y, dw[j][2].y, dw[j][3].y);
            to += 8 * H_PAD / 4;
            to[0] = make_float4(dw[j][0].z, dw[j][1].z, dw[j][2].z, dw[j][3].z);
            to[1] = make_float4(dw[j][0].w, dw[j][1].w, dw[j][2].w, dw[j][3].w);
        }
    }
    double* sums = (double*)(smem + H_PART);
    __syncthreads();
    if ((tid & 7) == 0)
    {
        double* to = sums + (tid >> 3) * H_SUMS;
        to[0] = lossSum; to[1] = weightSum; to[2] = (double)count; to[3] = (double)correct;
#if H_OPTIONS
        to[4] = zSum; to[5] = 0.0; to[6] = 0.0; to[7] = 0.0;
#endif
    }
    __syncthreads();
    if (tid < H_SUMS)
    {
        double v = 0.0;
        for (int i = 0; i < 32; i++) v += sums[i * H_SUMS + tid];
        p.totals[blockIdx.x * H_SUMS + tid] = v;
    }
}
// Sums over the blocks in order. Grid ceil(vocab * d / 32) + 1 (the last block: the totals), 256 threads.
struct GsHeadSum
{
    const float* part; const int* complement; float* dw; // dw [vocab, d] or null
    const double* block; double* totals;                  // [blocks][H_SUMS] -> [H_TOTALS]
    int blocks, vocab, grid, pad;                         // grid: blocks of this launch
};
extern "C" __global__ void __launch_bounds__(256) gs_head_sum(const __grid_constant__ GsHeadSum p)
{
    __shared__ float sum[8][32];
    __shared__ double wide[H_SUMS][256 / H_SUMS];
    const int tid = threadIdx.x, lane = tid & 31, share = tid >> 5;
    if (blockIdx.x == p.grid - 1)
    {
        double v = 0.0;
        for (int b = tid / H_SUMS; b < p.blocks; b += 256 / H_SUMS) v += p.block[b * H_SUMS + tid % H_SUMS];
        wide[tid % H_SUMS][tid / H_SUMS] = v;
        __syncthreads();
        if (tid < H_TOTALS)
        {
            v = 0.0;
            for (int i = 0; i < 256 / H_SUMS; i++) v += wide[tid][i];
            p.totals[tid] = v;
        }
        return;
    }
    const int i = blockIdx.x * 32 + lane;
    float total = 0.0f;
    if (i < p.vocab * H_D)
    {
        const int v = i / H_D, c = i - v * H_D;
#pragma unroll 8
        for (int b = share; b < p.blocks; b += 8) total += p.part[((i64)b * 16 + v) * H_PAD + c];
#if H_STRANDS == 2
        for (int u = 0; u < p.vocab; u++)
        {
            if (p.complement[u] != v) continue;
#pragma unroll 8
            for (int b = share; b < p.blocks; b += 8) total += p.part[((i64)b * 16 + u) * H_PAD + H_D + c];
        }
#endif
    }
    sum[share][lane] = total;
    __syncthreads();
    if (share == 0 && i < p.vocab * H_D)
    {
#pragma unroll
        for (int k = 1; k < 8; k++) total += sum[k][lane];
        p.dw[i] = total;
    }
}
