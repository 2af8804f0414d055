using GenoSeq.Data;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.FineTuning;

/// <summary>What the labels of a set are.</summary>
public enum LabelType
{
    /// <summary>Found in them.</summary>
    Auto,

    /// <summary>One class a row.</summary>
    Class,

    /// <summary>One or more real numbers a row.</summary>
    Number,

    /// <summary>Any number of classes a row.</summary>
    MultiLabel,

    /// <summary>One class for each base of a row.</summary>
    PerBase,
}

/// <summary>Where labelled sequences come from: what <c>genoseq data labels</c> shows.</summary>
public sealed record LabelledDataConfig : IValidated
{
    /// <summary>File or folder of the set, in any layout that `genoseq data labels` reads.</summary>
    public string Path { get; init; } = "";

    /// <summary>Which set of a folder that holds several: the file names before `_train`.</summary>
    public string? Task { get; init; }

    /// <summary>File of the training part, in the folder; null: found by name.</summary>
    public string? TrainFile { get; init; }

    /// <summary>File of the validation part.</summary>
    public string? ValidationFile { get; init; }

    /// <summary>File of the test part.</summary>
    public string? TestFile { get; init; }

    /// <summary>FASTA files that interval tables refer to.</summary>
    public IReadOnlyList<string> Genome { get; init; } = [];

    /// <summary>What the labels are.</summary>
    public LabelType Labels { get; init; } = LabelType.Auto;

    /// <summary>BED files over the genome that label the bases of places, a class each, called as its file; bases in none of them are `none`.</summary>
    public IReadOnlyList<string> Tracks { get; init; } = [];

    /// <summary>Names of the classes in the order of their indices; null: those that occur, sorted.</summary>
    public IReadOnlyList<string>? Classes { get; init; }

    /// <summary>Splits a label into several classes: one character; null: a label is one class.</summary>
    public string? LabelSeparator { get; init; }

    /// <summary>Column of the sequence; null: by its usual names.</summary>
    public string? SequenceColumn { get; init; }

    /// <summary>Columns of the labels; empty: by their usual names.</summary>
    public IReadOnlyList<string> LabelColumns { get; init; } = [];

    /// <summary>Column of the identifier; null: by its usual names.</summary>
    public string? IdColumn { get; init; }

    /// <summary>Column of the part (train, validation, test) in a single file; null: by its usual names.</summary>
    public string? PartColumn { get; init; }

    /// <summary>Delimiter of tables: one character, or tab; null: found in the first lines.</summary>
    public string? Delimiter { get; init; }

    /// <summary>Tables begin with a line of names; else columns are called 1, 2, 3 and so on.</summary>
    public bool HasHeader { get; init; } = true;

    /// <summary>Between the fields of FASTA headers: one character.</summary>
    public string HeaderSeparator { get; init; } = "|";

    /// <summary>The label's field of FASTA headers, from 0; -1 is the last.</summary>
    public int HeaderField { get; init; } = -1;

    /// <summary>Leave out the training rows whose sequence, on either strand, the validation or test part has too.</summary>
    public bool DropLeaks { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (Path.Length == 0) yield return "path: names no labelled set";
        if (LabelSeparator is { Length: not 1 }) yield return $"label_separator: must be one character, not '{LabelSeparator}'";
        if (Delimiter is { Length: not 1 } and not "tab") yield return $"delimiter: must be one character or tab, not '{Delimiter}'";
        if (HeaderSeparator.Length != 1) yield return $"header_separator: must be one character, not '{HeaderSeparator}'";
        if (Options(null).Validate() is { Count: > 0 } problems)
        {
            foreach (string p in problems) yield return p;
        }
    }

    /// <summary>The settings as the data layer takes them.</summary>
    /// <param name="genome">The genome that tables of places refer to; it stays the caller's to close.</param>
    public LabelledSetOptions Options(GenomeSource? genome) => new()
    {
        Task = Task,
        TrainFile = TrainFile,
        DevFile = ValidationFile,
        TestFile = TestFile,
        Genome = genome,
        Kind = Labels switch
        {
            LabelType.Class => LabelKind.Class,
            LabelType.Number => LabelKind.Number,
            LabelType.MultiLabel => LabelKind.MultiLabel,
            LabelType.PerBase => LabelKind.PerBase,
            _ => null,
        },
        Tracks = Tracks,
        Classes = Classes,
        MultiLabelSeparator = LabelSeparator is { Length: 1 } one ? one[0] : null,
        SequenceColumn = SequenceColumn,
        LabelColumns = LabelColumns,
        IdColumn = IdColumn,
        PartColumn = PartColumn,
        Delimiter = Delimiter switch { "tab" => '\t', { Length: 1 } c => c[0], _ => null },
        HasHeader = HasHeader,
        FastaSeparator = HeaderSeparator is { Length: 1 } s ? s[0] : '|',
        FastaField = HeaderField,
    };
}
