using System.Text;
using Spectre.Console;

namespace GenoSeq.Cli.Console;

/// <summary>A table of text: drawn to fit on a terminal, plain and never cut anywhere else.</summary>
public sealed class ConsoleTable
{
    private readonly (string Header, bool Right)[] _columns;
    private readonly List<string[]> _rows = [];

    /// <summary>A table with the given columns; a name that begins with <c>&gt;</c> is right-aligned (numbers).</summary>
    public ConsoleTable(params IReadOnlyList<string> columns)
    {
        _columns = new (string, bool)[columns.Count];
        for (int c = 0; c < _columns.Length; c++)
        {
            _columns[c] = columns[c].StartsWith('>') ? (columns[c][1..], true) : (columns[c], false);
        }
    }

    /// <summary>Adds a row of as many cells as there are columns.</summary>
    public ConsoleTable Add(params IReadOnlyList<string> cells)
    {
        if (cells.Count != _columns.Length)
        {
            throw new ArgumentException(
                FormattableString.Invariant($"A row of {cells.Count} cells in a table of {_columns.Length} columns."), nameof(cells));
        }

        string[] row = new string[cells.Count];
        for (int c = 0; c < row.Length; c++)
        {
            row[c] = OnOneLine(cells[c]);
        }

        _rows.Add(row);
        return this;
    }

    /// <summary>Writes to standard output: the data of the verb.</summary>
    public void WriteToOut(ConsoleStreams streams) => Write(streams.Out, streams.OutIsTerminal, streams);

    /// <summary>Writes to standard error: words for the user.</summary>
    public void WriteToError(ConsoleStreams streams) => Write(streams.Error, streams.ErrorIsTerminal, streams);

    /// <summary>The table as aligned plain text: two spaces between columns, dashes under the header, nothing cut.</summary>
    public string ToPlainText()
    {
        // Plain loops: this table is most of what a short command prints, and a query's generic code would be compiled first.
        int[] widths = new int[_columns.Length];
        string[] headers = new string[widths.Length];
        string[] lines = new string[widths.Length];
        for (int c = 0; c < widths.Length; c++)
        {
            headers[c] = _columns[c].Header;
            widths[c] = headers[c].Length;
            foreach (string[] row in _rows)
            {
                widths[c] = Math.Max(widths[c], row[c].Length);
            }

            lines[c] = new string('-', widths[c]);
        }

        StringBuilder text = new();
        AppendRow(text, headers, widths);
        AppendRow(text, lines, widths);
        foreach (string[] row in _rows)
        {
            AppendRow(text, row, widths);
        }

        return text.ToString();
    }

    private void Write(TextWriter writer, bool terminal, ConsoleStreams streams)
    {
        if (!terminal || streams.Variable("TERM") == "dumb")
        {
            writer.Write(ToPlainText());
            return;
        }

        Draw(writer, streams);
    }

    private void Draw(TextWriter writer, ConsoleStreams streams)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });
        console.Profile.Width = streams.Width();
        Table table = new() { Border = TableBorder.Simple };
        foreach ((string header, bool right) in _columns)
        {
            TableColumn column = new(new Text(header));
            table.AddColumn(right ? column.RightAligned() : column);
        }

        foreach (string[] row in _rows)
        {
            table.AddRow(row.Select(cell => new Text(cell)));
        }

        console.Write(table);
    }

    private static string OnOneLine(string cell)
    {
        foreach (char c in cell)
        {
            if (c < ' ' || c >= '\u0085')
            {
                return cell.ReplaceLineEndings(" ").Replace('\t', ' ');
            }
        }

        return cell;
    }

    private void AppendRow(StringBuilder text, string[] cells, int[] widths)
    {
        int start = text.Length;
        for (int c = 0; c < cells.Length; c++)
        {
            text.Append(c > 0 ? "  " : string.Empty);
            text.Append(_columns[c].Right ? cells[c].PadLeft(widths[c]) : cells[c].PadRight(widths[c]));
        }

        while (text.Length > start && text[^1] == ' ')
        {
            text.Length--;
        }

        text.Append('\n');
    }
}
