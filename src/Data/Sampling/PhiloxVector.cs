using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GenoSeq.Data;

/// <summary>Philox4x32-10 on four or eight blocks at once; the same numbers as the scalar form.</summary>
internal static class PhiloxVector
{
    /// <summary>Words that one step makes.</summary>
    internal const int Words = 16;

    internal static bool IsSupported => Avx2.IsSupported;

    /// <summary>Fills whole groups of <see cref="Words"/> and returns how many words it wrote.</summary>
    /// <param name="words">Receives the words.</param>
    /// <param name="block">Number of the first block, the low half of the counter.</param>
    /// <param name="index">The high half of the counter.</param>
    /// <param name="key">The key.</param>
    internal static int Fill(Span<uint> words, ulong block, ulong index, ulong key)
    {
        int done = Avx512F.IsSupported ? Fill512(words, block, index, key) : 0;
        return done + Fill256(words[done..], block + ((ulong)done >> 2), index, key);
    }

    internal static int Fill256(Span<uint> words, ulong block, ulong index, ulong key)
    {
        ref uint target = ref MemoryMarshal.GetReference(words);
        int done = 0;
        for (; done <= words.Length - Words; done += Words)
        {
            // Four blocks side by side, each 32-bit word alone in a 64-bit lane, where the widening multiply wants it.
            Vector256<ulong> counter = Vector256.Create(block) + Vector256.Create(0UL, 1, 2, 3);
            Step(counter, index, key, ref Unsafe.Add(ref target, done));
            block += 4;
        }
        return done;
    }

    internal static int Fill512(Span<uint> words, ulong block, ulong index, ulong key)
    {
        ref uint target = ref MemoryMarshal.GetReference(words);
        Vector512<uint> m0 = Vector512.Create((ulong)CounterRandom.Multiplier0).AsUInt32();
        Vector512<uint> m1 = Vector512.Create((ulong)CounterRandom.Multiplier1).AsUInt32();
        // The multiply reads the low half of a lane only, so what products leave in the high half need not be cleared before
        // the end.
        Vector512<ulong> index0 = Vector512.Create(index);
        Vector512<ulong> index1 = Vector512.Create(index >> 32);
        int done = 0;
        // Four groups of eight blocks at once: one round's ten cycles of latency are filled with the other groups', and a
        // round's keys are spread over the lanes once for all four.
        for (; done <= words.Length - 128; done += 128)
        {
            Vector512<ulong> a0 = Vector512.Create(block) + Vector512<ulong>.Indices;
            Vector512<ulong> b0 = a0 + Vector512.Create(8UL);
            Vector512<ulong> c0 = a0 + Vector512.Create(16UL);
            Vector512<ulong> d0 = a0 + Vector512.Create(24UL);
            (Vector512<ulong> a1, Vector512<ulong> a2, Vector512<ulong> a3) = (a0 >>> 32, index0, index1);
            (Vector512<ulong> b1, Vector512<ulong> b2, Vector512<ulong> b3) = (b0 >>> 32, index0, index1);
            (Vector512<ulong> c1, Vector512<ulong> c2, Vector512<ulong> c3) = (c0 >>> 32, index0, index1);
            (Vector512<ulong> d1, Vector512<ulong> d2, Vector512<ulong> d3) = (d0 >>> 32, index0, index1);
            uint k0 = (uint)key;
            uint k1 = (uint)(key >> 32);
            for (int round = 0; round < CounterRandom.Rounds; round++)
            {
                Vector512<ulong> key0 = Vector512.Create((ulong)k0);
                Vector512<ulong> key1 = Vector512.Create((ulong)k1);
                Vector512<ulong> aP = Avx512F.Multiply(m0, a0.AsUInt32());
                Vector512<ulong> aQ = Avx512F.Multiply(m1, a2.AsUInt32());
                a0 = (aQ >>> 32) ^ a1 ^ key0;
                a2 = (aP >>> 32) ^ a3 ^ key1;
                a1 = aQ;
                a3 = aP;
                Vector512<ulong> bP = Avx512F.Multiply(m0, b0.AsUInt32());
                Vector512<ulong> bQ = Avx512F.Multiply(m1, b2.AsUInt32());
                b0 = (bQ >>> 32) ^ b1 ^ key0;
                b2 = (bP >>> 32) ^ b3 ^ key1;
                b1 = bQ;
                b3 = bP;
                Vector512<ulong> cP = Avx512F.Multiply(m0, c0.AsUInt32());
                Vector512<ulong> cQ = Avx512F.Multiply(m1, c2.AsUInt32());
                c0 = (cQ >>> 32) ^ c1 ^ key0;
                c2 = (cP >>> 32) ^ c3 ^ key1;
                c1 = cQ;
                c3 = cP;
                Vector512<ulong> dP = Avx512F.Multiply(m0, d0.AsUInt32());
                Vector512<ulong> dQ = Avx512F.Multiply(m1, d2.AsUInt32());
                d0 = (dQ >>> 32) ^ d1 ^ key0;
                d2 = (dP >>> 32) ^ d3 ^ key1;
                d1 = dQ;
                d3 = dP;
                k0 += CounterRandom.Weyl0;
                k1 += CounterRandom.Weyl1;
            }
            Store(a0, a1, a2, a3, ref Unsafe.Add(ref target, done + 0));
            Store(b0, b1, b2, b3, ref Unsafe.Add(ref target, done + 32));
            Store(c0, c1, c2, c3, ref Unsafe.Add(ref target, done + 64));
            Store(d0, d1, d2, d3, ref Unsafe.Add(ref target, done + 96));
            block += 32;
        }
        return done;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<ulong> c0, Vector512<ulong> c1, Vector512<ulong> c2, Vector512<ulong> c3, ref uint target)
    {
        // Words of a block belong together: here are words 0 and 1 (first) and 2 and 3 (second) of eight blocks.
        Vector512<ulong> low = Vector512.Create((ulong)uint.MaxValue);
        Vector512<ulong> first = (c0 & low) | (c1 << 32);
        Vector512<ulong> second = (c2 & low) | (c3 << 32);
        Avx512F.PermuteVar8x64x2(first, Vector512.Create(0UL, 8, 1, 9, 2, 10, 3, 11), second).AsUInt32().StoreUnsafe(ref target);
        Avx512F.PermuteVar8x64x2(first, Vector512.Create(4UL, 12, 5, 13, 6, 14, 7, 15), second).AsUInt32().StoreUnsafe(ref target, 16);
    }

