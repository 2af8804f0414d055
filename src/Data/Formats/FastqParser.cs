using System.Buffers;

namespace GenoSeq.Data;

/// <summary>The states of <see cref="FastqReader"/>: consumes bytes in pieces cut anywhere.</summary>
internal sealed class FastqParser(string file, IFastqVisitor visitor, SequenceLetters letters)
{
    private readonly SearchValues<byte> _letters = SequenceLetterSets.WithDigits(letters);
    private readonly HeaderText _header = new();
    private readonly HeaderText _repeated = new();
    private Part _part = Part.Between;
    private long _record;
    private long _line = 1;
    private long _bases;
    private long _qualities;
    private bool _lastWasCarriageReturn;

    // Of the current line: whether it holds anything but white space, and whether white space followed that.
    private bool _lineHasContent;
    private bool _lineHasGap;

    // A line without content inside the record; allowed only where the record turns out to be empty.
    private long _blankLine;

    private enum Part
    {
        Between,
        Header,
        Sequence,
        Plus,
        Quality,
    }

    internal void Consume(ReadOnlySpan<byte> rest)
    {
        while (!rest.IsEmpty)
        {
            byte b = rest[0];
            if (b is (byte)'\n' or (byte)'\r')
            {
                if (b != (byte)'\n' || !_lastWasCarriageReturn)
                {
                    EndLine();
                    _line++;
                }
                _lastWasCarriageReturn = b == (byte)'\r';
                rest = rest[1..];
                continue;
            }
            _lastWasCarriageReturn = false;
            rest = rest[ConsumeInLine(rest)..];
        }
    }

    internal void Finish()
    {
        EndLine();
        switch (_part)
        {
            case Part.Between when _record == 0:
                throw new InputDataException(
                    "the file has no FASTQ record", file, "a header line that begins with '@'",
                    "check that this is a FASTQ file");
            case Part.Between:
                return;
            case Part.Sequence:
                throw Error("the file ends before the '+' line of the record",
                    "sequence, '+' line and quality in every record", FastqDiagnosis.Truncated);
            default:
                throw Error($"the file ends after {_qualities} of {_bases} quality characters",
                    "as many quality characters as bases", FastqDiagnosis.Truncated);
        }
    }

    private int ConsumeInLine(ReadOnlySpan<byte> rest)
    {
        if (_part is Part.Header or Part.Plus)
        {
            int end = rest.IndexOfAny((byte)'\n', (byte)'\r');
            end = end < 0 ? rest.Length : end;
            (_part == Part.Header ? _header : _repeated).Append(rest[..end], file, _line);
            return end;
        }
        if (IsBlank(rest[0]))
        {
            _lineHasGap = _lineHasContent;
            return 1;
        }
        switch (_part)
        {
            case Part.Between:
                return BeginRecord(rest);
            case Part.Sequence when rest[0] == (byte)'+' && !_lineHasContent:
                RefuseBlankLine(_bases > 0);
                _repeated.Clear();
                _part = Part.Plus;
                return 1;
            case Part.Sequence:
                return ConsumeSequence(rest);
            default:
                return ConsumeQuality(rest);
        }
    }

    private int BeginRecord(ReadOnlySpan<byte> rest)
    {
        if (rest[0] != (byte)'@')
        {
            throw _record == 0
                ? FastqDiagnosis.NotFastq(rest, file, _line)
                : FastqDiagnosis.NoHeader(rest, Where(), _bases);
        }
        _record++;
        _header.Clear();
        _bases = 0;
        _qualities = 0;
        _blankLine = 0;
        _part = Part.Header;
        return 1;
    }

    private int ConsumeSequence(ReadOnlySpan<byte> rest)
    {
        RefuseBlankLine(true);
        int run = rest.IndexOfAnyExcept(_letters);
        run = run < 0 ? rest.Length : run;
        if (run == 0)
        {
            throw FastqDiagnosis.BadSequenceByte(rest[0], Where(), letters);
        }
        RefuseGap("sequence");
        visitor.AppendBases(rest[..run]);
        _bases += run;
        _lineHasContent = true;
        return run;
    }

    private int ConsumeQuality(ReadOnlySpan<byte> rest)
    {
        RefuseBlankLine(true);
        int run = rest.IndexOfAnyExceptInRange((byte)'!', (byte)'~');
        run = run < 0 ? rest.Length : run;
        if (run == 0)
        {
            throw FastqDiagnosis.BadQualityByte(rest[0], Where());
        }
        RefuseGap("quality");
        if (_qualities + run > _bases)
        {
            throw Error($"the quality is longer than the {_bases} bases of the record",
                "as many quality characters as bases", "check for a lost line end or a damaged record");
        }
        visitor.AppendQualities(rest[..run]);
        _qualities += run;
        _lineHasContent = true;
        return run;
    }

    private void EndLine()
    {
        switch (_part)
        {
            case Part.Header:
                visitor.BeginRecord(_header.Name, _line);
                _part = Part.Sequence;
                break;
            case Part.Plus:
                CheckRepeatedTitle();
                _part = Part.Quality;
                // An empty record has no quality to wait for; its blank quality line is a blank line between records.
                if (_bases == 0)
                {
                    EndRecord();
                }
                break;
            case Part.Sequence or Part.Quality when !_lineHasContent:
                _blankLine = _blankLine == 0 ? _line : _blankLine;
                break;
            case Part.Quality when _qualities == _bases:
                EndRecord();
                break;
        }
        _lineHasContent = false;
        _lineHasGap = false;
    }

    private void EndRecord()
    {
        visitor.EndRecord();
        _part = Part.Between;
    }

    private void CheckRepeatedTitle()
    {
        ReadOnlySpan<byte> again = Trim(_repeated.Bytes);
        if (!again.IsEmpty && !again.SequenceEqual(Trim(_header.Bytes)) && !again.SequenceEqual(_header.Name))
        {
            throw Error($"the '+' line repeats another name, '{_repeated.NameText}'",
                "nothing after '+', or the same text as after '@'",
                "check for lost lines before this one: the records may have come apart");
        }
    }

    private void RefuseBlankLine(bool notEmpty)
    {
        if (_blankLine > 0 && notEmpty)
        {
            _line = _blankLine;
            throw Error("a blank line inside a record", "blank lines between records only",
                "remove it, and check that no text was lost there");
        }
    }

    private void RefuseGap(string what)
    {
        if (_lineHasGap)
        {
            throw Error($"white space inside a {what} line", "white space at the ends of lines only",
                "check that the file is not damaged");
        }
    }

    private string Where() => $"{file}, line {_line}, record {_record} '{_header.NameText}'";

    private InputDataException Error(string what, string expected, string tryThis) =>
        new(what, Where(), expected, tryThis);

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text) => text.Trim(" \t\v\f"u8);

    private static bool IsBlank(byte b) => b is (byte)' ' or (byte)'\t' or (byte)'\v' or (byte)'\f';
}
