using GenoSeq.Data;

namespace GenoSeq.Training.Configuration;

/// <summary>One source of a mixture: a species, a collection, a table.</summary>
public sealed record SourceConfig : IValidated
{
    /// <summary>Its name; its contigs are called `name/contig`.</summary>
    public string Name { get; init; } = "";

    /// <summary>Its files, as in `data.files`.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Share of the training windows, in proportion to the others' weights; null for all: in proportion to their windows.</summary>
    public double? Weight { get; init; }

    /// <summary>Parquet: its column of sequences; null: `data.column`.</summary>
    public string? Column { get; init; }

    /// <summary>Parquet: its condition on rows; null: `data.where`.</summary>
    public string? Where { get; init; }

    /// <summary>Its BED file with splits.</summary>
    public string? SplitBed { get; init; }

    /// <summary>Its contigs that validate; when none of its split keys is given, the split is that of `data`.</summary>
    public IReadOnlyList<string>? HoldoutContigs { get; init; }

    /// <summary>Its contigs that test.</summary>
    public IReadOnlyList<string>? TestContigs { get; init; }

    /// <summary>Share of each of its contigs that validates.</summary>
    public double? ValidationFraction { get; init; }

    /// <summary>Share of each of its contigs that tests.</summary>
    public double TestFraction { get; init; }

    /// <summary>Whether it has a split of its own.</summary>
    internal bool HasSplit =>
        SplitBed is not null || HoldoutContigs is not null || TestContigs is not null || ValidationFraction is not null || TestFraction > 0;

    /// <summary>Its own split's options.</summary>
    internal SplitOptions Split() => new()
    {
        BedFile = SplitBed,
        HoldoutContigs = HoldoutContigs,
        TestContigs = TestContigs,
        ValidationFraction = SplitBed is null && HoldoutContigs is null ? ValidationFraction ?? 0.05 : ValidationFraction,
        TestFraction = TestFraction,
    };

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (string.IsNullOrWhiteSpace(Name) || Name.Contains('/', StringComparison.Ordinal)) yield return $"name: must be a word without '/', not '{Name}'";
        if (Files.Count == 0) yield return "files: name at least one file";
        if (Weight is { } w && !(w > 0 && double.IsFinite(w))) yield return $"weight: must be positive, not {w}";
        if (HasSplit)
        {
            foreach (string p in Split().Validate()) yield return p;
        }
    }
}
