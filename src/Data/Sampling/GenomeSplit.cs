namespace GenoSeq.Data;

/// <summary>The parts of a genome that train, validate and test a model; no base is in two of them.</summary>
public sealed record GenomeSplit
{
    /// <summary>Intervals to train on.</summary>
    public required IReadOnlyList<GenomeInterval> Train { get; init; }

    /// <summary>Intervals to validate on; may be empty.</summary>
    public required IReadOnlyList<GenomeInterval> Validation { get; init; }

    /// <summary>Intervals to test on; may be empty.</summary>
    public required IReadOnlyList<GenomeInterval> Test { get; init; }

    /// <summary>What was changed or left out on the way, one sentence each.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Divides a genome.</summary>
    /// <exception cref="ArgumentException">The options are invalid.</exception>
    /// <exception cref="InputDataException">The BED file or a contig name does not fit the genome.</exception>
    public static GenomeSplit Create(GenomeSource genome, SplitOptions options)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(options);
        OptionsProblems.ThrowIfAny(options.Validate(), nameof(options));
        if (options.BedFile is not null)
        {
            return BedSplit.Read(genome, options.BedFile, options.IgnoreMissingContigs);
        }
        return options.HoldoutContigs is not null ? ByContig(genome, options) : ByFraction(genome, options);
    }

    private static GenomeSplit ByContig(GenomeSource genome, SplitOptions options)
    {
        HashSet<int> validation = Indices(genome, options.HoldoutContigs!);
        HashSet<int> test = Indices(genome, options.TestContigs ?? []);
        IReadOnlyList<GenomeInterval> all = genome.WholeContigs();
        var split = new GenomeSplit
        {
            Train = [.. all.Where(i => !validation.Contains(i.Contig) && !test.Contains(i.Contig))],
            Validation = [.. all.Where(i => validation.Contains(i.Contig))],
            Test = [.. all.Where(i => test.Contains(i.Contig))],
        };
        if (split.Train.Count == 0)
        {
            throw new InputDataException(
                "no contig is left to train on", $"{genome.Contigs.Count} contigs, all held out",
                "some contigs that are not held out",
                "hold out fewer contigs, or a fraction of each");
        }
        return split;
    }

    private static GenomeSplit ByFraction(GenomeSource genome, SplitOptions options)
    {
        var train = new List<GenomeInterval>();
        var validation = new List<GenomeInterval>();
        var test = new List<GenomeInterval>();
        foreach (GenomeInterval whole in genome.WholeContigs())
        {
            long testStart = whole.End - (long)(whole.Length * options.TestFraction);
            long validationStart = testStart - (long)(whole.Length * options.ValidationFraction!.Value);
            Add(train, whole with { End = validationStart });
            Add(validation, whole with { Start = validationStart, End = testStart });
            Add(test, whole with { Start = testStart });
        }
        return new GenomeSplit { Train = train, Validation = validation, Test = test };

        static void Add(List<GenomeInterval> list, GenomeInterval interval)
        {
            if (interval.Length > 0)
            {
                list.Add(interval);
            }
        }
    }

    private static HashSet<int> Indices(GenomeSource genome, IReadOnlyList<string> names)
    {
        var indices = new HashSet<int>();
        foreach (string name in names)
        {
            int index = genome.IndexOf(name);
            indices.Add(index >= 0 ? index : throw MissingContig.Error(genome, name, "held-out contigs"));
        }
        return indices;
    }
}
