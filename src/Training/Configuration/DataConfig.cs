using GenoSeq.Data;

namespace GenoSeq.Training.Configuration;

/// <summary>Where bases come from, which of them train, and in which windows.</summary>
public sealed record DataConfig : IValidated
{
    /// <summary>
    /// Files that together make one genome: FASTA (plain, gzip, BGZF), 2bit, Parquet, recognised by content; folders; and
    /// patterns with `*` and `?`.
    /// </summary>
    [FormerName("fasta")]
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Several genomes, mixed by weight, instead of `data.files`: a list of groups with the keys below.</summary>
    public IReadOnlyList<SourceConfig> Sources { get; init; } = [];

    /// <summary>Parquet: the column of sequences; null: the only one that can be one.</summary>
    public string? Column { get; init; }

    /// <summary>Parquet: a condition in SQL on the rows that are read.</summary>
    public string? Where { get; init; }

    /// <summary>Bases in a window.</summary>
    public int ContextLength { get; init; } = 1024;

    /// <summary>
    /// How windows are laid: tile: over all of every contig or interval, never beyond it; hyena: one for each line of
    /// `data.split_bed`, grown or truncated, as HyenaDNA does; caduceus: 2^20 bases from each line's start, cut in windows,
    /// as Caduceus does.
    /// </summary>
    public WindowRule Windows { get; init; } = WindowRule.Tile;

    /// <summary>Bases from one training window's start to the next one's (tile); 0: the context length, side by side.</summary>
    public int Stride { get; init; }

    /// <summary>Each training window is moved right by 0 to this many bases (tile); less than the stride.</summary>
    public int Jitter { get; init; }

    /// <summary>In every epoch, windows of an interval begin at another random offset below the stride (tile).</summary>
    public bool RandomPhase { get; init; } = true;

    /// <summary>
    /// Training windows have at least this share of known bases (A, C, G, T, U): intervals are cut so that no other window
    /// can be drawn (tile; the published rules take every line).
    /// </summary>
    [FormerName("max_n_fraction", "1 - its value")]
    public double MinAcgtFraction { get; init; } = 0.5;

    /// <summary>Whether training windows may lie across gaps (keep), or intervals end at them (skip) (tile).</summary>
    public GapPolicy NPolicy { get; init; } = GapPolicy.Keep;

    /// <summary>Unknown bases in a row that make a gap.</summary>
    public int GapLength { get; init; } = 10;

    /// <summary>Intervals shorter than a window are packed side by side into training windows, with states reset between them (tile).</summary>
    public bool Pack { get; init; }

    /// <summary>[least, largest]: each line's interval is moved by a random number of bases in every epoch (hyena).</summary>
    public IReadOnlyList<int>? Shift { get; init; }

    /// <summary>Where padding stands in a window that a contig's end cut short (hyena): left, as published; right; or sides, where bases are missing.</summary>
    public WindowPadding Padding { get; init; } = WindowPadding.Left;

    /// <summary>
    /// Training windows that share a base with a validation or test window are left out (hyena, caduceus, whose windows
    /// reach beyond their lines); false: as published, with a warning. Tiles never share any.
    /// </summary>
    public bool StrictSplit { get; init; }

    /// <summary>BED file with the columns contig, start, end, split (train, valid, test).</summary>
    public string? SplitBed { get; init; }

    /// <summary>Contigs that validate; with several sources also `source/contig`.</summary>
    public IReadOnlyList<string>? HoldoutContigs { get; init; }

    /// <summary>Contigs that test.</summary>
    public IReadOnlyList<string>? TestContigs { get; init; }

    /// <summary>Share of every contig that validates; 0.05 when no other split is given.</summary>
    public double? ValidationFraction { get; init; }

    /// <summary>Share of every contig that tests, behind the validation part.</summary>
    public double TestFraction { get; init; }

    /// <summary>The split's options.</summary>
    internal SplitOptions Split() => new()
    {
        BedFile = SplitBed,
        HoldoutContigs = HoldoutContigs,
        TestContigs = TestContigs,
        ValidationFraction = SplitBed is null && HoldoutContigs is null ? ValidationFraction ?? 0.05 : ValidationFraction,
        TestFraction = TestFraction,
    };

