namespace GenoSeq.Data;

/// <summary>Joins the pieces of a FASTA file, one after the other in their order.</summary>
internal struct FastaChunkChain(LengthHistogram lengths)
{
    private BaseTally _tally;
    private bool _inHeader;
    private bool _inRecord;
    private bool _afterReturn;
    private long _current;

    /// <summary>False where the file needs the reader.</summary>
    internal static bool TryJoin(ReadOnlySpan<FastaChunk> chunks, LengthHistogram lengths, out BaseTally tally)
    {
        var chain = new FastaChunkChain(lengths);
        foreach (ref readonly FastaChunk chunk in chunks)
        {
            if (!chain.TryAdd(chunk))
            {
                tally = default;
                return false;
            }
        }
        return chain.TryEnd(out tally);
    }

    /// <summary>False where the file needs the reader.</summary>
    internal bool TryAdd(in FastaChunk chunk)
    {
        if (chunk.Unusual || (_afterReturn && !chunk.StartsWithLineFeed))
        {
            return false;
        }
        _afterReturn = chunk.EndsWithCarriageReturn;
        if (chunk.HasPrefix)
        {
            if (!_inHeader)
            {
                if (chunk.PrefixForeign)
                {
                    return false;
                }
                _tally.Add(chunk.Prefix);
                _current += chunk.Prefix.Bases;
            }
            if (chunk.PrefixOpen)
            {
                return true;
            }
        }
        _tally.Add(chunk.Body);
        _current += chunk.Leading;
        if (chunk.HasHeader)
        {
            if (_inRecord)
            {
                lengths.Add(_current);
            }
            else if (_current > 0)
            {
                return false;
            }
            _inRecord = true;
            _current = chunk.Trailing;
        }
        _inHeader = chunk.EndsInHeader;
        return true;
    }

    /// <summary>The bases of all pieces; false where the file needs the reader.</summary>
    internal bool TryEnd(out BaseTally tally)
    {
        tally = _tally;
        if (!_inRecord || _afterReturn)
        {
            return false;
        }
        lengths.Add(_current);
        return true;
    }
}
