using System.Globalization;
using System.Text;
using GenoSeq.Data;
using GenoSeq.Torch.IO;

namespace GenoSeq.Training.FineTuning;

/// <summary>How a table is written.</summary>
public enum TableFormat
{
    /// <summary>Text, fields separated by tabs, names in the first line.</summary>
    Tsv,

    /// <summary>Parquet: columns of text and of doubles.</summary>
    Parquet,
}

/// <summary>A named column of a table in memory: of texts, of numbers or of whole numbers.</summary>
internal sealed record OutputColumn
{
    private OutputColumn(string name) => Name = name;

    internal string Name { get; }

    internal IReadOnlyList<string>? Texts { get; private init; }

    internal IReadOnlyList<double>? Numbers { get; private init; }

    internal IReadOnlyList<long>? Wholes { get; private init; }

    internal int Count => Texts?.Count ?? Numbers?.Count ?? Wholes!.Count;

    internal static OutputColumn Of(string name, IEnumerable<string> values) => new(name) { Texts = [.. values] };

    internal static OutputColumn Of(string name, IEnumerable<double> values) => new(name) { Numbers = [.. values] };

    internal static OutputColumn Of(string name, IEnumerable<long> values) => new(name) { Wholes = [.. values] };

    internal void AddTo(ParquetTable table) =>
        table.Add(Name, Texts is not null ? ParquetTableType.Text : Wholes is not null ? ParquetTableType.Int64 : ParquetTableType.Double);

    internal void AddTo(ParquetTableRow row, int index)
    {
        if (Texts is not null)
        {
            row.Add(Texts[index]);
        }
        else if (Wholes is not null)
        {
            row.Add(Wholes[index]);
        }
        else
        {
            row.Add(Numbers![index]);
        }
    }

    internal string Text(int index) =>
        Texts?[index] ?? Wholes?[index].ToString(CultureInfo.InvariantCulture) ?? Numbers![index].ToString("R", CultureInfo.InvariantCulture);
}

/// <summary>Writes a table of predictions.</summary>
internal static class OutputTable
{
    /// <summary>Writes columns; the file appears whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="columns">Columns of one length.</param>
    /// <param name="format">How; null: Parquet where the name ends in <c>.parquet</c>, else text.</param>
    /// <exception cref="OutputException">Parquet cannot be written.</exception>
    internal static void Write(string path, IReadOnlyList<OutputColumn> columns, TableFormat? format)
    {
        if ((format ?? (path.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase) ? TableFormat.Parquet : TableFormat.Tsv)) == TableFormat.Parquet)
        {
            WriteParquet(path, columns);
            return;
        }

        var text = new StringBuilder();
        Line(text, columns.Select(c => c.Name));
        for (int row = 0; row < columns[0].Count; row++)
        {
            Line(text, columns.Select(c => c.Text(row)));
        }

        AtomicFile.WriteAllText(path, text.ToString());
    }

    private static void WriteParquet(string path, IReadOnlyList<OutputColumn> columns)
    {
        var table = new ParquetTable();
        table.Metadata["genoseq.table"] = "1";
        foreach (OutputColumn column in columns)
        {
            column.AddTo(table);
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        int next = 0;
        table.Write(path, row =>
        {
            if (next == columns[0].Count)
            {
                return false;
            }

            foreach (OutputColumn column in columns)
            {
                column.AddTo(row, next);
            }

            next++;
            return true;
        }, new OutputOptions { Force = true });
    }

    private static void Line(StringBuilder text, IEnumerable<string> fields) =>
        text.AppendJoin('\t', fields.Select(f => f.Replace('\t', ' '))).Append('\n');
}
