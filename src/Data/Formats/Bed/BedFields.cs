namespace GenoSeq.Data;

/// <summary>The standard columns of one BED line, checked.</summary>
internal sealed class BedFields
{
    private BedBlock[] _blocks = new BedBlock[16];
    private int _blockCount;

    internal int Standard { get; private set; }

    internal long Start { get; private set; }

    internal long End { get; private set; }

    internal long? Score { get; private set; }

    internal Strand Strand { get; private set; }

    internal BedBlock? Thick { get; private set; }

    internal ReadOnlySpan<BedBlock> Blocks => _blocks.AsSpan(0, _blockCount);

    /// <param name="line">The line, split.</param>
    /// <param name="strict">Columns that must be standard ones, or null.</param>
    /// <param name="offset">What the track line adds to every position.</param>
    internal void Parse(BedReader line, int? strict, long offset)
    {
        Score = null;
        Strand = Strand.None;
        Thick = null;
        _blockCount = 0;
        int atLeast = strict ?? 3;
        if (line.ColumnCount < atLeast)
        {
            throw new InputDataException(
                line.ColumnCount == 1 ? "the line has 1 column" : $"the line has {line.ColumnCount} columns", line.Where,
                strict is null ? "contig, start and end, separated by tabs" : $"{atLeast} columns, separated by tabs",
                "check that columns are separated by tabs");
        }
        if (line.Column(0).IsEmpty)
        {
            throw line.Error(0, "the contig has no name", "a contig name");
        }
        Start = Position(line, 1, "start", offset);
        End = Position(line, 2, "end", offset);
        if (Start > End)
        {
            throw line.Error(2, $"start {Start} is beyond end {End}", "0-based start, end not included, start first");
        }
        Standard = strict ?? FindStandard(line);
        ParseScoreAndStrand(line, strict is not null);
        ParseThick(line, offset);
        ParseColor(line);
        if (Standard >= 12)
        {
            ParseBlocks(line);
        }
    }

    private static long Position(BedReader line, int column, string name, long offset)
    {
        ReadOnlySpan<byte> text = line.Column(column);
        if (!AsciiText.TryParseWhole(text, out long value))
        {
            string? hint = line.Column(0).Contains((byte)' ')
                ? "separate all columns by tabs: this line has both tabs and blanks"
                : line.Line == 1 && text.ContainsAnyExceptInRange((byte)'0', (byte)'9')
                    ? "put '#' before a line with the names of the columns" : null;
            throw line.Error(column, $"{AsciiText.Shown(text)} is no {name} position", "a whole number, 0 or more", hint);
        }
        return value + offset >= 0
            ? value + offset
            : throw line.Error(column, $"with the track's offset of {offset} the {name} is negative", "0 or more");
    }

    private static int FindStandard(BedReader line)
    {
        int n = line.ColumnCount;
        if (n < 6)
        {
            return n;
        }
        ReadOnlySpan<byte> strand = line.Column(5);
        if (!TryParseStrand(strand, out _))
        {
            return strand.Length == 1 && !char.IsAsciiDigit((char)strand[0])
                ? throw BadStrand(line)
                : 5;
        }
        if (n is not (8 or 9 or >= 12) || !IsWhole(line.Column(6)) || !IsWhole(line.Column(7)))
        {
            return 6;
        }
        return n switch
        {
            8 => 8,
            9 => IsColor(line.Column(8)) ? 9 : 6,
            _ => IsWhole(line.Column(9)) ? 12 : 6,
        };
    }

    private void ParseScoreAndStrand(BedReader line, bool strict)
    {
        if (Standard < 5)
        {
            return;
        }
        ReadOnlySpan<byte> score = line.Column(4);
        bool negative = !score.IsEmpty && score[0] == '-';
        bool whole = AsciiText.TryParseWhole(negative ? score[1..] : score, out long value);
        Score = !whole ? null : negative ? -value : value;
        if (strict && Score is not (>= 0 and <= 1000))
        {
            throw line.Error(4, $"{AsciiText.Shown(score)} is no score", "a whole number from 0 to 1000");
        }
        if (Standard >= 6)
        {
            Strand = TryParseStrand(line.Column(5), out Strand strand) ? strand : throw BadStrand(line);
        }
    }

    private void ParseThick(BedReader line, long offset)
    {
        if (Standard < 8)
        {
            return;
        }
        long start = Position(line, 6, "thickStart", 0);
        long end = Position(line, 7, "thickEnd", 0);
        if (start == 0 && end == 0)
        {
            // Many programs write 0 and 0 for "no thick part", wherever the line lies.
            return;
        }
        (start, end) = (start + offset, end + offset);
        if (start < Start || start > End || end < start || end > End)
        {
            throw line.Error(start < Start || start > End ? 6 : 7, $"the thick part {start}-{end} is not inside {Start}-{End}",
                "start <= thickStart <= thickEnd <= end, or 0 and 0");
        }
        Thick = new BedBlock(start, end);
    }

