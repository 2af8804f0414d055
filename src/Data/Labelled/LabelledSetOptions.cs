namespace GenoSeq.Data;

/// <summary>What cannot be seen from a labelled set's files alone. Every value has a default that suits the usual sets.</summary>
public sealed record LabelledSetOptions
{
    /// <summary>Name of the set in reports; null: the file's or folder's.</summary>
    public string? Name { get; init; }

    /// <summary>Which set to take of a folder that holds several: the part of the file names before <c>_train</c>.</summary>
    public string? Task { get; init; }

    /// <summary>File of the training part, relative to the folder; null: found by name.</summary>
    public string? TrainFile { get; init; }

    /// <summary>File of the validation part.</summary>
    public string? DevFile { get; init; }

    /// <summary>File of the test part.</summary>
    public string? TestFile { get; init; }

    /// <summary>Part of all rows of a single file without a split column; null: by the file's name, else training.</summary>
    public LabelledPart? Part { get; init; }

    /// <summary>
    /// Kind of the labels. Null: several label columns are multi-label if all values are 0 or 1, else numbers; one column
    /// is numbers if all values are and one of them is not whole, else classes.
    /// </summary>
    public LabelKind? Kind { get; init; }

    /// <summary>
    /// BED files over the genome that label the bases of places (kind PerBase): a file is a class, called as the file, and
    /// bases that none covers are <c>none</c>; where files overlap, the last one says.
    /// </summary>
    public IReadOnlyList<string> Tracks { get; init; } = [];

    /// <summary>Names of the classes in the order of their indices; null: those that occur, sorted.</summary>
    public IReadOnlyList<string>? Classes { get; init; }

    /// <summary>Splits a label into several classes, as in <c>3;7;12</c>; null: a label is one class.</summary>
    public char? MultiLabelSeparator { get; init; }

    /// <summary>Column of the sequence; null: sequence, seq, dna, dna_sequence, text, seq1 or sequence1.</summary>
    public string? SequenceColumn { get; init; }

    /// <summary>Column of the second sequence of a pair; null: seq2 or sequence2 if seq1 or sequence1 is the first.</summary>
    public string? SecondSequenceColumn { get; init; }

    /// <summary>Columns of the labels; empty: label, labels, class, target or y.</summary>
    public IReadOnlyList<string> LabelColumns { get; init; } = [];

    /// <summary>Column of the row's identifier; null: id or name, if there is one.</summary>
    public string? IdColumn { get; init; }

    /// <summary>Column of the row's part; null: split, part, partition, set or subset, in a single file only.</summary>
    public string? PartColumn { get; init; }

    /// <summary>Column of the contig; null: chromosome, chrom, chr, #chrom, region, contig or seqnames.</summary>
    public string? ContigColumn { get; init; }

    /// <summary>Column of the first base, 0-based; null: start or chromStart.</summary>
    public string? StartColumn { get; init; }

    /// <summary>Column of the base after the last; null: end, stop or chromEnd.</summary>
    public string? EndColumn { get; init; }

    /// <summary>Column of the strand; null: strand, if there is one.</summary>
    public string? StrandColumn { get; init; }

    /// <summary>Delimiter of tables; null: found in the first line.</summary>
    public char? Delimiter { get; init; }

    /// <summary>False if tables have no line of names; columns are then called 1, 2, 3 and so on.</summary>
    public bool HasHeader { get; init; } = true;

    /// <summary>Separates the fields of a FASTA header.</summary>
    public char FastaSeparator { get; init; } = '|';

    /// <summary>Which field of a FASTA header is the label, from 0; negative: from the end, -1 being the last.</summary>
    public int FastaField { get; init; } = -1;

    /// <summary>The genome that interval tables refer to; it stays the caller's to close.</summary>
    public GenomeSource? Genome { get; init; }

    /// <summary>
    /// True if a class of the validation or test part that training lacks is a warning; otherwise it is an error.
    /// </summary>
    public bool AllowClassesMissingInTrain { get; init; }

    /// <summary>Bytes of sequence held in memory; what is beyond lies in a temporary file that is mapped.</summary>
    public long MaxBytesInMemory { get; init; } = 4L << 30;

    /// <summary>Every problem of these options.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>(Tables().Validate());
        if (Classes is not null && Classes.Distinct(StringComparer.Ordinal).Count() != Classes.Count)
        {
            problems.Add("Classes must all be different");
        }
        if (Classes is { Count: 0 })
        {
            problems.Add("Classes must not be empty; leave it out to take those that occur");
        }
        if (Classes is not null && Kind is LabelKind.Number or LabelKind.None)
        {
            problems.Add("Classes go with the kinds Class and MultiLabel only");
        }
        if (MultiLabelSeparator is not null && (LabelColumns.Count > 1 || Kind is not (null or LabelKind.MultiLabel)))
        {
            problems.Add("MultiLabelSeparator goes with one label column and the kind MultiLabel");
        }
        if (Kind is LabelKind.PerBase && LabelColumns.Count > 1)
        {
            problems.Add("the kind PerBase goes with one label column");
        }
        if (Tracks.Count > 0 && (Kind is not (null or LabelKind.PerBase) || LabelColumns.Count > 0 || Classes is not null))
        {
            problems.Add("Tracks are labels of the kind PerBase themselves: they go with no other kind, and neither with LabelColumns nor Classes");
        }
        if (Tracks.Select(BaseTracks.NameOf).Append(BaseTracks.None).Distinct(StringComparer.Ordinal).Count() != Tracks.Count + 1)
        {
            problems.Add("Tracks must have different file names, and none may be called 'none'");
        }
        if (Kind is LabelKind.Class && LabelColumns.Count > 1)
        {
            problems.Add("the kind Class goes with one label column");
        }
        if (Kind is LabelKind.MultiLabel && LabelColumns.Count < 2 && MultiLabelSeparator is null)
        {
            problems.Add("the kind MultiLabel needs several LabelColumns, or a MultiLabelSeparator");
        }
        if (SecondSequenceColumn is not null && SequenceColumn is null)
        {
            problems.Add("SecondSequenceColumn needs SequenceColumn");
        }
        if (FastaSeparator is '\r' or '\n' or '\0' || FastaSeparator > 0x7F)
        {
            problems.Add("FastaSeparator must be an ASCII character that is no line end");
        }
        if (MaxBytesInMemory < 0)
        {
            problems.Add("MaxBytesInMemory must not be negative");
        }
        if (Task is not null && (TrainFile ?? DevFile ?? TestFile) is not null)
        {
            problems.Add("Task chooses files by name, so it does not go with TrainFile, DevFile or TestFile");
        }
        return problems;
    }

    internal DelimitedOptions Tables() => new() { Delimiter = Delimiter, HasHeader = HasHeader };
}
