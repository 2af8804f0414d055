// What stands in common.cu above "END OF PRIMITIVES", for the emulator. A primitive that a kernel file brings there needs its twin
// here: emu::Exchange and emu::Gather (collectives of a warp), emu::Barrier (of a block), emu::CopyLater / CopyWait (asynchronous
// copies), emu::Spin (in loads that wait for another thread's store) and emu::Progress (in such stores) are there to build on.
#ifndef GS_F32_IO
#define GS_F32_IO 0
#endif
#define GS_ESIZE (GS_F32_IO ? 4 : 2)

static inline void __syncthreads() { emu::Barrier(); }
static inline void __syncwarp(u32 = 0xffffffffu) { emu::Gather("__syncwarp", nullptr, 0); }
static inline void __threadfence() {}
static inline void __threadfence_block() {}
template <class T> static inline T __shfl_sync(u32, T v, int from) { return emu::Exchange("__shfl", v, from); }
template <class T> static inline T __shfl_up_sync(u32, T v, int d)
{ const int l = (int)emu::current->lane; return emu::Exchange("__shfl_up", v, l >= d ? l - d : l); }
template <class T> static inline T __shfl_down_sync(u32, T v, int d)
{ const int l = (int)emu::current->lane; return emu::Exchange("__shfl_down", v, l + d < 32 ? l + d : l); }
template <class T> static inline T __shfl_xor_sync(u32, T v, int m) { return emu::Exchange("__shfl_xor", v, (int)emu::current->lane ^ m); }
static inline u32 __ballot_sync(u32, bool v)
{
    const auto* slots = emu::Gather("__ballot", &v, sizeof v);
    u32 r = 0;
    for (int i = 0; i < 32; i++) r |= (u32)(slots[i][0] != 0) << i;
    return r;
}
static inline int __any_sync(u32 m, bool v) { return __ballot_sync(m, v) != 0; }
static inline int __all_sync(u32 m, bool v) { return __ballot_sync(m, v) == 0xffffffffu; }
template <class T> static inline T atomicAdd(T* p, T v) { emu::Progress(); T old = *p; *p = old + v; return old; }
template <class T> static inline T atomicMax(T* p, T v) { emu::Progress(); T old = *p; if (v > old) *p = v; return old; }
static inline u32 atomicInc(u32* p, u32 wrap) { emu::Progress(); u32 old = *p; *p = old >= wrap ? 0 : old + 1; return old; }

static inline float gs_ex2(float x) { return exp2f(x); }
static inline float gs_lg2(float x) { return log2f(x); }
static inline float gs_rcp(float x) { return 1.0f / x; }
static inline float gs_rsqrt(float x) { return 1.0f / sqrtf(x); }
static inline float gs_tanh(float x) { return tanhf(x); }
static inline float gs_select_below(float x, float limit, float yes, float no) { return x < limit ? yes : no; }

static inline void gs_ld_word(const u64* p, u32& value, u32& tag)
{ emu::Spin(); const u64 w = *(const volatile u64*)p; value = (u32)w; tag = (u32)(w >> 32); }
static inline void gs_st_word(u64* p, float value, u32 tag, bool on)
{
    const u64 w = (u64)tag << 32 | __float_as_uint(value);
    if (on) { emu::Progress(); if (w > *p) *p = w; }
}
static inline u32 gs_ticket(u32* p, u32 wrap) { return atomicInc(p, wrap); }

static inline float gs_up(float v, int d) { return __shfl_up_sync(0xffffffffu, v, d); }
static inline float gs_down(float v, int d) { return __shfl_down_sync(0xffffffffu, v, d); }
static inline float gs_xor(float v, int m) { return __shfl_xor_sync(0xffffffffu, v, m); }
static inline float gs_idx(float v, int lane) { return __shfl_sync(0xffffffffu, v, lane); }
static inline bool gs_any(bool v) { return __any_sync(0xffffffffu, v) != 0; }
static inline u32 gs_ballot(bool v) { return __ballot_sync(0xffffffffu, v); }
static inline void gs_warp_sync() { __syncwarp(); }

// The tensor core cuts its operands to tf32.
static inline void gs_mma_tf32(float4& c, float a0, float a1, float a2, float a3, float b0, float b1)
{
    const auto cut = [](float v) { return __uint_as_float(__float_as_uint(v) & 0xffffe000u); };
    const float mine[6] = {cut(a0), cut(a1), cut(a2), cut(a3), cut(b0), cut(b1)};
    const auto* slots = emu::Gather("gs_mma_tf32", mine, sizeof mine);
    const auto at = [&](int lane, int i) { float f; memcpy(&f, slots[lane] + i * 4, 4); return f; };
    const int g = (int)emu::current->lane >> 2, q = (int)emu::current->lane & 3;
    float* r[4] = {&c.x, &c.y, &c.z, &c.w};
    for (int i = 0; i < 4; i++)
    {
        const int high = i >> 1, column = 2 * q + (i & 1);
        float sum = *r[i];
        for (int k = 0; k < 8; k++) sum += at(g * 4 + (k & 3), high + (k >= 4 ? 2 : 0)) * at(column * 4 + (k & 3), 4 + (k >= 4));
        *r[i] = sum;
    }
}