    private void ParseColor(BedReader line)
    {
        if (Standard >= 9 && !IsColor(line.Column(8)))
        {
            throw line.Error(8, $"{AsciiText.Shown(line.Column(8))} is no itemRgb", "red,green,blue from 0 to 255 each, or 0");
        }
    }

    private void ParseBlocks(BedReader line)
    {
        ReadOnlySpan<byte> sizes = line.Column(10);
        ReadOnlySpan<byte> starts = line.Column(11);
        if (!AsciiText.TryParseWhole(line.Column(9), out long count) || count < 1)
        {
            throw line.Error(9, $"{AsciiText.Shown(line.Column(9))} is no blockCount", "a whole number, 1 or more");
        }
        while (!sizes.IsEmpty || !starts.IsEmpty)
        {
            if (_blockCount >= count || sizes.IsEmpty || starts.IsEmpty)
            {
                throw line.Error(sizes.IsEmpty ? 11 : 10,
                    $"blockCount is {count}, but the lists have {Items(line.Column(10))} sizes and {Items(line.Column(11))} starts",
                    "as many block sizes and block starts as blockCount says");
            }
            AddBlock(line, Next(ref sizes), Next(ref starts));
        }
        if (_blockCount != count)
        {
            throw line.Error(9, $"blockCount is {count}, but {_blockCount} blocks follow",
                "as many block sizes and block starts as blockCount says");
        }
        if (_blocks[0].Start != Start)
        {
            throw line.Error(11, $"the first block starts at {_blocks[0].Start - Start}", "0: blocks begin where the line begins");
        }
        if (_blocks[_blockCount - 1].End != End)
        {
            throw line.Error(11, $"the last block ends at {_blocks[_blockCount - 1].End}", $"{End}: blocks end where the line ends");
        }
    }

    private void AddBlock(BedReader line, ReadOnlySpan<byte> size, ReadOnlySpan<byte> start)
    {
        if (!AsciiText.TryParseWhole(size, out long length))
        {
            throw line.Error(10, $"{AsciiText.Shown(size)} is no block size", "a whole number, 0 or more");
        }
        if (!AsciiText.TryParseWhole(start, out long relative))
        {
            throw line.Error(11, $"{AsciiText.Shown(start)} is no block start", "a whole number, 0 or more");
        }
        if (relative > End - Start || length > End - Start - relative)
        {
            throw line.Error(11, $"block {_blockCount + 1} ({relative} and {length} bases on) leaves the interval of {End - Start} bases",
                "blocks inside the interval");
        }
        var block = new BedBlock(Start + relative, Start + relative + length);
        if (_blockCount > 0 && block.Start < _blocks[_blockCount - 1].End)
        {
            throw line.Error(11, $"block {_blockCount + 1} begins before block {_blockCount} ends", "blocks in order that share no base");
        }
        if (_blockCount == _blocks.Length)
        {
            Array.Resize(ref _blocks, 2 * _blocks.Length);
        }
        _blocks[_blockCount++] = block;
    }

    private static InputDataException BadStrand(BedReader line) => line.Error(
        5, $"{AsciiText.Shown(line.Column(5))} is no strand", "'+', '-', or '.' where there is none");

    internal static bool TryParseStrand(ReadOnlySpan<byte> text, out Strand strand)
    {
        strand = text.Length != 1 ? Strand.None : text[0] switch
        {
            (byte)'+' => Strand.Forward,
            (byte)'-' => Strand.Reverse,
            _ => Strand.None,
        };
        return text.Length == 1 && text[0] is (byte)'+' or (byte)'-' or (byte)'.' or (byte)'*';
    }

    private static bool IsWhole(ReadOnlySpan<byte> text) => AsciiText.TryParseWhole(text, out _);

    private static bool IsColor(ReadOnlySpan<byte> text)
    {
        if (text.SequenceEqual("."u8) || (IsWhole(text) && text.Length <= 8))
        {
            return true;
        }
        int parts = 0;
        text = text.TrimEnd((byte)',');
        while (!text.IsEmpty)
        {
            if (!AsciiText.TryParseWhole(Next(ref text), out long value) || value > 255)
            {
                return false;
            }
            parts++;
        }
        return parts == 3;
    }

    private static ReadOnlySpan<byte> Next(ref ReadOnlySpan<byte> list)
    {
        int comma = list.IndexOf((byte)',');
        ReadOnlySpan<byte> item = comma < 0 ? list : list[..comma];
        list = comma < 0 ? default : list[(comma + 1)..];
        return item;
    }

    private static int Items(ReadOnlySpan<byte> list) =>
        list.IsEmpty ? 0 : list.Count((byte)',') + (list.EndsWith(","u8) ? 0 : 1);
}
