using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GenoSeq.Data;

/// <summary>A look-up of 256 bytes over whole sequences by vector shuffles, forward or from the last byte to the first.</summary>
internal sealed class ByteTable
{
    private readonly byte[] _table;

    // The table as the entries for a default (a constant, or the byte itself) and the 16-entry rows that differ from it:
    // tables over sequence letters have four such rows, so that a shuffle for each row is cheap.
    private readonly bool _xor;
    private readonly byte _default;
    private readonly byte[] _rows;
    private readonly Vector256<byte>[] _deltas;

    /// <param name="table">[256]</param>
    internal ByteTable(ReadOnlySpan<byte> table)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(table.Length, 256, nameof(table));
        _table = table.ToArray();
        _default = table[0];
        byte[] fromConstant = Rows(i => (byte)(_table[i] ^ _default));
        byte[] fromIdentity = Rows(i => (byte)(_table[i] ^ i));
        _xor = fromIdentity.Length < fromConstant.Length;
        _rows = _xor ? fromIdentity : fromConstant;
        _deltas = [.. _rows.Select(r => Vector256.Create(Row(r), Row(r)))];
    }

    /// <summary>The table of a function of a byte.</summary>
    internal static ByteTable Of(Func<byte, byte> function) =>
        new([.. Enumerable.Range(0, 256).Select(i => function((byte)i))]);

    /// <summary>Entry of one byte.</summary>
    internal byte this[byte value] => _table[value];

    /// <summary>Sets target[i] = table[source[i]], or, reversed, table[source[length − 1 − i]].</summary>
    /// <param name="source">[length]</param>
    /// <param name="target">[length] or longer; must not overlap the source.</param>
    /// <param name="reversed">Whether the source is read from its end.</param>
    internal void Map(ReadOnlySpan<byte> source, Span<byte> target, bool reversed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(target.Length, source.Length, nameof(target));
        int done = Avx512Vbmi.IsSupported ? Map512(source, target, reversed)
            : Avx2.IsSupported ? Map256(source, target, reversed) : 0;
        MapScalar(source, target, reversed, done);
    }

    internal void MapScalar(ReadOnlySpan<byte> source, Span<byte> target, bool reversed, int first = 0)
    {
        ReadOnlySpan<byte> table = _table;
        if (reversed)
        {
            for (int i = first; i < source.Length; i++)
            {
                target[i] = table[source[source.Length - 1 - i]];
            }
        }
        else
        {
            for (int i = first; i < source.Length; i++)
            {
                target[i] = table[source[i]];
            }
        }
    }

    internal int Map512(ReadOnlySpan<byte> source, Span<byte> target, bool reversed)
    {
        ref byte from = ref MemoryMarshal.GetReference(source);
        ref byte to = ref MemoryMarshal.GetReference(target);
        ref byte table = ref MemoryMarshal.GetArrayDataReference(_table);
        Vector512<byte> t0 = Vector512.LoadUnsafe(ref table);
        Vector512<byte> t1 = Vector512.LoadUnsafe(ref table, 64);
        Vector512<byte> t2 = Vector512.LoadUnsafe(ref table, 128);
        Vector512<byte> t3 = Vector512.LoadUnsafe(ref table, 192);
        Vector512<byte> backwards = Vector512.Create((byte)63) - Vector512<byte>.Indices;
        int i = 0;
        for (; i <= source.Length - 64; i += 64)
        {
            Vector512<byte> v;
            if (reversed)
            {
                v = Avx512Vbmi.PermuteVar64x8(Vector512.LoadUnsafe(ref from, (nuint)(source.Length - 64 - i)), backwards);
            }
            else
            {
                v = Vector512.LoadUnsafe(ref from, (nuint)i);
            }

            Vector512<byte> low = Avx512Vbmi.PermuteVar64x8x2(t0, v, t1);
            Vector512<byte> high = Avx512Vbmi.PermuteVar64x8x2(t2, v, t3);
            Vector512<byte> top = Vector512.LessThan(v.AsSByte(), Vector512<sbyte>.Zero).AsByte();
            Vector512.ConditionalSelect(top, high, low).StoreUnsafe(ref to, (nuint)i);
        }
        return i;
    }

    internal int Map256(ReadOnlySpan<byte> source, Span<byte> target, bool reversed)
    {
        ref byte from = ref MemoryMarshal.GetReference(source);
        ref byte to = ref MemoryMarshal.GetReference(target);
        Vector256<byte> nibble = Vector256.Create((byte)0x0F);
        Vector256<byte> backwards = Vector256.Create((byte)15) - (Vector256<byte>.Indices & nibble);
        Vector256<byte> constant = Vector256.Create(_xor ? (byte)0 : _default);
        Vector256<byte> keep = _xor ? Vector256<byte>.AllBitsSet : Vector256<byte>.Zero;
        int i = 0;
        for (; i <= source.Length - 32; i += 32)
        {
            Vector256<byte> v;
            if (reversed)
            {
                v = Avx2.Shuffle(Vector256.LoadUnsafe(ref from, (nuint)(source.Length - 32 - i)), backwards);
                v = Avx2.Permute2x128(v, v, 0x01);
            }
            else
            {
                v = Vector256.LoadUnsafe(ref from, (nuint)i);
            }

            Vector256<byte> result = (v & keep) ^ constant;
            Vector256<byte> column = v & nibble;
            Vector256<byte> row = v & ~nibble;
            for (int r = 0; r < _rows.Length; r++)
            {
                Vector256<byte> here = Vector256.Equals(row, Vector256.Create((byte)(_rows[r] << 4)));
                result ^= here & Avx2.Shuffle(_deltas[r], column);
            }
            result.StoreUnsafe(ref to, (nuint)i);
        }
        return i;
    }

    private Vector128<byte> Row(byte row)
    {
        Span<byte> delta = stackalloc byte[16];
        for (int i = 0; i < 16; i++)
        {
            int at = (row * 16) + i;
            delta[i] = (byte)(_table[at] ^ (_xor ? at : _default));
        }
        return Vector128.Create<byte>(delta);
    }

    private static byte[] Rows(Func<int, byte> delta) =>
        [.. Enumerable.Range(0, 16).Where(r => Enumerable.Range(r * 16, 16).Any(i => delta(i) != 0)).Select(r => (byte)r)];
}
