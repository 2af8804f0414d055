using System.Buffers;
using System.Text;

namespace GenoSeq.Data;

/// <summary>Reads nucleotide FASTA in one pass over fixed-size blocks; lines may be of any length.</summary>
/// <remarks>
/// Accepted: LF, CRLF or CR line ends, blank lines, no final line end, white space within sequence lines (dropped),
/// lower case (kept), a UTF-8 byte order mark, and old-style comment lines that begin with <c>;</c>. A record is a line
/// that begins with <c>&gt;</c> and its following lines; its name is the header's first word. Sequence bytes are the
/// IUPAC nucleotide codes (Cornish-Bowden, Nucleic Acids Research 1985), <c>U</c>, and <c>-</c>, <c>.</c>, <c>*</c> as
/// placeholders that are no base. A record may be empty. Everything else is an <see cref="InputDataException"/> that
/// names the record, the line and the byte.
/// </remarks>
public static class FastaReader
{
    private const int BlockSize = 1 << 17;
    private const int MaxHeaderLength = 1 << 20;

    private static readonly SearchValues<byte> s_sequenceBytes =
        SearchValues.Create("ACGTUNRYSWKMBDHVacgtunryswkmbdhv-.*"u8);

    private enum State
    {
        LineStart,
        Sequence,
        Header,
        Comment,
    }

    /// <summary>Reads all records.</summary>
    /// <param name="stream">Decompressed bytes.</param>
    /// <param name="file">What to call the input in messages.</param>
    /// <param name="visitor">Receives the records.</param>
    /// <exception cref="InputDataException">The input is not nucleotide FASTA.</exception>
    public static void Read(Stream stream, string file, IFastaVisitor visitor)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(visitor);
        byte[] block = ArrayPool<byte>.Shared.Rent(BlockSize);
        try
        {
            new Parser(file, visitor).Run(stream, block);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    private struct Parser(string file, IFastaVisitor visitor)
    {
        private readonly List<byte> _header = [];
        private State _state = State.LineStart;
        private string? _name;
        private long _line = 1;
        private bool _lastWasCarriageReturn;

        internal void Run(Stream stream, byte[] block)
        {
            int filled = stream.ReadAtLeast(block, 4096, throwOnEndOfStream: false);
            if (filled == 0)
            {
                throw new InputDataException("the file is empty", file, "at least one FASTA record");
            }
            ReadOnlySpan<byte> start = block.AsSpan(0, filled);
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
            if (_name is null)
            {
                throw new InputDataException(
                    "the file has no FASTA record", file, "a header line that begins with '>'",
                    "check that this is a FASTA file");
            }
            visitor.EndRecord();
        }

        private void Consume(ReadOnlySpan<byte> rest)
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
            if (end == '\n' && _lastWasCarriageReturn)
            {
                _lastWasCarriageReturn = false;
                return;
            }
            _lastWasCarriageReturn = end == '\r';
            if (_state == State.Header)
            {
                EndHeader();
            }
            _state = State.LineStart;
            _line++;
        }

        private int BeginLine(ReadOnlySpan<byte> rest)
        {
            switch (rest[0])
            {
                case (byte)'>':
                    _state = State.Header;
                    _header.Clear();
                    return 1;
                case (byte)';':
                    _state = State.Comment;
                    return 1;
                case (byte)' ' or (byte)'\t' or (byte)'\v' or (byte)'\f':
                    // Blank lines may hold white space; the line has not begun yet as far as its kind is concerned.
                    return 1;
                default:
                    if (_name is null)
                    {
                        throw FastaDiagnosis.NotFasta(rest, file, _line);
                    }
                    _state = State.Sequence;
                    return 0;
            }
        }

        private readonly int ConsumeSequence(ReadOnlySpan<byte> rest)
        {
            int run = rest.IndexOfAnyExcept(s_sequenceBytes);
            run = run < 0 ? rest.Length : run;
            if (run > 0)
            {
                visitor.Append(rest[..run]);
                return run;
            }
            if (rest[0] is (byte)' ' or (byte)'\t' or (byte)'\v' or (byte)'\f')
            {
                return 1;
            }
            throw FastaDiagnosis.BadSequenceByte(rest[0], _name!, file, _line);
        }

        private readonly int ConsumeHeader(ReadOnlySpan<byte> rest)
        {
            int used = ToLineEnd(rest);
            if (_header.Count + used > MaxHeaderLength)
            {
                throw new InputDataException(
                    $"a header line is longer than {MaxHeaderLength} bytes", $"{file}, line {_line}",
                    "a short header line, then sequence lines", "check the file's line ends");
            }
            _header.AddRange(rest[..used]);
            return used;
        }

        private static int ToLineEnd(ReadOnlySpan<byte> rest)
        {
            int end = rest.IndexOfAny((byte)'\n', (byte)'\r');
            return end < 0 ? rest.Length : end;
        }

        private void EndHeader()
        {
            if (_name is not null)
            {
                visitor.EndRecord();
            }
            // The name is the first word; every control character separates, as Ctrl-A does in NCBI's merged headers.
            int start = 0;
            while (start < _header.Count && _header[start] <= ' ')
            {
                start++;
            }
            int end = start;
            while (end < _header.Count && _header[end] > ' ')
            {
                end++;
            }
            if (start == end)
            {
                throw new InputDataException(
                    "a record has an empty name", $"{file}, line {_line}", "a name after '>'",
                    "name the record or remove it");
            }
            _name = Encoding.UTF8.GetString(_header.GetRange(start, end - start).ToArray());
            _state = State.LineStart;
            visitor.BeginRecord(_name, _line);
        }
    }
}