    /// <summary>Training windows of a length.</summary>
    internal WindowSamplerOptions Training(int length, long seed) => new()
    {
        Length = length,
        Seed = seed,
        Rule = Windows,
        Stride = Stride,
        // A shorter context than the configured one (length warm-up) has a shorter stride, which jitter stays below.
        Jitter = Math.Min(Jitter, (Stride > 0 ? Stride : length) - 1),
        RandomPhase = RandomPhase,
        MinAcgtFraction = MinAcgtFraction,
        NPolicy = NPolicy,
        GapLength = GapLength,
        Pack = Pack,
        ShiftMin = Shift is [int min, _] ? min : 0,
        ShiftMax = Shift is [_, int max] ? max : 0,
        Padding = Padding,
    };

    /// <summary>Held-out windows of a length: every base once, or the published rule without its shifts.</summary>
    internal WindowSamplerOptions HeldOut(int length, long seed) =>
        Training(length, seed) with { Shuffle = false, Tail = TailPolicy.Short, ShiftMin = 0, ShiftMax = 0 };

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (Files.Count == 0 && Sources.Count == 0) yield return "files: name at least one file, or sources";
        if (Files.Count > 0 && Sources.Count > 0) yield return "sources: cannot be given besides files; make the files a source";
        if (ContextLength < 2) yield return $"context_length: must be at least 2, not {ContextLength}";
        if (MinAcgtFraction is not (>= 0 and <= 1)) yield return $"min_acgt_fraction: must be from 0 to 1, not {MinAcgtFraction}";
        if (GapLength < 1) yield return $"gap_length: must be at least 1, not {GapLength}";
        if (Stride < 0) yield return $"stride: must be 0 or positive, not {Stride}";
        int step = Stride > 0 ? Stride : ContextLength;
        if (Jitter < 0 || Jitter >= Math.Max(step, 1)) yield return $"jitter: must be at least 0 and less than the stride of {step}, not {Jitter}";
        foreach (string p in OfRule()) yield return p;
        foreach (string p in OfSources()) yield return p;
        foreach (string p in Split().Validate()) yield return p;
    }

    private IEnumerable<string> OfRule()
    {
        string rule = ConfigNames.Policy.ConvertName(Windows.ToString());
        if (Shift is not null && (Shift.Count != 2 || Shift[0] > Shift[1])) yield return "shift: must be [least, largest]";
        if (Windows == WindowRule.Tile)
        {
            if (Shift is not null) yield return "shift: needs windows=hyena; tiles have jitter";
            yield break;
        }

        if (Stride > 0) yield return $"stride: needs windows=tile, not {rule}";
        if (Jitter > 0) yield return $"jitter: needs windows=tile, not {rule}";
        if (Pack) yield return $"pack: needs windows=tile, not {rule}";
        if (NPolicy != GapPolicy.Keep) yield return $"n_policy: needs windows=tile, not {rule}";
        if (Shift is not null && Windows != WindowRule.Hyena) yield return $"shift: needs windows=hyena, not {rule}";
        if (SplitBed is null && !(Sources.Count > 0 && Sources.All(s => s.SplitBed is not null)))
        {
            yield return $"windows: {rule} makes windows of a BED file's lines, which must be named as split_bed";
        }

        if (Windows == WindowRule.Caduceus && ContextLength > 0 && (ContextLength > CaduceusRule.Span || CaduceusRule.Span % ContextLength != 0))
        {
            yield return $"context_length: must be a power of two up to {CaduceusRule.Span} for windows=caduceus, not {ContextLength}";
        }
    }

    private IEnumerable<string> OfSources()
    {
        if (Sources.Count == 0)
        {
            yield break;
        }

        if (Sources.GroupBy(s => s.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            yield return $"sources: two are called '{twice.Key}'; must be different names";
        }

        int weighted = Sources.Count(s => s.Weight is not null);
        if (weighted != 0 && weighted != Sources.Count)
        {
            yield return $"sources: {weighted} of {Sources.Count} have a weight; must be all of them, or none";
        }

        if (SplitBed is not null)
        {
            yield return "split_bed: with sources, each must have a split_bed of its own";
        }
    }
}
