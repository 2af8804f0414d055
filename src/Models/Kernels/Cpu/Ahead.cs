using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>
/// Rows a later step of a kernel will touch, brought into cache one line at a time while the present step computes. A tile's
/// rows are one cache line each and often a page apart, which hardware prefetchers do not follow.
/// </summary>
internal readonly unsafe struct Ahead
{
    private readonly byte* _next;
    private readonly long _step;

    public Ahead(float* first, long step)
    {
        _next = (byte*)first;
        _step = step * sizeof(float);
    }

    private Ahead(byte* next, long step)
    {
        _next = next;
        _step = step;
    }

    /// <summary>Nothing to fetch: the same line of scratch again and again.</summary>
    public static Ahead Nothing(float* scratch) => new(scratch, 0);

    /// <summary>Fetches one line; harmless wherever it points.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Line(float* address)
    {
        if (Sse.IsSupported) Sse.Prefetch0(address);
    }

    /// <summary>Fetches the present line; continue with the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Ahead Fetch()
    {
        if (Sse.IsSupported) Sse.Prefetch0(_next);
        return new Ahead(_next + _step, _step);
    }
}
