using System.Globalization;
using System.Text;
using GenoSeq.Data;
using GenoSeq.Inference.Input;

namespace GenoSeq.Inference.Scoring;

/// <summary>Where sequences come from.</summary>
public sealed record ScoreInputOptions
{
    /// <summary>
    /// Files of sequences, recognised by content: FASTA, FASTQ, CSV, TSV, plain or compressed, Parquet, 2bit; <c>-</c> is standard input.
    /// </summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Column of sequences in tables; null: sequence, seq, dna, dna_sequence, nucleotides or text.</summary>
    public string? SequenceColumn { get; init; }

    /// <summary>Column of names in tables; null: id or name in CSV and TSV, else row1, row2, ...</summary>
    public string? IdColumn { get; init; }

    /// <summary>A genome whose intervals are the sequences; it stays the caller's.</summary>
    public GenomeSource? Genome { get; init; }

    /// <summary>Intervals of the genome: a BED file; those on the - strand are taken as they stand on the forward one. Null: see <see cref="Regions"/>.</summary>
    public string? Bed { get; init; }

    /// <summary>Regions of the genome, 1-based; with none, and no BED file, every contig.</summary>
    public IReadOnlyList<string> Regions { get; init; } = [];
}

/// <summary>Reads sequences from whatever holds them, one after the other, in the order of the input.</summary>
public static class ScoreInputs
{
    private const string Other = "another sequence column, or a cleaned file";

    /// <summary>The sequences.</summary>
    /// <exception cref="InputDataException">While enumerating: something cannot be read, or is no nucleotide sequence.</exception>
    public static IEnumerable<ScoreItem> Read(ScoreInputOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.Genome is null ? options.Files.SelectMany(f => OfFile(f, options)) : OfGenome(options.Genome, options);
    }

    private static IEnumerable<ScoreItem> OfGenome(GenomeSource genome, ScoreInputOptions options)
    {
        if (options.Bed is not null)
        {
            using BedReader bed = BedReader.Open(options.Bed);
            while (bed.Read())
            {
                int contig = ContigAlias.IndexOf(genome, bed.Contig);
                if (contig < 0 || bed.End > genome.LengthOf(contig))
                {
                    throw new InputDataException(contig < 0
                        ? $"the genome has no contig '{bed.Contig}'"
                        : $"the interval ends at {bed.End}, contig '{bed.Contig}' at {genome.LengthOf(contig)}", bed.Where, "intervals of the genome",
                        contig < 0 ? $"one of {string.Join(", ", NearestNames.Find(bed.Contig, genome.Contigs.Select(c => c.Name)))}" : "the genome that the BED file was made for");
                }

                yield return Item(genome, new GenomeInterval(contig, bed.Start, bed.End));
            }
        }
        else if (options.Regions.Count > 0)
        {
            // All are understood before the first is read.
            foreach (GenomeInterval interval in options.Regions.Select(r => GenomeRegion.Parse(r, genome)).ToArray())
            {
                yield return Item(genome, interval);
            }
        }
        else
        {
            for (int i = 0; i < genome.Contigs.Count; i++)
            {
                yield return new ScoreItem(genome.Contigs[i].Name, genome, new GenomeInterval(i, 0, genome.LengthOf(i)));
            }
        }
    }

    private static ScoreItem Item(GenomeSource genome, GenomeInterval interval) => new(
        string.Create(CultureInfo.InvariantCulture, $"{genome.Contigs[interval.Contig].Name}:{interval.Start + 1}-{interval.End}"), genome, interval);

    private static IEnumerable<ScoreItem> OfFile(string path, ScoreInputOptions options)
    {
        using InputFile file = InputFile.Open(path, new InputFileOptions());
        using var content = new PeekedStream(file.Content);
        FormatKind kind = FormatSniffer.Detect(content.Start);
        IEnumerable<ScoreItem> items = kind switch
        {
            FormatKind.Fasta => RecordPipe.Read(sink => FastaReader.Read(content, file.Name, sink)),
            FormatKind.Fastq => RecordPipe.Read(sink => FastqReader.Read(content, file.Name, sink)),
            FormatKind.Csv or FormatKind.Tsv or FormatKind.Text or FormatKind.Bed => OfTable(content, file.Name, options),
            FormatKind.Parquet when path != InputFile.StandardInput => OfParquet(path, options),
            FormatKind.TwoBit when path != InputFile.StandardInput => OfTwoBit(path),
            FormatKind.Empty => throw new InputDataException("the file is empty", file.Name, "at least one sequence"),
            _ => throw new InputDataException($"this is no file of sequences ({kind})", file.Name,
                path == InputFile.StandardInput ? "FASTA, FASTQ, CSV or TSV on standard input" : "FASTA, FASTQ, CSV, TSV, Parquet or 2bit",
                "genoseq data inspect"),
        };
        foreach (ScoreItem item in items)
        {
            yield return item;
        }
    }

    private static IEnumerable<ScoreItem> OfParquet(string path, ScoreInputOptions options)
    {
        using ParquetReader reader = ParquetReader.Open([path], new ParquetSequenceOptions { SequenceColumn = options.SequenceColumn, IdColumn = options.IdColumn });
        using ParquetSequenceRows rows = reader.Rows();
        while (rows.MoveNext())
        {
            string id = rows.Id.IsEmpty ? SequenceText.Row(rows.Number) : Encoding.UTF8.GetString(rows.Id);
            yield return new ScoreItem(id, SequenceText.Checked(rows.Sequence, $"{path}, row {rows.Number}", Other));
        }
    }

    private static IEnumerable<ScoreItem> OfTwoBit(string path)
    {
        using GenomeSource genome = GenomeFiles.Open([path]);
        for (int i = 0; i < genome.Contigs.Count; i++)
        {
            yield return new ScoreItem(genome.Contigs[i].Name, genome, new GenomeInterval(i, 0, genome.LengthOf(i)));
        }
    }

    private static IEnumerable<ScoreItem> OfTable(Stream stream, string name, ScoreInputOptions options)
    {
        using DelimitedReader table = DelimitedReader.FromStream(stream, name);
        int sequence = SequenceText.Column(table, name, options.SequenceColumn, "--sequence");
        int id = SequenceText.IdColumn(table, name, options.IdColumn, "--id");
        for (long row = 1; table.Read(); row++)
        {
            yield return new ScoreItem(id < 0 ? SequenceText.Row(row) : Encoding.UTF8.GetString(table[id]), SequenceText.Checked(table[sequence], table.Where, Other));
        }
    }
}
