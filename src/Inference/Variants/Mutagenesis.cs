using GenoSeq.Data;

namespace GenoSeq.Inference.Variants;

/// <summary>The effect of every single base change in a region.</summary>
/// <param name="Contig">The region's contig.</param>
/// <param name="Start">Its first base, 0-based.</param>
/// <param name="Reference">Its bases [length], ASCII upper case.</param>
/// <param name="Effects">[length * 4], A, C, G, T: 0 for the reference's own base, NaN where that is unknown.</param>
public sealed record MutagenesisResult(string Contig, long Start, byte[] Reference, double[] Effects);

/// <summary>Saturation mutagenesis in silico: each base of a region changed to each other one.</summary>
public static class Mutagenesis
{
    /// <summary>The four bases, in the order of the columns.</summary>
    public const string Bases = "ACGT";

    private const int BlockPositions = 64;

    /// <summary>Scores all changes of a region.</summary>
    /// <param name="scorer">Scores.</param>
    /// <param name="genome">The scorer's genome.</param>
    /// <param name="region">The region.</param>
    /// <param name="progress">Told how many positions were done since the last call.</param>
    /// <param name="stop">Ends the work.</param>
    public static MutagenesisResult Run(VariantScorer scorer, GenomeSource genome, GenomeInterval region, Action<long>? progress = null,
        CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(scorer);
        ArgumentNullException.ThrowIfNull(genome);
        string contig = genome.Contigs[region.Contig].Name;
        byte[] bases = GenomeRegion.Read(genome, region);
        double[] effects = new double[4 * bases.Length];
        Array.Fill(effects, double.NaN);
        for (int i = 0; i < bases.Length; i++)
        {
            bases[i] = (byte)(bases[i] & ~0x20);
            bases[i] = bases[i] == 'U' ? (byte)'T' : bases[i];
        }

        for (int first = 0; first < bases.Length; first += BlockPositions)
        {
            int last = Math.Min(bases.Length, first + BlockPositions);
            var alleles = new List<VariantAllele>();
            var places = new List<int>();
            for (int i = first; i < last; i++)
            {
                for (int b = 0; b < 4 && Bases.Contains((char)bases[i], StringComparison.Ordinal); b++)
                {
                    if (Bases[b] == bases[i])
                    {
                        effects[(4 * i) + b] = 0;
                        continue;
                    }

                    alleles.Add(new VariantAllele(contig, region.Start + i, bases.AsMemory(i, 1), new[] { (byte)Bases[b] }));
                    places.Add((4 * i) + b);
                }
            }

            VariantScore[] scores = scorer.Score(alleles, stop);
            for (int i = 0; i < scores.Length; i++)
            {
                effects[places[i]] = scores[i].Score;
            }

            progress?.Invoke(last - first);
        }

        return new MutagenesisResult(contig, region.Start, bases, effects);
    }
}
