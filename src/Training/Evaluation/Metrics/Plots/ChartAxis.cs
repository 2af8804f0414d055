using System.Globalization;

namespace GenoSeq.Training.Evaluation.Metrics.Plots;

/// <summary>A linear axis.</summary>
/// <param name="Low">Value at its beginning.</param>
/// <param name="High">Value at its end, above Low.</param>
internal readonly record struct ChartAxis(double Low, double High)
{
    private const int Intervals = 5;

    /// <summary>An axis over the finite ones of some values.</summary>
    internal static ChartAxis Over(IEnumerable<double> values)
    {
        double[] finite = [.. values.Where(double.IsFinite)];
        if (finite.Length == 0)
        {
            return new ChartAxis(0, 1);
        }

        (double low, double high) = (finite.Min(), finite.Max());
        double margin = high > low ? 0 : Math.Max(Math.Abs(low) * 0.1, 1e-9);
        return new ChartAxis(low - margin, high + margin);
    }

    internal static string Label(double tick) => tick.ToString(Math.Abs(tick) >= 1e6 ? "0.##e0" : "G4", CultureInfo.InvariantCulture);

    /// <summary>Where on the axis a value is: 0 at the beginning, 1 at the end.</summary>
    internal double Share(double value) => (value - Low) / (High - Low);

    /// <summary>Round numbers on the axis, 1, 2 or 5 times a power of ten apart.</summary>
    internal IEnumerable<double> Ticks()
    {
        double raw = (High - Low) / Intervals;
        double power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        double step = power * ((raw / power) switch { < 1.5 => 1, < 3.5 => 2, < 7.5 => 5, _ => 10 });
        double first = Math.Ceiling((Low / step) - 1e-9);
        double last = Math.Floor((High / step) + 1e-9);
        for (double k = first; k <= last; k++)
        {
            // Adding 0 makes 0 of the -0 that rounding up may leave.
            yield return (k * step) + 0.0;
        }
    }
}
