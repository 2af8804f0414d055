using System.Globalization;
using System.Text;

namespace GenoSeq.Data;

/// <summary>
/// A table as tab-separated text. Nothing is written as <c>NA</c>; numbers have nine significant digits, which give back every single
/// precision number; tabs and line ends inside text become blanks.
/// </summary>
internal sealed class TextTable : TableWriter
{
    private const int LongestNumber = 32;

    private readonly TextOutput _output;

    internal TextTable(string path, IReadOnlyList<TableColumn> columns, TableWriterOptions options)
        : base(columns)
    {
        _output = TextOutput.Create(path, options.Output, new BgzfWriterOptions());
        WriteRow([.. columns.Select(c => (TableCell)c.Name)], names: true);
    }

    public override void Commit() => _output.Commit();

    protected override void Dispose(bool disposing) => _output.Dispose();

    private protected override void WriteRow(ReadOnlySpan<TableCell> row) => WriteRow(row, names: false);

    private void WriteRow(ReadOnlySpan<TableCell> row, bool names)
    {
        for (int i = 0; i < row.Length; i++)
        {
            if (i > 0)
            {
                _output.Write((byte)'\t');
            }

            if (!row[i].HasValue)
            {
                _output.Write("NA"u8);
            }
            else if (names || Columns[i].Type == TableType.Text)
            {
                string text = row[i].Text;
                _output.Write(Encoding.UTF8.GetBytes(text.AsSpan().ContainsAny('\t', '\n', '\r')
                    ? text.Replace('\t', ' ').Replace('\n', ' ').Replace('\r', ' ')
                    : text));
            }
            else
            {
                Span<byte> room = _output.GetSpan(LongestNumber);
                int length;
                bool fits = Columns[i].Type == TableType.Integer
                    ? row[i].Integer.TryFormat(room, out length, default, CultureInfo.InvariantCulture)
                    : row[i].Number.TryFormat(room, out length, "G9", CultureInfo.InvariantCulture);
                _output.Advance(fits ? length : 0);
            }
        }

        _output.Write((byte)'\n');
    }
}
