using System.Runtime.CompilerServices;

namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>Loads and stores of a tile of channels that may be narrower than a register.</summary>
internal static unsafe class Lanes<TOps, TVec>
    where TOps : ISimd<TVec>
    where TVec : unmanaged
{
    /// <summary>Loads <paramref name="count"/> floats; missing lanes are 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Load(float* source, int count) => count == TOps.Width ? TOps.Load(source) : LoadPart(source, count);

    /// <summary>Stores the first <paramref name="count"/> lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* target, TVec value, int count)
    {
        if (count == TOps.Width) TOps.Store(target, value);
        else StorePart(target, value, count);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TVec LoadPart(float* source, int count)
    {
        TVec value = default;
        for (int i = 0; i < count; i++) ((float*)&value)[i] = source[i];
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StorePart(float* target, TVec value, int count)
    {
        for (int i = 0; i < count; i++) target[i] = ((float*)&value)[i];
    }
}
