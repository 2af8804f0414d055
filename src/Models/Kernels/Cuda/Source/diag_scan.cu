// Diagonal recurrences, h_t = a_t h_(t-1) + x_t for every channel. GS_DIAG_COMPLEX 0: real, with a factor for each position; 1: complex, one factor
// exp(radius + i angle) a channel, numbers as real parts of all channels and then imaginary ones. GS_DIAG_IDS 1: nothing is carried across a change of ids.
// Time is cut into segments where channels and batch do not fill the device. gs_diag_ends takes each from zero, which gives its end and the product of its
// factors; gs_diag_carry joins them into the states that enter; gs_diag_fwd runs each again from there, or the whole where there is one segment. Back, from
// the last position to the first: with c the gradient that comes from behind, dx_t = dh_t + c, da_t = dx_t h_(t-1), then c = a_t dx_t (complex: a's conjugate).
// A thread takes one channel of one segment, neighbours in a warp being neighbouring channels; positions come in groups, one ahead of the one worked on.
#ifndef GS_DIAG_COMPLEX
#define GS_DIAG_COMPLEX 0
#endif
#ifndef GS_DIAG_IDS
#define GS_DIAG_IDS 0
#endif
#define GS_DIAG_PARTS (1 + GS_DIAG_COMPLEX)
struct GsDiag
{
    const float* a;         // real: position t of entry b and channel c at b a_batch + t a_row + c a_channel
    const float* radius;    // complex: log radius [channels]
    const float* angle;     // complex: [channels]
    const int* ids;         // [batch, lead + length]; lead 1: the first column is that of the position before the first
    const float* x;         // [batch, length, width], width = GS_DIAG_PARTS channels; back: the gradient of h
    const float* enter;     // [batch, width] or null, zeros: the state before the first position; back: the gradient of the last state
    float* leave;           // [batch, width]: the state behind the last position; back: the gradient of the state before the first
    float* out;             // [batch, length, width]: h; back: the gradient of x
    const float* h;         // back: what the way forward wrote
    const float* before;    // back: [batch, width] or null, zeros: the state before the first position
    float* da;              // back, real: the gradient of a [batch, length, channels]
    float* part;            // back, complex: gradients of radius and of angle, summed over a segment [batch, segments, width]
    float* through;         // [batch, segments, width]: products of segments' factors
    float* ends;            // [batch, segments, width]: ends of segments from zero, then what enters them
    i64 a_batch;
    int a_row, a_channel, batch, length, channels, segments, positions, lead, back, pad;
};
#if GS_DIAG_COMPLEX
struct GsDiagNumber { float re, im; };
struct GsDiagFactor { float re, im, re_rest, im_rest; }; // and what rounding cut off: turns add up over positions
__device__ __forceinline__ GsDiagNumber gs_diag_zero() { return {0.0f, 0.0f}; }
__device__ __forceinline__ GsDiagNumber gs_diag_get(const GsDiag& p, const float* row, int c) { return {row[c], row[p.channels + c]}; }
__device__ __forceinline__ void gs_diag_put(const GsDiag& p, float* row, int c, const GsDiagNumber& v) { row[c] = v.re; row[p.channels + c] = v.im; }
__device__ __forceinline__ GsDiagNumber gs_diag_sum(const GsDiagNumber& u, const GsDiagNumber& v) { return {u.re + v.re, u.im + v.im}; }
__device__ __forceinline__ GsDiagNumber gs_diag_step(const GsDiagFactor& f, const GsDiagNumber& h, const GsDiagNumber& x)
{
    return {fmaf(f.re, h.re, fmaf(-f.im, h.im, x.re)) + fmaf(f.re_rest, h.re, -f.im_rest * h.im),
        fmaf(f.re, h.im, fmaf(f.im, h.re, x.im)) + fmaf(f.re_rest, h.im, f.im_rest * h.re)};
}
__device__ __forceinline__ GsDiagNumber gs_diag_join(const GsDiagNumber& f, const GsDiagNumber& h, const GsDiagNumber& x)
{ return {fmaf(f.re, h.re, fmaf(-f.im, h.im, x.re)), fmaf(f.re, h.im, fmaf(f.im, h.re, x.im))}; }
// The factor of n positions; on the way back its conjugate.
__device__ __forceinline__ GsDiagFactor gs_diag_power(const GsDiag& p, int c, int n)
{
    const double size = exp((double)p.radius[c] * n), turn = (double)p.angle[c] * (p.back ? -n : n), re = size * cos(turn), im = size * sin(turn);
    const float r = (float)re, i = (float)im;
    return {r, i, (float)(re - r), (float)(im - i)};
}
#else
struct GsDiagNumber { float re; };
struct GsDiagFactor { float re; };
__device__ __forceinline__ GsDiagNumber gs_diag_zero() { return {0.0f}; }
__device__ __forceinline__ GsDiagNumber gs_diag_get(const GsDiag&, const float* row, int c) { return {row[c]}; }
__device__ __forceinline__ void gs_diag_put(const GsDiag&, float* row, int c, const GsDiagNumber& v) { row[c] = v.re; }
__device__ __forceinline__ GsDiagNumber gs_diag_sum(const GsDiagNumber& u, const GsDiagNumber& v) { return {u.re + v.re}; }
__device__ __forceinline__ GsDiagNumber gs_diag_step(const GsDiagFactor& f, const GsDiagNumber& h, const GsDiagNumber& x) { return {fmaf(f.re, h.re, x.re)}; }
__device__ __forceinline__ GsDiagNumber gs_diag_join(const GsDiagNumber& f, const GsDiagNumber& h, const GsDiagNumber& x) { return {fmaf(f.re, h.re, x.re)}; }
#endif

