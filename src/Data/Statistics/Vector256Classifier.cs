using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GenoSeq.Data;

/// <summary>
/// AVX2: the 128-entry class table as eight 16-entry shuffles, chosen by the byte's upper half.
/// </summary>
internal readonly struct Vector256Classifier : IBlockClassifier
{
    private readonly Vector256<byte> _t0, _t2, _t3, _t4, _t5, _t6, _t7;

    internal Vector256Classifier(SequenceLetters letters)
    {
        byte[] table = ByteClasses.Table(letters);
        Vector256<byte> Part(int p) => Vector256.Create(Vector128.Create<byte>(table.AsSpan(16 * p, 16)), Vector128.Create<byte>(table.AsSpan(16 * p, 16)));
        _t0 = Part(0);
        _t2 = Part(2);
        _t3 = Part(3);
        _t4 = Part(4);
        _t5 = Part(5);
        _t6 = Part(6);
        _t7 = Part(7);
    }

    internal static bool IsSupported => Avx2.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Classify(ref byte source, out BlockMasks masks)
    {
        Vector256<byte> a = Classes(Vector256.LoadUnsafe(ref source));
        Vector256<byte> b = Classes(Vector256.LoadUnsafe(ref source, 32));
        masks.Sequence = Bit(a, b, 7);
        masks.Strong = Bit(a, b, 6);
        masks.Weak = Bit(a, b, 5);
        masks.N = Bit(a, b, 4);
        masks.Lower = Bit(a, b, 3);
        masks.Foreign = Bit(a, b, 2);
        masks.LineFeed = Bit(a, b, 1);
        masks.CarriageReturn = Bit(a, b, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong NoQuality(ref byte source)
    {
        Vector256<byte> first = Vector256.Create((byte)'!');
        Vector256<byte> span = Vector256.Create((byte)('~' - '!'));
        ulong low = Vector256.GreaterThan(Vector256.LoadUnsafe(ref source) - first, span).ExtractMostSignificantBits();
        ulong high = Vector256.GreaterThan(Vector256.LoadUnsafe(ref source, 32) - first, span).ExtractMostSignificantBits();
        return low | (high << 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Bit(Vector256<byte> a, Vector256<byte> b, int shift) =>
        Vector256.ShiftLeft(a.AsUInt16(), shift).AsByte().ExtractMostSignificantBits()
        | ((ulong)Vector256.ShiftLeft(b.AsUInt16(), shift).AsByte().ExtractMostSignificantBits() << 32);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector256<byte> Classes(Vector256<byte> x)
    {
        // Part 1 (control characters from 16 on) has no class.
        Vector256<byte> low = x & Vector256.Create((byte)0x0F);
        Vector256<byte> part = Vector256.ShiftRightLogical(x.AsUInt16(), 4).AsByte() & Vector256.Create((byte)0x0F);
        return Pick(_t0, low, part, 0) | Pick(_t2, low, part, 2) | Pick(_t3, low, part, 3) | Pick(_t4, low, part, 4)
            | Pick(_t5, low, part, 5) | Pick(_t6, low, part, 6) | Pick(_t7, low, part, 7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Pick(Vector256<byte> table, Vector256<byte> low, Vector256<byte> part, byte which) =>
        Avx2.Shuffle(table, low) & Vector256.Equals(part, Vector256.Create(which));
}
