using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace GenoSeq.Data;

/// <summary>Complement and reverse complement of ASCII sequence bytes over the IUPAC codes; case is kept.</summary>
/// <remarks>
/// A-T, C-G, R-Y, K-M, B-V, D-H; S, W and N are their own complements; U becomes A. Every other byte stays as it is.
/// </remarks>
public static class DnaComplement
{
    private static readonly byte[] s_table = BuildTable();

    // Low five bits of a letter to the low five bits of its complement: a letter's case sits in the upper bits.
    private static readonly byte[] s_lowBits =
        [.. Enumerable.Range(0, 32).Select(i => (byte)(s_table[0x40 | i] & 0x1F))];

    /// <summary>256 complements, indexed by the byte.</summary>
    public static ReadOnlySpan<byte> Table => s_table;

    /// <summary>Complement of one byte.</summary>
    public static byte Of(byte value) => s_table[value];

    /// <summary>Complements every byte in place, order unchanged.</summary>
    public static void ComplementInPlace(Span<byte> bases)
    {
        int i = 0;
        if (Vector128.IsHardwareAccelerated)
        {
            Vector128<byte> low = Vector128.Create(s_lowBits.AsSpan(0, 16));
            Vector128<byte> high = Vector128.Create(s_lowBits.AsSpan(16, 16));
            Vector128<byte> bit4 = Vector128.Create((byte)0x10);
            Vector128<byte> topTwoBits = Vector128.Create((byte)0xC0);
            ref byte start = ref MemoryMarshal.GetReference(bases);
            for (; i <= bases.Length - Vector128<byte>.Count; i += Vector128<byte>.Count)
            {
                Vector128<byte> v = Vector128.LoadUnsafe(ref start, (nuint)i);
                Vector128<byte> index = v & Vector128.Create((byte)0x0F);
                Vector128<byte> upperHalf = Vector128.Equals(v & bit4, bit4);
                Vector128<byte> letter = Vector128.Equals(v & topTwoBits, Vector128.Create((byte)0x40));
                Vector128<byte> five = Vector128.ConditionalSelect(
                    upperHalf, Vector128.ShuffleNative(high, index), Vector128.ShuffleNative(low, index));
                Vector128<byte> complement = (v & Vector128.Create((byte)0xE0)) | five;
                Vector128.ConditionalSelect(letter, complement, v).StoreUnsafe(ref start, (nuint)i);
            }
        }
        for (; i < bases.Length; i++)
        {
            bases[i] = s_table[bases[i]];
        }
    }

    /// <summary>Replaces a sequence by the opposite strand read 5' to 3'.</summary>
    public static void ReverseComplementInPlace(Span<byte> bases)
    {
        // Two vectorised passes over cached data; the framework's Reverse is vectorised as well.
        ComplementInPlace(bases);
        bases.Reverse();
    }

    private static byte[] BuildTable()
    {
        var table = new byte[256];
        for (int i = 0; i < 256; i++)
        {
            table[i] = (byte)i;
        }
        const string codes = "ATCGRYKMBVDH";
        for (int i = 0; i < codes.Length; i += 2)
        {
            Pair(codes[i], codes[i + 1]);
            Pair(codes[i + 1], codes[i]);
        }
        Pair('U', 'A');
        return table;

        void Pair(char from, char to)
        {
            table[from] = (byte)to;
            table[char.ToLowerInvariant(from)] = (byte)char.ToLowerInvariant(to);
        }
    }
}
