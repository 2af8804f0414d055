using System.Diagnostics;
using System.Globalization;
using GenoSeq.Data;

namespace GenoSeq.Benchmarks.Data;

/// <summary>
/// <c>read-windows GENOME PARQUET WINDOW [genome]</c>: reads a table of windows that another process wrote and compares
/// all of it with the genome; with <c>genome</c> it is first decoded into a <see cref="ParquetGenome"/>, as training does.
/// </summary>
internal static class ParquetReadBack
{
    internal static int Run(ReadOnlySpan<string> args)
    {
        if (args.Length is not (3 or 4) || !int.TryParse(args[2], NumberStyles.None, CultureInfo.InvariantCulture, out int length))
        {
            Console.Error.WriteLine("usage: read-windows GENOME PARQUET WINDOW [genome]");
            return 2;
        }

        bool decode = args.Length == 4;
        string parquet = args[1];
        using GenomeSource genome = GenomeFiles.Open([args[0]], new GenomeOpenOptions());
        WindowTiling windows = WindowTiling.Create(genome, new WindowTilingOptions { Length = length });
        long started = Stopwatch.GetTimestamp();
        long same = decode ? CompareDecoded(genome, windows, parquet) : WindowVerifier.Compare(genome, windows, parquet);
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        using var self = Process.GetCurrentProcess();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{{\"name\":\"{(decode ? "decode" : "read")}\",\"windows\":{same},\"seconds\":{seconds:F2},\"mb_per_s\":{same * length / seconds / 1e6:F0},\"peak_rss_mib\":{self.PeakWorkingSet64 >> 20}}}"));
        return 0;
    }

    private static long CompareDecoded(GenomeSource genome, WindowTiling windows, string parquet)
    {
        using ParquetGenome decoded = ParquetGenome.Open([parquet]);
        if (decoded.Contigs.Count != windows.Count)
        {
            throw new InvalidOperationException($"{decoded.Contigs.Count} rows, {windows.Count} windows");
        }

        byte[] expected = [], actual = [];
        for (int i = 0; i < windows.Count; i++)
        {
            GenomeInterval window = windows[i].Interval;
            int length = (int)window.Length;
            if (expected.Length < length)
            {
                (expected, actual) = (new byte[length], new byte[length]);
            }

            genome.Read(window.Contig, window.Start, expected.AsSpan(0, length));
            decoded.Read(i, 0, actual.AsSpan(0, length));
            if (!expected.AsSpan(0, length).SequenceEqual(actual.AsSpan(0, length)))
            {
                throw new InvalidOperationException($"window {i} differs");
            }
        }

        return windows.Count;
    }
}
