using System.Buffers;

namespace GenoSeq.Data;

/// <summary>Reads FASTA in one pass over fixed-size blocks; lines may be of any length.</summary>
/// <remarks>
/// Accepted: LF, CRLF or CR line ends, blank lines, no final line end, white space within sequence lines (dropped),
/// lower case (kept), a UTF-8 byte order mark, and comment lines that begin with <c>;</c> or <c>#</c>. A record is a line
/// that begins with <c>&gt;</c> and its following lines; its name is the header's first word. A record may be empty.
/// Which bytes a sequence may hold says <see cref="SequenceLetters"/>. Everything else is an
/// <see cref="InputDataException"/> that names the record, the line and the byte.
/// </remarks>
public static class FastaReader
{
    private const int BlockSize = 1 << 17;

    private enum State
    {
        LineStart,
        Sequence,
        Header,
        Comment,
    }

    /// <summary>Reads all records of nucleotide FASTA.</summary>
    /// <param name="stream">Decompressed bytes.</param>
    /// <param name="file">What to call the input in messages.</param>
    /// <param name="visitor">Receives the records.</param>
    /// <exception cref="InputDataException">The input is not nucleotide FASTA.</exception>
    public static void Read(Stream stream, string file, IFastaVisitor visitor) =>
        Read(stream, file, visitor, FastaReaderOptions.Default);

    /// <summary>Reads all records.</summary>
    /// <param name="stream">Decompressed bytes.</param>
    /// <param name="file">What to call the input in messages.</param>
    /// <param name="visitor">Receives the records.</param>
    /// <param name="options">What may pass.</param>
    /// <exception cref="InputDataException">The input is not FASTA, or holds what may not pass.</exception>
    public static void Read(Stream stream, string file, IFastaVisitor visitor, FastaReaderOptions options)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(visitor);
        ArgumentNullException.ThrowIfNull(options);
        byte[] block = ArrayPool<byte>.Shared.Rent(BlockSize);
        try
        {
            new Parser(file, visitor, options).Run(stream, block);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    private sealed class Parser(string file, IFastaVisitor visitor, FastaReaderOptions options)
    {
        private readonly SearchValues<byte> _letters = SequenceLetterSets.Of(options.Letters);
        private readonly HeaderText _header = new();
        private State _state = State.LineStart;
        private bool _inRecord;
        private long _line = 1;
        private bool _lastWasCarriageReturn;

        // Whether the last byte was a sequence character, so that a digit may follow.
        private bool _inWord;

        internal void Run(Stream stream, byte[] block)
        {
            int filled = stream.ReadAtLeast(block, 4096, throwOnEndOfStream: false);
            if (filled == 0)
            {
                throw new InputDataException("the file is empty", file, "at least one FASTA record");
            }
            Span<byte> start = block.AsSpan(0, filled);
            start = start.StartsWith("\uFEFF"u8) ? start[3..] : start;
            while (filled > 0)
            {
                Consume(start);
                filled = stream.Read(block);
                start = block.AsSpan(0, filled);
            }
            if (_state == State.Header)
            {
                EndHeader();
            }
            if (!_inRecord)
            {
                throw new InputDataException(
                    "the file has no FASTA record", file, "a header line that begins with '>'",
                    "check that this is a FASTA file");
            }
            visitor.EndRecord();
        }

        private void Consume(Span<byte> rest)
        {
            while (!rest.IsEmpty)
            {
                if (rest[0] is (byte)'\n' or (byte)'\r')
                {
                    EndLine(rest[0]);
                    rest = rest[1..];
                    continue;
                }
                _lastWasCarriageReturn = false;
                int used = _state switch
                {
                    State.LineStart => BeginLine(rest),
                    State.Sequence => ConsumeSequence(rest),
                    State.Header => ConsumeHeader(rest),
                    _ => ToLineEnd(rest),
                };
                rest = rest[used..];
            }
        }

        private void EndLine(byte end)
        {
            // The LF of a CRLF that may be split over two blocks: the line has ended already.
            if (end == (byte)'\n' && _lastWasCarriageReturn)
            {
                _lastWasCarriageReturn = false;
                return;
            }
            _lastWasCarriageReturn = end == (byte)'\r';
            if (_state == State.Header)
            {
                EndHeader();
            }
            _state = State.LineStart;
            _inWord = false;
            _line++;
        }

        private int BeginLine(ReadOnlySpan<byte> rest)
        {
            switch (rest[0])
            {
                case (byte)'>':
                    _state = State.Header;
                    if (_inRecord)
                    {
                        visitor.EndRecord();
                    }
                    _inRecord = true;
                    _header.Clear();
                    return 1;
                case (byte)';' or (byte)'#':
                    _state = State.Comment;
                    return 1;
                case (byte)' ' or (byte)'\t' or (byte)'\v' or (byte)'\f':
                    // Blank lines may hold white space; the line has not begun yet as far as its kind is concerned.
                    return 1;
                default:
                    if (!_inRecord)
                    {
                        throw FastaDiagnosis.NotFasta(rest, file, _line);
                    }
                    _state = State.Sequence;
                    return 0;
            }
        }

        /// <summary>
        /// Takes sequence lines until another kind of line begins. They are moved together within the block, so that the
        /// visitor is called once for thousands of short lines.
        /// </summary>
        private int ConsumeSequence(Span<byte> rest)
        {
            int read = 0;
            int write = 0;
            while (read < rest.Length)
            {
                int run = rest[read..].IndexOfAnyExcept(_letters);
                run = run < 0 ? rest.Length - read : run;
                if (run > 0)
                {
                    if (write != read)
                    {
                        rest.Slice(read, run).CopyTo(rest[write..]);
                    }
                    write += run;
                    read += run;
                    _state = State.Sequence;
                    _lastWasCarriageReturn = false;
                    _inWord = true;
                    continue;
                }
                byte b = rest[read];
                if (_inWord && char.IsAsciiDigit((char)b) && options.Letters == SequenceLetters.AnyLetter)
                {
                    rest[write++] = b;
                    read++;
                    continue;
                }
                _inWord = false;
                if (b is (byte)'\n' or (byte)'\r')
                {
                    EndLine(b);
                }
                else if (_state == State.LineStart && b is (byte)'>' or (byte)';' or (byte)'#')
                {
                    break;
                }
                else if (b is (byte)' ' or (byte)'\t' or (byte)'\v' or (byte)'\f')
                {
                    _lastWasCarriageReturn = false;
                }
                else
                {
                    Flush(rest[..write]);
                    throw FastaDiagnosis.BadSequenceByte(b, _header.NameText, file, _line, options.Letters);
                }
                read++;
            }
            Flush(rest[..write]);
            return read;
        }

        private void Flush(ReadOnlySpan<byte> bases)
        {
            if (!bases.IsEmpty)
            {
                visitor.Append(bases);
            }
        }

        private int ConsumeHeader(ReadOnlySpan<byte> rest)
        {
            int used = ToLineEnd(rest);
            _header.Append(rest[..used], file, _line);
            return used;
        }

        private static int ToLineEnd(ReadOnlySpan<byte> rest)
        {
            int end = rest.IndexOfAny((byte)'\n', (byte)'\r');
            return end < 0 ? rest.Length : end;
        }

        private void EndHeader()
        {
            ReadOnlySpan<byte> name = _header.Name;
            if (name.IsEmpty && !options.AllowEmptyNames)
            {
                throw new InputDataException(
                    "a record has an empty name", $"{file}, line {_line}", "a name after '>'",
                    "name the record or remove it");
            }
            _state = State.LineStart;
            visitor.BeginRecord(name, _line);
        }
    }
}
