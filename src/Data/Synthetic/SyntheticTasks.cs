namespace GenoSeq.Data;

/// <summary>Makes synthetic tasks.</summary>
public static class SyntheticTasks
{
    /// <summary>The task of these settings.</summary>
    /// <param name="options">Which, and how large.</param>
    /// <param name="seed">Samples of different seeds have nothing in common.</param>
    /// <param name="background">What a needle is planted in; null: random bases.</param>
    /// <param name="threads">Threads that fill one batch; 0 takes one for each processor.</param>
    /// <exception cref="ArgumentException">The options are invalid, or a background is given to a task that has none.</exception>
    public static SyntheticTask Create(SyntheticTaskOptions options, long seed, IBackground? background = null, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(options);
        OptionsProblems.ThrowIfAny([.. options.Validate()], nameof(options));
        if (background is not null && options.Kind != SyntheticKind.Needle)
        {
            throw new ArgumentException($"only a needle is planted in a background, not {options.Kind}", nameof(background));
        }
        return new SyntheticTask(RuleOf(options, background), seed, background, threads);
    }

    /// <summary>The shortest row that these settings fit in.</summary>
    /// <exception cref="ArgumentException">The options are invalid for another reason than their length.</exception>
    public static int MinLength(SyntheticTaskOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        OptionsProblems.ThrowIfAny([.. options.Validate().Where(p => !p.StartsWith("length:", StringComparison.Ordinal))], nameof(options));
        return RuleOf(options, null).MinLength;
    }

    internal static TaskRule RuleOf(SyntheticTaskOptions options, IBackground? background) => options.Kind switch
    {
        SyntheticKind.Recall => new RecallRule(options),
        SyntheticKind.Copying => new CopyingRule(options),
        SyntheticKind.Lookup => new LookupRule(options),
        SyntheticKind.Induction => new InductionRule(options),
        SyntheticKind.SelectiveCopying => new SelectiveCopyingRule(options),
        SyntheticKind.Phonebook => new PhonebookRule(options),
        SyntheticKind.Parity => new ParityRule(options),
        SyntheticKind.Permutations => new PermutationRule(options),
        SyntheticKind.Needle => new NeedleRule(options, background),
        _ => throw new ArgumentOutOfRangeException(nameof(options), options.Kind, "unknown kind of task"),
    };
}
