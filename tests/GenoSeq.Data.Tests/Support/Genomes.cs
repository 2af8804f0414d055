using System.Text;

namespace GenoSeq.Data.Tests;

internal static class Genomes
{
    internal static FastaGenome Parse(string fasta) => Parse(Encoding.Latin1.GetBytes(fasta));

    internal static FastaGenome Parse(byte[] fasta)
    {
        using var stream = new MemoryStream(fasta);
        return FastaGenome.Read(stream, "test.fa");
    }

    /// <summary>Contigs c0, c1, ... of random bases.</summary>
    internal static FastaGenome Random(int seed, params int[] lengths) => RandomOf("ACGT", seed, lengths);

    internal static FastaGenome RandomOf(string letters, int seed, params int[] lengths)
    {
        var random = new Random(seed);
        var text = new StringBuilder();
        for (int c = 0; c < lengths.Length; c++)
        {
            text.Append(">c").Append(c).Append('\n');
            for (int i = 0; i < lengths[c]; i++)
            {
                text.Append(letters[random.Next(letters.Length)]);
            }
            text.Append('\n');
        }
        return Parse(text.ToString());
    }

    internal static string Text(GenomeSource genome, int contig)
    {
        var bytes = new byte[genome.Contigs[contig].Length];
        genome.Read(contig, 0, bytes);
        return Encoding.Latin1.GetString(bytes);
    }
}
