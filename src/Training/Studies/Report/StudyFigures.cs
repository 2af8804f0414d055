using System.Globalization;

namespace GenoSeq.Training.Studies.Report;

/// <summary>Numbers as the report writes them.</summary>
internal static class StudyFigures
{
    internal const string Empty = "–";

    private const double Large = 1e7;

    private static readonly string[] s_prefixes = ["", " k", " M", " G", " T", " P", " E"];

    /// <summary>Four digits.</summary>
    internal static string Number(double value) => Words(value) ?? (value + 0.0).ToString(Scientific(value) ? "0.###e0" : "G4", CultureInfo.InvariantCulture);

    /// <summary>As many decimals as a half width has with two digits.</summary>
    internal static string Number(double value, double? half)
    {
        if (half is not { } h || !(h > 0) || !double.IsFinite(h) || !double.IsFinite(value) || Math.Abs(value) >= Large || Scientific(h))
        {
            return Number(value);
        }

        int decimals = Math.Clamp(1 - (int)Math.Floor(Math.Log10(h)), 0, 8);
        return Fixed(value, decimals);
    }

    /// <summary>As <see cref="Number(double, double?)"/>, with a sign.</summary>
    internal static string Signed(double value, double? half = null)
    {
        string text = Number(value, half);
        return value > 0 && text.Any(c => c is >= '1' and <= '9') ? "+" + text : text;
    }

    /// <summary>Mean and half width.</summary>
    internal static string Mean(double mean, double? half) => half is { } h && double.IsFinite(h) ? $"{Number(mean, h)} ± {Number(h, h)}" : Number(mean);

    /// <summary>A count with a prefix: <c>1.25 M</c>.</summary>
    internal static string Count(double value)
    {
        if (Words(value) is { } words)
        {
            return words;
        }

        int power = Math.Abs(value) < 1e4 ? 0 : Math.Min((int)Math.Floor(Math.Log10(Math.Abs(value)) / 3), s_prefixes.Length - 1);
        double scaled = value / Math.Pow(1000, power);
        if (power > 0 && power < s_prefixes.Length - 1 && Math.Abs(scaled) >= 999.5)
        {
            (power, scaled) = (power + 1, scaled / 1000);
        }

        return power == 0 ? Number(value) : scaled.ToString(Math.Abs(scaled) < 99.95 ? "0.##" : "0", CultureInfo.InvariantCulture) + s_prefixes[power];
    }

    /// <summary>Bytes in powers of 1,024.</summary>
    internal static string Bytes(double bytes) => bytes switch
    {
        < 1024 => bytes.ToString("0", CultureInfo.InvariantCulture) + " B",
        < 1 << 20 => (bytes / 1024).ToString("0.#", CultureInfo.InvariantCulture) + " KiB",
        < 1 << 30 => (bytes / (1 << 20)).ToString("0.#", CultureInfo.InvariantCulture) + " MiB",
        _ => (bytes / (1 << 30)).ToString("0.##", CultureInfo.InvariantCulture) + " GiB",
    };

    /// <summary>A duration.</summary>
    internal static string Seconds(double seconds) => seconds switch
    {
        < 120 => seconds.ToString("0.#", CultureInfo.InvariantCulture) + " s",
        < 7200 => (seconds / 60).ToString("0.#", CultureInfo.InvariantCulture) + " min",
        _ => (seconds / 3600).ToString("0.#", CultureInfo.InvariantCulture) + " h",
    };

    /// <summary>A tick of an axis: large powers of two in Ki and Mi, other large or round numbers with a prefix.</summary>
    internal static string Tick(double value)
    {
        double size = Math.Abs(value);
        if (size is >= 1 << 14 and <= 1L << 40 && double.IsPow2(size))
        {
            return size >= 1 << 20 ? Number(value / (1 << 20)) + " Mi" : Number(value / 1024) + " Ki";
        }

        return size >= 1e4 ? Count(value) : size >= 1000 && size % 100 == 0 ? Number(value / 1000) + " k" : Number(value);
    }

    /// <summary>Those of some ticks whose texts do not touch in a chart: all, every second, every fifth, or the first.</summary>
    /// <param name="ticks">Ticks in order.</param>
    /// <param name="at">Where a tick is.</param>
    internal static IReadOnlyList<double> Spaced(IReadOnlyList<double> ticks, Func<double, double> at)
    {
        foreach (int step in new[] { 1, 2, 5 })
        {
            double[] some = [.. ticks.Where((_, i) => i % step == 0)];
            if (some.Zip(some.Skip(1)).All(p => at(p.Second) - at(p.First) >= (TickWidth(p.First) + TickWidth(p.Second)) / 2))
            {
                return some;
            }
        }

        return [.. ticks.Take(1)];
    }

    // About the width of its text, and a gap.
    private static double TickWidth(double value) => (9.2 * Tick(value).Length) + 8;

    private static string? Words(double value) => double.IsFinite(value) ? null : double.IsNaN(value) ? "not a number" : value > 0 ? "infinite" : "minus infinite";

    private static bool Scientific(double value) => value != 0 && (Math.Abs(value) < 1e-4 || Math.Abs(value) >= Large);

    // Rounding leaves no -0.
    private static string Fixed(double value, int decimals)
    {
        double rounded = Math.Round(value, decimals) + 0.0;
        return rounded.ToString("F" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
    }
}
