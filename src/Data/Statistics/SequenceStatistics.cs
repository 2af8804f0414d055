using Microsoft.Win32.SafeHandles;

namespace GenoSeq.Data;

/// <summary>Counts the sequences and bases of FASTA and FASTQ, plain or compressed, at the speed of memory.</summary>
/// <remarks>
/// Plain files are cut into pieces that several threads read and classify 64 bytes at a time; whatever is not plain lines
/// sends the file to <see cref="FastaReader"/> or <see cref="FastqReader"/>, so the result is always theirs. Compressed
/// files go through the same classifiers piece by piece behind threads that decompress; pipes stream through the readers.
/// </remarks>
public static class SequenceStatistics
{
    /// <summary>Counts one file; <c>-</c> is standard input.</summary>
    /// <exception cref="InputDataException">The file is missing, damaged, or no sequence file.</exception>
    public static SequenceStats Measure(string path, SequenceStatisticsOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Validate() is { Count: > 0 } problems)
        {
            throw new ArgumentException(string.Join("; ", problems), nameof(options));
        }
        if (path != InputFile.StandardInput && TryPlainFile(path, options, out SequenceStats? stats))
        {
            return stats!;
        }
        using InputFile file = InputFile.Open(path, new InputFileOptions { Threads = options.Threads });
        return MeasureContent(file, path, options);
    }

    /// <summary>Counts a stream, compressed or not. It is left open.</summary>
    /// <param name="stream">The bytes.</param>
    /// <param name="file">What to call it in the result.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <param name="options">How to count.</param>
    /// <exception cref="InputDataException">The content is damaged, or no sequence file.</exception>
    public static SequenceStats Measure(Stream stream, string file, string name, SequenceStatisticsOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        using InputFile input = InputFile.FromStream(stream, name, new InputFileOptions { Threads = options.Threads });
        return MeasureContent(input, file, options);
    }

    internal static SequenceStats Measure(string path, SequenceStatisticsOptions options, SequenceTotals totals)
    {
        SequenceStats stats = Measure(path, options with { Totals = totals });
        totals.Add(stats);
        return stats;
    }

    private static SequenceStats MeasureContent(InputFile file, string path, SequenceStatisticsOptions options)
    {
        string name = file.Name;
        var start = new byte[FormatSniffer.Window];
        int filled = file.Content.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        FormatKind kind = FormatSniffer.Detect(start.AsSpan(0, filled));
        if (kind == FormatKind.TwoBit)
        {
            return file.Compression == CompressionKind.None && path != InputFile.StandardInput
                ? TwoBitStatistics.Measure(path, options)
                : throw new InputDataException(
                    "2bit cannot be read from a pipe or from compressed data", name, "a plain 2bit file", "name the file itself, uncompressed");
        }
        using var whole = new PrefixedStream(start.AsMemory(0, filled), file.Content);
        if (file.Compression != CompressionKind.None && path != InputFile.StandardInput && File.Exists(path))
        {
            if (TryStream(whole, path, kind, options) is { } stats)
            {
                return stats;
            }
            using InputFile again = InputFile.Open(path, new InputFileOptions { Threads = options.Threads });
            return Read(again.Content, path, name, kind, options);
        }
        return Read(whole, path, name, kind, options);
    }

    /// <summary>Null where the readers must decide, from the beginning.</summary>
    internal static SequenceStats? TryStream(
        Stream content, string path, FormatKind kind, SequenceStatisticsOptions options, int pieceSize = FileScan.DefaultPiece)
    {
        if (kind is not (FormatKind.Fasta or FormatKind.Fastq))
        {
            return null;
        }
        var lengths = new LengthHistogram();
        var scan = new StreamScan(content, lengths, pieceSize);
        bool fastq = kind == FormatKind.Fastq;
        bool done;
        BaseTally tally;
        if (Vector512Classifier.IsSupported)
        {
            var classifier = new Vector512Classifier(options.Letters);
            done = fastq ? scan.TryFastq(classifier, out tally) : scan.TryFasta(classifier, out tally);
        }
        else if (Vector256Classifier.IsSupported)
        {
            var classifier = new Vector256Classifier(options.Letters);
            done = fastq ? scan.TryFastq(classifier, out tally) : scan.TryFasta(classifier, out tally);
        }
        else
        {
            var classifier = new ScalarClassifier(options.Letters);
            done = fastq ? scan.TryFastq(classifier, out tally) : scan.TryFasta(classifier, out tally);
        }
        return done ? Result(path, fastq ? "FASTQ" : "FASTA", tally, lengths, options) : null;
    }

    private static SequenceStats Read(Stream whole, string path, string name, FormatKind kind, SequenceStatisticsOptions options)
    {
        var lengths = new LengthHistogram();
        var counter = new StreamCounter(lengths);
        if (kind == FormatKind.Fastq)
        {
            FastqReader.Read(whole, name, counter, options.Letters);
        }
        else
        {
            FastaReader.Read(whole, name, counter, new FastaReaderOptions { Letters = options.Letters, AllowEmptyNames = true });
        }
        return Result(path, kind == FormatKind.Fastq ? "FASTQ" : "FASTA", counter.Tally, lengths, options);
    }

    private static bool TryPlainFile(string path, SequenceStatisticsOptions options, out SequenceStats? stats)
    {
        stats = null;
        SafeFileHandle handle;
        try
        {
            if (!OneTimeFile.CanReopen(path))
            {
                return false;
            }
            handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
        using (handle)
        {
            try
            {
                return TryPlainFile(handle, path, options, FileScan.DefaultPiece, out stats);
            }
            catch (Exception e) when (e is IOException or NotSupportedException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    internal static bool TryPlainFile(
        SafeFileHandle handle, string path, SequenceStatisticsOptions options, int pieceSize, out SequenceStats? stats)
    {
        stats = null;
        long length = RandomAccess.GetLength(handle);
        if (length == 0)
        {
            return false;
        }
        Span<byte> start = stackalloc byte[16];
        start = start[..RandomAccess.Read(handle, start, 0)];
        bool fastq = start.Length > 0 && start[0] == (byte)'@' && !FormatSniffer.IsSam(start);
        if (!fastq && (start.Length == 0 || start[0] != (byte)'>'))
        {
            return false;
        }
        var lengths = new LengthHistogram();
        FileScan scan = FileScan.Create(handle, length, options.Threads, pieceSize);
        bool done;
        BaseTally tally;
        if (Vector512Classifier.IsSupported)
        {
            done = Try(scan, new Vector512Classifier(options.Letters), fastq, lengths, out tally);
        }
        else if (Vector256Classifier.IsSupported)
        {
            done = Try(scan, new Vector256Classifier(options.Letters), fastq, lengths, out tally);
        }
        else
        {
            done = Try(scan, new ScalarClassifier(options.Letters), fastq, lengths, out tally);
        }
        stats = done ? Result(path, fastq ? "FASTQ" : "FASTA", tally, lengths, options) : null;
        return done;
    }

    private static bool Try<T>(FileScan scan, T classifier, bool fastq, LengthHistogram lengths, out BaseTally tally)
        where T : struct, IBlockClassifier =>
        fastq ? scan.TryFastq(classifier, lengths, out tally) : scan.TryFasta(classifier, lengths, out tally);

    internal static SequenceStats Result(
        string file, string format, in BaseTally tally, LengthHistogram lengths, SequenceStatisticsOptions options)
    {
        options.Totals?.Lengths.Add(lengths);
        (long min, long max, long n50) = lengths.Summary();
        return new SequenceStats(file, format, lengths.Records, tally.Bases, tally.Strong, tally.Weak, tally.N, tally.Lower,
            tally.Foreign, min, max, n50);
    }
}
