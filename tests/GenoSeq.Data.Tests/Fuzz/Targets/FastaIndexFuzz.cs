using System.Text;

namespace GenoSeq.Data.Tests.Fuzz;

/// <summary>
/// Bytes as FASTA or FASTQ to be indexed and then read through that index; and bytes as an index of a small file. Only
/// <see cref="InputDataException"/> is caught.
/// </summary>
public static class FastaIndexFuzz
{
    private static readonly byte[] s_fasta = Encoding.ASCII.GetBytes(">a\nACGT\nAC\n>b\nACG\n");

    public static void Run(ReadOnlySpan<byte> data)
    {
        byte[] bytes = data.ToArray();
        try
        {
            using var stream = new MemoryStream(bytes);
            FastaIndex index = FastaIndexBuilder.Build(stream, "fuzz.fa");
            FastaIndex again = FastaIndex.Parse(index.ToBytes(), "fuzz.fa.fai", bytes.Length + 2);
            if (!again.Entries.SequenceEqual(index.Entries))
            {
                throw new InvalidOperationException("an index does not read back as written");
            }
            Read(bytes, index);
        }
        catch (InputDataException)
        {
        }
        try
        {
            Read(s_fasta, FastaIndex.Parse(data, "fuzz.fai", s_fasta.Length));
        }
        catch (InputDataException)
        {
        }
    }

    private static void Read(byte[] fasta, FastaIndex index)
    {
        using IndexedFastaGenome genome = IndexedFastaGenome.Create("fuzz.fa", new MemoryBytes(fasta), index, "fuzz.fa.fai");
        for (int i = 0; i < Math.Min(genome.Contigs.Count, 64); i++)
        {
            long length = genome.Contigs[i].Length;
            var bases = new byte[Math.Min(length, 1000)];
            genome.Read(i, 0, bases);
            genome.Read(i, length - bases.Length, bases);
        }
    }
}
