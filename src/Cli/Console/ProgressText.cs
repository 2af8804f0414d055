using System.Globalization;
using System.Text;

namespace GenoSeq.Cli.Console;

/// <summary>Words and bars for a <see cref="ProgressState"/>.</summary>
internal static class ProgressText
{
    /// <summary>The line without a bar: <c>step 50/200 (25.0%)  12.3 k tok/s  loss 1.912 b/base  best 1.899  baseline 1.95  ETA 0:01:30</c>.</summary>
    public static string Line(in ProgressState state, TimeSpan? remaining)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{state.Unit} {state.Step}");
        if (state.TotalSteps > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"/{state.TotalSteps} ({100 * Fraction(state):0.0}%)");
        }

        if (double.IsFinite(state.TokensPerSecond))
        {
            text.Append("  ").Append(Rate(state.TokensPerSecond)).Append(state.Unit == "base" ? " bases/s" : " tok/s");
        }

        Append(text, "loss", state.BitsPerBase, " b/base");
        Append(text, "best", state.BestValidation, string.Empty);
        Append(text, "baseline", state.Baseline, string.Empty);
        if (remaining is { } left)
        {
            text.Append("  ETA ").Append(Duration(left));
        }

        return text.ToString();
    }

    /// <summary>A bar of <paramref name="cells"/> characters, ASCII so that every terminal shows it.</summary>
    public static string Bar(in ProgressState state, int cells)
    {
        int full = (int)Math.Round(Fraction(state) * cells);
        return new string('#', full) + new string('-', cells - full);
    }

    public static double Fraction(in ProgressState state) =>
        state.TotalSteps > 0 ? Math.Clamp((double)state.Step / state.TotalSteps, 0, 1) : 0;

    /// <summary>Three digits and a decimal prefix: <c>950</c>, <c>12.3 k</c>, <c>1.20 M</c>.</summary>
    public static string Rate(double perSecond) => perSecond switch
    {
        < 1e3 => perSecond.ToString("0", CultureInfo.InvariantCulture),
        < 1e6 => Digits(perSecond / 1e3) + " k",
        < 1e9 => Digits(perSecond / 1e6) + " M",
        _ => Digits(perSecond / 1e9) + " G",
    };

    /// <summary>Hours, minutes and seconds, hours beyond 24 too.</summary>
    public static string Duration(TimeSpan time) => string.Create(
        CultureInfo.InvariantCulture, $"{(long)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}");

    private static string Digits(double value) =>
        value.ToString(value < 9.995 ? "0.00" : value < 99.95 ? "0.0" : "0", CultureInfo.InvariantCulture);

    private static void Append(StringBuilder text, string name, double? value, string unit)
    {
        if (value is { } number)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {name} {number:0.0000}{unit}");
        }
    }
}
