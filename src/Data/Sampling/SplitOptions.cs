namespace GenoSeq.Data;

/// <summary>
/// How a genome is divided in training, validation and test parts. Exactly one of the three ways is chosen.
/// </summary>
public sealed record SplitOptions
{
    /// <summary>
    /// A BED file, plain or gzip, whose columns are contig, start, end (0-based, half-open) and split: <c>train</c>,
    /// <c>valid</c> (or <c>val</c>,
    /// <c>validation</c>) or <c>test</c>.
    /// </summary>
    public string? BedFile { get; init; }

    /// <summary>Contigs that make the validation part; all contigs named neither here nor as test train.</summary>
    public IReadOnlyList<string>? HoldoutContigs { get; init; }

    /// <summary>Contigs that make the test part; needs <see cref="HoldoutContigs"/>.</summary>
    public IReadOnlyList<string>? TestContigs { get; init; }

    /// <summary>
    /// Share of every contig that validates. Each contig is cut in three consecutive stretches: train, then validation,
    /// then test at its end, so no training window shares a base with a validation window. Zero trains on everything.
    /// </summary>
    public double? ValidationFraction { get; init; }

    /// <summary>Share of every contig that tests; needs <see cref="ValidationFraction"/>.</summary>
    public double TestFraction { get; init; }

    /// <summary>
    /// With <see cref="BedFile"/>: leave out lines whose contig the genome lacks, with a warning, instead of refusing
    /// them.
    /// </summary>
    public bool IgnoreMissingContigs { get; init; }

    /// <summary>Every problem with these options; empty if there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        int ways = (BedFile is null ? 0 : 1) + (HoldoutContigs is null ? 0 : 1) + (ValidationFraction is null ? 0 : 1);
        if (ways != 1)
        {
            problems.Add(
                $"exactly one of BedFile, HoldoutContigs and ValidationFraction must be set, not {ways} of them");
        }
        if (TestContigs is not null && HoldoutContigs is null)
        {
            problems.Add("TestContigs needs HoldoutContigs");
        }
        if (HoldoutContigs is not null && TestContigs is not null
            && HoldoutContigs.Intersect(TestContigs).FirstOrDefault() is string both)
        {
            problems.Add($"contig '{both}' is named in both HoldoutContigs and TestContigs");
        }
        if (ValidationFraction is not null and not (>= 0 and < 1))
        {
            problems.Add(FormattableString.Invariant(
                $"ValidationFraction is {ValidationFraction}; it must be at least 0 and less than 1"));
        }
        if (!(TestFraction is >= 0 and < 1))
        {
            problems.Add(FormattableString.Invariant(
                $"TestFraction is {TestFraction}; it must be at least 0 and less than 1"));
        }
        if (TestFraction > 0 && ValidationFraction is null)
        {
            problems.Add("TestFraction needs ValidationFraction");
        }
        if (ValidationFraction + TestFraction >= 1)
        {
            problems.Add("ValidationFraction and TestFraction leave nothing to train on");
        }
        if (IgnoreMissingContigs && BedFile is null)
        {
            problems.Add("IgnoreMissingContigs needs BedFile");
        }
        return problems;
    }
}
