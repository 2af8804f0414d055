using System.Globalization;
using System.Text;

namespace GenoSeq.Data;

/// <summary>Compares a written table of windows with its source, window by window.</summary>
public static class WindowVerifier
{
    /// <summary>Reads the Parquet files and returns how many windows agree with the tiling: all of them.</summary>
    /// <param name="genome">The source.</param>
    /// <param name="windows">What was written.</param>
    /// <param name="path">The file or folder.</param>
    /// <param name="progress">Told how many windows were compared since the last call.</param>
    /// <param name="stop">Ends the comparison.</param>
    /// <exception cref="InputDataException">A window differs, is missing or is too many.</exception>
    public static long Compare(GenomeSource genome, WindowTiling windows, string path, Action<long>? progress = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(windows);
        const int Report = 4096;
        var options = new ParquetSequenceOptions { SequenceColumn = "sequence", IdColumn = "contig", ExtraColumns = ["start", "end"] };
        using ParquetReader reader = ParquetReader.Open([path], options);
        using ParquetSequenceRows rows = reader.Rows();
        byte[] expected = [];
        byte[] name = [];
        int contig = -1;
        long number = 0;
        for (; rows.MoveNext(); number++)
        {
            if (number >= windows.Count)
            {
                throw Differs(path, number, "there are more rows than windows");
            }

            GenomeInterval window = windows[number].Interval;
            if (window.Contig != contig)
            {
                contig = window.Contig;
                name = Encoding.UTF8.GetBytes(genome.Contigs[contig].Name);
            }

            int length = (int)window.Length;
            expected = expected.Length < length ? new byte[length] : expected;
            genome.Read(contig, window.Start, expected.AsSpan(0, length));
            if (!rows.Id.SequenceEqual(name) || Number(rows.Extra(0)) != window.Start || Number(rows.Extra(1)) != window.End)
            {
                throw Differs(path, number, $"it is not {genome.Contigs[contig].Name}:{window.Start}-{window.End}");
            }

            if (!rows.Sequence.SequenceEqual(expected.AsSpan(0, length)))
            {
                throw Differs(path, number, "its bases are not the source's");
            }

            if (number % Report == Report - 1)
            {
                stop.ThrowIfCancellationRequested();
                progress?.Invoke(Report);
            }
        }

        return number == windows.Count ? number : throw Differs(path, number, $"the rows end before window {windows.Count}");
    }

    private static long Number(ReadOnlySpan<byte> text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : -1;

    private static InputDataException Differs(string path, long number, string how) =>
        new($"the written windows differ from their source: {how}", $"{path}, row {number + 1}", "the windows as they were written", "write it again");
}
