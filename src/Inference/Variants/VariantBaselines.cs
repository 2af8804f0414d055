using GenoSeq.Data;

namespace GenoSeq.Inference.Variants;

/// <summary>What can be said of a variant without a model, as a yardstick: the change of G and C, and a count model of words.</summary>
public sealed class VariantBaselines
{
    private readonly GenomeSource _genome;
    private readonly FlankCountModel _counts;

    /// <summary>Counts words.</summary>
    /// <param name="genome">The genome that the variants are of; it stays the caller's.</param>
    /// <param name="fitted">Where words are counted, both strands; often the same.</param>
    /// <param name="flank">Bases on each side that the count model sees.</param>
    /// <param name="stop">Ends the counting.</param>
    public VariantBaselines(GenomeSource genome, GenomeSource fitted, int flank = 4, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(fitted);
        _genome = genome;
        _counts = new FlankCountModel(flank);
        _counts.Fit(fitted, fitted.WholeContigs(), 0, stop);
    }

    /// <summary>Name of the count model.</summary>
    public string CountModel => _counts.Name;

    /// <summary>Bases G and C of the alternative minus those of the reference.</summary>
    public static double GcChange(VariantAllele allele)
    {
        return Count(allele.Alt.Span) - Count(allele.Ref.Span);

        static int Count(ReadOnlySpan<byte> bases)
        {
            int n = 0;
            foreach (byte b in bases)
            {
                n += (b | 0x20) is 'g' or 'c' ? 1 : 0;
            }

            return n;
        }
    }

    /// <summary>
    /// Log-likelihood of the changed bases and those whose context they are, under the count model, with the alternative minus with the
    /// reference; NaN where the variant does not fit the genome.
    /// </summary>
    public double CountDifference(VariantAllele allele)
    {
        var options = new VariantOptions { Context = 2 * _counts.Flank };
        return VariantWindow.Of(_genome, allele, options, out VariantWindow? w) == VariantStatus.Scored
            ? (Sum(w!.Reference, w.Left.Length, w.Ref.Length) - Sum(w.Alternative, w.Left.Length, w.Alt.Length)) * Math.Log(2)
            : double.NaN;
    }

    // Bits of the allele and of the bases beside it.
    private double Sum(byte[] window, int at, int length)
    {
        double bits = 0;
        for (int i = Math.Max(0, at - _counts.Flank); i < Math.Min(window.Length, at + length + _counts.Flank); i++)
        {
            double own = _counts.Bits(window, i);
            bits += double.IsNaN(own) ? 0 : own;
        }

        return bits;
    }
}
