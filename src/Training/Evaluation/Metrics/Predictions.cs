namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>A model's predictions for a whole split, with the truth.</summary>
public abstract record Predictions
{
    /// <summary>binary, multi_class, multi_label or regression.</summary>
    public abstract string Task { get; }

    /// <summary>Number of examples.</summary>
    public abstract int Examples { get; }

    /// <summary>The metrics of the set as a whole, prepared.</summary>
    public abstract IReadOnlyList<IMetric> Metrics();

    /// <summary>The metrics of each label or target by its name; empty where there is but one.</summary>
    public virtual IReadOnlyList<(string Name, IReadOnlyList<IMetric> Metrics)> Parts() => [];

    /// <summary>The class of each example, which a stratified bootstrap keeps the shares of; null where there is none.</summary>
    public virtual IReadOnlyList<int>? Strata => null;

    /// <summary>Every problem of the arrays; empty if there is none.</summary>
    public abstract IReadOnlyList<string> Validate();

    /// <summary>Throws what <see cref="Validate"/> finds.</summary>
    /// <exception cref="ArgumentException">There is a problem.</exception>
    internal void ThrowIfInvalid()
    {
        IReadOnlyList<string> problems = Validate();
        if (problems.Count > 0)
        {
            throw new ArgumentException($"these predictions cannot be judged: {string.Join("; ", problems)}");
        }
    }

    /// <summary>A column of a row-major matrix.</summary>
    internal static T[] Column<T>(T[] matrix, int columns, int column)
    {
        var values = new T[matrix.Length / columns];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = matrix[(i * columns) + column];
        }

        return values;
    }

    internal static IEnumerable<string> CheckShape(string what, int length, int columns, string expected)
    {
        if (columns > 0 && length % columns != 0)
        {
            yield return FormattableString.Invariant($"{what} has {length} values; expected {expected}");
        }
    }

    internal static IEnumerable<string> CheckFinite(string what, double[] values, int columns)
    {
        int bad = Array.FindIndex(values, v => !double.IsFinite(v));
        if (bad >= 0)
        {
            yield return FormattableString.Invariant($"{what} of example {bad / columns} is {values[bad]}; expected a finite number");
        }
    }

    internal static IEnumerable<string> CheckProbabilities(double[] values, int columns)
    {
        int bad = Array.FindIndex(values, v => !(v >= 0 && v <= 1));
        if (bad >= 0)
        {
            yield return FormattableString.Invariant(
                $"a probability of example {bad / columns} is {values[bad]}; expected 0 to 1 (logits go through FromLogits)");
        }
    }

    internal static IEnumerable<string> CheckNames(IReadOnlyList<string>? names, int columns)
    {
        if (names is not null && names.Count != columns)
        {
            yield return FormattableString.Invariant($"there are {names.Count} names; expected {columns}");
        }
    }
}
