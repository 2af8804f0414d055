using System.Globalization;
using GenoSeq.Data;

namespace GenoSeq.Inference.Input;

/// <summary>About how many bases an input has, for those who wait: from files' sizes and intervals, without reading sequences.</summary>
public static class InputEstimate
{
    private const double Gzip = 3.6;

    /// <summary>The estimate; 0 where nothing is known.</summary>
    public static double Bases(SequenceInputOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        double bases = options.Bed is not null ? Intervals(options.Bed)
            : options.Regions.Count > 0 ? Sum(options.Regions.Select(Region))
            : Sum(options.Files.Select(Sequences));
        return options.Stride > 0 ? bases * options.Window / options.Stride : bases;
    }

    // One that is not known makes the sum unknown.
    private static double Sum(IEnumerable<double> parts)
    {
        double[] all = [.. parts];
        return Array.Exists(all, p => p == 0) ? 0 : all.Sum();
    }

    private static double Intervals(string path)
    {
        // What can be read once is left to who reads the sequences.
        if (!File.Exists(path) || new FileInfo(path).Length == 0)
        {
            return 0;
        }

        using BedReader bed = BedReader.Open(path);
        double bases = 0;
        while (bed.Read())
        {
            bases += bed.End - bed.Start;
        }

        return bases;
    }

    private static double Region(string text)
    {
        string[] range = text[(text.LastIndexOf(':') + 1)..].Replace(",", "", StringComparison.Ordinal).Split('-');
        return range.Length == 2 && long.TryParse(range[0], NumberStyles.None, CultureInfo.InvariantCulture, out long from)
            && long.TryParse(range[1], NumberStyles.None, CultureInfo.InvariantCulture, out long to) ? Math.Max(0, to - from + 1) : 0;
    }

    private static double Sequences(string path)
    {
        var info = new FileInfo(path);
        if (!info.Exists || info.Length == 0)
        {
            return 0;
        }

        using InputFile file = InputFile.Open(path, new InputFileOptions { Threads = 1 });
        double share = FormatSniffer.Detect(file.Content, out _) switch
        {
            FormatKind.Fasta => 0.98,
            FormatKind.Fastq => 0.45,
            FormatKind.TwoBit => 4,
            FormatKind.Csv or FormatKind.Tsv => 0.9,
            _ => 0,
        };
        return share * info.Length * (file.Compression == CompressionKind.None ? 1 : Gzip);
    }
}
