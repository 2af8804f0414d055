// One position of every row, for generation: what a model does between two bases, in a few launches that a CUDA graph can repeat. Everything is float.
// A step is bound by latency and by the weights' way from L2: a warp takes an output of a product and reads its weights once for GS_STEP_ROWS rows.
// Every sum has an order of its own that no other row changes, so that a row's numbers do not depend on the batch.
#define GS_STEP_ROWS 4                // rows of a product that share a reading of the weights
#define GS_STEP_HEAD 256              // largest width of a head
#define GS_STEP_CHOICES 512           // most ids that a sample chooses from

__device__ __forceinline__ float gs_warp_sum(float v)
{
#pragma unroll
    for (int m = 16; m > 0; m >>= 1) v += gs_xor(v, m);
    return v;
}
__device__ __forceinline__ float gs_step_silu(float v) { return v / (1.0f + expf(-v)); }

// ---- embedding: x = weight[id]; the row goes on by one position ----
struct GsStepEmbed
{
    const int* ids;         // [rows]
    const float* weight;    // [vocab, width]
    float* out;             // [rows, width]
    i64* positions;         // [rows]
    int rows, width, vocab, pad;
};
// Grid rows; 128 threads.
extern "C" __global__ void __launch_bounds__(128) gs_step_embed(const __grid_constant__ GsStepEmbed p)
{
    const int row = blockIdx.x, id = p.ids[row];
    for (int c = threadIdx.x; c < p.width; c += 128)
        p.out[(i64)row * p.width + c] = id >= 0 && id < p.vocab ? p.weight[(i64)id * p.width + c] : 0.0f;
    if (threadIdx.x == 0) p.positions[row]++;
}

// ---- product: out = f(x) weight^T + bias, f nothing, add and norm, or a gate ----
struct GsStepLinear
{
    const float* x;         // [rows, inputs]; of a gate [rows, 2 inputs]
    const float* residual;  // norm: [rows, inputs] or null
    float* sum;             // norm: x + residual, not residual's memory
    const float* norm;      // norm: [inputs], else null
    const float* weight;    // [outputs, inputs]; null: out = f(x), outputs = inputs
    const float* bias;      // [outputs] or null
    float* out;             // [rows, outputs]
    float eps;
    int rows, inputs, outputs, gate, pad;
};
// Grid (ceil(outputs / 8), ceil(rows / GS_STEP_ROWS)); 256 threads; GS_STEP_ROWS * inputs floats of shared memory.
extern "C" __global__ void __launch_bounds__(256) gs_step_linear(const __grid_constant__ GsStepLinear p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    float* x = (float*)smem;
    const int first = blockIdx.y * GS_STEP_ROWS, count = min(GS_STEP_ROWS, p.rows - first);
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    for (int i = threadIdx.x; i < count * p.inputs; i += 256)
    {
        const i64 at = (i64)first * p.inputs + i;
        float v;
        if (p.gate)
        {
            const i64 pair = (i64)(first + i / p.inputs) * 2 * p.inputs + i % p.inputs;
            v = gs_step_silu(p.x[pair]) * p.x[pair + p.inputs];
        }
        else
        {
            v = p.x[at];
            if (p.residual != 0) v += p.residual[at];
            if (p.sum != 0 && blockIdx.x == 0) p.sum[at] = v;
        }
        x[i] = v;
    }
    __syncthreads();
    if (p.norm != 0)
    {
        if (warp < count)
        {
            float* row = x + warp * p.inputs;
            float square = 0.0f;
            for (int k = lane; k < p.inputs; k += 32) square = fmaf(row[k], row[k], square);
            square = gs_warp_sum(square);
            const float scale = 1.0f / sqrtf(square / (float)p.inputs + p.eps);
            for (int k = lane; k < p.inputs; k += 32) row[k] *= scale * p.norm[k];
        }
        __syncthreads();
    }
    const int j = blockIdx.x * 8 + warp;
    if (j >= p.outputs) return;
    if (p.weight == 0)
    {
        if (lane < count) p.out[(i64)(first + lane) * p.outputs + j] = x[lane * p.inputs + j];
        return;
    }
    const float* w = p.weight + (i64)j * p.inputs;
    float sum[GS_STEP_ROWS];
#pragma unroll
    for (int r = 0; r < GS_STEP_ROWS; r++) sum[r] = 0.0f;
    for (int k = lane; k < p.inputs; k += 32)
    {
        const float v = w[k];
#pragma unroll
        for (int r = 0; r < GS_STEP_ROWS; r++)
            if (r < count) sum[r] = fmaf(v, x[r * p.inputs + k], sum[r]);
    }
    const float bias = p.bias != 0 ? p.bias[j] : 0.0f;
#pragma unroll
    for (int r = 0; r < GS_STEP_ROWS; r++)
        if (r < count)
        {
            const float total = gs_warp_sum(sum[r]);
            if (lane == 0) p.out[(i64)(first + r) * p.outputs + j] = total + bias;
        }
}

