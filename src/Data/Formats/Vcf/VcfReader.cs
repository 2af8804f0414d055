using System.Globalization;

namespace GenoSeq.Data;

/// <summary>Reads VCF 4 (plain, gzip or BGZF) record by record, as far as the scoring of variants needs it.</summary>
/// <remarks>
/// Checked: <c>##fileformat=VCFv4.x</c> first, the <c>#CHROM</c> line, as many columns in every record as in it, POS a
/// whole number, REF of IUPAC letters, every entry of ALT well formed, QUAL a number or <c>.</c>. INFO and FILTER are
/// kept as text, FORMAT and genotypes are skipped, and records may come in any order. Blank lines are skipped.
/// Source: the VCF 4.4 specification of the GA4GH.
/// </remarks>
public sealed class VcfReader : IDisposable
{
    private readonly InputFile? _file;
    private readonly LineReader _lines;
    private readonly NameCache _names = new();
    private readonly int[] _ends = new int[8];

    private VcfReader(Stream content, InputFile? file, string name)
    {
        _file = file;
        _lines = new LineReader(content, name, LineReader.DefaultMaxLine);
        try
        {
            Header = VcfHeaderParser.Read(_lines);
        }
        catch
        {
            _lines.Dispose();
            throw;
        }
    }

    /// <summary>What stands above the records.</summary>
    public VcfHeader Header { get; }

    /// <summary>The line of the record that was read last, as it stands in the file, genotypes included; valid until the next one is read.</summary>
    public ReadOnlySpan<byte> Line => _lines.Line;

    /// <summary>Opens a file, or with <c>-</c> standard input, and reads its header.</summary>
    /// <exception cref="InputDataException">The file cannot be read, or is no VCF 4.</exception>
    public static VcfReader Open(string path)
    {
        InputFile file = InputFile.Open(path);
        try
        {
            return new VcfReader(file.Content, file, path);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads decompressed bytes from a stream that stays the caller's to close.</summary>
    public static VcfReader FromStream(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new VcfReader(stream, null, name);
    }

    /// <summary>All records of a file, one after the other.</summary>
    /// <exception cref="InputDataException">The file is no VCF 4; while enumerating: a record is malformed.</exception>
    public static IEnumerable<VcfRecord> Read(string path)
    {
        using VcfReader reader = Open(path);
        while (reader.Read() is VcfRecord record)
        {
            yield return record;
        }
    }

    /// <summary>The next record, or null at the end.</summary>
    /// <exception cref="InputDataException">The record is malformed; the message names file, line and column.</exception>
    public VcfRecord? Read()
    {
        while (_lines.Read())
        {
            ReadOnlySpan<byte> line = _lines.Line;
            if (!line.IsEmpty)
            {
                return Parse(line);
            }
        }
        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _lines.Dispose();
        _file?.Dispose();
    }

    private VcfRecord Parse(ReadOnlySpan<byte> line)
    {
        if (line[0] == '#')
        {
            throw new InputDataException("a header line among the records", _lines.Where, "records only after the line #CHROM",
                "check for two files that were joined");
        }
        Split(line);
        ReadOnlySpan<byte> contig = line[.._ends[0]];
        if (contig.IsEmpty || contig.ContainsAny((byte)' ', (byte)'\r'))
        {
            throw Error(0, $"{AsciiText.Shown(contig)} is no contig name", "a name without blanks");
        }
        if (!AsciiText.TryParseWhole(Column(line, 1), out long position))
        {
            throw Error(1, $"{AsciiText.Shown(Column(line, 1))} is no position", "a whole number, 1 for the first base, 0 for the telomere");
        }
        if (Column(line, 2).IsEmpty)
        {
            throw Error(2, "ID is empty", "an identifier, or '.'");
        }
        if (!VcfAlleles.AreBases(Column(line, 3)))
        {
            throw Error(3, $"{AsciiText.Shown(Column(line, 3))} is no REF", "one or more of A, C, G, T, N (or other IUPAC letters)");
        }
        int alts = CheckAlt(Column(line, 4));
        ReadOnlySpan<byte> quality = Column(line, 5);
        if (!quality.SequenceEqual("."u8) && !AsciiText.TryParseFinite(quality, out _))
        {
            throw Error(5, $"{AsciiText.Shown(quality)} is no QUAL", "a number, or '.'");
        }
        for (int c = 6; c < 8; c++)
        {
            if (Column(line, c).IsEmpty)
            {
                throw Error(c, c == 6 ? "FILTER is empty" : "INFO is empty", "text, or '.'");
            }
        }
        return Copy(line, position, alts);
    }

    private VcfRecord Copy(ReadOnlySpan<byte> line, long position, int alts)
    {
        // ID to INFO side by side, the tabs left out.
        int length = 0;
        for (int c = 2; c < 8; c++)
        {
            length += Column(line, c).Length;
        }
        var text = new byte[length];
        Span<int> ends = stackalloc int[6];
        int end = 0;
        for (int c = 2; c < 8; c++)
        {
            ReadOnlySpan<byte> column = Column(line, c);
            column.CopyTo(text.AsSpan(end));
            end += column.Length;
            ends[c - 2] = end;
        }
        return new VcfRecord(text, new VcfLayout(ends[0], ends[1], ends[2], ends[3], ends[4], alts),
            _names.Get(line[.._ends[0]]), position, _lines.Number);
    }

    private int CheckAlt(ReadOnlySpan<byte> list)
    {
        ReadOnlySpan<byte> rest = list;
        int count = 0;
        while (true)
        {
            int end = VcfAlleles.End(rest);
            ReadOnlySpan<byte> entry = rest[..end];
            bool missingAmongOthers = entry.SequenceEqual("."u8) && end != list.Length;
            if (missingAmongOthers || !VcfAlleles.IsWellFormed(entry))
            {
                throw Error(4, $"{AsciiText.Shown(entry)} is no ALT allele",
                    "bases, '*', a symbol in angle brackets or a breakend, separated by commas; or '.' alone");
            }
            count++;
            if (end == rest.Length)
            {
                return count;
            }
            rest = rest[(end + 1)..];
        }
    }

    private void Split(ReadOnlySpan<byte> line)
    {
        int tabs = 0;
        for (int from = 0; tabs < _ends.Length;)
        {
            int n = line[from..].IndexOf((byte)'\t');
            _ends[tabs++] = n < 0 ? line.Length : from + n;
            if (n < 0)
            {
                break;
            }
            from += n + 1;
        }
        int columns = tabs < _ends.Length || _ends[^1] == line.Length ? tabs : tabs + 1 + line[(_ends[^1] + 1)..].Count((byte)'\t');
        if (columns != Header.Columns)
        {
            throw new InputDataException($"the record has {columns} columns", _lines.Where,
                $"{Header.Columns} columns, as the line #CHROM has", "check for a line that was cut, and for blanks in place of tabs");
        }
    }

    private ReadOnlySpan<byte> Column(ReadOnlySpan<byte> line, int column) =>
        line[(column == 0 ? 0 : _ends[column - 1] + 1).._ends[column]];

    private InputDataException Error(int column, string what, string expected) => new(
        what, string.Create(CultureInfo.InvariantCulture, $"{_lines.Where}, column {column + 1}"), expected);
}
