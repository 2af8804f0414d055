namespace GenoSeq.Data.Tests.Fuzz;

/// <summary>Opens bytes as a 2bit file and reads from every sequence; only <see cref="InputDataException"/> is caught.</summary>
public static class TwoBitFuzz
{
    public static void Run(ReadOnlySpan<byte> data)
    {
        try
        {
            using TwoBitGenome genome = TwoBitGenome.Open(new MemoryBytes(data.ToArray()), "fuzz.2bit");
            for (int i = 0; i < Math.Min(genome.Contigs.Count, 64); i++)
            {
                long length = genome.Contigs[i].Length;
                var bases = new byte[Math.Min(length, 1000)];
                genome.Read(i, 0, bases);
                genome.Read(i, length - bases.Length, bases);
            }
        }
        catch (InputDataException)
        {
        }
    }
}
