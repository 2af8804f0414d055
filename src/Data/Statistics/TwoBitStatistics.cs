namespace GenoSeq.Data;

/// <summary>Counts the sequences and bases of a 2bit file.</summary>
internal static class TwoBitStatistics
{
    private const int Piece = 1 << 20;

    internal static SequenceStats Measure(string path, SequenceStatisticsOptions options)
    {
        using TwoBitGenome genome = TwoBitGenome.Open(path);
        var lengths = new LengthHistogram();
        var counter = new StreamCounter(lengths);
        var buffer = new byte[Piece];
        for (int contig = 0; contig < genome.Contigs.Count; contig++)
        {
            long length = genome.LengthOf(contig);
            counter.BeginRecord(genome.Contigs[contig].Name, 0);
            for (long at = 0; at < length; at += Piece)
            {
                Span<byte> bases = buffer.AsSpan(0, (int)Math.Min(Piece, length - at));
                genome.Read(contig, at, bases);
                counter.Append(bases);
            }
            counter.EndRecord();
        }
        return SequenceStatistics.Result(path, "2bit", counter.Tally, lengths, options);
    }
}
