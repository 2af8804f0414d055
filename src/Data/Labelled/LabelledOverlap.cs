using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace GenoSeq.Data;

/// <summary>Sequences that two parts of a set share, which makes a test score too good.</summary>
/// <param name="A">One part.</param>
/// <param name="B">The other.</param>
/// <param name="Equal">Different sequences that are in both, case apart.</param>
/// <param name="WithReverseComplements">The same, and those of <paramref name="B"/> whose reverse complement is in <paramref name="A"/>.</param>
public sealed record LabelledOverlap(LabelledPart A, LabelledPart B, int Equal, int WithReverseComplements)
{
    /// <summary>Repeats inside each part (rows beyond the first of a sequence), and what parts share.</summary>
    public static (IReadOnlyList<int> Repeats, IReadOnlyList<LabelledOverlap> Shared) Find(LabelledSet set)
    {
        ArgumentNullException.ThrowIfNull(set);
        var sequences = new Dictionary<UInt128, UInt128>[3];
        var repeats = new int[3];
        using var hasher = new Hasher();
        for (int p = 0; p < 3; p++)
        {
            sequences[p] = [];
            foreach (int row in set.Rows((LabelledPart)p))
            {
                UInt128 key = hasher.Hash(set, row, reverse: false);
                if (sequences[p].ContainsKey(key))
                {
                    repeats[p]++;
                    continue;
                }
                sequences[p].Add(key, hasher.Hash(set, row, reverse: true));
            }
        }
        LabelledOverlap[] shared =
        [
            Compare(sequences, LabelledPart.Train, LabelledPart.Dev),
            Compare(sequences, LabelledPart.Train, LabelledPart.Test),
            Compare(sequences, LabelledPart.Dev, LabelledPart.Test),
        ];
        return (repeats, shared);
    }

    private static LabelledOverlap Compare(Dictionary<UInt128, UInt128>[] sequences, LabelledPart a, LabelledPart b)
    {
        int equal = 0, either = 0;
        foreach ((UInt128 forward, UInt128 reverse) in sequences[(int)b])
        {
            bool same = sequences[(int)a].ContainsKey(forward);
            equal += same ? 1 : 0;
            either += same || sequences[(int)a].ContainsKey(reverse) ? 1 : 0;
        }
        return new LabelledOverlap(a, b, equal, either);
    }

    /// <summary>Half a SHA-256 of the row's upper-case sequences: collisions do not happen.</summary>
    private sealed class Hasher : IDisposable
    {
        private byte[] _buffer = ArrayPool<byte>.Shared.Rent(1 << 12);

        internal UInt128 Hash(LabelledSet set, int row, bool reverse)
        {
            ReadOnlySpan<byte> first = set.GetSequence(row);
            ReadOnlySpan<byte> second = set.GetSecondSequence(row);
            int length = first.Length + second.Length + 1;
            if (_buffer.Length < length)
            {
                ArrayPool<byte>.Shared.Return(_buffer);
                _buffer = ArrayPool<byte>.Shared.Rent(length);
            }
            Span<byte> text = _buffer.AsSpan(0, length);
            Put(first, text[..first.Length], reverse);
            text[first.Length] = (byte)'/';
            Put(second, text[(first.Length + 1)..], reverse);
            Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(text, digest);
            return MemoryMarshal.Read<UInt128>(digest);
        }

        public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

        private static void Put(ReadOnlySpan<byte> sequence, Span<byte> to, bool reverse)
        {
            for (int i = 0; i < sequence.Length; i++)
            {
                // Letters only, so one bit is the case; U and T are the same base.
                byte b = (byte)(sequence[i] & 0xDF);
                to[i] = b == 'U' ? (byte)'T' : b;
            }
            if (reverse)
            {
                DnaComplement.ReverseComplementInPlace(to);
            }
        }
    }
}
