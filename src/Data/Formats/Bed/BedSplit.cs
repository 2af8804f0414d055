using System.Text;

namespace GenoSeq.Data;

/// <summary>Reads a four-column BED file that assigns intervals to train, validation and test.</summary>
/// <remarks>
/// Columns: contig, start, end (0-based, half-open), split; more columns are ignored. Blank lines, <c>#</c> comments
/// and the browser's
/// <c>track</c> and <c>browser</c> lines are skipped. An end beyond the contig is clipped with a warning.
/// </remarks>
internal static class BedSplit
{
    private static readonly BedOptions s_options = new() { StandardColumns = 4, AllowRaggedLines = true };

    private readonly record struct Row(GenomeInterval Interval, int Part, long Line);

    internal static GenomeSplit Read(GenomeSource genome, string path, bool ignoreMissingContigs)
    {
        var rows = new List<Row>();
        var warnings = new List<string>();
        var missing = new Dictionary<string, int>(StringComparer.Ordinal);
        // A line may have more columns than the next: only four of them mean anything here.
        using BedReader bed = BedReader.Open(path, s_options);
        while (bed.Read())
        {
            string where = bed.Where;
            int part = PartOf(Encoding.UTF8.GetString(AsciiText.Trim(bed.Column(3))), where);
            (long start, long end) = (bed.Start, bed.End);
            int contig = genome.IndexOf(bed.Contig);
            if (contig < 0)
            {
                if (!ignoreMissingContigs)
                {
                    throw MissingContig.Error(genome, bed.Contig, where,
                        "leave such lines out with the option to ignore missing contigs");
                }
                missing[bed.Contig] = missing.GetValueOrDefault(bed.Contig) + 1;
                continue;
            }
            long length = genome.LengthOf(contig);
            if (start >= end || start >= length)
            {
                throw new InputDataException(
                    start >= end
                        ? $"start {start} is not before end {end}"
                        : $"start {start} is beyond the contig's {length} bases",
                    where, "0-based start, end not included, inside the contig",
                    "check that both files describe the same genome assembly");
            }
            if (end > length)
            {
                warnings.Add(
                    $"line {bed.Line}: end {end} is beyond contig '{bed.Contig}' of {length} bases and was clipped");
                end = length;
            }
            rows.Add(new Row(new GenomeInterval(contig, start, end), part, bed.Line));
        }
        foreach ((string name, int lines) in missing)
        {
            warnings.Add($"contig '{name}' is not in the genome; {lines} lines were left out");
        }
        RefuseOverlaps(genome, rows, path);
        if (!rows.Exists(r => r.Part == 0))
        {
            throw new InputDataException("no interval is marked 'train'", path,
                "at least one line whose fourth column is 'train'");
        }
        return new GenomeSplit
        {
            Train = Part(rows, 0),
            Validation = Part(rows, 1),
            Test = Part(rows, 2),
            Warnings = warnings,
        };
    }

    private static GenomeInterval[] Part(List<Row> rows, int part) =>
        [.. rows.Where(r => r.Part == part).Select(r => r.Interval)];

    private static int PartOf(string name, string where) => name.ToLowerInvariant() switch
    {
        "train" => 0,
        "valid" or "val" or "validation" => 1,
        "test" => 2,
        _ => throw new InputDataException($"unknown split '{name}'", where,
            "train, valid or test in the fourth column"),
    };

    private static void RefuseOverlaps(GenomeSource genome, List<Row> rows, string path)
    {
        // Sorted by start, an overlap with any earlier interval of another part shows against that part's furthest end.
        var furthest = new Row?[3];
        int contig = -1;
        foreach (Row row in rows.OrderBy(r => r.Interval.Contig).ThenBy(r => r.Interval.Start))
        {
            if (row.Interval.Contig != contig)
            {
                contig = row.Interval.Contig;
                Array.Clear(furthest);
            }
            for (int part = 0; part < 3; part++)
            {
                if (part != row.Part && furthest[part] is Row other && other.Interval.Overlaps(row.Interval))
                {
                    throw new InputDataException(
                        $"intervals of different splits overlap on '{genome.Contigs[contig].Name}': "
                        + $"{other.Interval.Start}-{other.Interval.End} and {row.Interval.Start}-{row.Interval.End}",
                        $"{path}, lines {Math.Min(other.Line, row.Line)} and {Math.Max(other.Line, row.Line)}",
                        "splits that share no base", "shorten or remove one of the two");
                }
            }
            if (furthest[row.Part] is not Row before || row.Interval.End > before.Interval.End)
            {
                furthest[row.Part] = row;
            }
        }
    }
}
