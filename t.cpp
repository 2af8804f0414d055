// The part of CUDA C++ the kernels use, as plain C++: qualifiers, vector types, arithmetic.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __forceinline__ inline
#define __align__(n) alignas(n)
#define __launch_bounds__(...)
#define __grid_constant__
#define __restrict__

typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned short u16;
typedef long long i64;

// Vector types are aligned as on the device: the compiler's checks then find misaligned accesses.
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(8) int2 { int x, y; };
struct alignas(8) float2 { float x, y; };
static inline uint4 make_uint4(unsigned a, unsigned b, unsigned c, unsigned d) { return {a, b, c, d}; }
static inline int4 make_int4(int a, int b, int c, int d) { return {a, b, c, d}; }
static inline float4 make_float4(float a, float b, float c, float d) { return {a, b, c, d}; }
static inline uint2 make_uint2(unsigned a, unsigned b) { return {a, b}; }
static inline int2 make_int2(int a, int b) { return {a, b}; }
static inline float2 make_float2(float a, float b) { return {a, b}; }

static inline u32 __float_as_uint(float f) { u32 u; memcpy(&u, &f, 4); return u; }
static inline float __uint_as_float(u32 u) { float f; memcpy(&f, &u, 4); return f; }
static inline int __float_as_int(float f) { return (int)__float_as_uint(f); }
static inline float __int_as_float(int u) { return __uint_as_float((u32)u); }
static inline int __popc(u32 v) { return __builtin_popcount(v); }
static inline int __ffs(u32 v) { return __builtin_ffs((int)v); }
static inline int __clz(u32 v) { return v == 0 ? 32 : __builtin_clz(v); }
static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }

// Both arguments are converted to their common type, as the device's overloads do.
template <class A, class B> static inline auto min(A a, B b) -> decltype(a + b) { using C = decltype(a + b); return (C)a < (C)b ? (C)a : (C)b; }
template <class A, class B> static inline auto max(A a, B b) -> decltype(a + b) { using C = decltype(a + b); return (C)a > (C)b ? (C)a : (C)b; }
// Threads of a block as fibers of one system thread. A fiber runs until it waits (for its warp, for its block, for a word in
// memory); then the next runnable fiber is entered directly. Blocks of a grid run one after another, or several at once in a
// random order of warps (`resident`, `seed`), which shows missing barriers: results must not depend on it.
namespace emu {

struct Index3 { unsigned x, y, z; };
struct LaunchArguments { u32 grid[3]; u32 threads, shared, resident, seed; };

constexpr unsigned StackBytes = 128 * 1024, Guard = 1024, StaticBytes = 64 * 1024, SlotBytes = 64, Barriers = 16;

struct Copy { void* to; const void* from; unsigned bytes, group; };
struct Block;
struct Warp;
struct Fiber
{
    void* sp;
    Block* block;
    Warp* warp;
    unsigned lane, thread, operations, group;   // operations: collectives so far; group: of asynchronous copies
    int barrier;                                // waited for, or -1
    std::vector<Copy> copies;
};
struct Warp
{
    Fiber* fibers;
    u32 ready, gathered, live;                  // lanes: runnable, waiting in a collective, not returned
    const char* kind;                           // of the collective
    alignas(16) unsigned char slots[2][32][SlotBytes];
};
struct Block
{
    Index3 index;
    unsigned live, arrived[Barriers], expected[Barriers];
    unsigned char* shared;                      // [Guard][dynamic][Guard]
    unsigned char* fixed;                       // variables, each followed by a guard
};

static Fiber root, *current;
static std::vector<Fiber> fibers;
static std::vector<Warp> warps;
static std::vector<Block> blocks;
static unsigned char* stacks;
static size_t stackCount;
static LaunchArguments launch;
static void (*body)(const void*);
static const void* argument;
static u32 randomState;
static u64 spins;
static bool finished;
static char message[512];

#if defined(__x86_64__)
extern "C" void emu_switch(void** save, void* to);
// Callee-saved registers live on the fiber's own stack.
asm(".text\n.local emu_switch\n.type emu_switch,@function\nemu_switch:\n"
    "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
    "mov %rsp,(%rdi)\nmov %rsi,%rsp\n"
    "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n.size emu_switch,.-emu_switch\n");
static void Prepare(Fiber& f, unsigned char* stack, void (*start)())
{
    void** sp = (void**)(stack + StackBytes - 64);
    *--sp = nullptr;                            // where a return address of start would be: keeps the ABI's alignment
    *--sp = (void*)start;
    for (int i = 0; i < 6; i++) *--sp = nullptr;
    f.sp = sp;
}
static void SwitchRaw(Fiber* from, Fiber* to) { emu_switch(&from->sp, to->sp); }
#else
}
#include <ucontext.h>
namespace emu {
static void Prepare(Fiber& f, unsigned char* stack, void (*start)())
{
    if (f.sp == nullptr) f.sp = new ucontext_t;
    ucontext_t* c = (ucontext_t*)f.sp;
    getcontext(c);
    c->uc_stack.ss_sp = stack; c->uc_stack.ss_size = StackBytes; c->uc_link = nullptr;
    makecontext(c, start, 0);
}
static void SwitchRaw(Fiber* from, Fiber* to)
{
    if (from->sp == nullptr) from->sp = new ucontext_t;
    swapcontext((ucontext_t*)from->sp, (ucontext_t*)to->sp);
}
#endif
}

