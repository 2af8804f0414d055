namespace GenoSeq.Data;

/// <summary>A fitted statistical model of single bases, which a neural model is compared with.</summary>
public interface IBaseline
{
    /// <summary>Short name for result tables.</summary>
    public string Name { get; }

    /// <summary>Mean bits per base over all A, C, G, T of intervals, each scored within its interval, the model staying as it is.</summary>
    /// <param name="genome">Where bases come from.</param>
    /// <param name="intervals">Which of them.</param>
    /// <returns>Bits per base and the number of bases scored; NaN and 0 if there is none.</returns>
    public (double BitsPerBase, long Bases) Evaluate(GenomeSource genome, IReadOnlyList<GenomeInterval> intervals);

    /// <summary>Information of every base of a window, given others of the window alone, in bits; the model stays as it is.</summary>
    /// <param name="window">ASCII bases.</param>
    /// <param name="bits">[length of the window or more]: bits, NaN of what is not A, C, G or T.</param>
    public void Bits(ReadOnlySpan<byte> window, Span<double> bits);
}
