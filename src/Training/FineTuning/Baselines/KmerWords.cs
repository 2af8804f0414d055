using GenoSeq.Data;

namespace GenoSeq.Training.FineTuning.Baselines;

/// <summary>Numbers the words of 1 to k bases: all of one base, then all of two, and so on.</summary>
internal sealed class KmerWords
{
    private readonly ushort[][] _number;
    private readonly int[] _ends;

    /// <param name="k">Longest word, 1 to 6.</param>
    /// <param name="bothStrands">Give a word and its reverse complement one number.</param>
    internal KmerWords(int k, bool bothStrands)
    {
        K = k;
        _number = new ushort[k + 1][];
        _ends = new int[k + 1];
        int next = 0;
        for (int length = 1; length <= k; length++)
        {
            _number[length] = new ushort[1 << (2 * length)];
            for (int word = 0; word < _number[length].Length; word++)
            {
                int other = bothStrands ? ReverseComplement(word, length) : word;
                _number[length][word] = other < word ? _number[length][other] : (ushort)next++;
            }

            _ends[length] = next;
        }
    }

    internal int K { get; }

    /// <summary>How many numbers the words of 1 to <paramref name="length"/> bases have.</summary>
    internal int Features(int length) => _ends[length];

    /// <summary>Adds a sequence's words to the counts; a word with anything but A, C, G, T (or U) in it is none.</summary>
    /// <returns>Number of bases, without the others.</returns>
    internal int Count(ReadOnlySpan<byte> sequence, Span<int> counts)
    {
        int word = 0;
        int valid = 0;
        int bases = 0;
        foreach (byte letter in sequence)
        {
            byte code = BaseCode.Of(letter);
            if (code == BaseCode.None)
            {
                valid = 0;
                continue;
            }

            bases++;
            valid = Math.Min(valid + 1, K);
            word = ((word << 2) | code) & ((1 << (2 * K)) - 1);
            for (int length = 1; length <= valid; length++)
            {
                counts[_number[length][word & ((1 << (2 * length)) - 1)]]++;
            }
        }

        return bases;
    }

    private static int ReverseComplement(int word, int length)
    {
        int other = 0;
        for (int i = 0; i < length; i++, word >>= 2)
        {
            other = (other << 2) | (3 - (word & 3));
        }

        return other;
    }
}
