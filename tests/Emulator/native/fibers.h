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
