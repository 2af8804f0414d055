using System.Globalization;
using System.Text;

namespace GenoSeq.Data;

/// <summary>Reads BED, 3 to 12 standard columns and any number after them, line by line without garbage.</summary>
/// <remarks>
/// The UCSC definition: 0-based half-open positions; columns separated by tabs, or by blanks if the line has no tab;
/// <c>#</c> comments, <c>browser</c> and <c>track</c> lines (a track's <c>offset</c> is added to its positions), blank
/// lines. LF, CRLF or CR end a line; gzip and BGZF are undone by <see cref="InputFile"/>. A line with start = end is a
/// place between two bases and is accepted (<see cref="IsEmpty"/>).
/// <para>
/// Which columns of a line are standard, unless <see cref="BedOptions.StandardColumns"/> says so: 1 to 5 always (a score
/// that is no whole number stays text); 6 if it is <c>+</c>, <c>-</c>, <c>.</c> or <c>*</c> (another single character is
/// an error); 7 to 9 on lines of 8, 9 or at least 12 columns where 7 and 8 are whole numbers; 10 to 12 likewise where 10
/// is one too. So bedGraph, narrowPeak, broadPeak and BED with other columns are read with those as text.
/// </para>
/// </remarks>
public sealed class BedReader : IDisposable
{
    private readonly InputFile? _file;
    private readonly LineReader _lines;
    private readonly BedOptions _options;
    private readonly NameCache _names = new();
    private readonly BedColumns _columns = new();
    private readonly BedFields _fields = new();
    private long _offset;
    private int _columnsBefore;

    private BedReader(Stream content, InputFile? file, string name, BedOptions options)
    {
        OptionsProblems.ThrowIfAny(options.Validate(), nameof(options));
        _file = file;
        _options = options;
        _lines = new LineReader(content, name, options.MaxLineBytes);
    }

    /// <summary>Line of the current record, 1-based.</summary>
    public long Line => _lines.Number;

    /// <summary>File and line of the current record, for messages.</summary>
    public string Where => _lines.Where;

    /// <summary>Columns of the current line, empty ones at its end not counted.</summary>
    public int ColumnCount => _columns.Count;

    /// <summary>How many of them are standard ones.</summary>
    public int StandardColumns => _fields.Standard;

    /// <summary>Name of the contig.</summary>
    public string Contig { get; private set; } = "";

    /// <summary>First base, 0-based.</summary>
    public long Start => _fields.Start;

    /// <summary>One past the last base.</summary>
    public long End => _fields.End;

    /// <summary>True for a place between two bases.</summary>
    public bool IsEmpty => Start == End;

    /// <summary>Column 5 if it is a whole number.</summary>
    public long? Score => _fields.Score;

    /// <summary>Column 6.</summary>
    public Strand Strand => _fields.Strand;

    /// <summary>Columns 7 and 8; null where there are none or both are 0 (no thick part).</summary>
    public BedBlock? Thick => _fields.Thick;

    /// <summary>Columns 10 to 12 in contig coordinates. Valid until the next call of <see cref="Read"/>.</summary>
    public ReadOnlySpan<BedBlock> Blocks => _fields.Blocks;

    /// <summary>Opens a file, plain or compressed.</summary>
    /// <exception cref="InputDataException">The file cannot be read.</exception>
    public static BedReader Open(string path, BedOptions? options = null)
    {
        InputFile file = InputFile.Open(path);
        try
        {
            return new BedReader(file.Content, file, path, options ?? new BedOptions());
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads decompressed bytes from a stream that stays the caller's to close.</summary>
    public static BedReader FromStream(Stream stream, string name, BedOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new BedReader(stream, null, name, options ?? new BedOptions());
    }

    /// <summary>All records of a file, one after the other.</summary>
    /// <exception cref="InputDataException">While enumerating: a line is no BED.</exception>
    public static IEnumerable<BedRecord> ReadAll(string path, BedOptions? options = null)
    {
        using BedReader reader = Open(path, options);
        while (reader.Read())
        {
            yield return reader.ToRecord();
        }
    }

    /// <summary>Text of a column, 0-based. Valid until the next call of <see cref="Read"/>.</summary>
    public ReadOnlySpan<byte> Column(int column) => _columns.Get(_lines.Line, column);

    /// <summary>Moves to the next record; false at the end.</summary>
    /// <exception cref="InputDataException">The line is no BED; the message names file, line and column.</exception>
    public bool Read()
    {
        while (_lines.Read())
        {
            ReadOnlySpan<byte> line = _lines.Line.TrimEnd(" \t"u8);
            if (line.IsEmpty || line[0] == '#' || IsBrowserOrTrack(line))
            {
                continue;
            }
            _columns.Split(line);
            _fields.Parse(this, _options.StandardColumns, _offset);
            if (!_options.AllowRaggedLines && _columnsBefore > 0 && _columns.Count != _columnsBefore)
            {
                throw new InputDataException(
                    $"the line has {_columns.Count} columns", Where, $"{_columnsBefore} columns, as the line before has",
                    "check for a line that was cut; '#' begins a comment");
            }
            _columnsBefore = _columns.Count;
            Contig = _names.Get(Column(0));
            return true;
        }
        return false;
    }

    /// <summary>The current line as a record that stays.</summary>
    public BedRecord ToRecord() => new(Contig, Start, End)
    {
        Line = Line,
        Name = StandardColumns > 3 ? Text(3) : null,
        Score = Score,
        Strand = Strand,
        Thick = Thick,
        ItemRgb = StandardColumns > 8 ? Text(8) : null,
        Blocks = Blocks.ToArray(),
        Extra = [.. Enumerable.Range(StandardColumns, ColumnCount - StandardColumns).Select(Text)],
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        _lines.Dispose();
        _file?.Dispose();
    }

    /// <summary>The error for a column of the current line.</summary>
    internal InputDataException Error(int column, string what, string expected, string? tryThis = null) => new(
        what, string.Create(CultureInfo.InvariantCulture, $"{Where}, column {column + 1}"), expected, tryThis);

    private string Text(int column) => Encoding.UTF8.GetString(Column(column));

    private bool IsBrowserOrTrack(ReadOnlySpan<byte> line)
    {
        if (BedTrackLine.Is(line, "browser"u8))
        {
            return true;
        }
        if (!BedTrackLine.Is(line, "track"u8))
        {
            return false;
        }
        _columnsBefore = 0;
        _offset = BedTrackLine.Offset(line, out bool known);
        return known
            ? true
            : throw new InputDataException("the track's offset is no number", Where, "offset=N with a whole number N");
    }
}
