namespace GenoSeq.Data;

/// <summary>Shares of words in a sequence, as sparse rows: for each length, counts over the number of words of that length.</summary>
internal sealed class WordFeatures
{
    private readonly int _words;
    private readonly int[][] _featureOf;
    private readonly double[] _counts;

    internal WordFeatures(int words, bool bothStrands)
    {
        _words = words;
        _featureOf = new int[words][];
        for (int k = 1; k <= words; k++)
        {
            var features = new int[1 << (2 * k)];
            for (uint word = 0; word < features.Length; word++)
            {
                uint reverse = ReverseComplement(word, k);
                features[word] = bothStrands && reverse < word ? features[reverse] : Count++;
            }
            _featureOf[k - 1] = features;
        }
        _counts = new double[Count];
    }

    /// <summary>Number of features.</summary>
    internal int Count { get; }

    /// <summary>The features of a sequence that are not 0, ascending. Words with other letters than A, C, G, T, U are left out.</summary>
    internal (int[] Index, double[] Value) Of(ReadOnlySpan<byte> sequence)
    {
        var seen = new List<int>();
        for (int k = 1; k <= _words; k++)
        {
            var roller = new WordRoller(k);
            int first = seen.Count, total = 0;
            foreach (byte b in sequence)
            {
                if (roller.Push(b))
                {
                    int feature = _featureOf[k - 1][roller.Forward];
                    if (_counts[feature]++ == 0)
                    {
                        seen.Add(feature);
                    }
                    total++;
                }
            }
            for (int i = first; i < seen.Count; i++)
            {
                _counts[seen[i]] /= total;
            }
        }
        seen.Sort();
        int[] index = [.. seen];
        double[] value = Array.ConvertAll(index, f => _counts[f]);
        foreach (int f in index)
        {
            _counts[f] = 0;
        }
        return (index, value);
    }

    private static uint ReverseComplement(uint word, int k)
    {
        uint reverse = 0;
        for (int i = 0; i < k; i++)
        {
            reverse = (reverse << 2) | (3 - (word & 3));
            word >>= 2;
        }
        return reverse;
    }
}
