namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>Metrics that a table can show; the greater, the better.</summary>
public static class SuiteMetrics
{
    private static readonly string[] s_ofNumbers = ["pearson", "spearman", "r2"];

    /// <summary>Their names, as the evaluation of a split has them.</summary>
    public static IReadOnlyList<string> Names { get; } = ["accuracy", "f1", "f1_macro", "mcc", "auroc", "auprc", .. s_ofNumbers];

    /// <summary>True for the metrics of regression.</summary>
    public static bool IsOfNumbers(string metric) => s_ofNumbers.Contains(metric);

    /// <summary>True if a metric can have this value: a percentage, for one, is no accuracy.</summary>
    public static bool Holds(string metric, double value) => metric switch
    {
        "mcc" or "pearson" or "spearman" => value is >= -1 and <= 1,
        "r2" => value <= 1,
        _ => value is >= 0 and <= 1,
    };
}
