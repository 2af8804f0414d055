namespace GenoSeq.Data;

/// <summary>Tells text tables apart by their first lines.</summary>
internal static class TableSniffer
{
    internal static FormatKind Detect(ReadOnlySpan<byte> text)
    {
        int end = text.IndexOfAny((byte)'\n', (byte)'\r');
        ReadOnlySpan<byte> line = end < 0 ? text : text[..end];
        int tabs = line.Count((byte)'\t');
        if (tabs > 0)
        {
            if (tabs is 4 or 5 && NumbersFrom(line, 5))
            {
                return FormatKind.Fai;
            }
            if (tabs >= 2 && NumbersFrom(line, 3))
            {
                return FormatKind.Bed;
            }
            return tabs == 8 && IsNumber(Column(line, 3)) && IsNumber(Column(line, 4)) ? FormatKind.Gff
                : tabs >= 10 && IsNumber(Column(line, 1)) && IsNumber(Column(line, 3)) ? FormatKind.Sam
                : FormatKind.Tsv;
        }
        if (line.StartsWith("track"u8) || line.StartsWith("browser"u8))
        {
            return FormatKind.Bed;
        }
        return line.Contains((byte)',') ? FormatKind.Csv : FormatKind.Text;
    }

    // Columns 2 to `columns`, counted from 1, are whole numbers.
    private static bool NumbersFrom(ReadOnlySpan<byte> line, int columns)
    {
        for (int c = 1; c < columns; c++)
        {
            if (!IsNumber(Column(line, c)))
            {
                return false;
            }
        }
        return true;
    }

    private static ReadOnlySpan<byte> Column(ReadOnlySpan<byte> line, int index)
    {
        for (; index > 0; index--)
        {
            int tab = line.IndexOf((byte)'\t');
            if (tab < 0)
            {
                return default;
            }
            line = line[(tab + 1)..];
        }
        int end = line.IndexOf((byte)'\t');
        return end < 0 ? line : line[..end];
    }

    private static bool IsNumber(ReadOnlySpan<byte> text) => !text.IsEmpty && text.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0;
}
