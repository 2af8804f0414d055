namespace GenoSeq.Data;

/// <summary>One run of iterative stratification (see <see cref="StratifiedSplits.ByLabels"/>).</summary>
internal ref struct IterativeStratification
{
    private readonly int _labels;
    private readonly int[] _parts;
    private readonly List<int>[] _rowsOf;
    private readonly int[] _left;
    private readonly double[][] _wanted;
    private readonly double[] _wantedRows;
    private readonly ReadOnlySpan<float> _values;
    private CounterRandom _random;

    internal IterativeStratification(ReadOnlySpan<float> values, int labels, ReadOnlySpan<double> shares, CounterRandom random)
    {
        _values = values;
        _labels = labels;
        _random = random;
        int rows = values.Length / labels;
        _parts = new int[rows];
        Array.Fill(_parts, -1);
        var order = new List<int>(Enumerable.Range(0, rows));
        StratifiedSplits.Shuffle(order, ref _random);
        // The last list holds every row: those without a label are dealt out of it at the end.
        _rowsOf = new List<int>[labels + 1];
        _left = new int[labels];
        for (int l = 0; l <= labels; l++)
        {
            _rowsOf[l] = [];
        }
        foreach (int r in order)
        {
            _rowsOf[labels].Add(r);
            for (int l = 0; l < labels; l++)
            {
                if (values[(r * labels) + l] != 0)
                {
                    _rowsOf[l].Add(r);
                    _left[l]++;
                }
            }
        }
        _wanted = new double[shares.Length][];
        _wantedRows = new double[shares.Length];
        for (int p = 0; p < shares.Length; p++)
        {
            double share = shares[p];
            _wanted[p] = Array.ConvertAll(_left, n => share * n);
            _wantedRows[p] = share * rows;
        }
    }

    internal int[] Deal()
    {
        while (Rarest() is int label and >= 0)
        {
            foreach (int row in _rowsOf[label])
            {
                Give(row, label);
            }
        }
        foreach (int row in _rowsOf[_labels])
        {
            Give(row, -1);
        }
        return _parts;
    }

    private readonly int Rarest()
    {
        int best = -1;
        for (int l = 0; l < _labels; l++)
        {
            if (_left[l] > 0 && (best < 0 || _left[l] < _left[best]))
            {
                best = l;
            }
        }
        return best;
    }

    private void Give(int row, int label)
    {
        if (_parts[row] >= 0)
        {
            return;
        }
        int best = 0, ties = 1;
        for (int p = 1; p < _wanted.Length; p++)
        {
            int order = label < 0 ? 0 : _wanted[p][label].CompareTo(_wanted[best][label]);
            order = order != 0 ? order : _wantedRows[p].CompareTo(_wantedRows[best]);
            ties = order > 0 ? 1 : order == 0 ? ties + 1 : ties;
            if (order > 0 || (order == 0 && _random.NextInt64(ties) == 0))
            {
                best = p;
            }
        }
        _parts[row] = best;
        _wantedRows[best]--;
        for (int l = 0; l < _labels; l++)
        {
            if (_values[(row * _labels) + l] != 0)
            {
                _wanted[best][l]--;
                _left[l]--;
            }
        }
    }
}
