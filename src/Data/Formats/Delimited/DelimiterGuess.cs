namespace GenoSeq.Data;

/// <summary>Chooses the delimiter of a table from its first lines.</summary>
internal static class DelimiterGuess
{
    private const int MostLines = 10;
    private const int MostBytes = 1 << 16;

    /// <summary>
    /// Of tab, comma and semicolon the one that stands equally often on each of the first ten lines, quoted text apart; else
    /// the one that the first line has most of. Ties go to the tab, then the comma.
    /// </summary>
    internal static byte Choose(ByteWindow window)
    {
        // The same bytes are looked at however the stream hands them out.
        while (window.Content.Length < MostBytes && !window.IsFull && window.Fill())
        {
        }
        ReadOnlySpan<byte> text = window.Content[..Math.Min(MostBytes, window.Content.Length)];
        bool whole = text.Length < MostBytes;
        Span<int> counts = stackalloc int[3];
        Span<int> first = stackalloc int[3];
        Span<bool> steady = [true, true, true];
        int lines = 0;
        bool quoted = false, any = false;
        for (int i = 0; i <= text.Length && lines < MostLines; i++)
        {
            bool end = i == text.Length ? whole || lines == 0 : !quoted && text[i] is ((byte)'\n' or (byte)'\r');
            if (end && any)
            {
                for (int d = 0; d < 3; d++)
                {
                    steady[d] &= lines == 0 ? counts[d] > 0 : counts[d] == first[d];
                }
                if (lines++ == 0)
                {
                    counts.CopyTo(first);
                }
                counts.Clear();
                any = false;
            }
            else if (!end && i < text.Length)
            {
                any = true;
                quoted ^= text[i] == '"';
                int d = quoted ? -1 : "\t,;"u8.IndexOf(text[i]);
                if (d >= 0)
                {
                    counts[d]++;
                }
            }
        }
        int best = Best(first, steady);
        best = best >= 0 ? best : Best(first, [true, true, true]);
        return best < 0 ? (byte)',' : "\t,;"u8[best];
    }

    private static int Best(ReadOnlySpan<int> counts, ReadOnlySpan<bool> eligible)
    {
        int best = -1;
        for (int d = 0; d < 3; d++)
        {
            if (eligible[d] && counts[d] > 0 && (best < 0 || counts[d] > counts[best]))
            {
                best = d;
            }
        }
        return best;
    }
}
