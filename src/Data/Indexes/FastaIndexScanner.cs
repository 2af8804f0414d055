namespace GenoSeq.Data;

/// <summary>The state machine behind <see cref="FastaIndexBuilder"/>: fed with blocks, it knows the line it is in.</summary>
internal sealed class FastaIndexScanner(string file)
{
    private const int MaxNameLength = 1 << 16;

    // What the next line may be.
    private enum Place
    {
        Outside,
        FastaSequence,
        FastqSequence,
        Quality,
    }

    // What the current line is.
    private enum Line
    {
        Start,
        Name,
        HeaderRest,
        Plus,
        Blank,
        Letters,
        Tail,
    }

    private readonly List<FastaIndexEntry> _entries = [];
    private readonly Dictionary<string, long> _lineOfName = new(StringComparer.Ordinal);
    private readonly List<byte> _nameBytes = [];
    private Place _place;
    private Line _state;
    private byte _format;
    private long _lineNumber = 1;
    private long _offset;
    private string _name = "";
    private bool _open;
    private bool _shortLineSeen;
    private bool _qualityComplete;
    private long _length;
    private long _qualityLength;
    private long _sequenceOffset;
    private long _qualityOffset;
    private long _lineBases;
    private long _lineWidth;
    private long _letters;
    private long _tail;

    internal void Skip(int bytes) => _offset += bytes;

    internal void Consume(ReadOnlySpan<byte> block)
    {
        int i = 0;
        while (i < block.Length)
        {
            switch (_state)
            {
                case Line.Start:
                    i += WholeLines(block[i..]);
                    if (i == block.Length)
                    {
                        break;
                    }
                    i += Begin(block[i..]);
                    break;
                case Line.Letters:
                    int run = block[i..].IndexOfAnyExceptInRange((byte)0x21, (byte)0x7E);
                    run = run < 0 ? block.Length - i : run;
                    _letters += run;
                    i += run;
                    if (i < block.Length)
                    {
                        i += AfterLetters(block[i], _offset + i);
                    }
                    break;
                case Line.Tail:
                case Line.Blank:
                    i += InWhiteSpace(block[i], _offset + i);
                    break;
                case Line.Name:
                    i += InName(block[i], _offset + i);
                    break;
                default:
                    int end = block[i..].IndexOf((byte)'\n');
                    i = end < 0 ? block.Length : i + end + 1;
                    if (end >= 0)
                    {
                        EndLine(_offset + i);
                    }
                    break;
            }
        }
        _offset += block.Length;
    }

    internal FastaIndex Finish()
    {
        if (_format == '@' && (_state is Line.Name or Line.HeaderRest))
        {
            throw Bad("the last record ends within its header line", "a whole record", "check that the file is not truncated");
        }
        if (_state == Line.Name)
        {
            SetName();
        }
        if (_state is Line.Letters or Line.Tail)
        {
            EndLettersLine();
        }
        Close(atEnd: true);
        return _format == 0
            ? throw Bad("the file has no record", "a header line that begins with '>' or '@'")
            : _entries.Count == 0
            ? throw new InputDataException(
                "no record has any bases", file, "sequence lines after the header lines; lines end with LF or CRLF")
            : new FastaIndex([.. _entries], _format == '@');
    }

    private static bool IsSpace(byte b) => b is (byte)' ' or (>= 9 and <= 13);

    // Skips lines of a FASTA record that are as its first one and lie in the block whole; what else there is goes the
    // long way. Returns the bytes skipped.
    private int WholeLines(ReadOnlySpan<byte> rest)
    {
        long tail = _lineWidth - _lineBases;
        if (_place != Place.FastaSequence || _lineWidth == 0 || _lineWidth > rest.Length || tail > 2)
        {
            return 0;
        }
        int width = (int)_lineWidth;
        int bases = (int)_lineBases;
        int used = 0;
        while (rest.Length - used >= width)
        {
            ReadOnlySpan<byte> line = rest.Slice(used, width);
            if (line[^1] != '\n' || (tail == 2 && line[^2] != '\r') || line[0] < 'A'
                || line[..bases].ContainsAnyExceptInRange((byte)0x21, (byte)0x7E))
            {
                break;
            }
            used += width;
            _length += bases;
            _lineNumber++;
        }
        return used;
    }

