using System.Buffers;
using System.Globalization;
using System.Text;
using GenoSeq.Data;
using GenoSeq.Inference.Embedding;

namespace GenoSeq.Inference.Input;

/// <summary>Reads sequences one after the other, in the order of their files.</summary>
public static class SequenceInputs
{
    private const string Other = "another --column";

    /// <summary>The sequences, read ahead on another thread.</summary>
    /// <param name="options">Where from.</param>
    /// <param name="warn">Told what is wrong but no error.</param>
    /// <exception cref="InputDataException">A file is missing, of no known kind, or damaged.</exception>
    public static IEnumerable<SequenceItem> Read(SequenceInputOptions options, Action<string>? warn = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        string[] problems = [.. options.Validate()];
        return problems.Length > 0
            ? throw new ArgumentException(string.Join("; ", problems), nameof(options))
            : options.Window == 0 ? Whole(options, warn) : Whole(options, warn).SelectMany(i => Windows(i, options.Window, options.Stride));
    }

    /// <summary>Windows of a sequence in their order; the last one ends with the sequence and may be shorter.</summary>
    internal static IEnumerable<SequenceItem> Windows(SequenceItem item, int window, int stride)
    {
        stride = stride == 0 ? window : stride;
        for (long first = 0; first < item.Length; first += stride)
        {
            int length = (int)Math.Min(window, item.Length - first);
            long start = item.Strand == '-' ? item.Start + item.Length - first - length : item.Start + first;
            yield return item with { Start = start, Bases = item.Bases.Slice((int)first, length) };
            if (first + length == item.Length)
            {
                yield break;
            }
        }
    }

    private static IEnumerable<SequenceItem> Whole(SequenceInputOptions options, Action<string>? warn) =>
        options.Bed is not null || options.Regions.Count > 0
            ? Intervals(options, warn)
            : options.Files.SelectMany(f => One(f, options, warn));

    private static IEnumerable<SequenceItem> One(string path, SequenceInputOptions options, Action<string>? warn)
    {
        if (path != InputFile.StandardInput && (Directory.Exists(path) || IsParquetPattern(path)))
        {
            return Parquet(path, options);
        }

        FormatKind kind = path == InputFile.StandardInput ? FormatKind.Unknown : Kind(path);
        return kind switch
        {
            FormatKind.TwoBit => Contigs(path, warn),
            FormatKind.Parquet => Parquet(path, options),
            _ => ReadAhead.Of<SequenceItem>(add => Stream(path, options, add), i => i.Length + 64L),
        };
    }