// ---- Mamba between in_proj and out_proj: convolution, projections, one step of the scan, gate ----
struct GsStepMamba
{
    const float* xz;        // [rows, 2 channels]
    float* halo;            // [rows, taps - 1, channels], oldest first
    float* state;           // [rows, channels, states]
    const float* conv;      // [channels, taps]
    const float* conv_bias; // [channels] or null
    const float* x_proj;    // [rank + 2 states, channels]
    const float* dt_proj;   // [channels, rank]
    const float* dt_bias;   // [channels]
    const float* a;         // [channels, states]
    const float* skip;      // [channels]
    const float* norm_dt;   // [rank] or null: weights of the RMS norms of dt, B and C
    const float* norm_b;    // [states] or null
    const float* norm_c;    // [states] or null
    float* out;             // [rows, channels]
    int rows, channels, states, taps, rank;
    float norm_eps;         // 0: no norms
};
// Grid rows; 512 threads; channels + rank + 2 states floats of shared memory.
extern "C" __global__ void __launch_bounds__(512) gs_step_mamba(const __grid_constant__ GsStepMamba p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    float* u = (float*)smem;
    float* projected = u + p.channels;
    const int row = blockIdx.x, lane = threadIdx.x & 31, warp = threadIdx.x >> 5, kept = p.taps - 1;
    const float* xz = p.xz + (i64)row * 2 * p.channels;
    for (int c = threadIdx.x; c < p.channels; c += 512)
    {
        float* h = p.halo + (i64)row * kept * p.channels + c;
        const float* w = p.conv + (i64)c * p.taps;
        float v = p.conv_bias != 0 ? p.conv_bias[c] : 0.0f;
        for (int t = 0; t < kept; t++)
        {
            const float old = h[(i64)t * p.channels];
            v = fmaf(w[t], old, v);
            if (t > 0) h[(i64)(t - 1) * p.channels] = old;
        }
        const float x = xz[c];
        if (kept > 0) h[(i64)(kept - 1) * p.channels] = x;
        u[c] = gs_step_silu(fmaf(w[kept], x, v));
    }
    __syncthreads();
    const int width = p.rank + 2 * p.states;
    for (int j = warp; j < width; j += 16)
    {
        const float* w = p.x_proj + (i64)j * p.channels;
        float sum = 0.0f;
        for (int k = lane; k < p.channels; k += 32) sum = fmaf(w[k], u[k], sum);
        sum = gs_warp_sum(sum);
        if (lane == 0) projected[j] = sum;
    }
    __syncthreads();
    if (p.norm_eps > 0.0f)
    {
        if (warp < 3)
        {
            float* part = projected + (warp == 0 ? 0 : p.rank + (warp - 1) * p.states);
            const int count = warp == 0 ? p.rank : p.states;
            const float* w = warp == 0 ? p.norm_dt : warp == 1 ? p.norm_b : p.norm_c;
            float sum = 0.0f;
            for (int i = lane; i < count; i += 32) sum = fmaf(part[i], part[i], sum);
            const float factor = 1.0f / sqrtf(gs_warp_sum(sum) / (float)count + p.norm_eps);
            for (int i = lane; i < count; i += 32) part[i] *= w != 0 ? factor * w[i] : factor;
        }
        __syncthreads();
    }
    const float* b = projected + p.rank;
    const float* cc = b + p.states;
    for (int c = threadIdx.x; c < p.channels; c += 512)
    {
        float raw = p.dt_bias[c];
        const float* w = p.dt_proj + (i64)c * p.rank;
        for (int r = 0; r < p.rank; r++) raw = fmaf(w[r], projected[r], raw);
        const float delta = gs_softplus(raw), du = delta * u[c];
        float* h = p.state + ((i64)row * p.channels + c) * p.states;
        const float* a = p.a + (i64)c * p.states;
        float y = 0.0f;
        for (int n = 0; n < p.states; n++)
        {
            const float v = fmaf(expf(delta * a[n]), h[n], du * b[n]);
            h[n] = v;
            y = fmaf(v, cc[n], y);
        }
        p.out[(i64)row * p.channels + c] = fmaf(p.skip[c], u[c], y) * gs_step_silu(xz[p.channels + c]);
    }
}

