namespace GenoSeq.Data;

/// <summary>Where the columns of a BED line lie.</summary>
internal sealed class BedColumns
{
    private (int Start, int Length)[] _ranges = new (int, int)[16];

    internal int Count { get; private set; }

    internal ReadOnlySpan<byte> Get(ReadOnlySpan<byte> line, int column)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)column, (uint)Count, nameof(column));
        return line.Slice(_ranges[column].Start, _ranges[column].Length);
    }

    /// <summary>At tabs, or, in a line without any, at runs of blanks.</summary>
    internal void Split(ReadOnlySpan<byte> line)
    {
        Count = 0;
        bool tabs = line.Contains((byte)'\t');
        byte separator = tabs ? (byte)'\t' : (byte)' ';
        int start = 0;
        while (start <= line.Length)
        {
            int length = line[start..].IndexOf(separator);
            length = length < 0 ? line.Length - start : length;
            if (tabs || length > 0)
            {
                Add(start, length);
            }
            start += length + 1;
        }
    }

    private void Add(int start, int length)
    {
        if (Count == _ranges.Length)
        {
            Array.Resize(ref _ranges, 2 * _ranges.Length);
        }
        _ranges[Count++] = (start, length);
    }
}
