using System.Text;
using GenoSeq.Data.Parquet.DuckDb;

namespace GenoSeq.Data;

/// <summary>A named column of texts or of numbers.</summary>
public sealed record TableColumn
{
    private TableColumn(string name) => Name = name;

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Its values where it is one of texts, else null.</summary>
    public IReadOnlyList<string>? Texts { get; private init; }

    /// <summary>Its values where it is one of numbers, else null.</summary>
    public IReadOnlyList<double>? Numbers { get; private init; }

    /// <summary>Its values where it is one of whole numbers, else null.</summary>
    public IReadOnlyList<long>? Wholes { get; private init; }

    /// <summary>Number of values.</summary>
    public int Count => Texts?.Count ?? Numbers?.Count ?? Wholes!.Count;

    /// <summary>A column of texts.</summary>
    public static TableColumn Of(string name, IEnumerable<string> values) => new(name) { Texts = [.. values] };

    /// <summary>A column of whole numbers.</summary>
    public static TableColumn Of(string name, IEnumerable<long> values) => new(name) { Wholes = [.. values] };

    /// <summary>A column of numbers.</summary>
    public static TableColumn Of(string name, IEnumerable<double> values) => new(name) { Numbers = [.. values] };
}

/// <summary>Writes a table that is in memory to Parquet.</summary>
public static class ParquetTable
{
    private const int GroupRows = 122_880;

    /// <summary>Writes columns into one file in place of what is there; it appears whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="columns">At least one column, all of one length, with different names.</param>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    /// <exception cref="MissingNativeLibraryException">DuckDB is not installed.</exception>
    public static void Write(string path, IReadOnlyList<TableColumn> columns)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(columns);
        if (columns.Count == 0 || columns.Any(c => c.Count != columns[0].Count))
        {
            throw new ArgumentException("a table has columns of one length", nameof(columns));
        }

        string full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        string temporary = $"{full}.{Guid.NewGuid():N}.tmp";
        try
        {
            ParquetWriter.Copy(new Rows(columns), temporary, new ParquetWriterOptions().Codec, GroupRows, new Dictionary<string, string> { ["genoseq.table"] = "1" });
            File.Move(temporary, full, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private sealed class Rows(IReadOnlyList<TableColumn> columns) : IChunkSource
    {
        private int _next;

        public IReadOnlyList<(string Name, DuckDbType Type)> Columns { get; } =
            [.. columns.Select(c => (c.Name, c.Texts is not null ? DuckDbType.Varchar : c.Wholes is not null ? DuckDbType.BigInt : DuckDbType.Double))];

        public int Fill(in ChunkWriter chunk, int capacity)
        {
            int count = Math.Min(capacity, columns[0].Count - _next);
            for (int c = 0; c < columns.Count; c++)
            {
                for (int row = 0; row < count; row++)
                {
                    if (columns[c].Texts is { } texts)
                    {
                        chunk.Set(c, row, Encoding.UTF8.GetBytes(texts[_next + row]));
                    }
                    else if (columns[c].Wholes is { } wholes)
                    {
                        chunk.Set(c, row, wholes[_next + row]);
                    }
                    else
                    {
                        chunk.Set(c, row, columns[c].Numbers![_next + row]);
                    }
                }
            }

            _next += count;
            return count;
        }
    }
}
