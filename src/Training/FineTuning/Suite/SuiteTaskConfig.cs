using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>One task of a suite: a labelled set, and what it is judged by.</summary>
public sealed record SuiteTaskConfig : IValidated
{
    internal static readonly string[] Kinds = ["class", "number", "multi_label"];

    /// <summary>Its name, one for each task of the suite.</summary>
    public string Name { get; init; } = "";

    /// <summary>File or folder, from the suite's root.</summary>
    public string Path { get; init; } = "";

    /// <summary>Which set of a folder that holds several: the file names before `_train`.</summary>
    public string? Set { get; init; }

    /// <summary>File of the training part, in the folder; null: found by name.</summary>
    public string? TrainFile { get; init; }

    /// <summary>File of the validation part.</summary>
    public string? ValidationFile { get; init; }

    /// <summary>File of the test part.</summary>
    public string? TestFile { get; init; }

    /// <summary>What the labels are: class, number or multi_label.</summary>
    public string Kind { get; init; } = "class";

    /// <summary>Names of the classes in the order of their indices; null: those that occur, sorted.</summary>
    public IReadOnlyList<string>? Classes { get; init; }

    /// <summary>What the table shows: accuracy, f1, f1_macro, mcc, auroc, auprc, pearson, spearman or r2.</summary>
    public string Metric { get; init; } = "mcc";

    /// <summary>Longest sequence in bases; longer ones are cut. 0: no limit.</summary>
    public int MaxLength { get; init; }

    /// <summary>The strand is part of the question, as of splice sites: no reverse complements, whatever the recipe says, and equivariant models look at the given strand alone.</summary>
    public bool Stranded { get; init; }

    /// <summary>Sequences were cut about a landmark: models with the pooling `mean` take `position` on it. Frozen ones and published recipes (parity) keep theirs.</summary>
    public bool Aligned { get; init; }

    /// <summary>Training rows that validation or test have too are left out, on either strand: for sets whose parts share so many that the test would ask what was learnt by heart.</summary>
    public bool DropLeaks { get; init; }

    /// <summary>The published set, whole, with its official parts: scores are comparable with published ones.</summary>
    public bool Official { get; init; }

    /// <summary>Training rows of the published set; another number is warned of. 0: not known.</summary>
    public int TrainRows { get; init; }

    /// <summary>Test rows of the published set. 0: not known.</summary>
    public int TestRows { get; init; }

    /// <summary>What makes scores on it incomparable with published ones, if anything.</summary>
    public string Note { get; init; } = "";

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (string.IsNullOrWhiteSpace(Name)) yield return "name: is empty";
        if (string.IsNullOrWhiteSpace(Path)) yield return "path: is empty";
        if (!Kinds.Contains(Kind)) yield return $"kind: must be one of {string.Join(", ", Kinds)}, not '{Kind}'";
        if (!SuiteMetrics.Names.Contains(Metric)) yield return $"metric: must be one of {string.Join(", ", SuiteMetrics.Names)}, not '{Metric}'";
        else if (SuiteMetrics.IsOfNumbers(Metric) != (Kind == "number")) yield return $"metric: {Metric} does not go with labels of the kind {Kind}";
        if (Classes is { Count: < 2 }) yield return "classes: name at least two, or none";
        if (Classes is not null && Classes.Distinct(StringComparer.Ordinal).Count() < Classes.Count) yield return "classes: must be different";
        if (Classes is not null && Kind == "number") yield return "classes: numbers have none";
        if (MaxLength < 0) yield return $"max_length: must be 0 or positive, not {MaxLength}";
        if (TrainRows < 0) yield return $"train_rows: must be 0 or positive, not {TrainRows}";
        if (TestRows < 0) yield return $"test_rows: must be 0 or positive, not {TestRows}";
        if (Official && Note.Length > 0) yield return "official: a set that a note calls incomparable is not the official one";
        if (Official && DropLeaks) yield return "official: a set without some of its training rows is not the official one; leave out drop_leaks or official";
        if (Set is not null && (TrainFile ?? ValidationFile ?? TestFile) is not null) yield return "set: chooses files by name, so it does not go with named files";
    }
}
