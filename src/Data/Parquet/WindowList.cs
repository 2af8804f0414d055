using System.Text;
using GenoSeq.Data.Parquet.DuckDb;

namespace GenoSeq.Data;

/// <summary>One interval of a sample, as training sees it.</summary>
/// <param name="Sample">Index of the sample, over all epochs.</param>
/// <param name="Segment">Place in a pack, from 0; -1 outside of packs.</param>
/// <param name="Interval">The bases.</param>
/// <param name="Flipped">True if the reverse complement is read.</param>
/// <param name="Fill">Share of the row that these bases fill, 0 to 1.</param>
public readonly record struct ListedWindow(long Sample, int Segment, GenomeInterval Interval, bool Flipped, double Fill);

/// <summary>Writes lists of windows, without their bases, to Parquet.</summary>
/// <remarks>
/// Columns: <c>sample</c>, <c>epoch</c>, <c>contig</c>, <c>start</c>, <c>end</c> (0-based, half-open), <c>strand</c>
/// (<c>+</c> or <c>-</c>), <c>segment</c> (place in a pack, -1 outside of packs) and <c>score</c> (thousandths of the row that are filled).
/// </remarks>
public static class WindowList
{
    /// <summary>Writes a list as one file, which appears under its name when it is whole.</summary>
    /// <param name="genome">The genome of the intervals.</param>
    /// <param name="windows">The list, read once.</param>
    /// <param name="epoch">The pass over the data, for its column.</param>
    /// <param name="path">The file.</param>
    /// <param name="overwrite">Replace a file that is there.</param>
    /// <param name="stop">Ends the writing; nothing is left.</param>
    /// <exception cref="OutputException">The output exists, or cannot be written.</exception>
    /// <exception cref="MissingNativeLibraryException">DuckDB is not installed.</exception>
    public static void WriteParquet(
        GenomeSource genome, IEnumerable<ListedWindow> windows, int epoch, string path, bool overwrite = false, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(windows);
        const int GroupRows = 122_880;
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full) || (File.Exists(full) && !overwrite))
        {
            throw new OutputException(OutputProblem.Refused, "the output exists already", path, "a new name", "another name");
        }

        string temporary = $"{full}.{Guid.NewGuid():N}.tmp";
        try
        {
            using IEnumerator<ListedWindow> list = windows.GetEnumerator();
            ParquetWriter.Copy(new Rows(genome, list, epoch, stop), temporary, "zstd", GroupRows, new Dictionary<string, string> { ["genoseq.epoch"] = epoch.ToString(System.Globalization.CultureInfo.InvariantCulture) });
            File.Move(temporary, full, overwrite);
        }
        catch (Exception e) when (e is (IOException or UnauthorizedAccessException) and not OutputException)
        {
            throw new OutputException(OutputProblem.Failed, $"the file cannot be written: {e.Message}", path, "room and permission to write", "another folder", e);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private sealed class Rows(GenomeSource genome, IEnumerator<ListedWindow> list, int epoch, CancellationToken stop) : IChunkSource
    {
        private readonly Dictionary<int, byte[]> _names = [];

        public IReadOnlyList<(string Name, DuckDbType Type)> Columns { get; } =
        [
            ("sample", DuckDbType.BigInt), ("epoch", DuckDbType.BigInt), ("contig", DuckDbType.Varchar), ("start", DuckDbType.BigInt),
            ("end", DuckDbType.BigInt), ("strand", DuckDbType.Varchar), ("segment", DuckDbType.BigInt), ("score", DuckDbType.BigInt),
        ];

        public int Fill(in ChunkWriter chunk, int capacity)
        {
            stop.ThrowIfCancellationRequested();
            int row = 0;
            for (; row < capacity && list.MoveNext(); row++)
            {
                ListedWindow window = list.Current;
                chunk.Set(0, row, window.Sample);
                chunk.Set(1, row, epoch);
                chunk.Set(2, row, Name(window.Interval.Contig));
                chunk.Set(3, row, window.Interval.Start);
                chunk.Set(4, row, window.Interval.End);
                chunk.Set(5, row, window.Flipped ? "-"u8 : "+"u8);
                chunk.Set(6, row, window.Segment);
                chunk.Set(7, row, (long)Math.Round(1000 * window.Fill));
            }

            return row;
        }

        private byte[] Name(int contig)
        {
            const int Kept = 4096;
            if (!_names.TryGetValue(contig, out byte[]? name))
            {
                name = Encoding.UTF8.GetBytes(genome.Contigs[contig].Name);
                if (_names.Count < Kept)
                {
                    _names.Add(contig, name);
                }
            }

            return name;
        }
    }
}