    private int Begin(ReadOnlySpan<byte> rest)
    {
        byte first = rest[0];
        if (first == '\n')
        {
            BlankLine();
            _lineNumber++;
            return 1;
        }
        if (IsSpace(first))
        {
            _state = Line.Blank;
            return 1;
        }
        if ((_place == Place.Outside && first is ((byte)'>' or (byte)'@'))
            || (_place == Place.FastaSequence && first == '>')
            || (_place == Place.Quality && _qualityComplete && first == '@'))
        {
            BeginRecord(first);
            return 1;
        }
        if (_place == Place.FastqSequence && first == '+')
        {
            _state = Line.Plus;
            return 1;
        }
        CheckLineBegin(rest);
        _state = Line.Letters;
        _letters = 0;
        _tail = 0;
        return 0;
    }

    private void BeginRecord(byte mark)
    {
        Close(atEnd: false);
        _format = _format == 0 ? mark : _format;
        if (mark != _format)
        {
            throw Bad($"a line that begins with '{(char)mark}' in a file whose first record begins with '{(char)_format}'",
                "FASTA or FASTQ, not both");
        }
        _nameBytes.Clear();
        _state = Line.Name;
    }

    private void CheckLineBegin(ReadOnlySpan<byte> rest)
    {
        byte first = rest[0];
        switch (_place)
        {
            case Place.Outside when _format == 0:
                throw FastaDiagnosis.NotFasta(rest, file, _lineNumber);
            case Place.Outside when _format == '>':
                throw Bad($"a line of record '{_name}' follows a blank line or a shorter line",
                    "lines of equal length and no blank lines within a record",
                    "fold the sequences again, for example with 'seqkit seq -w 60'");
            case Place.Outside:
                throw Bad($"unexpected {FastaIndexBuilder.Show(first)}", "a header line that begins with '@'");
            case Place.FastaSequence when first == ';':
                throw Bad("a comment line inside a record", "sequence lines only, which is what an index can describe",
                    "remove the lines that begin with ';'");
            case Place.FastqSequence when _shortLineSeen:
                throw Bad($"a line of record '{_name}' follows a shorter line", "a line that begins with '+'");
            case Place.Quality when _qualityComplete:
                throw Bad($"more quality values than bases in record '{_name}'", $"{_length} values, then a line that begins with '@'");
            default:
                break;
        }
    }

    private void BlankLine()
    {
        switch (_place)
        {
            case Place.FastaSequence:
                _place = Place.Outside;
                break;
            case Place.FastqSequence:
                throw Bad($"a blank line in the sequence of record '{_name}'", "sequence lines, then a line that begins with '+'");
            case Place.Quality when !_qualityComplete:
                throw Bad($"a blank line in the qualities of record '{_name}'", $"{_length} quality values");
            default:
                break;
        }
    }

    private int InName(byte b, long offset)
    {
        if (!IsSpace(b))
        {
            if (_nameBytes.Count == MaxNameLength)
            {
                throw Bad($"a name longer than {MaxNameLength} bytes", "a short name, then sequence lines");
            }
            _nameBytes.Add(b);
            return 1;
        }
        if (_nameBytes.Count > 0 || b == '\n')
        {
            SetName();
            _state = Line.HeaderRest;
            return b == '\n' ? EndLine(offset + 1) : 1;
        }
        return 1;
    }

