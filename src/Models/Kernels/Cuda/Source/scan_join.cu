// The state at the end of a scan from what its segments found (scan_ends.cu), in order: h = exp(A sum_s) h + end_s. And whether the end still feels what came
// before the first segment: whether any decay over all segments is above 2^GS_DEAD, below which a state is forgotten.
struct GsJoin
{
    const float* ends;      // [batch, spacing, d_inner, N]
    const float* sums;      // [batch, spacing, d_inner]
    const float* a;         // [d_inner, N] negative
    const float* before;    // [batch, d_inner, N], or null: zeros
    float* state;           // [batch, d_inner, N]
    int* felt;              // set to 1 where the end feels what came before, else left; or null
    int segments, spacing;  // of which the first `segments` count
    int d_inner, pad;
};
// Grid (ceil(d_inner N / 128), batch), 128 threads: a state a thread.
extern "C" __global__ void __launch_bounds__(128) gs_scan_join(const __grid_constant__ GsJoin p)
{
    const int i = blockIdx.x * 128 + threadIdx.x, states = p.d_inner * GS_N;
    if (i >= states) return;
    const i64 entry = blockIdx.y;
    const float a = fminf(p.a[i] * GS_LOG2E, -1e-30f);
    const float* end = p.ends + entry * p.spacing * states + i;
    const float* sum = p.sums + entry * p.spacing * p.d_inner + i / GS_N;
    float h = p.before != 0 ? p.before[entry * states + i] : 0.0f, total = 0.0f;
#pragma unroll 8
    for (int s = 0; s < p.segments; s++)
    {
        const float d = sum[(i64)s * p.d_inner];
        h = fmaf(gs_ex2(a * d), h, end[(i64)s * states]);
        total += d;
    }
    p.state[entry * states + i] = h;
    if (p.felt != 0 && !(a * total <= GS_DEAD)) *p.felt = 1;
}