static emu::Index3 threadIdx, blockIdx, blockDim, gridDim;

namespace emu {

static void Switch(Fiber* to)
{
    Fiber* me = current;
    current = to;
    SwitchRaw(me, to);
    current = me;
    if (me != &root) { threadIdx = {me->thread, 0, 0}; blockIdx = me->block->index; }
}

// Ends the launch with a message; does not return.
template <class... A> [[noreturn]] static void Fail(const char* format, A... a)
{
    int n = snprintf(message, sizeof message, "block (%u, %u, %u), thread %u: ", blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x);
    snprintf(message + n, sizeof message - n, format, a...);
    finished = true;
    Switch(&root);
    __builtin_unreachable();
}

static u32 Random() { randomState = randomState * 1664525u + 1013904223u; return randomState >> 8; }
static Fiber* First(Warp& w)
{ return w.fibers + (launch.seed == 0 ? __builtin_ctz(w.ready) : 31 - __builtin_clz(w.ready)); }

// The next runnable fiber, or null. Unseeded: lanes and warps in order. Seeded: lanes downwards, warps at random.
static Fiber* Next()
{
    Warp* w = current->warp;
    const u32 others = launch.seed == 0 ? ~((2u << current->lane) - 1) : (1u << current->lane) - 1;
    const u32 left = w->ready & others;
    if (left != 0) return w->fibers + (launch.seed == 0 ? __builtin_ctz(left) : 31 - __builtin_clz(left));
    const size_t count = warps.size(), start = launch.seed == 0 ? (size_t)(w - warps.data()) + 1 : Random();
    for (size_t i = 0; i < count; i++)
    {
        Warp& v = warps[(start + i) % count];
        if (v.ready != 0) return First(v);
    }
    return nullptr;
}
static void Wait()
{
    Fiber* next = Next();
    if (next == nullptr)
    {
        const char* kind = "nothing";
        unsigned atBarrier = 0, inWarp = 0;
        for (Fiber& f : fibers) atBarrier += f.barrier >= 0;
        for (Warp& w : warps) if (w.gathered != 0) { inWarp += __builtin_popcount(w.gathered); kind = w.kind; }
        Fail("all threads wait: %u at a barrier, %u in a warp's collective (%s)", atBarrier, inWarp, kind);
    }
    if (next != current) Switch(next);
}
// Lets others run: for loops that wait for memory.
static void Spin()
{
    if (++spins > 20000000) Fail("waits for a word that does not come");
    Wait();
}
static void Progress() { spins = 0; }

// All 32 lanes put `bytes` of value down; returns the slots of all lanes, valid until the next collective but one.
static const unsigned char (*Gather(const char* kind, const void* value, unsigned bytes))[SlotBytes]
{
    Fiber* me = current;
    Warp& w = *me->warp;
    if (w.live != 0xffffffffu) Fail("%s after lanes of the warp have returned (alive: %08x)", kind, w.live);
    if (w.gathered != 0 && w.kind != kind) Fail("%s meets %s in one warp", kind, w.kind);
    auto* slots = w.slots[me->operations++ & 1];
    if (bytes > 0) memcpy(slots[me->lane], value, bytes);
    w.kind = kind;
    w.gathered |= 1u << me->lane;
    w.ready &= ~(1u << me->lane);
    if (w.gathered == 0xffffffffu) { w.gathered = 0; w.ready = 0xffffffffu; }
    else Wait();
    return slots;
}
template <class T> static T Exchange(const char* kind, T v, int from)
{
    static_assert(sizeof(T) <= SlotBytes, "slot");
    const auto* slots = Gather(kind, &v, sizeof v);
    T r;
    memcpy(&r, slots[from & 31], sizeof r);
    return r;
}

static void Release(Block& b, int barrier)
{
    b.arrived[barrier] = 0;
    for (Fiber& f : fibers)
        if (f.block == &b && f.barrier == barrier) { f.barrier = -1; f.warp->ready |= 1u << f.lane; }
}
// Barrier 0 with count 0 is __syncthreads: all threads that have not returned.
static void Barrier(int barrier = 0, unsigned count = 0)
{
    Fiber* me = current;
    Block& b = *me->block;
    if ((unsigned)barrier >= Barriers) Fail("barrier %d does not exist", barrier);
    b.expected[barrier] = count;
    me->barrier = barrier;
    me->warp->ready &= ~(1u << me->lane);
    if (++b.arrived[barrier] == (count == 0 ? b.live : count)) Release(b, barrier);
    else Wait();
}

// Asynchronous copies are done as late as the kernel allows, so that a missing wait shows.
static void CopyLater(void* to, const void* from, unsigned bytes)
{
    if (((uintptr_t)to | (uintptr_t)from) % bytes != 0) Fail("misaligned copy of %u bytes", bytes);
    current->copies.push_back({to, from, bytes, current->group});
}
static void CopyWait(unsigned pending)
{
    Fiber& f = *current;
    size_t n = 0;
    for (; n < f.copies.size() && f.copies[n].group + pending < f.group; n++) memcpy(f.copies[n].to, f.copies[n].from, f.copies[n].bytes);
    f.copies.erase(f.copies.begin(), f.copies.begin() + n);
}

// Memory that nobody wrote reads as NaN (0xffff...); guards hold another NaN (0xfffe...).
static void FillGuard(unsigned char* p, size_t bytes) { for (size_t i = 0; i < bytes; i++) p[i] = i & 1 ? 0xff : 0xfe; }
static void CheckGuard(const unsigned char* p, size_t bytes, const char* what)
{ for (size_t i = 0; i < bytes; i++) if (p[i] != (i & 1 ? 0xff : 0xfe)) Fail("wrote %s of shared memory (byte %zu)", what, i); }

static unsigned fixedOffsets[64], fixedEnds[64], fixedCount, fixedUsed;
// The block's instance of the id-th `__shared__` variable.
template <unsigned Id, class T> static T& Fixed()
{
    static const unsigned at = []
    {
        const unsigned offset = fixedUsed;
        fixedOffsets[fixedCount] = offset;
        fixedEnds[fixedCount++] = offset + sizeof(T);
        fixedUsed = (offset + (unsigned)sizeof(T) + 64 + 15) / 16 * 16;
        if (fixedUsed > StaticBytes) Fail("more than %u bytes of static shared memory", StaticBytes);
        for (Block& b : blocks)
        {
            memset(b.fixed + offset, 0xff, sizeof(T));
            FillGuard(b.fixed + offset + sizeof(T), fixedUsed - offset - sizeof(T));
        }
        return offset;
    }();
    return *(T*)(current->block->fixed + at);
}
static unsigned char* Dynamic() { return current->block->shared + Guard; }

static void Start()
{
    threadIdx = {current->thread, 0, 0};
    blockIdx = current->block->index;
    body(argument);
    Fiber& me = *current;
    Block& b = *me.block;
    const u32 lane = 1u << me.lane;
    for (const Copy& c : me.copies) memcpy(c.to, c.from, c.bytes);
    me.copies.clear();
    if (me.warp->gathered != 0) Fail("returns while lanes of its warp wait in %s", me.warp->kind);
    me.warp->ready &= ~lane;
    me.warp->live &= ~lane;
    Progress();
    if (--b.live == 0)
    {
        CheckGuard(b.shared, Guard, "before the start");
        CheckGuard(b.shared + Guard + launch.shared, Guard, "past the end");
        for (unsigned i = 0; i < fixedCount; i++)
            CheckGuard(b.fixed + fixedEnds[i], (i + 1 < fixedCount ? fixedOffsets[i + 1] : fixedUsed) - fixedEnds[i], "past a variable");
        Switch(&root);
    }
    if (b.arrived[0] != 0 && b.expected[0] == 0 && b.arrived[0] == b.live) Release(b, 0);
    Wait();
    __builtin_unreachable();
}

static void Begin(unsigned slot, u64 number)
{
    Block& b = blocks[slot];
    b.index = {(unsigned)(number % gridDim.x), (unsigned)(number / gridDim.x % gridDim.y), (unsigned)(number / gridDim.x / gridDim.y)};
    b.live = launch.threads;
    memset(b.arrived, 0, sizeof b.arrived);
    FillGuard(b.shared, Guard);
    memset(b.shared + Guard, 0xff, launch.shared);
    FillGuard(b.shared + Guard + launch.shared, Guard);
    for (unsigned i = 0; i < fixedCount; i++) memset(b.fixed + fixedOffsets[i], 0xff, fixedEnds[i] - fixedOffsets[i]);
    for (unsigned t = 0; t < launch.threads; t++)
    {
        const size_t i = (size_t)slot * launch.threads + t;
        Fiber& f = fibers[i];
        f.block = &b; f.warp = &warps[i / 32]; f.lane = t & 31; f.thread = t; f.operations = 0; f.group = 0; f.barrier = -1;
        f.copies.clear();
        Prepare(f, stacks + i * StackBytes, Start);
        if ((t & 31) == 0) { Warp& w = *f.warp; w.fibers = &f; w.ready = w.live = 0xffffffffu; w.gathered = 0; }
    }
}

static const char* Run(const LaunchArguments& l, void (*kernel)(const void*), const void* arguments)
{
    launch = l; body = kernel; argument = arguments; message[0] = 0; finished = false; spins = 0; randomState = l.seed;
    blockDim = {l.threads, 1, 1};
    gridDim = {l.grid[0], l.grid[1], l.grid[2]};
    const u64 total = (u64)l.grid[0] * l.grid[1] * l.grid[2];
    const unsigned resident = (unsigned)(total < l.resident ? total : l.resident);
    fibers.resize((size_t)resident * l.threads);
    warps.assign((size_t)resident * l.threads / 32, Warp());
    if (stackCount < fibers.size())
    {
        delete[] stacks;
        stackCount = fibers.size();
        stacks = new unsigned char[stackCount * StackBytes];
    }
    for (Block& b : blocks) { free(b.shared); free(b.fixed); }
    blocks.assign(resident, Block());
    for (Block& b : blocks)
    {
        b.shared = (unsigned char*)aligned_alloc(128, (l.shared + 2 * Guard + 127) / 128 * 128);
        b.fixed = (unsigned char*)aligned_alloc(128, StaticBytes);
        for (unsigned i = 0; i < fixedCount; i++)
            FillGuard(b.fixed + fixedEnds[i], (i + 1 < fixedCount ? fixedOffsets[i + 1] : fixedUsed) - fixedEnds[i]);
    }
    u64 begun = 0, running = 0;
    for (unsigned s = 0; s < resident; s++, running++) Begin(s, begun++);
    current = &root;
    while (!finished && running > 0)
    {
        Fiber* next = nullptr;
        const size_t count = warps.size(), start = l.seed == 0 ? 0 : Random();
        for (size_t i = 0; i < count && next == nullptr; i++)
            if (warps[(start + i) % count].ready != 0) next = First(warps[(start + i) % count]);
        if (next == nullptr) { snprintf(message, sizeof message, "the blocks left wait for each other"); break; }
        Switch(next);
        for (unsigned s = 0; s < resident && !finished; s++)
            if (blocks[s].live == 0 && blocks[s].shared != nullptr)
            {
                if (begun < total) Begin(s, begun++);
                else { running--; blocks[s].live = ~0u; }
            }
    }
    return message[0] != 0 ? message : nullptr;
}

// The kernel's one parameter is a struct passed by value; its size must be the caller's.
template <class T> static const char* RunEntry(void (*)(T), void (*call)(const void*), const void* arguments, long bytes, const LaunchArguments* l)
{
    using Plain = std::remove_const_t<T>;
    if ((long)sizeof(Plain) != bytes)
    {
        snprintf(message, sizeof message, "the kernel's argument has %zu bytes, the caller's has %ld", sizeof(Plain), bytes);
        return message;
    }
    return Run(*l, call, arguments);
}
}

