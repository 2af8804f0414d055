namespace GenoSeq.Data;

/// <summary>Counts a stream piece by piece with the scanners of plain files: what decompression hands out.</summary>
/// <remarks>False means that the readers must decide, from the stream's beginning; so only what can be opened again comes here.</remarks>
internal sealed class StreamScan(Stream stream, LengthHistogram lengths, int pieceSize = FileScan.DefaultPiece)
{
    private const int MaxRecord = 1 << 24;

    /// <summary>Counts FASTA.</summary>
    internal bool TryFasta<T>(T classifier, out BaseTally tally)
        where T : struct, IBlockClassifier
    {
        tally = default;
        var buffer = new byte[pieceSize + 1 + FastaChunkScanner.Slack];
        var chain = new FastaChunkChain(lengths);
        int before = 0;
        while (true)
        {
            int filled = stream.ReadAtLeast(buffer.AsSpan(before, pieceSize), pieceSize, throwOnEndOfStream: false);
            if (filled == 0)
            {
                return chain.TryEnd(out tally);
            }
            FastaChunk chunk = FastaChunkScanner.Scan(buffer, before, before + filled, classifier, lengths);
            if (!chain.TryAdd(chunk))
            {
                return false;
            }
            buffer[0] = buffer[before + filled - 1];
            before = 1;
        }
    }

    /// <summary>Counts FASTQ.</summary>
    internal bool TryFastq<T>(T classifier, out BaseTally tally)
        where T : struct, IBlockClassifier
    {
        tally = default;
        var buffer = new byte[pieceSize + FastaChunkScanner.Slack];
        int filled = 0;
        bool final = false;
        while (true)
        {
            int capacity = buffer.Length - FastaChunkScanner.Slack;
            int n = stream.ReadAtLeast(buffer.AsSpan(filled, capacity - filled), capacity - filled, throwOnEndOfStream: false);
            final |= n < capacity - filled;
            filled += n;
            int pos = 0;
            while (pos < filled)
            {
                int next = FastqChunkScanner.ScanRecord(buffer, pos, filled, final, classifier, ref tally, lengths);
                if (next == FastqChunkScanner.NeedsMore && !final)
                {
                    break;
                }
                if (next < 0)
                {
                    return false;
                }
                pos = next;
            }
            if (final && pos == filled)
            {
                return lengths.Records > 0;
            }
            buffer.AsSpan(pos, filled - pos).CopyTo(buffer);
            filled -= pos;
            if (pos == 0)
            {
                if (buffer.Length > MaxRecord)
                {
                    return false;
                }
                Array.Resize(ref buffer, (2 * capacity) + FastaChunkScanner.Slack);
            }
        }
    }
}
