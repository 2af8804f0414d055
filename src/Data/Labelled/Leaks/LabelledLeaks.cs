namespace GenoSeq.Data;

/// <summary>What a labelled set has more than once: inside its parts, and between them, where it is a leak.</summary>
/// <param name="Repeats">Repeats inside train, dev and test, in this order.</param>
/// <param name="Shared">What train and dev, train and test, dev and test share, in this order.</param>
/// <param name="TrainingRows">Training rows whose sequence, on either strand, the validation or test part has too; ascending.</param>
public sealed record LabelledLeaks(
    IReadOnlyList<LabelledRepeats> Repeats, IReadOnlyList<LabelledOverlap> Shared, IReadOnlyList<int> TrainingRows)
{
    private const int Parts = 3;

    /// <summary>Compares all rows of a set, strand, case and U for T apart. Time and memory are linear in its size.</summary>
    public static LabelledLeaks Find(LabelledSet set)
    {
        ArgumentNullException.ThrowIfNull(set);
        return new Comparison(set, new StrandGroups(set)).Result();
    }

    internal static LabelledLeaks Find(LabelledSet set, StrandGroups.Digest digest) => new Comparison(set, new StrandGroups(set, digest)).Result();

    private sealed class Comparison
    {
        private const byte Forward = 1;
        private const byte Reverse = 2;

        private readonly LabelledSet _set;
        private readonly int[] _groupOf;
        private readonly byte[][] _strands = new byte[Parts][];
        private readonly int[][] _firstRow = new int[Parts][];
        private readonly bool[][] _mixed = new bool[Parts][];
        private readonly LabelledRepeats[] _repeats = new LabelledRepeats[Parts];

        internal Comparison(LabelledSet set, StrandGroups groups)
        {
            _set = set;
            _groupOf = groups.GroupOf;
            for (int p = 0; p < Parts; p++)
            {
                _strands[p] = new byte[groups.Count];
                _firstRow[p] = new int[groups.Count];
                _mixed[p] = new bool[groups.Count];
                int equal = 0, reverse = 0, other = 0;
                foreach (int row in set.Rows((LabelledPart)p))
                {
                    int group = _groupOf[row];
                    byte strand = groups.Reversed[row] ? Reverse : Forward;
                    ref byte seen = ref _strands[p][group];
                    if (seen == 0)
                    {
                        _firstRow[p][group] = row;
                    }
                    else
                    {
                        equal += (seen & strand) != 0 ? 1 : 0;
                        reverse += (seen & strand) == 0 ? 1 : 0;
                        if (!SameLabel(row, _firstRow[p][group]))
                        {
                            other++;
                            _mixed[p][group] = true;
                        }
                    }
                    seen |= strand;
                }
                _repeats[p] = new LabelledRepeats((LabelledPart)p, equal, reverse, other);
            }
        }

        internal LabelledLeaks Result()
        {
            int[] training =
            [
                .. _set.Rows(LabelledPart.Train).Where(r =>
                    (_strands[(int)LabelledPart.Dev][_groupOf[r]] | _strands[(int)LabelledPart.Test][_groupOf[r]]) != 0),
            ];
            LabelledOverlap[] shared =
            [
                Between(LabelledPart.Train, LabelledPart.Dev),
                Between(LabelledPart.Train, LabelledPart.Test),
                Between(LabelledPart.Dev, LabelledPart.Test),
            ];
            return new LabelledLeaks(_repeats, shared, training);
        }

        private LabelledOverlap Between(LabelledPart a, LabelledPart b)
        {
            byte[] inA = _strands[(int)a], inB = _strands[(int)b];
            int equal = 0, either = 0;
            for (int g = 0; g < inB.Length; g++)
            {
                if (inA[g] != 0)
                {
                    equal += byte.PopCount((byte)(inA[g] & inB[g]));
                    either += byte.PopCount(inB[g]);
                }
            }
            int rowsOfB = 0, other = 0;
            foreach (int row in _set.Rows(b))
            {
                int group = _groupOf[row];
                if (inA[group] != 0)
                {
                    rowsOfB++;
                    other += _mixed[(int)a][group] || !SameLabel(row, _firstRow[(int)a][group]) ? 1 : 0;
                }
            }
            return new LabelledOverlap(a, b, equal, either, _set.Rows(a).Count(r => inB[_groupOf[r]] != 0), rowsOfB, other);
        }

        private bool SameLabel(int row, int other) => _set.HaveSameLabels(row, other);
    }
}
