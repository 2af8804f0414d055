using System.Globalization;
using System.Text;
using GenoSeq.Data.Parquet.DuckDb;

namespace GenoSeq.Data;

/// <summary>Type of a column of a <see cref="ParquetTable"/>.</summary>
public enum ParquetTableType
{
    /// <summary>UTF-8 text.</summary>
    Text,

    /// <summary>64-bit integer.</summary>
    Int64,

    /// <summary>Single precision.</summary>
    Float,

    /// <summary>Double precision.</summary>
    Double,
}

/// <summary>Receives the values of one row of a <see cref="ParquetTable"/>, in the order of its columns.</summary>
public abstract class ParquetTableRow
{
    /// <summary>The next column's value, of <see cref="ParquetTableType.Text"/>.</summary>
    public abstract void Add(string value);

    /// <summary>The next column's value, of <see cref="ParquetTableType.Int64"/>.</summary>
    public abstract void Add(long value);

    /// <summary>The next column's value, of <see cref="ParquetTableType.Float"/>.</summary>
    public abstract void Add(float value);

    /// <summary>The next column's value, of <see cref="ParquetTableType.Double"/>.</summary>
    public abstract void Add(double value);

    /// <summary>The next column has no value.</summary>
    public abstract void AddNothing();
}

/// <summary>Writes rows that come one after the other as a Parquet file, which appears under its name whole.</summary>
public sealed class ParquetTable
{
    private const int MaxGroupRows = 122_880;
    private const long GroupBytes = 32L << 20;

    private readonly List<(string Name, DuckDbType Type)> _columns = [];
    private readonly List<string> _select = [];
    private long _rowBytes = 1;

    /// <summary>Keys and values to store in the file.</summary>
    public IDictionary<string, string> Metadata { get; } = new Dictionary<string, string>();

    /// <summary>One of <see cref="ParquetWriterOptions.Codecs"/>.</summary>
    public string Codec { get; init; } = "zstd";

    /// <summary>Adds a column.</summary>
    public void Add(string name, ParquetTableType type)
    {
        _select.Add(Sql.Name(name));
        AddValue(name, type);
    }

    /// <summary>Adds a column of lists of single-precision numbers, all of one length: so many values of a row.</summary>
    public void AddList(string name, int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        int first = _columns.Count;
        for (int i = 0; i < length; i++)
        {
            AddValue(string.Create(CultureInfo.InvariantCulture, $"{name}\u0001{i}"), ParquetTableType.Float);
        }

        _select.Add($"[{string.Join(", ", _columns.Skip(first).Select(c => Sql.Name(c.Name)))}]::FLOAT[] AS {Sql.Name(name)}");
    }

    /// <summary>Writes the rows.</summary>
    /// <param name="path">The file.</param>
    /// <param name="next">Adds one row's values and returns true, or returns false at the end.</param>
    /// <param name="output">What may be replaced; null is the default, nothing.</param>
    /// <exception cref="OutputException">The output exists, or cannot be written.</exception>
    /// <exception cref="MissingNativeLibraryException">DuckDB is not installed.</exception>
    public void Write(string path, Func<ParquetTableRow, bool> next, OutputOptions? output = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(next);
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full) || (File.Exists(full) && output is not { Force: true }))
        {
            throw new OutputException(OutputProblem.Refused, "the output exists already", path, "a new name", "another name, or --force to replace it");
        }

        TemporaryOutputName.RemoveStale(full);
        string temporary = TemporaryOutputName.For(full);
        try
        {
            Copy(temporary, next);
            File.Move(temporary, full, true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Writes the rows to a file that is the caller's to name or to remove.</summary>
    internal void Copy(string temporary, Func<ParquetTableRow, bool> next)
    {
        int groupRows = (int)Math.Clamp(GroupBytes / _rowBytes, 1, MaxGroupRows);
        ParquetWriter.Copy(new Source(_columns, next), temporary, Codec, groupRows, new SortedDictionary<string, string>(Metadata, StringComparer.Ordinal), string.Join(", ", _select));
    }

    private void AddValue(string name, ParquetTableType type)
    {
        _rowBytes += type switch { ParquetTableType.Text => 32, ParquetTableType.Float => 4, _ => 8 };
        _columns.Add((name, type switch
        {
            ParquetTableType.Text => DuckDbType.Varchar,
            ParquetTableType.Int64 => DuckDbType.BigInt,
            ParquetTableType.Float => DuckDbType.Float,
            _ => DuckDbType.Double,
        }));
    }

    private sealed class Source(List<(string Name, DuckDbType Type)> columns, Func<ParquetTableRow, bool> next) : IChunkSource
    {
        private readonly Row _row = new();

        public IReadOnlyList<(string Name, DuckDbType Type)> Columns => columns;

        public int Fill(in ChunkWriter chunk, int capacity)
        {
            int rows = 0;
            while (rows < capacity)
            {
                _row.Clear();
                if (!next(_row))
                {
                    break;
                }

                if (_row.Values.Count != columns.Count)
                {
                    throw new InvalidOperationException($"a row has {_row.Values.Count} values for {columns.Count} columns");
                }

                for (int c = 0; c < columns.Count; c++)
                {
                    Set(chunk, c, rows, columns[c].Type, _row.Values[c]);
                }

                rows++;
            }

            return rows;
        }

        private static void Set(in ChunkWriter chunk, int column, int row, DuckDbType type, in Value value)
        {
            if (value.IsNothing)
            {
                chunk.SetNull(column, row);
                return;
            }

            switch (type)
            {
                case DuckDbType.Varchar:
                    chunk.Set(column, row, Encoding.UTF8.GetBytes(value.Text ?? ""));
                    break;
                case DuckDbType.BigInt:
                    chunk.Set(column, row, value.Bits);
                    break;
                case DuckDbType.Float:
                    chunk.Set(column, row, BitConverter.Int32BitsToSingle((int)value.Bits));
                    break;
                default:
                    chunk.Set(column, row, BitConverter.Int64BitsToDouble(value.Bits));
                    break;
            }
        }
    }

    private readonly record struct Value(string? Text, long Bits, bool IsNothing = false);

    private sealed class Row : ParquetTableRow
    {
        internal List<Value> Values { get; } = [];

        public override void Add(string value) => Values.Add(new Value(value, 0));

        public override void Add(long value) => Values.Add(new Value(null, value));

        public override void Add(float value) => Values.Add(new Value(null, BitConverter.SingleToInt32Bits(value)));

        public override void Add(double value) => Values.Add(new Value(null, BitConverter.DoubleToInt64Bits(value)));

        public override void AddNothing() => Values.Add(new Value(null, 0, IsNothing: true));

        internal void Clear() => Values.Clear();
    }
}