#define EMU_ENTRY(name, type) \
    extern "C" __attribute__((visibility("default"))) const char* emu_entry_##name(const void* a, long bytes, const emu::LaunchArguments* l) \
    { return emu::RunEntry(&name, [](const void* p) { name(*(const type*)p); }, a, bytes, l); }

// The compiler's checks (-fsanitize=alignment,null,bounds) call these.
struct EmuPlace { const char* file; u32 line, column; };
extern "C" void __ubsan_handle_type_mismatch_v1(EmuPlace* at, void* p)
{ emu::Fail("%s:%u: misaligned or null access at %p", at->file, at->line, p); }
extern "C" void __ubsan_handle_out_of_bounds(EmuPlace* at, void* index)
{ emu::Fail("%s:%u: index %ld is outside the array", at->file, at->line, (long)(intptr_t)index); }
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
static inline void gs_copy_commit() { emu::current->group++; }
static inline void gs_copy_wait() { emu::CopyWait(0); }
template <int Pending> static inline void gs_copy_wait_but() { emu::CopyWait(Pending); }
#define gs_copy_wait_for(pending) gs_copy_wait_but<pending>()

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

#line 1 "split_mma.cu"
// Products on the tensor core that keep more digits than its operands' 11 bits (tf32): a number is cut into what the tensor core reads
// exactly and the rest, and the products of the parts are summed. A bfloat16 is read exactly as it is.
__device__ __forceinline__ float gs_cut(float v) { return __uint_as_float(__float_as_uint(v) & 0xffffe000u); }
// To the nearest number that the tensor core reads exactly: for operands that are not cut in two, so that the errors have no sign.
__device__ __forceinline__ float gs_near_tf32(float v) { return __uint_as_float((__float_as_uint(v) + 0x1000u) & 0xffffe000u); }
// c[16x8] += a[16x8] b[8x8]; SplitA, SplitB: the operand is cut in two (the product of the two rests is left out: 2^-22).
template <bool SplitA, bool SplitB>
__device__ __forceinline__ void gs_mma_split(float4& c, const float* a, float b0, float b1)
{
    if (SplitA)
    {
        gs_mma_tf32(c, a[0] - gs_cut(a[0]), a[1] - gs_cut(a[1]), a[2] - gs_cut(a[2]), a[3] - gs_cut(a[3]), SplitB ? gs_cut(b0) : b0, SplitB ? gs_cut(b1) : b1);
    }
    if (SplitB)
    {
        gs_mma_tf32(c, SplitA ? gs_cut(a[0]) : a[0], SplitA ? gs_cut(a[1]) : a[1], SplitA ? gs_cut(a[2]) : a[2], SplitA ? gs_cut(a[3]) : a[3],
            b0 - gs_cut(b0), b1 - gs_cut(b1));
    }
    gs_mma_tf32(c, SplitA ? gs_cut(a[0]) : a[0], SplitA ? gs_cut(a[1]) : a[1], SplitA ? gs_cut(a[2]) : a[2], SplitA ? gs_cut(a[3]) : a[3],
        SplitB ? gs_cut(b0) : b0, SplitB ? gs_cut(b1) : b1);
}

