using System.Buffers.Text;
using System.Text;

namespace GenoSeq.Data;

/// <summary>Reads the lines of a <c>.fai</c> file and checks them against the length of the indexed file.</summary>
internal sealed class FastaIndexParser(string file, long dataLength)
{
    private static readonly string[] s_columns =
        ["length", "offset", "bases a line", "bytes a line", "offset of the qualities"];

    private static readonly UTF8Encoding s_strictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly List<FastaIndexEntry> _entries = [];
    private readonly Dictionary<string, int> _lineOfName = new(StringComparer.Ordinal);
    private int _columns;
    private int _line;
    private Int128 _end;

    internal FastaIndex Parse(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
        {
            throw new InputDataException("the index is empty", file, "one line per record", Remake);
        }
        Span<long> numbers = stackalloc long[5];
        while (!text.IsEmpty)
        {
            _line++;
            int end = text.IndexOf((byte)'\n');
            if (end < 0)
            {
                throw Bad("the last line has no line end", "a whole file: this one looks truncated");
            }
            ReadOnlySpan<byte> line = text[..end];
            text = text[(end + 1)..];
            Add(line.EndsWith("\r"u8) ? line[..^1] : line, numbers);
        }
        return new FastaIndex([.. _entries], _columns == 6);
    }

    private void Add(ReadOnlySpan<byte> line, Span<long> numbers)
    {
        int columns = line.Count((byte)'\t') + 1;
        _columns = _columns == 0 ? columns : _columns;
        if (columns is not (5 or 6) || columns != _columns)
        {
            throw Bad($"{columns} tab-separated columns", _line == 1 ? "5 columns, or 6 for FASTQ" : $"{_columns} columns, as on line 1");
        }
        int tab = line.IndexOf((byte)'\t');
        string name = Name(line[..tab]);
        for (int i = 0; i < columns - 1; i++)
        {
            line = line[(tab + 1)..];
            tab = line.IndexOf((byte)'\t');
            numbers[i] = Number(tab < 0 ? line : line[..tab], s_columns[i]);
        }
        var entry = new FastaIndexEntry(
            name, numbers[0], numbers[1], numbers[2], numbers[3], columns == 6 ? numbers[4] : -1);
        Check(entry);
        if (!_lineOfName.TryAdd(name, _line))
        {
            throw new InputDataException(
                $"two records are named '{name}'", $"{file}, lines {_lineOfName[name]} and {_line}",
                "a different name in every line", "rename one of the two records in the data file and remake the index");
        }
        _entries.Add(entry);
    }

    private void Check(in FastaIndexEntry e)
    {
        if (e.Length > 0 && (e.LineBases == 0 || e.LineWidth < e.LineBases))
        {
            throw Bad($"{e.LineBases} bases in lines of {e.LineWidth} bytes", "at least one base a line, and lines wider than their bases");
        }
        if (e.Length > e.LineBases && e.LineWidth == e.LineBases)
        {
            throw Bad($"lines of {e.LineWidth} bytes leave no room for a line end", "more bytes a line than bases");
        }
        Int128 end = e.EndFrom(e.Offset);
        if (end > dataLength)
        {
            throw Bad($"record '{e.Name}' ends at byte {end}, the file at {dataLength}", "the index of this very file");
        }
        if (e.Offset < _end)
        {
            throw Bad($"record '{e.Name}' begins at byte {e.Offset}, before the end of its predecessor at {_end}",
                "records in the order of the file");
        }
        _end = end;
        if (e.QualityOffset >= 0)
        {
            Int128 qualityEnd = e.EndFrom(e.QualityOffset);
            if (e.QualityOffset < end || qualityEnd > dataLength)
            {
                throw Bad($"the qualities of '{e.Name}' at bytes {e.QualityOffset} to {qualityEnd} do not follow its bases inside the file",
                    "the index of this very file");
            }
            _end = qualityEnd;
        }
    }

    private string Name(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            throw Bad("the name is empty", "a name in column 1");
        }
        try
        {
            return s_strictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Bad("the name is not UTF-8", "a name in column 1");
        }
    }

    private long Number(ReadOnlySpan<byte> text, string column)
    {
        // The parser also takes signs, which no index has.
        return !text.IsEmpty && char.IsAsciiDigit((char)text[0])
            && Utf8Parser.TryParse(text, out long value, out int used) && used == text.Length
            ? value
            : throw Bad($"the {column} is no number: \"{Excerpt(text)}\"", "decimal digits");
    }

    private static string Excerpt(ReadOnlySpan<byte> text) =>
        string.Concat(Encoding.Latin1.GetString(text[..Math.Min(text.Length, 30)]).Select(c => char.IsControl(c) ? '?' : c));

    private const string Remake = "remake it with 'genoseq data index --force'";

    private InputDataException Bad(string what, string expected) =>
        new(what, $"{file}, line {_line}", expected, Remake);
}