struct GsDiagPlace
{
    i64 rows, factors;  // of the batch entry's first position: in what has a row for each; the channel's factor, where there is one for each
    int width, batch, segment, channel, begin, count;
};
// This thread's place among `segments` segments from number `first` on; false: it has none.
__device__ __forceinline__ bool gs_diag_place(const GsDiag& p, int segments, int first, GsDiagPlace& at)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x, rest = i / p.channels;
    at.channel = i - rest * p.channels;
    at.batch = rest / segments;
    at.segment = first + rest - at.batch * segments;
    at.begin = at.segment * p.positions;
    at.count = min(p.positions, p.length - at.begin);
    at.width = GS_DIAG_PARTS * p.channels;
    at.rows = (i64)at.batch * p.length * at.width;
    at.factors = at.batch * p.a_batch + (i64)at.channel * p.a_channel;
    return at.batch < p.batch;
}
// Where the numbers of a segment lie in what has one of them for each.
__device__ __forceinline__ i64 gs_diag_slot(const GsDiag& p, const GsDiagPlace& at, int segment) { return ((i64)at.batch * p.segments + segment) * at.width; }
__device__ __forceinline__ i64 gs_diag_row(const GsDiagPlace& at, int t) { return at.rows + (i64)t * at.width; }
// [batch, width], or zeros.
__device__ __forceinline__ GsDiagNumber gs_diag_outer(const GsDiag& p, const float* states, const GsDiagPlace& at)
{ return states == 0 ? gs_diag_zero() : gs_diag_get(p, states + (i64)at.batch * at.width, at.channel); }
__device__ __forceinline__ GsDiagNumber gs_diag_entering(const GsDiag& p, const GsDiagPlace& at)
{ return p.segments > 1 ? gs_diag_get(p, p.ends + gs_diag_slot(p, at, at.segment), at.channel) : gs_diag_outer(p, p.enter, at); }
// The id of a position, of the one before the first too: without a column of its own it is the first one's.
__device__ __forceinline__ int gs_diag_id(const GsDiag& p, const GsDiagPlace& at, int t)
{
#if GS_DIAG_IDS
    return p.ids[(i64)at.batch * (p.length + p.lead) + p.lead + max(t, -p.lead)];
#else
    return 0;
#endif
}