    private void SetName()
    {
        _name = FastaIndexBuilder.NameOf(_nameBytes, file, _lineNumber);
        if (!_lineOfName.TryAdd(_name, _lineNumber))
        {
            throw new InputDataException(
                $"two records are named '{_name}'", $"{file}, lines {_lineOfName[_name]} and {_lineNumber}",
                "a different first word in every header line", "rename or remove one of the two records");
        }
    }

    // Ends a header or '+' line; what follows begins at the offset.
    private int EndLine(long next)
    {
        if (_state == Line.Plus)
        {
            _place = Place.Quality;
            _qualityOffset = next;
        }
        else
        {
            _open = true;
            _shortLineSeen = _qualityComplete = false;
            _length = _qualityLength = _lineBases = _lineWidth = 0;
            _sequenceOffset = next;
            _place = _format == '>' ? Place.FastaSequence : Place.FastqSequence;
        }
        _state = Line.Start;
        _lineNumber++;
        return 1;
    }

    private int AfterLetters(byte b, long offset)
    {
        if (b == '\n')
        {
            EndLettersLine();
            return 1;
        }
        if (IsSpace(b))
        {
            _state = Line.Tail;
            _tail++;
            return 1;
        }
        throw Bad($"{FastaIndexBuilder.Show(b)} at byte {offset} is no letter", "printable ASCII in sequence and quality lines");
    }

    private int InWhiteSpace(byte b, long offset)
    {
        if (b == '\n')
        {
            if (_state == Line.Tail)
            {
                EndLettersLine();
                return 1;
            }
            BlankLine();
            _state = Line.Start;
            _lineNumber++;
            return 1;
        }
        _tail++;
        return IsSpace(b)
            ? 1
            : throw Bad($"white space, then {FastaIndexBuilder.Show(b)} at byte {offset}",
                _state == Line.Tail ? "no white space within a sequence line; lines end with LF or CRLF" : "no white space before the first letter of a line",
                "remove the white space, or fold the sequences again with 'seqkit seq -w 60'");
    }

    private void EndLettersLine()
    {
        long width = _letters + _tail + 1;
        bool quality = _place == Place.Quality;
        if (_lineWidth == 0)
        {
            (_lineBases, _lineWidth) = (_letters, width);
        }
        else if (width > _lineWidth || _letters > _lineBases)
        {
            throw Bad($"a line of {_letters} letters in {width} bytes in record '{_name}'",
                $"at most {_lineBases} letters in {_lineWidth} bytes, as on its first line",
                "fold the sequences again, for example with 'seqkit seq -w 60'");
        }
        else if (!quality && (width < _lineWidth || _letters < _lineBases))
        {
            _shortLineSeen = true;
            _place = _place == Place.FastaSequence ? Place.Outside : _place;
        }
        if (quality)
        {
            EndQualityLine(width);
        }
        else
        {
            _length += _letters;
        }
        _state = Line.Start;
        _lineNumber++;
    }

    private void EndQualityLine(long width)
    {
        _qualityLength += _letters;
        _qualityComplete = _qualityLength == _length;
        if (_qualityLength > _length || (!_qualityComplete && (width < _lineWidth || _letters < _lineBases)))
        {
            throw Bad($"a quality line of {_letters} letters brings record '{_name}' to {_qualityLength} values",
                $"{_length} values in lines as long as the sequence's");
        }
    }

    private void Close(bool atEnd)
    {
        if (!_open)
        {
            return;
        }
        if (_format == '@' && !_qualityComplete)
        {
            throw Bad($"record '{_name}' ends before its {_length} quality values", "a whole record",
                atEnd ? "check that the file is not truncated" : null);
        }
        _open = false;
        _place = Place.Outside;
        if (_length > 0)
        {
            _entries.Add(new FastaIndexEntry(
                _name, _length, _sequenceOffset, _lineBases, _lineWidth, _format == '@' ? _qualityOffset : -1));
        }
    }

    private InputDataException Bad(string what, string expected, string? tryThis = null) =>
        new(what, $"{file}, line {_lineNumber}", expected, tryThis);
}
