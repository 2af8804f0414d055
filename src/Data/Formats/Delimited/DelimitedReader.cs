using System.Globalization;
using System.Text;

namespace GenoSeq.Data;

/// <summary>Reads CSV and TSV tables record by record over one pooled buffer, with no allocation for each record.</summary>
/// <remarks>
/// RFC 4180: a field that begins with a double quote runs to the closing quote, may hold delimiters and line ends, and
/// writes a quote as two. Also accepted: LF, CRLF or CR line ends, a UTF-8 byte order mark, no final line end, and
/// lines without any character, which are skipped. A quote inside an unquoted field is an ordinary character. Every
/// record must have as many columns as the first. gzip and BGZF are undone by <see cref="InputFile"/>.
/// </remarks>
public sealed class DelimitedReader : IDisposable
{
    private readonly struct Field(int start, int length, bool hasPairs)
    {
        internal readonly int Start = start;
        internal readonly int Length = length;
        internal readonly bool HasPairs = hasPairs;
    }

    private readonly InputFile? _file;
    private readonly ByteWindow _window;
    private readonly string _name;
    private readonly int _maxRecord;
    private readonly Dictionary<string, int> _indexByName = new(StringComparer.OrdinalIgnoreCase);
    private readonly byte _delimiter;
    private Field[] _fields = new Field[16];
    private int _used;
    private long _nextLine = 1;
    private bool _held;