// ---- attention of one query over the cache, which its own key and value join ----
struct GsStepAttend
{
    const float* qkv;       // [rows, (heads + 2 kv_heads) head], not rotated
    float* keys;            // [rows, kv_heads, capacity, head], rotated
    float* values;          // the same
    const i64* positions;   // [rows]: of the query
    float* part;            // [rows, heads, splits, head + 2]: sums, their maximum, their weight
    float* out;             // [rows, heads head]
    double theta, scale;    // of the rotation; theta 0: none
    int rows, heads, kv_heads, head, capacity, splits;
};
__device__ __forceinline__ float gs_step_rotated(const GsStepAttend& p, const float* v, int e, i64 position)
{
    if (p.theta == 0.0) return v[e];
    const int half = p.head / 2, i = e < half ? e : e - half;
    const double angle = (double)position / p.scale * exp(-log(p.theta) * (2.0 * i / p.head));
    const float c = (float)cos(angle), s = (float)sin(angle);
    return e < half ? v[e] * c - v[e + half] * s : v[e] * c + v[e - half] * s;
}
// Grid (splits, heads, rows); 128 threads. A split takes an even share of the keys there are.
extern "C" __global__ void __launch_bounds__(128) gs_step_attend(const __grid_constant__ GsStepAttend p)
{
    __shared__ float q[GS_STEP_HEAD], k_new[GS_STEP_HEAD], v_new[GS_STEP_HEAD], sums[4][GS_STEP_HEAD], most[4], weight[4];
    const int split = blockIdx.x, head = blockIdx.y, row = blockIdx.z, lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const int group = p.heads / p.kv_heads, kv = head / group;
    const i64 position = p.positions[row];
    const int slot = (int)(position % p.capacity), held = (int)min(position + 1, (i64)p.capacity);
    const int each = (held + p.splits - 1) / p.splits, first = split * each, last = min(held, first + each);
    const float* mine = p.qkv + (i64)row * (p.heads + 2 * p.kv_heads) * p.head;
    const float* k_raw = mine + (p.heads + kv) * p.head;
    const float* v_raw = k_raw + p.kv_heads * p.head;
    float* keys = p.keys + ((i64)row * p.kv_heads + kv) * p.capacity * p.head;
    float* values = p.values + ((i64)row * p.kv_heads + kv) * p.capacity * p.head;
    const bool own = slot >= first && slot < last;
    for (int e = threadIdx.x; e < p.head; e += 128)
    {
        q[e] = gs_step_rotated(p, mine + head * p.head, e, position) / sqrtf((float)p.head);
        if (!own) continue;
        k_new[e] = gs_step_rotated(p, k_raw, e, position);
        v_new[e] = v_raw[e];
        if (head % group == 0)
        {
            keys[(i64)slot * p.head + e] = k_new[e];
            values[(i64)slot * p.head + e] = v_new[e];
        }
    }
    __syncthreads();
    float m = -1e30f, l = 0.0f, acc[GS_STEP_HEAD / 32];
#pragma unroll
    for (int i = 0; i < GS_STEP_HEAD / 32; i++) acc[i] = 0.0f;
    for (int t = first + warp; t < last; t += 4)
    {
        const float* k = t == slot ? k_new : keys + (i64)t * p.head;
        const float* v = t == slot ? v_new : values + (i64)t * p.head;
        float dot = 0.0f;
        for (int e = lane; e < p.head; e += 32) dot = fmaf(q[e], k[e], dot);
        dot = gs_warp_sum(dot);
        const float higher = fmaxf(m, dot), old = expf(m - higher), now = expf(dot - higher);
        l = fmaf(l, old, now);
        m = higher;
#pragma unroll
        for (int i = 0; i < GS_STEP_HEAD / 32; i++)
        {
            const int e = i * 32 + lane;
            if (e < p.head) acc[i] = fmaf(acc[i], old, now * v[e]);
        }
    }
#pragma unroll
    for (int i = 0; i < GS_STEP_HEAD / 32; i++)
    {
        const int e = i * 32 + lane;
        if (e < p.head) sums[warp][e] = acc[i];
    }
    if (lane == 0) { most[warp] = m; weight[warp] = l; }
    __syncthreads();
    float* part = p.part + (((i64)row * p.heads + head) * p.splits + split) * (p.head + 2);
    float top = most[0];
    for (int w = 1; w < 4; w++) top = fmaxf(top, most[w]);
    for (int e = threadIdx.x; e < p.head; e += 128)
    {
        float v = 0.0f;
        for (int w = 0; w < 4; w++) v = fmaf(expf(most[w] - top), sums[w][e], v);
        part[e] = v;
    }
    if (threadIdx.x == 0)
    {
        float v = 0.0f;
        for (int w = 0; w < 4; w++) v = fmaf(expf(most[w] - top), weight[w], v);
        part[p.head] = top;
        part[p.head + 1] = v;
    }
}
// Grid (heads, rows); 128 threads.
extern "C" __global__ void __launch_bounds__(128) gs_step_combine(const __grid_constant__ GsStepAttend p)
{
    const int head = blockIdx.x, row = blockIdx.y, width = p.head + 2;
    const float* part = p.part + ((i64)row * p.heads + head) * p.splits * width;
    float top = part[p.head], weight = 0.0f;
    for (int s = 1; s < p.splits; s++) top = fmaxf(top, part[s * width + p.head]);
    for (int s = 0; s < p.splits; s++) weight = fmaf(expf(part[s * width + p.head] - top), part[s * width + p.head + 1], weight);
    for (int e = threadIdx.x; e < p.head; e += 128)
    {
        float v = 0.0f;
        for (int s = 0; s < p.splits; s++) v = fmaf(expf(part[s * width + p.head] - top), part[s * width + e], v);
        p.out[((i64)row * p.heads + head) * p.head + e] = v / weight;
    }
}

