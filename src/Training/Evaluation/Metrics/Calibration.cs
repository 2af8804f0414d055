namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>One bin of a calibration curve.</summary>
/// <param name="Low">Lower edge; outside, but for the first bin.</param>
/// <param name="High">Upper edge; inside.</param>
/// <param name="Count">Examples in it.</param>
/// <param name="MeanConfidence">Mean predicted probability; NaN in an empty bin.</param>
/// <param name="Frequency">Share of them in which the event happened; NaN in an empty bin.</param>
public sealed record CalibrationBin(double Low, double High, long Count, double MeanConfidence, double Frequency);

/// <summary>Bins of equal width over a probability, and the expected calibration error.</summary>
/// <remarks>Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017.</remarks>
internal sealed class Calibration : IMetric
{
    private readonly double[] _confidence;
    private readonly bool[] _happened;
    private readonly int[] _bin;
    private readonly int _bins;

    /// <param name="confidence">Probabilities of an event.</param>
    /// <param name="happened">Whether it happened.</param>
    /// <param name="bins">Number of bins.</param>
    internal Calibration(double[] confidence, bool[] happened, int bins)
    {
        _confidence = confidence;
        _happened = happened;
        _bins = bins;
        _bin = [.. confidence.Select(p => Math.Clamp((int)Math.Ceiling(p * bins) - 1, 0, bins - 1))];
    }

    public string Name => "ece";

    public int Examples => _bin.Length;

    /// <summary>Σ over bins of (share of the examples) · |frequency − mean confidence|.</summary>
    public MetricValue Evaluate(ReadOnlySpan<int> counts)
    {
        double[] gap = new double[_bins];
        long total = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            gap[_bin[i]] += counts[i] * ((_happened[i] ? 1 : 0) - _confidence[i]);
            total += counts[i];
        }

        return total == 0 ? ConfusionMatrix.NoExamples : MetricValue.Of(gap.Sum(Math.Abs) / total);
    }

    /// <summary>The bins of the whole split.</summary>
    internal IReadOnlyList<CalibrationBin> Bins()
    {
        var bins = new CalibrationBin[_bins];
        for (int b = 0; b < _bins; b++)
        {
            int[] inside = [.. Enumerable.Range(0, _bin.Length).Where(i => _bin[i] == b)];
            bins[b] = new CalibrationBin((double)b / _bins, (b + 1.0) / _bins, inside.Length,
                inside.Length == 0 ? double.NaN : inside.Average(i => _confidence[i]),
                inside.Length == 0 ? double.NaN : inside.Average(i => _happened[i] ? 1.0 : 0.0));
        }

        return bins;
    }
}
