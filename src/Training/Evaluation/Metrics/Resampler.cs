using GenoSeq.Data;

namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>Draws bootstrap samples: how often each example occurs, as a pure function of (seed, number of the sample).</summary>
internal sealed class Resampler
{
    private const int Block = 4096;

    private readonly ulong _key;
    private readonly int[] _members;
    private readonly int[] _starts;

    /// <param name="examples">Number of examples.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="strata">The stratum of each example; null: all are one.</param>
    internal Resampler(int examples, long seed, IReadOnlyList<int>? strata)
    {
        _key = CounterRandom.Key(seed, "bootstrap");
        Examples = examples;
        _members = [.. Enumerable.Range(0, examples)];
        if (strata is null)
        {
            _starts = [0, examples];
            return;
        }

        ArgumentOutOfRangeException.ThrowIfNotEqual(strata.Count, examples, nameof(strata));
        _members = [.. _members.OrderBy(i => strata[i])];
        _starts = [.. Enumerable.Range(0, examples).Where(i => i == 0 || strata[_members[i]] != strata[_members[i - 1]]), examples];
    }

    internal int Examples { get; }

    /// <summary>Fills in one sample.</summary>
    /// <param name="sample">Its number.</param>
    /// <param name="counts">Receives a count for each example; they add up to the number of examples.</param>
    internal void Draw(int sample, Span<int> counts)
    {
        counts.Clear();
        var random = new CounterRandom(_key, sample);
        Span<uint> words = stackalloc uint[Block];
        int stratum = 0;
        for (int first = 0; first < Examples; first += Block)
        {
            int length = Math.Min(Block, Examples - first);
            random.Fill(words, (ulong)first);
            for (int i = 0; i < length; i++)
            {
                while (first + i >= _starts[stratum + 1])
                {
                    stratum++;
                }

                // The high half of a product spreads 32 bits over the stratum; its bias is below size / 2^32.
                int start = _starts[stratum];
                ulong size = (ulong)(_starts[stratum + 1] - start);
                counts[_members[start + (int)((words[i] * size) >> 32)]]++;
            }
        }
    }
}
