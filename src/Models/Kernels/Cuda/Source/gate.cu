// The gate: out = (y0 + y1) silu(z);  backward: g = dout silu(z), dz = dout (y0 + y1) silu'(z), silu'(z) = s (1 + z (1 - s)).
// Bytes per element (bf16), the limit being the memory's speed: forward y0 2 + y1 2 + z 2 + out 2 (+ sum 2) = 8 (10), backward dout 2 + sum 2 + z 2 + g 2 + dz 2 = 10.
// A layer that is computed again does both at once, the output beside the gradients: y0 2 + y1 2 + z 2 + dout 2 + out 2 + g 2 + dz 2 = 14 in place of 20.
// Measured on an H100: 98-102 % of a device copy.
#ifndef GS_GATE_VECS
#define GS_GATE_VECS 1                // pieces of 8 elements of a thread, loaded before the first is used; more than one gains nothing
#endif
struct GsGate
{
    const void* y0;         // [rows, width], row stride y0_stride; backward: or the sum
    const void* y1;         // the same or null, row stride y1_stride
    const void* z;          // row stride z_stride
    void* out;              // row stride out_stride; backward: may be y0, or null
    void* sum;              // forward: y0 + y1, may be y0, row stride y0_stride; or null
    const void* dout;       // backward: row stride dout_stride
    void* g;                // backward: row stride g_stride
    void* dz;               // backward: row stride dz_stride
    i64 y0_stride, y1_stride, z_stride, out_stride, dout_stride, g_stride, dz_stride;
    int pieces, vecs;       // rows * width / 8, width / 8
};
// Read through the plain path: y0 and dout may be overwritten by these kernels (each piece by the thread that read it).
__device__ __forceinline__ GsRaw8 gs_gate_raw(const void* base, i64 at)
{
    const uint4* p = (const uint4*)((const unsigned char*)base + at * GS_ESIZE);
    GsRaw8 r;
    r.a = p[0];
#if GS_F32_IO
    r.b = p[1];
#endif
    return r;
}
// Grid ceil(pieces / (256 GS_GATE_VECS)), 256 threads.
extern "C" __global__ void __launch_bounds__(256) gs_gate_fwd(const __grid_constant__ GsGate p)
{
    const u32 first = blockIdx.x * (256u * GS_GATE_VECS) + threadIdx.x;
    GsRaw8 y0[GS_GATE_VECS], y1[GS_GATE_VECS], z[GS_GATE_VECS];
#pragma unroll
    for (int k = 0; k < GS_GATE_VECS; k++)
    {
        const u32 i = min(first + k * 256u, (u32)p.pieces - 1), row = i / (u32)p.vecs, c = (i - row * (u32)p.vecs) * 8;
        y0[k] = gs_gate_raw(p.y0, row * p.y0_stride + c);
        z[k] = gs_raw8(p.z, row * p.z_stride + c);
        if (p.y1 != 0) y1[k] = gs_raw8(p.y1, row * p.y1_stride + c);
    }
#pragma unroll
    for (int k = 0; k < GS_GATE_VECS; k++)
    {
        const u32 i = first + k * 256u, row = i / (u32)p.vecs, c = (i - row * (u32)p.vecs) * 8;
        if (i >= (u32)p.pieces) break;
        float y[8], f[8];
        gs_numbers(y0[k], y);
        if (p.y1 != 0)
        {
            gs_numbers(y1[k], f);
#pragma unroll
            for (int j = 0; j < 8; j++) y[j] += f[j];
            if (p.sum != 0) gs_store8(p.sum, row * p.y0_stride + c, y);
        }
        gs_numbers(z[k], f);
#pragma unroll
        for (int j = 0; j < 8; j++) y[j] *= f[j] * gs_sigmoid(f[j]);
        gs_store8(p.out, row * p.out_stride + c, y);
    }
}
extern "C" __global__ void __launch_bounds__(256) gs_gate_bwd(const __grid_constant__ GsGate p)
{
    const u32 first = blockIdx.x * (256u * GS_GATE_VECS) + threadIdx.x;
    GsRaw8 dout[GS_GATE_VECS], y0[GS_GATE_VECS], y1[GS_GATE_VECS], z[GS_GATE_VECS];
#pragma unroll
    for (int k = 0; k < GS_GATE_VECS; k++)
    {
        const u32 i = min(first + k * 256u, (u32)p.pieces - 1), row = i / (u32)p.vecs, c = (i - row * (u32)p.vecs) * 8;
        dout[k] = gs_gate_raw(p.dout, row * p.dout_stride + c);
        y0[k] = gs_gate_raw(p.y0, row * p.y0_stride + c);
        z[k] = gs_gate_raw(p.z, row * p.z_stride + c);
        if (p.y1 != 0) y1[k] = gs_gate_raw(p.y1, row * p.y1_stride + c);
    }
#pragma unroll
    for (int k = 0; k < GS_GATE_VECS; k++)
    {
        const u32 i = first + k * 256u, row = i / (u32)p.vecs, c = (i - row * (u32)p.vecs) * 8;
        if (i >= (u32)p.pieces) break;
        float d[8], y[8], f[8], out[8];
        gs_numbers(y0[k], y);
        if (p.y1 != 0)
        {
            gs_numbers(y1[k], f);
#pragma unroll
            for (int j = 0; j < 8; j++) y[j] += f[j];
        }
        gs_numbers(dout[k], d);
        gs_numbers(z[k], f);
#pragma unroll
        for (int j = 0; j < 8; j++)
        {
            const float s = gs_sigmoid(f[j]), q = f[j] * s;
            out[j] = y[j] * q;
#if GS_F32_IO
            const float sum = y[j];
#else
            const float sum = gs_from_bf16(gs_to_bf16(y[j])); // as the forward pass keeps it
#endif
            y[j] = sum * (d[j] * fmaf(s, f[j] - q, s));
            d[j] *= q;
        }
        if (p.out != 0) gs_store8(p.out, row * p.out_stride + c, out);
        gs_store8(p.g, row * p.g_stride + c, d);
        gs_store8(p.dz, row * p.dz_stride + c, y);
    }
}
