namespace GenoSeq.Training.Configuration;

/// <summary>A configuration that cannot be used, with every problem found in it. The program exits with code 2.</summary>
public sealed class ConfigException : Exception
{
    /// <summary>Reports <paramref name="problems"/>, at least one.</summary>
    public ConfigException(IReadOnlyList<ConfigProblem> problems)
        : base(Describe(problems))
    {
        Problems = problems;
    }

    /// <summary>Reports one problem.</summary>
    public ConfigException(ConfigProblem problem)
        : this([problem])
    {
    }

    /// <summary>Every problem found, in the order of the configuration.</summary>
    public IReadOnlyList<ConfigProblem> Problems { get; }

    private static string Describe(IReadOnlyList<ConfigProblem> problems)
    {
        ArgumentOutOfRangeException.ThrowIfZero(problems.Count);
        return problems.Count == 1
            ? problems[0].ToString()
            : FormattableString.Invariant($"{problems.Count} problems in the configuration:\n  ")
                + string.Join("\n  ", problems);
    }
}
