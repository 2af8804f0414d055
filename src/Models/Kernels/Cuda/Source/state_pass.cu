// States between chunks, h_(c+1) = through_c h_c + own_c, one number of a chunk for `share` neighbouring elements of its state.
// A block is a warp, which takes 64 neighbouring elements through the chunks, two a lane, in place: what a chunk added is replaced by the state before it; on
// the way `back`, from the last chunk to the first, by the gradient of the state behind it. Its rows come to shared memory by asynchronous copies, W_STAGES
// groups of W_ROWS chunks ahead, 36 KB: one warp on each multiprocessor has enough in flight for the memory's whole speed.
// Where even that does not fill the device (fewer warps than multiprocessors) the chunks are cut into segments, by two launches: `finding` leaves each
// segment's end from zero and the product of its numbers, writing no states; then every segment joins those before it and runs from the state so found.
constexpr int W_COLUMNS = 64, W_ROWS = 32 / GS_ESIZE, W_STAGES = 16, W_SHARES = 4; // `share` is a multiple of 16: 64 elements have at most 4 numbers
constexpr int W_STATES = W_ROWS * W_COLUMNS, W_LEFTS = W_ROWS * W_SHARES;          // of a group
constexpr int W_PIECES = W_COLUMNS / GS_PAD;                                       // of 16 bytes, in a row
struct GsPass
{
    void* states;           // [batch, chunks, count] activation
    const float* through;   // [batch, chunks, count / share]
    const float* before;    // [batch, count] or null: zeros
    float* last;            // [batch, count]
    float* ends;            // [batch, segments - 1, count]: what a segment leaves of nothing
    float* turns;           // [batch, segments - 1, count / 2]: the product of its numbers, for each pair of elements
    int chunks, count, share, segments;
    int back, finding;
};
// Grid (ceil(count / 64), segments, batch), with `finding` one segment fewer; 32 threads, W_STAGES (W_STATES GS_ESIZE + 4 W_LEFTS) bytes.
extern "C" __global__ void __launch_bounds__(32) gs_state_pass(const __grid_constant__ GsPass p)
{
    extern __shared__ __align__(16) unsigned char smem[];
    gs_t* states = (gs_t*)smem;
    float* lefts = (float*)(smem + W_STAGES * W_STATES * GS_ESIZE);
    const int lane = threadIdx.x, column = blockIdx.x * W_COLUMNS, element = column + 2 * lane, shares = p.count / p.share, segment = blockIdx.y;
    const int share = column / p.share, numbers = (min(column + W_COLUMNS, p.count) - 1) / p.share - share + 1;
    const bool mine = element < p.count, write = mine && !p.finding;
    const int own_share = mine ? element / p.share - share : 0;
    const int begin = (int)((i64)p.chunks * segment / p.segments), rows = (int)((i64)p.chunks * (segment + 1) / p.segments) - begin;
    const i64 first = (i64)blockIdx.z * p.chunks + (p.back ? p.chunks - 1 - begin : begin);
    const i64 step = p.back ? -(i64)p.count : p.count, left_step = p.back ? -shares : shares;
    gs_t* at = (gs_t*)p.states + first * p.count + column;
    const float* through = p.through + first * shares + share;
    // Always a group of copies, so that groups can be counted.
    const auto fetch = [&](int group, int slot)
    {
        const int top = group * W_ROWS;
#pragma unroll
        for (int j = 0; j < W_STATES / GS_PAD / 32; j++)
        {
            const int e = 32 * j + lane, r = e / W_PIECES, c = (e - r * W_PIECES) * GS_PAD;
            gs_copy16_if(states + slot * W_STATES + r * W_COLUMNS + c, at + (top + r) * step + c, top + r < rows && column + c < p.count);
        }
#pragma unroll
        for (int j = 0; j < W_LEFTS / 32; j++)
        {
            const int e = 32 * j + lane, r = e / W_SHARES, c = e - r * W_SHARES;
            gs_copy4_if(lefts + slot * W_LEFTS + e, through + (top + r) * left_step + c, top + r < rows && c < numbers);
        }
        gs_copy_commit();
    };
#pragma unroll 1
    for (int s = 0; s < W_STAGES - 1; s++) fetch(s, s);
    float x = 0.0f, y = 0.0f, turn = 1.0f;
    if (write)
    {
        if (p.before != 0)
        {
            const float2 v = *(const float2*)(p.before + (i64)blockIdx.z * p.count + element);
            x = v.x; y = v.y;
        }
#pragma unroll 8
        for (int s = 0; s < segment; s++)
        {
            const i64 entry = ((i64)blockIdx.z * (p.segments - 1) + s) * p.count + element;
            const float2 end = *(const float2*)(p.ends + entry);
            const float w = p.turns[entry / 2];
            x = fmaf(w, x, end.x);
            y = fmaf(w, y, end.y);
        }
    }
    gs_t* to = at + 2 * lane;
#pragma unroll 1
    for (int group = 0, slot = 0; group * W_ROWS < rows; group++, slot = slot + 1 == W_STAGES ? 0 : slot + 1)
    {
        gs_copy_wait_for(W_STAGES - 2);
        gs_warp_sync(); // the other lanes' copies are here too, and all have read the slot that is filled next
        fetch(group + W_STAGES - 1, slot == 0 ? W_STAGES - 1 : slot - 1);
        float own[W_ROWS][2], left[W_ROWS];
#pragma unroll
        for (int e = 0; e < W_ROWS; e++)
        {
            gs_tile_get2(states + slot * W_STATES + e * W_COLUMNS + 2 * lane, own[e][0], own[e][1]);
            left[e] = lefts[slot * W_LEFTS + e * W_SHARES + own_share];
        }
        const int here = min(W_ROWS, rows - group * W_ROWS);
        const auto pass = [&](int e)
        {
            if (write) gs_tile_put2(to, x, y);
            to += step;
            x = fmaf(left[e], x, own[e][0]);
            y = fmaf(left[e], y, own[e][1]);
            turn *= left[e];
        };
        if (here == W_ROWS)
        {
#pragma unroll
            for (int e = 0; e < W_ROWS; e++) pass(e);
        }
        else
        {
#pragma unroll
            for (int e = 0; e < W_ROWS; e++) if (e < here) pass(e);
        }
    }
    if (!mine) return;
    if (p.finding)
    {
        const i64 entry = ((i64)blockIdx.z * (p.segments - 1) + segment) * p.count + element;
        *(float2*)(p.ends + entry) = make_float2(x, y);
        p.turns[entry / 2] = turn;
    }
    else if (segment == p.segments - 1) *(float2*)(p.last + (i64)blockIdx.z * p.count + element) = make_float2(x, y);
}