// G positions as they lie in memory, in the order in which they are walked; behind the segment's end its last one again.
template <int G, bool Back> struct GsDiagGroup
{
    GsDiagNumber x[G], h[G];    // h: the state before the position
#if !GS_DIAG_COMPLEX
    float a[G];
#endif
#if GS_DIAG_IDS
    int id[G];                  // the position's, on the way back the one's before it
#endif
    static __device__ __forceinline__ int Position(const GsDiagPlace& at, int i) { return at.begin + (Back ? at.count - 1 - i : i); }
    template <bool States> __device__ __forceinline__ void Load(const GsDiag& p, const GsDiagPlace& at, int first)
    {
#pragma unroll
        for (int e = 0; e < G; e++)
        {
            const int t = Position(at, min(first + e, at.count - 1));
            x[e] = gs_diag_get(p, p.x + gs_diag_row(at, t), at.channel);
#if !GS_DIAG_COMPLEX
            a[e] = p.a[at.factors + (i64)t * p.a_row];
#endif
#if GS_DIAG_IDS
            id[e] = gs_diag_id(p, at, Back ? t - 1 : t);
#endif
            if (States) h[e] = t > 0 ? gs_diag_get(p, p.h + gs_diag_row(at, t - 1), at.channel) : gs_diag_outer(p, p.before, at);
        }
    }
    __device__ __forceinline__ GsDiagFactor Factor(int e, const GsDiagFactor& fixed) const
    {
#if GS_DIAG_COMPLEX
        return fixed;
#else
        return {a[e]};
#endif
    }
    // Whether the state before the position is of its sequence; `other` goes from neighbour to neighbour.
    __device__ __forceinline__ bool Kept(int e, int& other) const
    {
#if GS_DIAG_IDS
        const bool same = id[e] == other;
        other = id[e];
        return same;
#else
        return true;
#endif
    }
};
__device__ __forceinline__ GsDiagFactor gs_diag_fixed(const GsDiag& p, int c)
{
#if GS_DIAG_COMPLEX
    return gs_diag_power(p, c, 1);
#else
    return {1.0f};
#endif
}

template <bool Back> __device__ __forceinline__ void gs_diag_end(const GsDiag& p, const GsDiagPlace& at)
{
    constexpr int G = 16;
    const GsDiagFactor fixed = gs_diag_fixed(p, at.channel);
    GsDiagNumber state = gs_diag_zero();
    GsDiagFactor through = gs_diag_fixed(p, at.channel);
    bool whole = true;
    int other = gs_diag_id(p, at, Back ? at.begin + at.count - 1 : at.begin - 1);
    GsDiagGroup<G, Back> now, next;
    now.template Load<false>(p, at, 0);
    for (int first = 0; first < at.count; first += G)
    {
        if (first + G < at.count) next.template Load<false>(p, at, first + G);
#pragma unroll
        for (int e = 0; e < G; e++)
        {
            if (first + e >= at.count) break;
            const GsDiagFactor f = now.Factor(e, fixed);
            const bool kept = now.Kept(e, other);
            whole = whole && kept;
            if (Back) state = gs_diag_step(f, gs_diag_sum(now.x[e], state), gs_diag_zero());
            if (!kept) state = gs_diag_zero();
            if (!Back) state = gs_diag_step(f, state, now.x[e]);
#if !GS_DIAG_COMPLEX
            through.re *= f.re;
#endif
        }
        now = next;
    }
    const i64 slot = gs_diag_slot(p, at, at.segment);
    GsDiagNumber product = gs_diag_zero();
    if (whole)
    {
#if GS_DIAG_COMPLEX
        through = gs_diag_power(p, at.channel, at.count);
        product.im = through.im;
#endif
        product.re = through.re;
    }
    gs_diag_put(p, p.through + slot, at.channel, product);
    gs_diag_put(p, p.ends + slot, at.channel, state);
}
// Grid ceil(batch (segments - 1) channels / 128): all segments but the one that is walked last.
extern "C" __global__ void __launch_bounds__(128, 4) gs_diag_ends(const __grid_constant__ GsDiag p)
{
    GsDiagPlace at;
    if (!gs_diag_place(p, p.segments - 1, p.back ? 1 : 0, at)) return;
    if (p.back) gs_diag_end<true>(p, at);
    else gs_diag_end<false>(p, at);
}

// Grid ceil(batch channels / 64). Ends of segments from zero become what enters them.
extern "C" __global__ void __launch_bounds__(64) gs_diag_carry(const __grid_constant__ GsDiag p)
{
    constexpr int G = 32 / GS_DIAG_PARTS;
    GsDiagPlace at;
    if (!gs_diag_place(p, 1, 0, at)) return;
    GsDiagNumber state = gs_diag_outer(p, p.enter, at);
    const int joined = p.segments - 1, origin = p.back ? joined : 0, step = p.back ? -1 : 1;
    for (int first = 0; first < joined; first += G)
    {
        GsDiagNumber own[G], left[G];
#pragma unroll
        for (int e = 0; e < G; e++)
        {
            const i64 slot = gs_diag_slot(p, at, origin + step * min(first + e, joined - 1));
            own[e] = gs_diag_get(p, p.ends + slot, at.channel);
            left[e] = gs_diag_get(p, p.through + slot, at.channel);
        }
#pragma unroll
        for (int e = 0; e < G; e++)
        {
            if (first + e >= joined) break;
            gs_diag_put(p, p.ends + gs_diag_slot(p, at, origin + step * (first + e)), at.channel, state);
            state = gs_diag_join(left[e], state, own[e]);
        }
    }
    gs_diag_put(p, p.ends + gs_diag_slot(p, at, origin + step * joined), at.channel, state);
}