#line 1 "tiles.cu"
// Tiles in shared memory and products of them on the tensor core: bfloat16, or single precision cut in two tf32 parts (split_mma.cu).
#if GS_F32_IO
typedef float gs_t;
#else
typedef u16 gs_t;
#endif
constexpr int GS_PAD = 16 / GS_ESIZE; // a row of 16 m + GS_PAD elements is an odd number of 16-byte pieces: no bank conflicts
__device__ __forceinline__ float gs_tile_get1(const gs_t* at)
{
#if GS_F32_IO
    return *at;
#else
    return gs_from_bf16(*at);
#endif
}
__device__ __forceinline__ void gs_tile_put1(gs_t* at, float v)
{
#if GS_F32_IO
    *at = v;
#else
    *at = gs_to_bf16(v);
#endif
}
__device__ __forceinline__ void gs_tile_get8(const gs_t* at, float* f)
{
#if GS_F32_IO
    gs_load8f(at, f);
#else
    gs_unpack8(*(const uint4*)at, f);
#endif
}
__device__ __forceinline__ void gs_tile_get2(const gs_t* at, float& x, float& y)
{
#if GS_F32_IO
    const float2 v = *(const float2*)at;
    x = v.x; y = v.y;
#else
    const u32 v = *(const u32*)at;
    x = gs_lo(v); y = gs_hi(v);
#endif
}
__device__ __forceinline__ void gs_tile_put2(gs_t* at, float x, float y)
{
#if GS_F32_IO
    *(float2*)at = make_float2(x, y);
#else
    *(u32*)at = gs_pack_bf16(x, y);
#endif
}
// A warp's accumulators: row `lane / 4` and the eighth after it, columns 8 n + 2 (lane % 4) and the next.
template <int Tiles> __device__ __forceinline__ void gs_tile_zero(float4* c)
{
#pragma unroll
    for (int n = 0; n < Tiles; n++) c[n] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
}
template <int Tiles> __device__ __forceinline__ void gs_tile_put(gs_t* rows, int pitch, const float4* c)
{
    const int lane = threadIdx.x & 31;
    gs_t* at = rows + (lane >> 2) * pitch + 2 * (lane & 3);
#pragma unroll
    for (int n = 0; n < Tiles; n++)
    {
        gs_tile_put2(at + 8 * n, c[n].x, c[n].y);
        gs_tile_put2(at + 8 * pitch + 8 * n, c[n].z, c[n].w);
    }
}
// c[16 x 8 Tiles] += A[16 x k] B[k x 8 Tiles], k from `first` to `end`, multiples of 16; column tiles from `tiles` on (an even number) are left out.
// A lies as [row][k] or, turned, as [k][row]; B as [column][k] or, turned, as [k][column]. By a whole warp.
template <bool ATurned, bool BTurned, int Tiles>
__device__ __forceinline__ void gs_tile_product(float4* c, const gs_t* a, int a_pitch, const gs_t* b, int b_pitch, int first, int end, int tiles = Tiles)
{
    const int lane = threadIdx.x & 31;
#if GS_F32_IO
    const int g = lane >> 2, q = lane & 3;
#pragma unroll 2
    for (int k = first; k < end; k += 8)
    {
        float f[4];
        if (ATurned)
        {
            const float* at = a + (k + q) * a_pitch + g;
            f[0] = at[0]; f[1] = at[8]; f[2] = at[4 * a_pitch]; f[3] = at[4 * a_pitch + 8];
        }
        else
        {
            const float* at = a + g * a_pitch + k + q;
            f[0] = at[0]; f[1] = at[8 * a_pitch]; f[2] = at[4]; f[3] = at[8 * a_pitch + 4];
        }
#pragma unroll
        for (int n = 0; n < Tiles; n++)
        {
            if (n >= tiles) break;
            const float* at = BTurned ? b + (k + q) * b_pitch + 8 * n + g : b + (8 * n + g) * b_pitch + k + q;
            gs_mma_split<true, true>(c[n], f, at[0], at[BTurned ? 4 * b_pitch : 4]);
        }
    }
#else
    const int tile = lane >> 3, row = lane & 7, odd = (tile & 1) * 8, high = (tile >> 1) * 8;
    const gs_t* from_a = ATurned ? a + (high + row) * a_pitch + odd : a + (odd + row) * a_pitch + high;
    const gs_t* from_b = BTurned ? b + (odd + row) * b_pitch + high : b + (high + row) * b_pitch + odd;
#pragma unroll 2
    for (int k = first; k < end; k += 16)
    {
        u32 f[4];
        if (ATurned) gs_ld_tiles4_turned(f, from_a + k * a_pitch);
        else gs_ld_tiles4(f, from_a + k);
#pragma unroll
        for (int n = 0; n < Tiles; n += 2)
        {
            if (n >= tiles) break;
            u32 w[4];
            if (BTurned) gs_ld_tiles4_turned(w, from_b + k * b_pitch + 8 * n);
            else gs_ld_tiles4(w, from_b + 8 * n * b_pitch + k);
            gs_mma_bf16(c[n], f[0], f[1], f[2], f[3], w[0], w[1]);
            gs_mma_bf16(c[n + 1], f[0], f[1], f[2], f[3], w[2], w[3]);
        }
    }
#endif
}

#line 1 "state_pass.cu"
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

EMU_ENTRY(gs_state_pass, GsPass)
