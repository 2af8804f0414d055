namespace GenoSeq.Data.Tests.Fuzz.Targets;

/// <summary>The piecewise scan over bytes in memory, with pieces as short as one likes.</summary>
internal static class MemoryScan
{
    /// <summary>Null where the scan leaves the bytes to the reader, or the instruction set is missing.</summary>
    internal static SequenceStats? Try<T>(byte[] bytes, SequenceLetters letters, bool fastq, int piece, T classifier, bool supported)
        where T : struct, IBlockClassifier
    {
        if (!supported)
        {
            return null;
        }
        var lengths = new LengthHistogram();
        var tally = default(BaseTally);
        if (fastq)
        {
            // One piece: the guesses of a file's further pieces are tested with files.
            byte[] padded = [.. bytes, .. new byte[FastaChunkScanner.Slack]];
            int pos = 0;
            while (pos < bytes.Length)
            {
                pos = FastqChunkScanner.ScanRecord(padded, pos, bytes.Length, true, classifier, ref tally, lengths);
                if (pos < 0)
                {
                    return null;
                }
            }
        }
        else
        {
            var chunks = new List<FastaChunk>();
            for (int at = 0; at < bytes.Length; at += piece)
            {
                int before = at > 0 ? 1 : 0;
                int end = Math.Min(bytes.Length, at + piece);
                byte[] padded = [.. bytes[(at - before)..end], .. new byte[FastaChunkScanner.Slack]];
                chunks.Add(FastaChunkScanner.Scan(padded, before, end - at + before, classifier, lengths));
            }
            if (!FastaChunkChain.TryJoin(chunks.ToArray(), lengths, out tally))
            {
                return null;
            }
        }
        return SequenceStatistics.Result("fuzz", "x", tally, lengths, new SequenceStatisticsOptions { Letters = letters });
    }
}
