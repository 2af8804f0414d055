namespace GenoSeq.Data;

/// <summary>The lines of a BED file that speak to a genome browser.</summary>
internal static class BedTrackLine
{
    /// <summary>True if the line is the word, or the word and settings after it.</summary>
    internal static bool Is(ReadOnlySpan<byte> line, ReadOnlySpan<byte> word)
    {
        if (!line.StartsWith(word))
        {
            return false;
        }
        ReadOnlySpan<byte> rest = line[word.Length..];
        // A contig may be called so too; then a tab and a position follow.
        return rest.IsEmpty || rest[0] == ' ' || (rest[0] == '\t' && !(rest.Length > 1 && char.IsAsciiDigit((char)rest[1])));
    }

    /// <summary>The setting <c>offset=N</c>, 0 if there is none.</summary>
    internal static long Offset(ReadOnlySpan<byte> line, out bool known)
    {
        known = true;
        byte quote = 0;
        for (int i = 0; i < line.Length; i++)
        {
            byte b = line[i];
            if (quote != 0)
            {
                quote = b == quote ? (byte)0 : quote;
            }
            else if (b is (byte)'"' or (byte)'\'')
            {
                quote = b;
            }
            else if (b is (byte)' ' or (byte)'\t' && line[(i + 1)..].StartsWith("offset="u8))
            {
                ReadOnlySpan<byte> value = line[(i + 8)..];
                int end = value.IndexOfAny((byte)' ', (byte)'\t');
                value = (end < 0 ? value : value[..end]).Trim("\"'"u8);
                bool negative = !value.IsEmpty && value[0] == '-';
                known = AsciiText.TryParseWhole(negative ? value[1..] : value, out long offset);
                return negative ? -offset : offset;
            }
        }
        return 0;
    }
}