    private DelimitedReader(Stream content, InputFile? file, string name, DelimitedOptions options)
    {
        OptionsProblems.ThrowIfAny(options.Validate(), nameof(options));
        _file = file;
        _name = name;
        _maxRecord = options.MaxRecordBytes;
        _window = new ByteWindow(content, _maxRecord + 2);
        try
        {
            _delimiter = options.Delimiter is char d ? (byte)d : DelimiterGuess.Choose(_window);
            Columns = ReadColumns(options.HasHeader);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Names of the columns, in order, blanks at their ends removed.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>The character between columns.</summary>
    public char Delimiter => (char)_delimiter;

    /// <summary>Number of fields of the current record.</summary>
    public int FieldCount { get; private set; }

    /// <summary>Line on which the current record begins, 1-based.</summary>
    public long Line { get; private set; }

    /// <summary>File and line of the current record, for messages.</summary>
    public string Where => string.Create(CultureInfo.InvariantCulture, $"{_name}, line {Line}");

    /// <summary>A field of the current record, quotes undone. Valid until the next call of <see cref="Read"/>.</summary>
    public ReadOnlySpan<byte> this[int column]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)column, (uint)FieldCount, nameof(column));
            Field field = _fields[column];
            return _window.Content.Slice(field.Start, field.Length);
        }
    }

    /// <summary>Opens a file, plain or compressed.</summary>
    /// <exception cref="InputDataException">The file cannot be read, is empty, or its header is malformed.</exception>
    public static DelimitedReader Open(string path, DelimitedOptions? options = null)
    {
        InputFile file = InputFile.Open(path);
        try
        {
            return new DelimitedReader(file.Content, file, path, options ?? new DelimitedOptions());
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads decompressed bytes from a stream that stays the caller's to close.</summary>
    public static DelimitedReader FromStream(Stream stream, string name, DelimitedOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new DelimitedReader(stream, null, name, options ?? new DelimitedOptions());
    }

    /// <summary>Index of a column by name, without regard to case; -1 if there is none.</summary>
    public int IndexOf(string column) => _indexByName.TryGetValue(column, out int index) ? index : -1;

    /// <summary>Moves to the next record; false at the end.</summary>
    /// <exception cref="InputDataException">
    /// The record has another number of columns, a quote that is not closed or followed by other text, or is too long.
    /// </exception>
    public bool Read()
    {
        if (_held)
        {
            _held = false;
            return true;
        }
        if (!ReadRecord())
        {
            return false;
        }
        if (FieldCount != Columns.Count)
        {
            throw new InputDataException(
                $"the record has {FieldCount} columns", Where,
                $"{Columns.Count} columns, as the first line has",
                "put double quotes around fields that hold the delimiter or a line end");
        }
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _window.Dispose();
        _file?.Dispose();
    }

    private string[] ReadColumns(bool hasHeader)
    {
        if (!ReadRecord())
        {
            throw new InputDataException("the table is empty", _name,
                hasHeader ? "a first line with the names of the columns" : "at least one record");
        }
        var names = new string[FieldCount];
        for (int i = 0; i < names.Length; i++)
        {
            names[i] = hasHeader
                ? Encoding.UTF8.GetString(AsciiText.Trim(this[i]))
                : (i + 1).ToString(CultureInfo.InvariantCulture);
            // A column without a name is an index column that a data frame wrote; nobody can ask for it.
            if (names[i].Length > 0 && !_indexByName.TryAdd(names[i], i))
            {
                throw new InputDataException(
                    $"two columns are named '{names[i]}'", Where, "a different name for every column");
            }
        }
        _held = !hasHeader;
        return names;
    }

    private bool ReadRecord()
    {
        int position = SkipEmptyLines();
        if (position < 0)
        {
            return false;
        }
        FieldCount = 0;
        Line = _nextLine;
        while (true)
        {
            position = ReadField(position, out bool last);
            if (last)
            {
                _used = position;
                break;
            }
        }
        Finish();
        return true;
    }

    // Returns 0 if there is a record, and -1 at the end.
    private int SkipEmptyLines()
    {
        _window.Consume(_used);
        _used = 0;
        while (true)
        {
            int end = At(0) is byte b and ((byte)'\n' or (byte)'\r') ? AfterLineEnd(0, b) : -1;
            if (end < 0)
            {
                return _window.Content.IsEmpty ? -1 : 0;
            }
            _window.Consume(end);
            _nextLine++;
        }
    }

    private int ReadField(int start, out bool last)
    {
        if (At(start) is (byte)'"')
        {
            return ReadQuoted(start, out last);
        }
        int i = start;
        while (true)
        {
            ReadOnlySpan<byte> held = _window.Content;
            int n = held[i..].IndexOfAny(_delimiter, (byte)'\n', (byte)'\r');
            i = n < 0 ? held.Length : i + n;
            if (n >= 0 || !More())
            {
                AddField(start, i - start, hasPairs: false);
                return AfterField(i, out last);
            }
        }
    }

    private int ReadQuoted(int quote, out bool last)
    {
        long quoteLine = _nextLine;
        int i = quote + 1;
        bool pairs = false;
        while (true)
        {
            ReadOnlySpan<byte> held = _window.Content;
            int n = held[i..].IndexOfAny((byte)'"', (byte)'\n', (byte)'\r');
            i = n < 0 ? held.Length : i + n;
            if (n < 0)
            {
                if (!More())
                {
                    throw new InputDataException(
                        "a quoted field is not closed before the end of the file",
                        string.Create(CultureInfo.InvariantCulture, $"{_name}, line {quoteLine}, column {FieldCount + 1}"),
                        "a double quote after the field", "write a quote that is text as two quotes");
                }
            }
            else if (held[i] != '"')
            {
                i = AfterLineEnd(i, held[i]);
                _nextLine++;
            }
            else if (At(i + 1) is (byte)'"')
            {
                pairs = true;
                i += 2;
            }
            else
            {
                break;
            }
        }
        AddField(quote + 1, i - quote - 1, pairs);
        if (At(i + 1) is byte after && after != _delimiter && after is not ((byte)'\n' or (byte)'\r'))
        {
            throw new InputDataException(
                "text follows the closing quote of a field",
                string.Create(CultureInfo.InvariantCulture, $"{_name}, line {_nextLine}, column {FieldCount}"),
                "the delimiter or the end of the line", "write a quote that is text as two quotes");
        }
        return AfterField(i + 1, out last);
    }

    private int AfterField(int i, out bool last)
    {
        if (At(i) is not byte b)
        {
            last = true;
            return i;
        }
        last = b != _delimiter;
        if (!last)
        {
            return i + 1;
        }
        i = AfterLineEnd(i, b);
        _nextLine++;
        return i;
    }

    private void AddField(int start, int length, bool hasPairs)
    {
        if (FieldCount == _fields.Length)
        {
            Array.Resize(ref _fields, 2 * _fields.Length);
        }
        _fields[FieldCount++] = new Field(start, length, hasPairs);
    }

    /// <summary>Undoes doubled quotes in place, and refuses binary data.</summary>
    private void Finish()
    {
        Span<byte> record = _window.Content[.._used];
        if (record.Contains((byte)0))
        {
            throw new InputDataException("this looks like binary data, not a text table", Where, "a text file",
                "check the file's kind; Parquet files are read by their own reader");
        }
        for (int f = 0; f < FieldCount; f++)
        {
            Field field = _fields[f];
            if (!field.HasPairs)
            {
                continue;
            }
            Span<byte> text = record.Slice(field.Start, field.Length);
            int to = 0;
            for (int from = 0; from < text.Length; from++)
            {
                text[to++] = text[from];
                from += text[from] == '"' ? 1 : 0;
            }
            _fields[f] = new Field(field.Start, to, hasPairs: false);
        }
    }

    private int AfterLineEnd(int i, byte end) => end == '\r' && At(i + 1) is (byte)'\n' ? i + 2 : i + 1;

    private byte? At(int i)
    {
        while (i >= _window.Content.Length)
        {
            if (!More())
            {
                return null;
            }
        }
        return _window.Content[i];
    }

    private bool More()
    {
        if (_window.Content.Length > _maxRecord)
        {
            throw new InputDataException(
                $"a record is longer than {_maxRecord} bytes",
                string.Create(CultureInfo.InvariantCulture, $"{_name}, record that begins on line {Line}"),
                "records that fit", "close its quotes, or raise the limit (MaxRecordBytes)");
        }
        return _window.Fill();
    }
}