// bfloat16: the operands are exact, the sum is kept in single precision.
static inline void EmuMmaBf16(const char* kind, float4& c, const u32* mine, int k)
{
    const auto* slots = emu::Gather(kind, mine, 6 * sizeof(u32));
    const auto at = [&](int lane, int i, int half)
    { u32 w; memcpy(&w, slots[lane] + i * 4, 4); return __uint_as_float(half ? w & 0xffff0000u : w << 16); };
    const int g = (int)emu::current->lane >> 2, q = (int)emu::current->lane & 3;
    float* r[4] = {&c.x, &c.y, &c.z, &c.w};
    for (int i = 0; i < 4; i++)
    {
        const int high = i >> 1, column = 2 * q + (i & 1);
        float sum = *r[i];
        for (int j = 0; j < k; j++)
            sum += at(g * 4 + (j >> 1 & 3), high + (j >= 8 ? 2 : 0), j & 1) * at(column * 4 + (j >> 1 & 3), 4 + (j >= 8), j & 1);
        *r[i] = sum;
    }
}
static inline void gs_mma_bf16(float4& c, u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1)
{ const u32 mine[6] = {a0, a1, a2, a3, b0, b1}; EmuMmaBf16("gs_mma_bf16", c, mine, 16); }
static inline void gs_mma_bf16_k8(float4& c, u32 a0, u32 a1, u32 b0)
{ const u32 mine[6] = {a0, a1, 0, 0, b0, 0}; EmuMmaBf16("gs_mma_bf16_k8", c, mine, 8); }

static inline void EmuLoadTiles(const char* kind, u32* r, const void* row, int tiles, bool turned)
{
    const auto* slots = emu::Gather(kind, &row, sizeof row);
    const int g = (int)emu::current->lane >> 2, q = (int)emu::current->lane & 3;
    for (int i = 0; i < tiles; i++)
    {
        u16 v[2];
        for (int h = 0; h < 2; h++)
        {
            const u16* p;
            memcpy(&p, slots[8 * i + (turned ? 2 * q + h : g)], sizeof p);
            if ((uintptr_t)p % 16 != 0) emu::Fail("%s: misaligned row at %p", kind, p);
            v[h] = p[turned ? g : 2 * q + h];
        }
        r[i] = v[0] | (u32)v[1] << 16;
    }
}
static inline void gs_ld_tiles4(u32* r, const void* row) { EmuLoadTiles("gs_ld_tiles4", r, row, 4, false); }
static inline void gs_ld_tiles2(u32* r, const void* row) { EmuLoadTiles("gs_ld_tiles2", r, row, 2, false); }
static inline void gs_ld_tiles4_turned(u32* r, const void* row) { EmuLoadTiles("gs_ld_tiles4_turned", r, row, 4, true); }
static inline void gs_ld_tiles2_turned(u32* r, const void* row) { EmuLoadTiles("gs_ld_tiles2_turned", r, row, 2, true); }
// Every lane writes the row whose address it gave.
static inline void gs_st_tiles4_turned(void* row, u32 r0, u32 r1, u32 r2, u32 r3)
{
    const u32 mine[4] = {r0, r1, r2, r3};
    const auto* slots = emu::Gather("gs_st_tiles4_turned", mine, sizeof mine);
    const int i = (int)emu::current->lane >> 3, at = (int)emu::current->lane & 7;
    if ((uintptr_t)row % 16 != 0) emu::Fail("gs_st_tiles4_turned: misaligned row at %p", row);
    for (int c = 0; c < 8; c++)
    {
        u32 w;
        memcpy(&w, slots[c * 4 + (at >> 1)] + i * 4, 4);
        ((u16*)row)[c] = (u16)(at & 1 ? w >> 16 : w);
    }
}
static inline void gs_barrier(int id, int threads) { emu::Barrier(id, (unsigned)threads); }

static inline u16 gs_to_bf16(float v)
{
    const u32 u = __float_as_uint(v);
    return v != v ? 0x7fff : (u16)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}
static inline u32 gs_pack_bf16(float lo, float hi) { return gs_to_bf16(lo) | (u32)gs_to_bf16(hi) << 16; }
static inline uint4 gs_ldg16(const void* p) { return *(const uint4*)p; }
static inline uint2 gs_ldg8(const void* p) { return *(const uint2*)p; }
static inline void gs_store16_if(void* p, const uint4& v, bool on) { if (on) *(uint4*)p = v; }
static inline void gs_copy16(void* to, const void* from) { emu::CopyLater(to, from, 16); }
static inline void gs_copy16_or_zero(void* to, const void* from, bool copy)
{
    alignas(16) static const unsigned char zeros[16] = {};
    emu::CopyLater(to, copy ? from : zeros, 16);
}
static inline void gs_copy16_if(void* to, const void* from, bool copy) { if (copy) emu::CopyLater(to, from, 16); }
static inline void gs_copy4_if(void* to, const void* from, bool copy) { if (copy) emu::CopyLater(to, from, 4); }
static inline void gs_copy_commit() { emu::current->group++; }
static inline void gs_copy_wait() { emu::CopyWait(0); }
template <int Pending> static inline void gs_copy_wait_but() { emu::CopyWait(Pending); }
#define gs_copy_wait_for(pending) gs_copy_wait_but<pending>()
