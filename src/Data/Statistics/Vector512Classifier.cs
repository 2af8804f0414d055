using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GenoSeq.Data;

/// <summary>AVX-512 VBMI: the whole class table in two registers, one permutation for 64 bytes.</summary>
internal readonly struct Vector512Classifier : IBlockClassifier
{
    private readonly Vector512<byte> _low;
    private readonly Vector512<byte> _high;

    internal Vector512Classifier(SequenceLetters letters)
    {
        byte[] table = ByteClasses.Table(letters);
        _low = Vector512.Create<byte>(table.AsSpan(0, 64));
        _high = Vector512.Create<byte>(table.AsSpan(64, 64));
    }

    internal static bool IsSupported => Avx512Vbmi.IsSupported && Avx512BW.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Classify(ref byte source, out BlockMasks masks)
    {
        Vector512<byte> x = Vector512.LoadUnsafe(ref source);
        Vector512<byte> c = Avx512Vbmi.PermuteVar64x8x2(_low, x, _high);

        // The permutation looks at seven bits; bytes above 127 have no class.
        c = Vector512.AndNot(c, Vector512.ShiftRightArithmetic(x.AsSByte(), 7).AsByte());
        masks.Sequence = Bit(c, ByteClasses.Sequence);
        masks.Strong = Bit(c, ByteClasses.Strong);
        masks.Weak = Bit(c, ByteClasses.Weak);
        masks.N = Bit(c, ByteClasses.N);
        masks.Lower = Bit(c, ByteClasses.Lower);
        masks.Foreign = Bit(c, ByteClasses.Foreign);
        masks.LineFeed = Bit(c, ByteClasses.LineFeed);
        masks.CarriageReturn = c.ExtractMostSignificantBits();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong NoQuality(ref byte source) => Vector512.GreaterThan(
        Vector512.LoadUnsafe(ref source) - Vector512.Create((byte)'!'), Vector512.Create((byte)('~' - '!'))).ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Bit(Vector512<byte> classes, byte bit) =>
        (~Vector512.Equals(classes & Vector512.Create(bit), Vector512<byte>.Zero)).ExtractMostSignificantBits();
}