    private static void Step(Vector256<ulong> counter, ulong index, ulong key, ref uint target)
    {
        Vector256<ulong> low = Vector256.Create((ulong)uint.MaxValue);
        Vector256<uint> m0 = Vector256.Create((ulong)CounterRandom.Multiplier0).AsUInt32();
        Vector256<uint> m1 = Vector256.Create((ulong)CounterRandom.Multiplier1).AsUInt32();
        Vector256<ulong> c0 = counter & low;
        Vector256<ulong> c1 = counter >>> 32;
        Vector256<ulong> c2 = Vector256.Create(index & uint.MaxValue);
        Vector256<ulong> c3 = Vector256.Create(index >> 32);
        uint k0 = (uint)key;
        uint k1 = (uint)(key >> 32);
        for (int round = 0; round < CounterRandom.Rounds; round++)
        {
            Vector256<ulong> product0 = Avx2.Multiply(m0, c0.AsUInt32());
            Vector256<ulong> product1 = Avx2.Multiply(m1, c2.AsUInt32());
            c0 = (product1 >>> 32) ^ c1 ^ Vector256.Create((ulong)k0);
            c2 = (product0 >>> 32) ^ c3 ^ Vector256.Create((ulong)k1);
            c1 = product1 & low;
            c3 = product0 & low;
            k0 += CounterRandom.Weyl0;
            k1 += CounterRandom.Weyl1;
        }
        // Words of a block belong together: pair them up to 64 bits, then interleave the pairs.
        Vector256<ulong> first = c0 | (c1 << 32);
        Vector256<ulong> second = c2 | (c3 << 32);
        Vector256<ulong> even = Avx2.UnpackLow(first, second);
        Vector256<ulong> odd = Avx2.UnpackHigh(first, second);
        even.GetLower().AsUInt32().StoreUnsafe(ref target, 0);
        odd.GetLower().AsUInt32().StoreUnsafe(ref target, 4);
        even.GetUpper().AsUInt32().StoreUnsafe(ref target, 8);
        odd.GetUpper().AsUInt32().StoreUnsafe(ref target, 12);
    }
}
