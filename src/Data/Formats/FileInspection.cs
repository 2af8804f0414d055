using System.Text;

namespace GenoSeq.Data;

/// <summary>What a look at the beginning of a file shows.</summary>
/// <param name="File">As given.</param>
/// <param name="Format">By content.</param>
/// <param name="Compression"><c>none</c>, <c>gzip</c> or <c>bgzf</c>.</param>
/// <param name="LineEnds"><c>LF</c>, <c>CRLF</c>, <c>CR</c>, <c>mixed</c>; null without any, or in binary data.</param>
/// <param name="LineWidth">Longest line seen, without its end; null in binary data.</param>
/// <param name="Alphabet">Of FASTA and FASTQ, the sequence characters seen, in order; else null.</param>
/// <param name="Records">The first records or lines, cut to a line each; of 2bit the contigs, of Parquet the columns.</param>
public sealed record FileInspection(
    string File, FormatKind Format, string Compression, string? LineEnds, int? LineWidth, string? Alphabet, IReadOnlyList<string> Records)
{
    /// <summary>Bytes of content that are looked at.</summary>
    public const int Looked = 1 << 20;

    private const int MaxShown = 100;

    /// <summary>Looks at a file; <c>-</c> is standard input.</summary>
    /// <param name="path">The file.</param>
    /// <param name="records">First records to show.</param>
    /// <exception cref="InputDataException">The file is missing, or its compression is damaged at the beginning.</exception>
    public static FileInspection Of(string path, int records)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using InputFile file = InputFile.Open(path, new InputFileOptions { Threads = 1 });
        var bytes = new byte[Looked];
        int filled = file.Content.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        string compression = file.Compression.ToString().ToLowerInvariant();
        FileInspection found = Of(path, compression, bytes.AsSpan(0, filled), records);
        bool onDisk = path != InputFile.StandardInput && file.Compression == CompressionKind.None;
        return (found.Format, onDisk) switch
        {
            (FormatKind.Parquet, true) => found with { Records = Columns(path, records) },
            (FormatKind.TwoBit, true) => found with { Alphabet = "ACGTNacgtn", Records = Contigs(path, records) },
            _ => found,
        };
    }

    private static string[] Columns(string path, int records)
    {
        using ParquetReader reader = ParquetReader.Open([path]);
        return [.. reader.Columns.Take(records).Select(c => $"{c.Name} {c.Type}")];
    }

    private static string[] Contigs(string path, int records)
    {
        using TwoBitGenome genome = TwoBitGenome.Open(path);
        return [.. genome.Contigs.Take(records).Select(c => FormattableString.Invariant($"{c.Name} {c.Length}"))];
    }

    internal static FileInspection Of(string file, string compression, ReadOnlySpan<byte> content, int records)
    {
        FormatKind kind = FormatSniffer.Detect(content[..Math.Min(content.Length, FormatSniffer.Window)]);
        bool text = kind is FormatKind.Fasta or FormatKind.Fastq or FormatKind.Bed or FormatKind.Vcf or FormatKind.Sam or FormatKind.Gff
            or FormatKind.Fai or FormatKind.Csv or FormatKind.Tsv or FormatKind.GenBank or FormatKind.Embl or FormatKind.Text or FormatKind.Markup;
        if (!text)
        {
            return new FileInspection(file, kind, compression, null, null, null, []);
        }
        int feeds = content.Count((byte)'\n');
        int pairs = content.Count("\r\n"u8);
        int returns = content.Count((byte)'\r');
        string? ends = (feeds, pairs, returns) switch
        {
            (0, 0, 0) => null,
            (_, 0, 0) => "LF",
            (0, _, _) => "CR",
            _ when feeds == pairs && returns == pairs => "CRLF",
            _ => "mixed",
        };
        int width = 0;
        var shown = new List<string>();
        var seen = new bool[256];
        char begin = kind == FormatKind.Fasta ? '>' : '@';
        int fastqLine = 0;
        foreach (ReadOnlySpan<byte> line in new ByteLines(content))
        {
            width = Math.Max(width, line.Length);
            bool header = kind switch
            {
                FormatKind.Fasta => line.Length > 0 && line[0] == begin,
                FormatKind.Fastq => fastqLine % 4 == 0 && line.Length > 0 && line[0] == begin,
                _ => line.Length > 0,
            };
            bool sequence = kind switch
            {
                FormatKind.Fasta => !header && line.Length > 0 && line[0] is not ((byte)';' or (byte)'#'),
                FormatKind.Fastq => fastqLine % 4 == 1,
                _ => false,
            };
            fastqLine += kind == FormatKind.Fastq && line.Length == 0 && fastqLine % 4 == 0 ? 0 : 1;
            if (header && shown.Count < records)
            {
                shown.Add(Show(line));
            }
            for (int i = 0; sequence && i < line.Length; i++)
            {
                seen[line[i]] = true;
            }
        }
        string? alphabet = kind is FormatKind.Fasta or FormatKind.Fastq
            ? string.Concat(Enumerable.Range(33, 94).Where(b => seen[b]).Select(b => (char)b))
            : null;
        return new FileInspection(file, kind, compression, ends, width, alphabet, shown);
    }

    private static string Show(ReadOnlySpan<byte> line)
    {
        string text = Encoding.UTF8.GetString(line[..Math.Min(line.Length, MaxShown)]);
        return string.Concat(text.Select(c => char.IsControl(c) && c != '\t' ? '?' : c)) + (line.Length > MaxShown ? "..." : string.Empty);
    }
}
