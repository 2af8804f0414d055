namespace GenoSeq.Training.FineTuning.Baselines;

/// <summary>Word counts of many sequences, without the zeros; the value of a feature is count / bases of the sequence.</summary>
/// <remarks>Numbers of words ascend with their length, so the features of a smaller k are the beginning of each row.</remarks>
internal sealed class KmerCounts
{
    private readonly int[] _starts;
    private readonly int[][] _ends;
    private readonly ushort[] _words;
    private readonly float[] _counts;
    private readonly double[] _scales;

    /// <param name="words">Which words.</param>
    /// <param name="sequences">The sequences; ASCII, any case.</param>
    internal KmerCounts(KmerWords words, IReadOnlyList<ReadOnlyMemory<byte>> sequences)
    {
        Words = words;
        _starts = new int[sequences.Count];
        _ends = [.. Enumerable.Range(0, words.K + 1).Select(_ => new int[sequences.Count])];
        _scales = new double[sequences.Count];
        var found = new List<ushort>();
        var counts = new List<float>();
        int[] scratch = new int[words.Features(words.K)];
        for (int row = 0; row < sequences.Count; row++)
        {
            Array.Clear(scratch);
            int bases = words.Count(sequences[row].Span, scratch);
            _scales[row] = bases == 0 ? 0 : 1.0 / bases;
            _starts[row] = found.Count;
            int word = 0;
            for (int k = 1; k <= words.K; k++)
            {
                for (; word < words.Features(k); word++)
                {
                    if (scratch[word] > 0)
                    {
                        found.Add((ushort)word);
                        counts.Add(scratch[word]);
                    }
                }

                _ends[k][row] = found.Count;
            }
        }

        _words = [.. found];
        _counts = [.. counts];
    }

    internal KmerWords Words { get; }

    internal int Rows => _starts.Length;

    /// <summary>One sequence's words of up to <paramref name="k"/> bases that occur, their counts, and 1 / bases.</summary>
    internal (ArraySegment<ushort> Words, ArraySegment<float> Counts, double Scale) Row(int row, int k)
    {
        int length = _ends[k][row] - _starts[row];
        return (new(_words, _starts[row], length), new(_counts, _starts[row], length), _scales[row]);
    }

    /// <summary>Mean and standard deviation (with n) of each feature.</summary>
    internal (double[] Mean, double[] Deviation) Moments(int k)
    {
        double[] mean = new double[Words.Features(k)];
        double[] deviation = new double[mean.Length];
        int[] present = new int[mean.Length];
        ForEach(k, (word, value) =>
        {
            mean[word] += value / Rows;
            present[word]++;
        });
        ForEach(k, (word, value) => deviation[word] += (value - mean[word]) * (value - mean[word]));
        for (int j = 0; j < mean.Length; j++)
        {
            deviation[j] = Math.Sqrt((deviation[j] + ((Rows - present[j]) * mean[j] * mean[j])) / Rows);
        }

        return (mean, deviation);
    }

    private void ForEach(int k, Action<int, double> visit)
    {
        for (int row = 0; row < Rows; row++)
        {
            (ArraySegment<ushort> words, ArraySegment<float> counts, double scale) = Row(row, k);
            for (int i = 0; i < words.Count; i++)
            {
                visit(words[i], counts[i] * scale);
            }
        }
    }
}
