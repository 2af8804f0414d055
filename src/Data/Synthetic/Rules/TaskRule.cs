namespace GenoSeq.Data;

/// <summary>How the rows of one kind of task are written. Immutable.</summary>
internal abstract class TaskRule(SyntheticTaskOptions options)
{
    internal SyntheticTaskOptions Options { get; } = options;

    /// <summary>The shortest row that the settings fit in; defined where <see cref="Problems"/> has none.</summary>
    internal abstract int MinLength { get; }

    /// <summary>Labels of one answer.</summary>
    internal abstract int AnswerLength { get; }

    internal virtual double Chance => 0.25;

    internal virtual double AnswerChance => Math.Pow(0.25, AnswerLength);

    /// <summary>Tokens of a row's text: the last is only a label.</summary>
    protected int TextLength => Options.Length + 1;

    /// <summary>What is wrong with the settings beside a row that is too short.</summary>
    internal virtual IEnumerable<string> Problems() => [];

    /// <summary>Writes all of a row's text and its labels.</summary>
    internal abstract void Write(ref CounterRandom random, long sample, RowText row);

    /// <summary>A problem if there are not as many keys as are to differ.</summary>
    protected IEnumerable<string> KeysFor(long count, string what)
    {
        if (count > Keys)
        {
            yield return $"key_width: {count} {what} need different keys, and {Options.KeyWidth} bases make {Keys}; use at least {Digits(count)}";
        }
    }

    /// <summary>Number of different keys.</summary>
    protected long Keys => 1L << (2 * Options.KeyWidth);

    /// <summary>Keys 0, 1, 2, … of a sample, all different, each uniform.</summary>
    protected KeyedPermutation KeyOrder(ref CounterRandom random) => new(Keys, random.NextUInt64());

    /// <summary>Bases that count so far.</summary>
    protected static int Digits(long count)
    {
        int digits = 1;
        while (1L << (2 * digits) < count)
        {
            digits++;
        }
        return digits;
    }
}