// ---- choice of the next id ----
struct GsStepSample
{
    const float* logits;    // [rows, vocab]
    const int* choices;     // [count]: ids that may come
    int* ids;               // [rows]: the next step's
    int* tokens;            // [rows, block]: what was drawn; -1 where the logits are no numbers
    int* filled;            // [rows]: columns of tokens in use
    i64* drawn;             // [rows]: numbers drawn from the row's stream
    const i64* streams;     // [rows]: the row's stream
    u64 key;                // of all streams
    double inverse;         // 1 / temperature; 0: the most likely id
    double top_p;           // mass that is kept; 1: all
    int rows, vocab, count, top_k, block, pad;
};
// Pair `pair` of the stream's words as a number in [0, 1): Philox4x32-10 (Salmon et al., SC 2011).
__device__ __forceinline__ double gs_step_uniform(u64 key, u64 index, u64 pair)
{
    const u64 block = pair >> 1;
    u32 c0 = (u32)block, c1 = (u32)(block >> 32), c2 = (u32)index, c3 = (u32)(index >> 32), k0 = (u32)key, k1 = (u32)(key >> 32);
    for (int i = 0; i < 10; i++)
    {
        const u64 a = (u64)0xD2511F53u * c0, b = (u64)0xCD9E8D57u * c2;
        c0 = (u32)(b >> 32) ^ c1 ^ k0; c1 = (u32)b;
        c2 = (u32)(a >> 32) ^ c3 ^ k1; c3 = (u32)a;
        k0 += 0x9E3779B9u; k1 += 0xBB67AE85u;
    }
    const u64 word = (pair & 1) == 0 ? (u64)c0 << 32 | c1 : (u64)c2 << 32 | c3;
    return (double)(word >> 11) * (1.0 / 9007199254740992.0);
}
// Grid rows; 512 threads.
extern "C" __global__ void __launch_bounds__(512) gs_step_sample(const __grid_constant__ GsStepSample p)
{
    __shared__ float values[GS_STEP_CHOICES], sorted[GS_STEP_CHOICES];
    __shared__ int order[GS_STEP_CHOICES];
    const int row = blockIdx.x, i = threadIdx.x;
    if (i < p.count)
    {
        values[i] = p.logits[(i64)row * p.vocab + p.choices[i]];
        sorted[i] = __uint_as_float(0x7fc00000u);
        order[i] = 0;
    }
    __syncthreads();
    if (i < p.count)
    {
        const float v = values[i];
        int rank = 0;
        for (int j = 0; j < p.count; j++) rank += values[j] > v || (values[j] == v && j < i) ? 1 : 0;
        if (v == v) { sorted[rank] = v; order[rank] = i; }
    }
    __syncthreads();
    if (i != 0) return;
    const int most = p.top_k > 0 ? min(p.top_k, p.count) : p.count;
    double total = 0.0;
    for (int r = 0; r < most; r++) total += exp(((double)sorted[r] - (double)sorted[0]) * p.inverse);
    int chosen = -1;
    if (total > 0.0)
    {
        double kept = 0.0;
        int last = 0;
        for (; last < most; last++)
        {
            kept += exp(((double)sorted[last] - (double)sorted[0]) * p.inverse);
            if (kept >= p.top_p * total) { last++; break; }
        }
        if (last > most) last = most;
        const double target = p.inverse == 0.0 ? -1.0 : gs_step_uniform(p.key, (u64)p.streams[row], (u64)p.drawn[row]) * kept;
        double reached = 0.0;
        int r = 0;
        for (; r < last - 1; r++)
        {
            reached += exp(((double)sorted[r] - (double)sorted[0]) * p.inverse);
            if (reached > target) break;
        }
        chosen = p.choices[order[r]];
    }
    p.drawn[row]++;
    p.tokens[(i64)row * p.block + p.filled[row]] = chosen;
    p.filled[row]++;
    p.ids[row] = chosen;
}
