// GenoSeq CUDA primitives. Include-free: compiled by NVRTC in front of every kernel file.
// GS_F32_IO = 1: activations are float; otherwise bfloat16. All arithmetic is float.
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned short u16;
typedef long long i64;

#ifndef GS_F32_IO
#define GS_F32_IO 0
#endif
#define GS_ESIZE (GS_F32_IO ? 4 : 2)

// ---- special functions (hardware approximations: about 1e-7 relative for ex2/lg2/rcp, 2^-11 for tanh) ----
__device__ __forceinline__ float gs_ex2(float x) { float y; asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }
__device__ __forceinline__ float gs_lg2(float x) { float y; asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }
__device__ __forceinline__ float gs_rcp(float x) { float y; asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }
__device__ __forceinline__ float gs_rsqrt(float x) { float y; asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }
__device__ __forceinline__ float gs_tanh(float x) { float y; asm("tanh.approx.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }
// x < limit ? yes : no, without a branch: both are computed.
__device__ __forceinline__ float gs_select_below(float x, float limit, float yes, float no)
{ float y; asm("{ .reg .pred q; setp.lt.f32 q, %1, %2; selp.f32 %0, %3, %4, q; }" : "=f"(y) : "f"(x), "f"(limit), "f"(yes), "f"(no)); return y; }

// ---- words passed between blocks: value and tag in one 64-bit word, so one relaxed access carries both ----
__device__ __forceinline__ void gs_ld_word(const u64* p, u32& value, u32& tag) // one 8-byte access
{ asm volatile("ld.relaxed.gpu.global.v2.u32 {%0, %1}, [%2];" : "=r"(value), "=r"(tag) : "l"(p) : "memory"); }
// Published by a maximum, which is performed at the word's home in L2 and keeps the newest tag (the high half) in any order of arrival. A plain
// store may be seen by a near reader before it reaches home and then overtake a later store to the same word (seen on H100: a chain stopped).
__device__ __forceinline__ void gs_st_word(u64* p, float value, u32 tag, bool on) // predicated, not branched around
{
    asm volatile("{ .reg .pred q; .reg .b64 w; mov.b64 w, {%1, %2}; setp.ne.u32 q, %3, 0; @q red.relaxed.gpu.global.max.u64 [%0], w; }"
        :: "l"(p), "r"(__float_as_uint(value)), "r"(tag), "r"((u32)on) : "memory");
}
__device__ __forceinline__ u32 gs_ticket(u32* p, u32 wrap) { return atomicInc(p, wrap); }

// ---- lanes ----
__device__ __forceinline__ float gs_up(float v, int d) { return __shfl_up_sync(0xffffffffu, v, d); }
__device__ __forceinline__ float gs_down(float v, int d) { return __shfl_down_sync(0xffffffffu, v, d); }
__device__ __forceinline__ float gs_xor(float v, int m) { return __shfl_xor_sync(0xffffffffu, v, m); }
__device__ __forceinline__ float gs_idx(float v, int lane) { return __shfl_sync(0xffffffffu, v, lane); }
__device__ __forceinline__ bool gs_any(bool v) { return __any_sync(0xffffffffu, v) != 0; }
__device__ __forceinline__ u32 gs_ballot(bool v) { return __ballot_sync(0xffffffffu, v); }
__device__ __forceinline__ void gs_warp_sync() { __syncwarp(); }

// ---- tensor core, tf32: c[16x8] += a[16x8] b[8x8] ----
// lane = 4 g + q. a0 (row g, k q) a1 (g+8, q) a2 (g, q+4) a3 (g+8, q+4); b0 (k q, col g) b1 (q+4, g); c0,c1 (row g, col 2q, 2q+1) c2,c3 (g+8).
__device__ __forceinline__ void gs_mma_tf32(float4& c, float a0, float a1, float a2, float a3, float b0, float b1)
{
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c.x), "+f"(c.y), "+f"(c.z), "+f"(c.w)
        : "r"(__float_as_uint(a0)), "r"(__float_as_uint(a1)), "r"(__float_as_uint(a2)), "r"(__float_as_uint(a3)),
          "r"(__float_as_uint(b0)), "r"(__float_as_uint(b1)));
}

