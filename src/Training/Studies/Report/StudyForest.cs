using GenoSeq.Data;
using GenoSeq.Training.Evaluation.Metrics.Plots;

namespace GenoSeq.Training.Studies.Report;

/// <summary>A verdict in one line: where the claim expects the effect, and where it and its interval are.</summary>
internal static class StudyForest
{
    private const int Width = 320;
    private const int Height = 66;
    private const int Middle = 24;

    /// <summary>The drawing, or null where nothing was measured.</summary>
    internal static string? Svg(StudyVerdict verdict, string id)
    {
        if (verdict.Mean is not { } mean || !double.IsFinite(mean))
        {
            return null;
        }

        bool log = verdict.Claim.Effect == ClaimEffect.Ratio;
        (double from, double to) = StudyVerdict.Expected(verdict.Claim);
        double[] bounds = [.. new[] { from, to }.Where(double.IsFinite)];
        double[] ends = [verdict.Low ?? mean, mean, verdict.High ?? mean];
        ChartScale x = ChartScale.Over([.. bounds, .. ends], log, 0.15);
        double X(double v) => 8 + (x.Share(v) * (Width - 16));
        string N(double v) => SvgText.Number(X(v));
        var svg = SvgText.Scaled(Width, Height, id, $"Effect of {verdict.Claim.Name}", $"Effect {StudySentence.Effect(verdict, "")}, 95 % interval {StudySentence.Interval(verdict)}; the claim expects {StudySentence.Expected(verdict.Claim)}.");
        svg.Rectangle(X(from), 6, X(to) - X(from), 36, "class=\"want\"");
        svg.Line(8, Middle, Width - 8, Middle, "class=\"gr\"");
        double last = double.NegativeInfinity;
        foreach (double bound in bounds)
        {
            svg.Line(X(bound), 6, X(bound), 42, "class=\"bound\"");
            string label = StudyFigures.Number(bound);
            double at = Math.Clamp(X(bound), 4 + (4.2 * label.Length), Width - 4 - (4.2 * label.Length));
            if (at - last > 9 * label.Length)
            {
                svg.Text(at, 60, label, "middle");
                last = at;
            }
        }

        if (verdict.Low is { } low && verdict.High is { } high)
        {
            svg.Path($"M{N(low)} {Middle}H{N(high)}M{N(low)} {Middle - 7}v14M{N(high)} {Middle - 7}v14", "class=\"ink\"");
        }

        svg.Shape(ChartPalette.Marker(3, X(mean), Middle, 5.5), "class=\"dot\"", $"{StudySentence.Effect(verdict, "")} ({StudySentence.Interval(verdict)})");
        return svg.End();
    }
}
