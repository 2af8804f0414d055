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

/// <summary>Writes a table of predictions.</summary>
internal static class OutputTable
{
    /// <summary>Writes columns; the file appears whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="columns">Columns of one length.</param>
    /// <param name="format">How; null: Parquet where the name ends in <c>.parquet</c>, else text.</param>
    /// <exception cref="OutputException">Parquet cannot be written.</exception>
    internal static void Write(string path, IReadOnlyList<TableColumn> columns, TableFormat? format)
    {
        if ((format ?? (path.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase) ? TableFormat.Parquet : TableFormat.Tsv)) == TableFormat.Parquet)
        {
            ParquetTable.Write(path, columns);
            return;
        }

        var text = new StringBuilder();
        Line(text, columns.Select(c => c.Name));
        for (int row = 0; row < columns[0].Count; row++)
        {
            Line(text, columns.Select(c => c.Texts?[row] ?? c.Wholes?[row].ToString(CultureInfo.InvariantCulture) ?? c.Numbers![row].ToString("R", CultureInfo.InvariantCulture)));
        }

        AtomicFile.WriteAllText(path, text.ToString());
    }

    private static void Line(StringBuilder text, IEnumerable<string> fields) =>
        text.AppendJoin('\t', fields.Select(f => f.Replace('\t', ' '))).Append('\n');
}