// Grid ceil(batch segments channels / 128).
extern "C" __global__ void __launch_bounds__(128, 4) gs_diag_fwd(const __grid_constant__ GsDiag p)
{
    constexpr int G = 16;
    GsDiagPlace at;
    if (!gs_diag_place(p, p.segments, 0, at)) return;
    const GsDiagFactor fixed = gs_diag_fixed(p, at.channel);
    GsDiagNumber h = gs_diag_entering(p, at);
    int other = gs_diag_id(p, at, at.begin - 1);
    GsDiagGroup<G, false> now, next;
    now.Load<false>(p, at, 0);
    for (int first = 0; first < at.count; first += G)
    {
        if (first + G < at.count) next.Load<false>(p, at, first + G);
#pragma unroll
        for (int e = 0; e < G; e++)
        {
            if (first + e >= at.count) break;
            if (!now.Kept(e, other)) h = gs_diag_zero();
            h = gs_diag_step(now.Factor(e, fixed), h, now.x[e]);
            gs_diag_put(p, p.out + gs_diag_row(at, at.begin + first + e), at.channel, h);
        }
        now = next;
    }
    if (at.segment == p.segments - 1) gs_diag_put(p, p.leave + (i64)at.batch * at.width, at.channel, h);
}

// Grid ceil(batch segments channels / 128).
extern "C" __global__ void __launch_bounds__(128, 4) gs_diag_bwd(const __grid_constant__ GsDiag p)
{
    constexpr int G = 8;
    GsDiagPlace at;
    if (!gs_diag_place(p, p.segments, 0, at)) return;
    const GsDiagFactor fixed = gs_diag_fixed(p, at.channel);
    GsDiagNumber c = gs_diag_entering(p, at);
    int other = gs_diag_id(p, at, at.begin + at.count - 1);
    GsDiagGroup<G, true> now, next;
#if GS_DIAG_COMPLEX
    GsDiagNumber total = gs_diag_zero();
#endif
    now.Load<true>(p, at, 0);
    for (int first = 0; first < at.count; first += G)
    {
        if (first + G < at.count) next.Load<true>(p, at, first + G);
#if GS_DIAG_COMPLEX
        GsDiagNumber sum = gs_diag_zero(); // groups by themselves: a long sum of single numbers would lose digits
#endif
#pragma unroll
        for (int e = 0; e < G; e++)
        {
            if (first + e >= at.count) break;
            const i64 row = gs_diag_row(at, at.begin + at.count - 1 - first - e);
            const bool kept = now.Kept(e, other);
            const GsDiagNumber dx = gs_diag_sum(now.x[e], c);
            gs_diag_put(p, p.out + row, at.channel, dx);
#if GS_DIAG_COMPLEX
            if (kept)
            {
                sum.re = fmaf(now.h[e].re, dx.re, fmaf(now.h[e].im, dx.im, sum.re));
                sum.im = fmaf(now.h[e].re, dx.im, fmaf(-now.h[e].im, dx.re, sum.im));
            }
#else
            p.da[row + at.channel] = kept ? dx.re * now.h[e].re : 0.0f;
#endif
            c = kept ? gs_diag_step(now.Factor(e, fixed), dx, gs_diag_zero()) : gs_diag_zero();
        }
#if GS_DIAG_COMPLEX
        total = gs_diag_sum(total, sum);
#endif
        now = next;
    }
#if GS_DIAG_COMPLEX
    // d/dr and d/dw of exp(r + i w): real and imaginary part of the sum times the factor's conjugate.
    gs_diag_put(p, p.part + gs_diag_slot(p, at, at.segment), at.channel, gs_diag_step(fixed, total, gs_diag_zero()));
#endif
    if (at.segment == 0) gs_diag_put(p, p.leave + (i64)at.batch * at.width, at.channel, c);
}
