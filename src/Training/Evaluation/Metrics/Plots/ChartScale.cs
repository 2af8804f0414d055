namespace GenoSeq.Training.Evaluation.Metrics.Plots;

/// <summary>An axis that is linear or logarithmic.</summary>
internal sealed class ChartScale
{
    private const int MostDecades = 6;

    // Of logarithms where it is logarithmic.
    private readonly ChartAxis _axis;

    private ChartScale(ChartAxis axis, bool log)
    {
        _axis = axis;
        IsLog = log;
    }

    /// <summary>It is logarithmic.</summary>
    internal bool IsLog { get; }

    /// <summary>Value at its beginning.</summary>
    internal double Low => Back(_axis.Low);

    /// <summary>Value at its end.</summary>
    internal double High => Back(_axis.High);

    /// <summary>An axis over those of some values that it can hold.</summary>
    /// <param name="values">The values.</param>
    /// <param name="log">It is logarithmic.</param>
    /// <param name="margin">Room beyond them at both ends, as a share of their range.</param>
    internal static ChartScale Over(IEnumerable<double> values, bool log, double margin = 0)
    {
        var axis = ChartAxis.Over(values.Where(v => CanHold(v, log)).Select(v => log ? Math.Log10(v) : v));
        double room = (axis.High - axis.Low) * margin;
        return new ChartScale(new ChartAxis(axis.Low - room, axis.High + room), log);
    }

    /// <summary>True if the axis has a place for a value: it is finite, and above 0 where the axis is logarithmic.</summary>
    internal static bool CanHold(double value, bool log) => double.IsFinite(value) && (!log || value > 0);

    /// <summary>Where a value is: 0 at the beginning, 1 at the end; what lies beyond an end is put there.</summary>
    internal double Share(double value) => Math.Clamp(CanHold(value, IsLog) ? _axis.Share(IsLog ? Math.Log10(value) : value) : value > 0 ? 1 : 0, 0, 1);

    /// <summary>Round numbers on the axis: of many decades their powers of ten, of a few also 2 and 5 times those, otherwise as on a linear axis.</summary>
    internal IReadOnlyList<double> Ticks()
    {
        if (!IsLog)
        {
            return [.. _axis.Ticks()];
        }

        double decades = _axis.High - _axis.Low;
        if (decades < 0.7)
        {
            return [.. new ChartAxis(Low, High).Ticks()];
        }

        int step = decades < 2 ? 1 : (int)Math.Ceiling(decades / MostDecades);
        double[] times = decades < 2 ? [1, 2, 5] : [1];
        int first = (int)Math.Floor(_axis.Low);
        int last = (int)Math.Ceiling(_axis.High);
        return [.. Enumerable.Range(first, last - first + 1).Where(p => p % step == 0).SelectMany(p => times.Select(t => t * Math.Pow(10, p)))
            .Where(v => v >= Low * (1 - 1e-9) && v <= High * (1 + 1e-9))];
    }

    private double Back(double value) => IsLog ? Math.Pow(10, value) : value;
}
