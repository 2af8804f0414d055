using System.Runtime.InteropServices;

namespace GenoSeq.Benchmarks.Kernels;

/// <summary>Aligned native memory filled with seeded uniform values.</summary>
internal sealed unsafe class NativeFloats : IDisposable
{
    public NativeFloats(long count, float low = 0f, float high = 0f, int seed = 1)
    {
        Data = (float*)NativeMemory.AlignedAlloc((nuint)count * sizeof(float), 64);
        var random = new Random(seed);
        for (long i = 0; i < count; i++) Data[i] = low == high ? low : low + ((high - low) * random.NextSingle());
    }

    public float* Data { get; private set; }

    public void Dispose()
    {
        NativeMemory.AlignedFree(Data);
        Data = null;
    }
}
