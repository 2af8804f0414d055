// States between chunks, h_(c+1) = through_c h_c + own_c, one number of a chunk for `share` neighbouring elements of its state.
// Grid (ceil(count / 2 / threads), batch). A thread takes two neighbouring elements through all chunks, in place: what a chunk added is replaced by the
// state before it; on the way `back`, from the last chunk to the first, by the gradient of the state behind it.
#define GS_AHEAD 32
struct GsPass
{
    void* states;           // [batch, chunks, count] activation
    const float* through;   // [batch, chunks, count / share]
    const float* before;    // [batch, count] or null: zeros
    float* last;            // [batch, count] or null
    int chunks, count, share, back;
};
extern "C" __global__ void __launch_bounds__(64) gs_state_pass(const __grid_constant__ GsPass p)
{
    const int element = 2 * (blockIdx.x * blockDim.x + threadIdx.x), shares = p.count / p.share;
    if (element >= p.count) return;
    const float* through = p.through + (i64)blockIdx.y * p.chunks * shares + element / p.share;
    gs_t* at = (gs_t*)p.states + (i64)blockIdx.y * p.chunks * p.count + element;
    const i64 entry = (i64)blockIdx.y * p.count + element;
    float x = 0.0f, y = 0.0f;
    if (p.before != 0) { x = p.before[entry]; y = p.before[entry + 1]; }
    for (int first = 0; first < p.chunks; first += GS_AHEAD)
    {
        float own[GS_AHEAD][2], left[GS_AHEAD];
#pragma unroll
        for (int e = 0; e < GS_AHEAD; e++)
        {
            const int i = min(first + e, p.chunks - 1), chunk = p.back ? p.chunks - 1 - i : i;
            gs_tile_get2(at + (i64)chunk * p.count, own[e][0], own[e][1]);
            left[e] = through[(i64)chunk * shares];
        }
#pragma unroll
        for (int e = 0; e < GS_AHEAD; e++)
        {
            const int i = first + e, chunk = p.back ? p.chunks - 1 - i : i;
            if (i >= p.chunks) break;
            gs_tile_put2(at + (i64)chunk * p.count, x, y);
            x = fmaf(left[e], x, own[e][0]);
            y = fmaf(left[e], y, own[e][1]);
        }
    }
    if (p.last != 0) { p.last[entry] = x; p.last[entry + 1] = y; }
}
