using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GenoSeq.Data;

/// <summary>
/// Unpacks 2bit bases: four a byte, the first in the two highest bits; T 0, C 1, A 2, G 3.
/// </summary>
/// <remarks>
/// Three ways that give the same letters: with AVX-512 VBMI a multi-shift picks all 64 pairs of bits of 16 bytes at
/// once; with AVX2 both halves of a byte are looked up and interleaved; else a table of 256 words.
/// </remarks>
internal static class TwoBitDecoder
{
    private static readonly uint[] s_words = BuildWords();
    private static readonly byte[] s_pairs = Pairs();

    /// <summary>Unpacks whole bytes: the destination holds four letters for each.</summary>
    internal static void Decode(ReadOnlySpan<byte> packed, Span<byte> letters)
    {
        int done = Avx512Vbmi.IsSupported ? DecodeVbmi(packed, letters) : Avx2.IsSupported ? DecodeAvx2(packed, letters) : 0;
        DecodeScalar(packed[done..], letters[(4 * done)..]);
    }

    /// <summary>One base: 0 to 3 from the highest bits.</summary>
    internal static byte Letter(byte packed, int which) => (byte)(s_words[packed] >> (8 * which));

    internal static void DecodeScalar(ReadOnlySpan<byte> packed, Span<byte> letters)
    {
        for (int i = 0; i < packed.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(letters[(4 * i)..], s_words[packed[i]]);
        }
    }

    /// <summary>Unpacks as many groups of 16 bytes as there are; returns how many bytes that was.</summary>
    internal static int DecodeVbmi(ReadOnlySpan<byte> packed, Span<byte> letters)
    {
        if (letters.Length < 4 * packed.Length)
        {
            throw new ArgumentException("four letters a byte are needed", nameof(letters));
        }
        // Each 64-bit lane gets two packed bytes and shifts them by 6, 4, 2, 0 and 14, 12, 10, 8.
        Vector512<byte> spread = Vector512.Create(s_pairs);
        Vector512<byte> shifts = Vector512.Create(0x080A0C0E00020406UL).AsByte();
        Vector512<byte> table = Vector512.Create("TCAG"u8[0] | ((uint)'C' << 8) | ((uint)'A' << 16) | ((uint)'G' << 24)).AsByte();
        Vector512<byte> low = Vector512.Create((byte)3);
        ref byte source = ref MemoryMarshal.GetReference(packed);
        ref byte target = ref MemoryMarshal.GetReference(letters);
        int i = 0;
        for (; i <= packed.Length - 16; i += 16)
        {
            Vector512<byte> bytes = Vector128.LoadUnsafe(ref source, (nuint)i).ToVector256Unsafe().ToVector512Unsafe();
            Vector512<ulong> pairs = Avx512Vbmi.PermuteVar64x8(bytes, spread).AsUInt64();
            Vector512<byte> codes = Avx512Vbmi.MultiShift(shifts, pairs) & low;
            Avx512BW.Shuffle(table, codes).StoreUnsafe(ref target, (nuint)(4 * i));
        }
        return i;
    }

    /// <summary>Unpacks as many groups of 32 bytes as there are; returns how many bytes that was.</summary>
    internal static int DecodeAvx2(ReadOnlySpan<byte> packed, Span<byte> letters)
    {
        if (letters.Length < 4 * packed.Length)
        {
            throw new ArgumentException("four letters a byte are needed", nameof(letters));
        }
        // Of a half byte abcd, ab is the first base and cd the second.
        Vector256<byte> first = Vector256.Create(Vector128.Create("TTTTCCCCAAAAGGGG"u8), Vector128.Create("TTTTCCCCAAAAGGGG"u8));
        Vector256<byte> second = Vector256.Create(Vector128.Create("TCAGTCAGTCAGTCAG"u8), Vector128.Create("TCAGTCAGTCAGTCAG"u8));
        Vector256<byte> half = Vector256.Create((byte)0x0F);
        ref byte source = ref MemoryMarshal.GetReference(packed);
        ref byte target = ref MemoryMarshal.GetReference(letters);
        int i = 0;
        for (; i <= packed.Length - 32; i += 32)
        {
            Vector256<byte> bytes = Vector256.LoadUnsafe(ref source, (nuint)i);
            Vector256<byte> high = (bytes.AsUInt16() >> 4).AsByte() & half;
            Vector256<byte> low = bytes & half;
            Vector256<byte> a = Avx2.Shuffle(first, high);
            Vector256<byte> b = Avx2.Shuffle(second, high);
            Vector256<byte> c = Avx2.Shuffle(first, low);
            Vector256<byte> d = Avx2.Shuffle(second, low);
            Vector256<ushort> ab0 = Avx2.UnpackLow(a, b).AsUInt16();
            Vector256<ushort> ab1 = Avx2.UnpackHigh(a, b).AsUInt16();
            Vector256<ushort> cd0 = Avx2.UnpackLow(c, d).AsUInt16();
            Vector256<ushort> cd1 = Avx2.UnpackHigh(c, d).AsUInt16();
            // Each holds 16 letters of the lower and 16 of the upper 16 bytes.
            Vector256<byte> q0 = Avx2.UnpackLow(ab0, cd0).AsByte();
            Vector256<byte> q1 = Avx2.UnpackHigh(ab0, cd0).AsByte();
            Vector256<byte> q2 = Avx2.UnpackLow(ab1, cd1).AsByte();
            Vector256<byte> q3 = Avx2.UnpackHigh(ab1, cd1).AsByte();
            nuint to = (nuint)(4 * i);
            Avx2.Permute2x128(q0, q1, 0x20).StoreUnsafe(ref target, to);
            Avx2.Permute2x128(q2, q3, 0x20).StoreUnsafe(ref target, to + 32);
            Avx2.Permute2x128(q0, q1, 0x31).StoreUnsafe(ref target, to + 64);
            Avx2.Permute2x128(q2, q3, 0x31).StoreUnsafe(ref target, to + 96);
        }
        return i;
    }

    /// <summary>Sets bit 5 of every letter: lower case.</summary>
    internal static void ToLower(Span<byte> letters)
    {
        ref byte start = ref MemoryMarshal.GetReference(letters);
        int i = 0;
        for (; i <= letters.Length - Vector256<byte>.Count; i += Vector256<byte>.Count)
        {
            (Vector256.LoadUnsafe(ref start, (nuint)i) | Vector256.Create((byte)0x20)).StoreUnsafe(ref start, (nuint)i);
        }
        for (; i < letters.Length; i++)
        {
            Unsafe.Add(ref start, i) |= 0x20;
        }
    }

    // For each of the 64 letters, the byte of its lane: lane l has bytes 2l and 2l + 1 in front, the rest does not matter.
    private static byte[] Pairs()
    {
        var pairs = new byte[64];
        for (int i = 0; i < 64; i++)
        {
            pairs[i] = (byte)((i / 8 * 2) + (i & 1));
        }
        return pairs;
    }

    private static uint[] BuildWords()
    {
        var words = new uint[256];
        for (int b = 0; b < 256; b++)
        {
            for (int k = 0; k < 4; k++)
            {
                words[b] |= (uint)"TCAG"[(b >> (6 - (2 * k))) & 3] << (8 * k);
            }
        }
        return words;
    }
}