    private static bool IsParquetPattern(string path) => path.Contains('*', StringComparison.Ordinal) && path.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase);

    private static FormatKind Kind(string path)
    {
        using InputFile file = InputFile.Open(path, new InputFileOptions { Threads = 1 });
        return FormatSniffer.Detect(file.Content, out _);
    }

    private static void Stream(string path, SequenceInputOptions options, Action<SequenceItem> add)
    {
        using InputFile file = InputFile.Open(path, new InputFileOptions());
        string name = path == InputFile.StandardInput ? "standard input" : path;
        switch (FormatSniffer.Detect(file.Content, out Stream content))
        {
            case FormatKind.Fasta:
                FastaReader.Read(content, name, new RecordCollector(add));
                break;
            case FormatKind.Fastq:
                FastqReader.Read(content, name, new RecordCollector(add));
                break;
            case FormatKind.Csv or FormatKind.Tsv or FormatKind.Bed or FormatKind.Text:
                Table(content, name, options, add);
                break;
            case FormatKind.Empty:
                throw new InputDataException("the input is empty", name, "at least one sequence");
            case FormatKind kind:
                throw new InputDataException($"no sequences can be read from {kind}", name, "FASTA, FASTQ, 2bit, Parquet, CSV or TSV",
                    kind is FormatKind.Parquet or FormatKind.TwoBit ? "a file in place of standard input" : "a file of one of these formats");
        }
    }

    private static void Table(Stream content, string name, SequenceInputOptions options, Action<SequenceItem> add)
    {
        using DelimitedReader table = DelimitedReader.FromStream(content, name);
        int sequence = SequenceText.Column(table, name, options.SequenceColumn, "--column");
        int id = SequenceText.IdColumn(table, name, options.IdColumn, "--id-column");
        for (long row = 1; table.Read(); row++)
        {
            byte[] bases = SequenceText.Checked(table[sequence], table.Where, Other);
            add(new SequenceItem(id < 0 ? SequenceText.Row(row) : Encoding.UTF8.GetString(table[id]), bases));
        }
    }

    private static IEnumerable<SequenceItem> Parquet(string path, SequenceInputOptions options)
    {
        using ParquetReader reader = ParquetReader.Open([path], new ParquetSequenceOptions { SequenceColumn = options.SequenceColumn, IdColumn = options.IdColumn });
        using ParquetSequenceRows rows = reader.Rows();
        while (rows.MoveNext())
        {
            byte[] bases = SequenceText.Checked(rows.Sequence, $"{path}, row {rows.Number}", Other);
            yield return new SequenceItem(options.IdColumn is null ? SequenceText.Row(rows.Number) : Encoding.UTF8.GetString(rows.Id), bases);
        }
    }

    private static IEnumerable<SequenceItem> Contigs(string path, Action<string>? warn)
    {
        using GenomeSource genome = GenomeFiles.Open([path], new GenomeOpenOptions { Warn = warn });
        foreach (GenomeInterval interval in genome.WholeContigs())
        {
            yield return new SequenceItem(genome.Contigs[interval.Contig].Name, GenomeRegion.Read(genome, interval));
        }
    }

    private static IEnumerable<SequenceItem> Intervals(SequenceInputOptions options, Action<string>? warn)
    {
        using GenomeSource genome = GenomeFiles.Open(options.Files, new GenomeOpenOptions { Warn = warn });
        foreach (string region in options.Regions)
        {
            GenomeInterval interval = GenomeRegion.Parse(region, genome);
            yield return Interval(genome, interval, null, false);
        }

        if (options.Bed is null)
        {
            yield break;
        }

        using BedReader bed = BedReader.Open(options.Bed);
        while (bed.Read())
        {
            int contig = genome.IndexOf(bed.Contig);
            if (contig < 0)
            {
                throw new InputDataException($"the genome has no contig '{bed.Contig}'", bed.Where, "a contig of the genome",
                    $"one of {string.Join(", ", NearestNames.Find(bed.Contig, genome.Contigs.Select(c => c.Name)))}");
            }

            if (bed.End > genome.LengthOf(contig))
            {
                throw new InputDataException($"the interval ends at {bed.End}, contig '{bed.Contig}' at {genome.LengthOf(contig)}", bed.Where, "intervals inside their contigs", "the genome that the intervals are of");
            }

            string? name = bed.ToRecord().Name;
            yield return Interval(genome, new GenomeInterval(contig, bed.Start, bed.End), name is null or "." ? null : name, bed.Strand == Strand.Reverse);
        }
    }

    private static SequenceItem Interval(GenomeSource genome, GenomeInterval interval, string? name, bool minus)
    {
        string contig = genome.Contigs[interval.Contig].Name;
        name ??= string.Create(CultureInfo.InvariantCulture, $"{contig}:{interval.Start + 1}-{interval.Start + interval.Length}");
        return new SequenceItem(name, contig, interval.Start, minus ? '-' : '+', GenomeRegion.Read(genome, interval, minus));
    }

    private sealed class RecordCollector(Action<SequenceItem> add) : IFastaVisitor, IFastqVisitor
    {
        private readonly ArrayBufferWriter<byte> _bases = new();
        private string _name = "";

        public void BeginRecord(string name, long line) => _name = name;

        void IFastqVisitor.BeginRecord(ReadOnlySpan<byte> name, long line) => _name = Encoding.UTF8.GetString(name);

        public void Append(ReadOnlySpan<byte> bases) => _bases.Write(bases);

        public void AppendBases(ReadOnlySpan<byte> bases) => _bases.Write(bases);

        public void AppendQualities(ReadOnlySpan<byte> qualities)
        {
        }

        public void EndRecord()
        {
            add(new SequenceItem(_name, _bases.WrittenSpan.ToArray()));
            _bases.ResetWrittenCount();
        }
    }
}
