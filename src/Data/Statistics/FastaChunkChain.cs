namespace GenoSeq.Data;

/// <summary>Joins the pieces of a FASTA file in their order.</summary>
internal static class FastaChunkChain
{
    /// <summary>False where the file needs the reader.</summary>
    internal static bool TryJoin(ReadOnlySpan<FastaChunk> chunks, LengthHistogram lengths, out BaseTally tally)
    {
        tally = default;
        bool inHeader = false;
        bool inRecord = false;
        bool afterReturn = false;
        long current = 0;
        foreach (ref readonly FastaChunk chunk in chunks)
        {
            if (chunk.Unusual || (afterReturn && !chunk.StartsWithLineFeed))
            {
                return false;
            }
            afterReturn = chunk.EndsWithCarriageReturn;
            if (chunk.HasPrefix)
            {
                if (!inHeader)
                {
                    if (chunk.PrefixForeign)
                    {
                        return false;
                    }
                    tally.Add(chunk.Prefix);
                    current += chunk.Prefix.Bases;
                }
                if (chunk.PrefixOpen)
                {
                    continue;
                }
            }
            tally.Add(chunk.Body);
            current += chunk.Leading;
            if (chunk.HasHeader)
            {
                if (inRecord)
                {
                    lengths.Add(current);
                }
                else if (current > 0)
                {
                    return false;
                }
                inRecord = true;
                current = chunk.Trailing;
            }
            inHeader = chunk.EndsInHeader;
        }
        if (!inRecord || afterReturn)
        {
            return false;
        }
        lengths.Add(current);
        return true;
    }
}
