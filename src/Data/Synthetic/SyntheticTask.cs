namespace GenoSeq.Data;

/// <summary>
/// A task whose samples are made up, in the ids of <see cref="Alphabet.Caduceus"/>: every label follows from the inputs up to its
/// position, and nothing else is labelled. Layouts are in docs/study-tasks.md.
/// </summary>
public sealed class SyntheticTask : RowBatches
{
    private readonly TaskRule _rule;
    private readonly IBackground? _background;
    private readonly ulong _key;

    internal SyntheticTask(TaskRule rule, long seed, IBackground? background, int threads)
        : base(rule.Options.Length, threads)
    {
        _rule = rule;
        _background = background;
        _key = CounterRandom.Key(seed, "synthetic task");
        Seed = seed;
    }

    /// <summary>The settings.</summary>
    public SyntheticTaskOptions Options => _rule.Options;

    /// <summary>The seed of the samples.</summary>
    public long Seed { get; }

    /// <summary>The ids of inputs and labels.</summary>
    public Alphabet Alphabet { get; } = Alphabet.Caduceus;

    /// <summary>
    /// Labels of one answer: the labelled positions of a row, in order, fall into answers of so many (a row of copying with
    /// <see cref="SyntheticTaskOptions.MinSymbols"/> is one answer that may be shorter).
    /// </summary>
    public int AnswerLength => _rule.AnswerLength;

    /// <summary>Share of labels that are right when the most likely base is said without looking at the inputs.</summary>
    public double Chance => _rule.Chance;

    /// <summary>Share of answers that are right in every base when one is said without looking at the inputs.</summary>
    public double AnswerChance => _rule.AnswerChance;

    /// <summary>The shortest row that these settings fit in.</summary>
    public int MinLength => _rule.MinLength;

    /// <summary>The same task in rows of another length.</summary>
    /// <param name="length">Tokens in a row.</param>
    /// <param name="threads">Threads that fill one batch; 0 takes one for each processor.</param>
    /// <exception cref="ArgumentException">The settings do not fit the length.</exception>
    public SyntheticTask WithLength(int length, int threads = 0) => SyntheticTasks.Create(Options with { Length = length }, Seed, _background, threads);

    /// <inheritdoc/>
    public override IBatchSource Fork(int threads = 1) => new SyntheticTask(_rule, Seed, _background, threads);

    private protected override void Write(long sample, RowText row)
    {
        var random = new CounterRandom(_key, sample);
        _rule.Write(ref random, sample, row);
    }
}
