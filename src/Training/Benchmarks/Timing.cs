namespace GenoSeq.Training.Benchmarks;

/// <summary>Times of one piece of work, run several times.</summary>
/// <param name="Milliseconds">Each run, in order.</param>
public sealed record Timing(IReadOnlyList<double> Milliseconds)
{
    /// <summary>The middle run; between the two middle ones where there is no middle.</summary>
    public double Median
    {
        get
        {
            double[] sorted = [.. Milliseconds.Order()];
            int half = sorted.Length / 2;
            return sorted.Length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
        }
    }

    /// <summary>The fastest run.</summary>
    public double Min => Milliseconds.Min();

    /// <summary>The slowest run.</summary>
    public double Max => Milliseconds.Max();

    /// <summary>How many of something a second, by the median.</summary>
    /// <param name="count">How many in one run.</param>
    public double PerSecond(double count) => count / (Median * 1e-3);
}