// ---- tensor core, bfloat16: c[16x8] += a[16x16] b[16x8], pairs of neighbours along the sum's index in a word, the lower one first ----
// a0 (row g, k 2q, 2q+1) a1 (g+8, 2q) a2 (g, 2q+8) a3 (g+8, 2q+8); b0 (k 2q, 2q+1, col g) b1 (2q+8); c as above. With 8 terms: a0, a1 and b0 alone.
__device__ __forceinline__ void gs_mma_bf16(float4& c, u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1)
{
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c.x), "+f"(c.y), "+f"(c.z), "+f"(c.w) : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}
__device__ __forceinline__ void gs_mma_bf16_k8(float4& c, u32 a0, u32 a1, u32 b0)
{
    asm("mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
        : "+f"(c.x), "+f"(c.y), "+f"(c.z), "+f"(c.w) : "r"(a0), "r"(a1), "r"(b0));
}
// ---- its operands from and to shared memory: tiles of 8 rows of 16 bytes, row r of tile i at the address that lane 8 i + r gives ----
// Lane 4 g + q has elements 2q, 2q+1 of row g of every tile; _turned: of column g.
__device__ __forceinline__ void gs_ld_tiles4(u32* r, const void* row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
        : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"((u32)__cvta_generic_to_shared(row)) : "memory");
}
__device__ __forceinline__ void gs_ld_tiles2(u32* r, const void* row) // addresses from lanes 0 to 15
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
        : "=r"(r[0]), "=r"(r[1]) : "r"((u32)__cvta_generic_to_shared(row)) : "memory");
}
__device__ __forceinline__ void gs_ld_tiles4_turned(u32* r, const void* row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
        : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"((u32)__cvta_generic_to_shared(row)) : "memory");
}
__device__ __forceinline__ void gs_ld_tiles2_turned(u32* r, const void* row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
        : "=r"(r[0]), "=r"(r[1]) : "r"((u32)__cvta_generic_to_shared(row)) : "memory");
}
__device__ __forceinline__ void gs_st_tiles4_turned(void* row, u32 r0, u32 r1, u32 r2, u32 r3)
{
    asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1,%2,%3,%4};"
        :: "r"((u32)__cvta_generic_to_shared(row)), "r"(r0), "r"(r1), "r"(r2), "r"(r3) : "memory");
}
// ---- some of a block's threads wait for each other; ids 1 to 15, whole warps ----
__device__ __forceinline__ void gs_barrier(int id, int threads) { asm volatile("bar.sync %0, %1;" :: "r"(id), "r"(threads) : "memory"); }

