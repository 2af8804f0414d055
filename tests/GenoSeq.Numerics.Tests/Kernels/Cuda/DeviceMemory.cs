using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GenoSeq.Numerics.Tests.Kernels.Cuda;

/// <summary>Buffers of one kernel run, aligned as a device's, filled with NaN where nothing was given, with guards around them.</summary>
internal sealed unsafe class DeviceMemory(bool f32) : IDisposable
{
    private const int Guard = 256;
    private const byte GuardByte = 0xfe;
    private readonly List<(nint Address, long Bytes)> _all = [];

    /// <summary>Bytes of an activation.</summary>
    public int ActivationBytes => f32 ? 4 : 2;

    /// <summary>Room for elements, all bits set (NaN in every type).</summary>
    public void* Raw(long bytes, byte fill = 0xff)
    {
        byte* p = (byte*)NativeMemory.AlignedAlloc((nuint)(bytes + (2 * Guard)), 128);
        Unsafe.InitBlock(p, GuardByte, Guard);
        new Span<byte>(p + Guard, checked((int)bytes)).Fill(fill);
        Unsafe.InitBlockUnaligned(p + Guard + bytes, GuardByte, Guard);
        _all.Add(((nint)p, bytes));
        return p + Guard;
    }

    /// <summary>An fp32 array; null stays null.</summary>
    public float* Floats(double[]? values)
    {
        if (values is null) return null;
        float* p = (float*)Raw(values.Length * 4L);
        for (int i = 0; i < values.Length; i++) p[i] = (float)values[i];
        return p;
    }

    /// <summary>Room for an fp32 array.</summary>
    public float* Floats(long count) => (float*)Raw(count * 4);

    public int* Ints(int[]? values)
    {
        if (values is null) return null;
        int* p = (int*)Raw(values.Length * 4L);
        values.CopyTo(new Span<int>(p, values.Length));
        return p;
    }

    /// <summary>Activations in rows of `width`, `stride` elements apart; null stays null.</summary>
    public void* Activations(double[]? values, int width, int stride)
    {
        if (values is null) return null;
        int rows = values.Length / width;
        byte* p = (byte*)Raw((long)rows * stride * ActivationBytes);
        for (int i = 0; i < values.Length; i++)
        {
            long at = ((long)(i / width) * stride) + (i % width);
            if (f32) ((float*)p)[at] = (float)values[i];
            else ((ushort*)p)[at] = ToBf16(values[i]);
        }

        return p;
    }

    public void* Activations(long rows, int stride) => Raw(rows * stride * ActivationBytes);

    public double[] Read(void* p, int rows, int width, int stride)
    {
        var values = new double[rows * width];
        for (int i = 0; i < values.Length; i++)
        {
            long at = ((long)(i / width) * stride) + (i % width);
            values[i] = f32 ? ((float*)p)[at] : FromBf16(((ushort*)p)[at]);
        }

        return values;
    }

    public static double[] Read(float* p, int count)
    {
        var values = new double[count];
        for (int i = 0; i < count; i++) values[i] = p[i];
        return values;
    }

    /// <summary>Nothing was written around any buffer.</summary>
    public void CheckGuards()
    {
        foreach ((nint address, long bytes) in _all)
        {
            Assert.Equal(-1, new ReadOnlySpan<byte>((void*)address, Guard).IndexOfAnyExcept(GuardByte));
            Assert.Equal(-1, new ReadOnlySpan<byte>((byte*)address + Guard + bytes, Guard).IndexOfAnyExcept(GuardByte));
        }
    }

    /// <summary>Rounds to bf16, so that every precision sees the same inputs.</summary>
    public static void RoundToBf16(double[]? values)
    {
        for (int i = 0; i < (values?.Length ?? 0); i++) values![i] = FromBf16(ToBf16(values[i]));
    }

    public void Dispose()
    {
        foreach ((nint address, _) in _all) NativeMemory.AlignedFree((void*)address);
        _all.Clear();
    }

    private static double FromBf16(ushort h) => BitConverter.UInt32BitsToSingle((uint)h << 16);

    private static ushort ToBf16(double v)
    {
        uint u = BitConverter.SingleToUInt32Bits((float)v);
        return (ushort)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
    }
}
