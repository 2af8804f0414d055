namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>Predictions of one number or several for each example.</summary>
/// <param name="Columns">Number of targets, at least 1.</param>
/// <param name="Targets">Truth [examples, targets], row by row.</param>
/// <param name="Values">Predictions [examples, targets].</param>
public sealed record RegressionPredictions(int Columns, double[] Targets, double[] Values) : Predictions
{
    /// <summary>Names of the targets; null: their numbers.</summary>
    public IReadOnlyList<string>? TargetNames { get; init; }

    /// <inheritdoc/>
    public override string Task => "regression";

    /// <inheritdoc/>
    public override int Examples => Columns > 0 ? Targets.Length / Columns : 0;

    /// <summary>Pearson, Spearman, R² and mean squared error; with several targets the mean over those for which it is defined.</summary>
    public override IReadOnlyList<IMetric> Metrics()
    {
        IReadOnlyList<IMetric>[] columns = [.. Enumerable.Range(0, Columns).Select(OfColumn)];
        return Columns == 1
            ? columns[0]
            : [.. columns[0].Select((m, k) => new MacroMetric(m.Name, [.. columns.Select(c => c[k])], all: false))];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, IReadOnlyList<IMetric> Metrics)> Parts() => Columns == 1
        ? []
        : [.. Enumerable.Range(0, Columns).Select(c => (TargetNames?[c] ?? FormattableString.Invariant($"{c}"), OfColumn(c)))];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Validate()
    {
        if (Columns < 1)
        {
            return [FormattableString.Invariant($"there are {Columns} targets; expected one or more")];
        }

        var problems = new List<string>(CheckShape("Targets", Targets.Length, Columns, $"a multiple of {Columns}"));
        if (Values.Length != Targets.Length)
        {
            problems.Add(FormattableString.Invariant($"there are {Values.Length} predictions; expected {Targets.Length}"));
        }

        problems.AddRange(CheckFinite("a target", Targets, Columns));
        problems.AddRange(CheckFinite("a prediction", Values, Columns));
        problems.AddRange(CheckNames(TargetNames, Columns));
        return problems;
    }

    private IReadOnlyList<IMetric> OfColumn(int column)
    {
        double[] targets = Column(Targets, Columns, column);
        double[] values = Column(Values, Columns, column);
        return
        [
            new RegressionMetric("pearson", RegressionKind.Pearson, targets, values),
            new RegressionMetric("spearman", RegressionKind.Spearman, targets, values),
            new RegressionMetric("r2", RegressionKind.R2, targets, values),
            new MeanMetric("mse", [.. targets.Select((t, i) => (t - values[i]) * (t - values[i]))]),
        ];
    }
}
