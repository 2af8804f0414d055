// A gated long convolution, out = g (k * (a v)), around complex Fourier transforms of half the padded length: channel-last activations to rows of single
// precision a channel and back (enter, leave), and the product of spectra between the transforms (multiply).
// A real row x of 2 n numbers is transformed as n complex ones, x_(2i) + i x_(2i+1), X = E + i O with E and O the spectra of its even and odd places:
//   E_f = (X_f + conj X_(n-f)) / 2,  O_f = (X_f - conj X_(n-f)) / 2i.  With w = exp(-2 pi i f / n), y = k * z has
//   E_y = E_k E_z + w O_k O_z,  O_y = O_k E_z + E_k O_z,  so no spectrum of 2 n is ever made. Backward, bars for conjugates:
//   E_dz = ~E_k E_dy + ~O_k O_dy,  O_dz = ~(w O_k) E_dy + ~E_k O_dy;  the filter's with z in k's place, summed over the batch.
// Bytes per position and channel (bf16, n = length), the limit being the memory's speed: enter 4 + 4 (8 where zeros are written too), multiply 24,
// leave 8 + 4; backward enter 10 + 2 + 16, multiply 24 + 24 of the filter, leave 8 + 4 + 4. Figures: docs/long-convolution.md.
struct GsLong
{
    const void* a;          // enter: row = a v (a alone where v is null); leave: out0 = y a (y alone where a is null)
    const void* v;          // leave: out1 = y v (y alone where v is null)
    const void* d;          // enter, backward: second row = d g and dg = d s; null: neither
    const void* g;
    const void* s;
    void* out0;             // enter: dg; leave: out0
    void* out1;             // leave: or null
    float* row0;            // [batch, channels, pitch]: enter: written, null: not wanted; leave: y
    float* row1;            // enter: of d g
    i64 a_stride, v_stride, d_stride, g_stride, s_stride, out0_stride, out1_stride; // of rows [batch, length, channels] of activations
    const float* rate;      // [channels] or null: a window exp2(t rate) + shift is a factor of the first row, or of y
    int length, channels, pitch;
    float shift;
};
__device__ __forceinline__ float gs_long_window(const GsLong& p, int c, int t) { return gs_ex2((float)t * p.rate[c]) + p.shift; }
__device__ __forceinline__ void gs_long_write(float* rows, const float (*tile)[65], int count, int pitch, int c0, int t0, int warp, int lane, bool zero)
{
    for (int i = warp; i < count; i += 8)
    {
        float* to = rows + (i64)(c0 + i) * pitch + t0;
#pragma unroll
        for (int h = lane; h < 64; h += 32)
            if (t0 + h < pitch) to[h] = zero ? 0.0f : tile[i][h];
    }
}
// Grid (ceil(positions / 64), ceil(channels / 32), batch), 256 threads; positions = pitch, or length where zeros stand behind it already and it is
// a multiple of 64. Positions from length on become zeros.
extern "C" __global__ void __launch_bounds__(256) gs_long_enter(const __grid_constant__ GsLong p)
{
    __shared__ float tile[2][32][65];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, c0 = blockIdx.y * 32, t0 = blockIdx.x * 64, c = c0 + lane;
    const i64 first = (i64)blockIdx.z * p.length, rows = (i64)blockIdx.z * p.channels * p.pitch;
    const int count = min(32, p.channels - c0);
    const bool zero = t0 >= p.length;                      // of the whole block
    if (!zero)
    {
#pragma unroll
        for (int i = 0; i < 8; i++)
        {
            const int h = i * 8 + warp, t = t0 + h;
            const bool on = c < p.channels && t < p.length;
            const i64 row = first + t;
            if (p.row0 != 0)
            {
                float z = on ? gs_load1(p.a, row * p.a_stride + c) : 0.0f;
                if (on && p.v != 0) z *= gs_load1(p.v, row * p.v_stride + c);
                if (on && p.rate != 0) z *= gs_long_window(p, c, t);
                tile[0][lane][h] = z;
            }
            if (p.d != 0)
            {
                const float d = on ? gs_load1(p.d, row * p.d_stride + c) : 0.0f;
                tile[1][lane][h] = on ? d * gs_load1(p.g, row * p.g_stride + c) : 0.0f;
                if (on) gs_store1(p.out0, row * p.out0_stride + c, d * gs_load1(p.s, row * p.s_stride + c));
            }
        }
        __syncthreads();
    }
    if (p.row0 != 0) gs_long_write(p.row0 + rows, tile[0], count, p.pitch, c0, t0, warp, lane, zero);
    if (p.d != 0) gs_long_write(p.row1 + rows, tile[1], count, p.pitch, c0, t0, warp, lane, zero);
}
// Grid (ceil(length / 64), ceil(channels / 32), batch), 256 threads.
extern "C" __global__ void __launch_bounds__(256) gs_long_leave(const __grid_constant__ GsLong p)
{
    __shared__ float tile[32][65];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, c0 = blockIdx.y * 32, t0 = blockIdx.x * 64, c = c0 + lane;
    const i64 first = (i64)blockIdx.z * p.length, rows = (i64)blockIdx.z * p.channels * p.pitch;
#pragma unroll
    for (int i = 0; i < 4; i++)
    {
        const int k = i * 8 + warp;
        const float* from = p.row0 + rows + (i64)(c0 + k) * p.pitch + t0;
#pragma unroll
        for (int h = lane; h < 64; h += 32) tile[k][h] = c0 + k < p.channels && t0 + h < p.length ? from[h] : 0.0f;
    }
    __syncthreads();
    if (c >= p.channels) return;
#pragma unroll
    for (int i = 0; i < 8; i++)
    {
        const int h = i * 8 + warp;
        const i64 row = first + t0 + h;
        if (t0 + h >= p.length) break;
        const float y = p.rate != 0 ? tile[lane][h] * gs_long_window(p, c, t0 + h) : tile[lane][h];
        gs_store1(p.out0, row * p.out0_stride + c, p.a != 0 ? y * gs_load1(p.a, row * p.a_stride + c) : y);
        if (p.out1 != 0) gs_store1(p.out1, row * p.out1_stride + c, p.v != 0 ? y * gs_load1(p.v, row * p.v_stride + c) : y);
    }
}
struct GsSpectra
{
    const float2* z;        // [batch, channels, n]
    const float2* k;        // [channels, n]
    float2* y;              // forward: [batch, channels, n], may be z; backward: the gradient of y, which becomes that of z
    float2* dk;             // backward: [channels, n]
    int batch, channels, n;
    float scale;
};
struct GsHalves { float2 e, o; };
__device__ __forceinline__ GsHalves gs_halves(const float2* x, i64 i, i64 j)
{
    const float2 a = x[i], b = x[j];
    GsHalves r;
    r.e = make_float2(0.5f * (a.x + b.x), 0.5f * (a.y - b.y));
    r.o = make_float2(0.5f * (a.y + b.y), 0.5f * (b.x - a.x));
    return r;
}
__device__ __forceinline__ void gs_put_halves(float2* x, i64 i, i64 j, const GsHalves& r, float scale)
{
    x[i] = make_float2(scale * (r.e.x - r.o.y), scale * (r.e.y + r.o.x));
    x[j] = make_float2(scale * (r.e.x + r.o.y), scale * (r.o.x - r.e.y));
}
__device__ __forceinline__ float2 gs_times(const float2& a, const float2& b) { return make_float2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }
// sum += conj(a) b
__device__ __forceinline__ void gs_add_conj(float2& sum, const float2& a, const float2& b)
{
    sum.x += a.x * b.x + a.y * b.y;
    sum.y += a.x * b.y - a.y * b.x;
}
__device__ __forceinline__ float2 gs_turn(int f, int n)
{
    float s, c;
    sincospif(2.0f * (float)f / (float)n, &s, &c);
    return make_float2(c, -s);
}
// Grid (ceil((n / 2 + 1) / 256), channels, batch), 256 threads; a thread takes the frequencies f and n - f.
extern "C" __global__ void __launch_bounds__(256) gs_long_multiply(const __grid_constant__ GsSpectra p)
{
    const int f = blockIdx.x * 256 + threadIdx.x, other = f == 0 ? 0 : p.n - f;
    if (f > p.n / 2) return;
    const i64 at = ((i64)blockIdx.z * p.channels + blockIdx.y) * p.n, filter = (i64)blockIdx.y * p.n;
    const GsHalves z = gs_halves(p.z, at + f, at + other), k = gs_halves(p.k, filter + f, filter + other);
    const float2 w = gs_turn(f, p.n), oo = gs_times(w, gs_times(k.o, z.o)), ee = gs_times(k.e, z.e), oe = gs_times(k.o, z.e), eo = gs_times(k.e, z.o);
    GsHalves y;
    y.e = make_float2(ee.x + oo.x, ee.y + oo.y);
    y.o = make_float2(oe.x + eo.x, oe.y + eo.y);
    gs_put_halves(p.y, at + f, at + other, y, p.scale);
}
// Grid (ceil((n / 2 + 1) / 256), channels), 256 threads.
extern "C" __global__ void __launch_bounds__(256) gs_long_multiply_bwd(const __grid_constant__ GsSpectra p)
{
    const int f = blockIdx.x * 256 + threadIdx.x, other = f == 0 ? 0 : p.n - f;
    if (f > p.n / 2) return;
    const i64 filter = (i64)blockIdx.y * p.n;
    const GsHalves k = gs_halves(p.k, filter + f, filter + other);
    const float2 w = gs_turn(f, p.n), wk = gs_times(w, k.o);
    GsHalves dk;
    dk.e = dk.o = make_float2(0.0f, 0.0f);
    for (int b = 0; b < p.batch; b++)
    {
        const i64 at = ((i64)b * p.channels + blockIdx.y) * p.n;
        const GsHalves z = gs_halves(p.z, at + f, at + other), d = gs_halves(p.y, at + f, at + other);
        const float2 wz = gs_times(w, z.o);
        gs_add_conj(dk.e, z.e, d.e); gs_add_conj(dk.e, z.o, d.o);
        gs_add_conj(dk.o, wz, d.e); gs_add_conj(dk.o, z.e, d.o);
        GsHalves dz;
        dz.e = dz.o = make_float2(0.0f, 0.0f);
        gs_add_conj(dz.e, k.e, d.e); gs_add_conj(dz.e, k.o, d.o);
        gs_add_conj(dz.o, wk, d.e); gs_add_conj(dz.o, k.e, d.o);
        gs_put_halves(p.y, at + f, at + other, dz, p.scale);
    }
    gs_put_halves(p.dk, filter + f, filter + other, dk, p.scale);
}