// ---- bfloat16 and vector loads ----
__device__ __forceinline__ u32 gs_pack_bf16(float lo, float hi)
{ u32 d; asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(d) : "f"(hi), "f"(lo)); return d; }
__device__ __forceinline__ u16 gs_to_bf16(float v)
{ u16 d; asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(d) : "f"(v)); return d; }
__device__ __forceinline__ uint4 gs_ldg16(const void* p) // read-only, pulls the whole 128-byte line into L2
{
    uint4 v;
    asm("ld.global.nc.L2::128B.v4.u32 {%0,%1,%2,%3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(p));
    return v;
}
__device__ __forceinline__ uint2 gs_ldg8(const void* p)
{
    uint2 v;
    asm("ld.global.nc.L2::128B.v2.u32 {%0,%1}, [%2];" : "=r"(v.x), "=r"(v.y) : "l"(p));
    return v;
}
// A store that is predicated, not branched around: what comes before and after can be mixed.
__device__ __forceinline__ void gs_store16_if(void* p, const uint4& v, bool on)
{
    asm volatile("{ .reg .pred q; setp.ne.u32 q, %5, 0; @q st.global.v4.u32 [%0], {%1, %2, %3, %4}; }"
        :: "l"(p), "r"(v.x), "r"(v.y), "r"(v.z), "r"(v.w), "r"((u32)on) : "memory");
}
// Asynchronous 16-byte copies to shared memory; a thread waits for its own.
__device__ __forceinline__ void gs_copy16(void* to, const void* from)
{ asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" :: "r"((u32)__cvta_generic_to_shared(to)), "l"(from) : "memory"); }
__device__ __forceinline__ void gs_copy16_or_zero(void* to, const void* from, bool copy) // zeros where not copied; from must be readable all the same
{
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;"
        :: "r"((u32)__cvta_generic_to_shared(to)), "l"(from), "r"(copy ? 16 : 0) : "memory");
}
__device__ __forceinline__ void gs_copy16_if(void* to, const void* from, bool copy) // predicated, not branched around
{
    asm volatile("{ .reg .pred q; setp.ne.u32 q, %2, 0; @q cp.async.cg.shared.global.L2::128B [%0], [%1], 16; }"
        :: "r"((u32)__cvta_generic_to_shared(to)), "l"(from), "r"((u32)copy) : "memory");
}
__device__ __forceinline__ void gs_copy4_if(void* to, const void* from, bool copy)
{
    asm volatile("{ .reg .pred q; setp.ne.u32 q, %2, 0; @q cp.async.ca.shared.global [%0], [%1], 4; }"
        :: "r"((u32)__cvta_generic_to_shared(to)), "l"(from), "r"((u32)copy) : "memory");
}
__device__ __forceinline__ void gs_copy_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
__device__ __forceinline__ void gs_copy_wait() { asm volatile("cp.async.wait_group 0;" ::: "memory"); }
template <int Pending> __device__ __forceinline__ void gs_copy_wait_but() { asm volatile("cp.async.wait_group %0;" :: "n"(Pending) : "memory"); }
#define gs_copy_wait_for(pending) gs_copy_wait_but<pending>()
// END OF PRIMITIVES

__device__ __forceinline__ float gs_lo(u32 w) { return __uint_as_float(w << 16); }
__device__ __forceinline__ float gs_hi(u32 w) { return __uint_as_float(w & 0xffff0000u); }
__device__ __forceinline__ float gs_from_bf16(u16 h) { return __uint_as_float((u32)h << 16); }
__device__ __forceinline__ void gs_unpack8(const uint4& v, float* f)
{
    f[0] = gs_lo(v.x); f[1] = gs_hi(v.x); f[2] = gs_lo(v.y); f[3] = gs_hi(v.y);
    f[4] = gs_lo(v.z); f[5] = gs_hi(v.z); f[6] = gs_lo(v.w); f[7] = gs_hi(v.w);
}
// Eight consecutive activations starting at element `at` (16-byte aligned), as loaded and as numbers.
struct GsRaw8
{
    uint4 a;
#if GS_F32_IO
    uint4 b;
#endif
};
__device__ __forceinline__ GsRaw8 gs_raw8(const void* base, i64 at)
{
    GsRaw8 r;
#if GS_F32_IO
    r.a = gs_ldg16((const float*)base + at); r.b = gs_ldg16((const float*)base + at + 4);
#else
    r.a = gs_ldg16((const u16*)base + at);
#endif
    return r;
}
__device__ __forceinline__ void gs_numbers(const GsRaw8& r, float* f)
{
#if GS_F32_IO
    f[0] = __uint_as_float(r.a.x); f[1] = __uint_as_float(r.a.y); f[2] = __uint_as_float(r.a.z); f[3] = __uint_as_float(r.a.w);
    f[4] = __uint_as_float(r.b.x); f[5] = __uint_as_float(r.b.y); f[6] = __uint_as_float(r.b.z); f[7] = __uint_as_float(r.b.w);
#else
    gs_unpack8(r.a, f);
#endif
}
__device__ __forceinline__ void gs_load8(const void* base, i64 at, float* f) { gs_numbers(gs_raw8(base, at), f); }
// A thread's own staging slots: piece i of a buffer of `threads` threads. Only the thread that copied reads them, so no barrier is needed.
#define GS_PIECES (GS_F32_IO ? 2 : 1)
__device__ __forceinline__ void gs_stage8(unsigned char* slots, int threads, int tid, int i, const void* base, i64 at)
{
#pragma unroll
    for (int j = 0; j < GS_PIECES; j++)
        gs_copy16(slots + ((i * GS_PIECES + j) * threads + tid) * 16, (const unsigned char*)base + at * GS_ESIZE + j * 16);
}
__device__ __forceinline__ void gs_staged8(const unsigned char* slots, int threads, int tid, int i, float* f)
{
    GsRaw8 r;
    r.a = *(const uint4*)(slots + (i * GS_PIECES * threads + tid) * 16);
#if GS_F32_IO
    r.b = *(const uint4*)(slots + ((i * GS_PIECES + 1) * threads + tid) * 16);
#endif
    gs_numbers(r, f);
}
__device__ __forceinline__ void gs_store8(void* base, i64 at, const float* f)
{
#if GS_F32_IO
    float4* p = (float4*)((float*)base + at);
    p[0] = make_float4(f[0], f[1], f[2], f[3]);
    p[1] = make_float4(f[4], f[5], f[6], f[7]);
#else
    *(uint4*)((u16*)base + at) = make_uint4(gs_pack_bf16(f[0], f[1]), gs_pack_bf16(f[2], f[3]), gs_pack_bf16(f[4], f[5]), gs_pack_bf16(f[6], f[7]));
#endif
}
__device__ __forceinline__ float gs_load1(const void* base, i64 at)
{
#if GS_F32_IO
    return ((const float*)base)[at];
#else
    return gs_from_bf16(((const u16*)base)[at]);
#endif
}

// Four consecutive activations.
__device__ __forceinline__ void gs_load4(const void* base, i64 at, float* f)
{
#if GS_F32_IO
    const uint4 a = gs_ldg16((const float*)base + at);
    f[0] = __uint_as_float(a.x); f[1] = __uint_as_float(a.y); f[2] = __uint_as_float(a.z); f[3] = __uint_as_float(a.w);
#else
    const uint2 a = gs_ldg8((const u16*)base + at);
    f[0] = gs_lo(a.x); f[1] = gs_hi(a.x); f[2] = gs_lo(a.y); f[3] = gs_hi(a.y);
#endif
}
__device__ __forceinline__ void gs_store4(void* base, i64 at, const float* f)
{
#if GS_F32_IO
    *(float4*)((float*)base + at) = make_float4(f[0], f[1], f[2], f[3]);
#else
    *(uint2*)((u16*)base + at) = make_uint2(gs_pack_bf16(f[0], f[1]), gs_pack_bf16(f[2], f[3]));
#endif
}
__device__ __forceinline__ void gs_store1(void* base, i64 at, float v)
{
#if GS_F32_IO
    ((float*)base)[at] = v;
#else
    ((u16*)base)[at] = gs_to_bf16(v);
#endif
}

#define GS_LOG2E 1.4426950408889634f
#define GS_LN2 0.6931471805599453f
// softplus(x) = max(x, 0) + log(1 + w), w = exp(-|x|); series below w = 0.03, where log2(1 + w) would lose digits.
__device__ __forceinline__ float gs_softplus(float x)
{
    const float w = gs_ex2(fabsf(x) * -GS_LOG2E), m = fmaxf(x, 0.0f);
    const float big = fmaf(gs_lg2(1.0f + w), GS_LN2, m);
    const float small = fmaf(w, fmaf(w, fmaf(w, fmaf(w, -0.25f, 0.33333333f), -0.5f), 1.0f), m);
    return w < 0.03f ? small : big;
}
// Derivative of softplus from its value d: 1 - exp(-d), by its series for small d.
__device__ __forceinline__ float gs_softplus_slope(float d)
{
    const float small = d * fmaf(d, fmaf(d, fmaf(d, -0.041666667f, 0.16666667f), -0.5f), 1.0f);
    return d < 0.03f ? small : 1.0f - gs_ex2(d * -GS_LOG2E);
}
__device__ __forceinline__ float gs_sigmoid(float x) { return gs_rcp(1.0f + gs_ex2(x * -GS_LOG2E)); }
__device__ __forceinline__ void gs_load8f(const float* p, float* f)
{
    const float4 a = *(const float4*)p, b = *(const float4*)(p + 4);
    f[0] = a.x; f[1] = a.y; f[2] = a.z; f[3] = a.w; f[4] = b.x; f[5] = b.y; f[6] = b.z; f[7] = b.w;
}
