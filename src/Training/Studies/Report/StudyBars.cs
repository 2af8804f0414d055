using System.Globalization;
using GenoSeq.Data;
using GenoSeq.Training.Evaluation.Metrics.Plots;

namespace GenoSeq.Training.Studies.Report;

/// <summary>A bar for each model as SVG: its name above, its mean and interval beside.</summary>
internal static class StudyBars
{
    private const int Width = 480;
    private const int Left = 8;
    private const int PlotWidth = 318;
    private const int Top = 34;
    private const int Row = 50;

    internal static string Svg(StudyPlotData data, string id, bool alone)
    {
        (StudySeries Series, StudyPoint Point)[] bars = [.. data.Series.SelectMany(s => StudyChart.Drawn(data, s).Select(p => (s, p)))];
        bool log = data.Plot.LogY;
        // A bar's length means something only from 0.
        ChartScale x = ChartScale.Over([.. log ? Array.Empty<double>() : [0], .. bars.SelectMany(b => new[] { b.Point.Mean, b.Point.Mean + (b.Point.HalfWidth ?? 0), b.Point.Mean - (b.Point.HalfWidth ?? 0) }
            .Where(v => v == b.Point.Mean || v < 0 == b.Point.Mean < 0))], log, log ? 0.05 : 0);
        double X(double v) => Left + (x.Share(v) * PlotWidth);
        double bottom = Top + (Row * Math.Max(bars.Length, 1));
        var svg = SvgText.Scaled(Width, (int)bottom + 30, id, data.Plot.Title, StudyChart.Description(data), alone ? StudyStyle.Chart : "");
        svg.Text(4, 18, StudyChart.Fit(data.YTitle, Width - 10), "start", "class=\"name\"");
        foreach (double tick in StudyFigures.Spaced(x.Ticks(), X))
        {
            double at = X(tick);
            svg.Line(at, Top, at, bottom, "class=\"gr\"");
            svg.Text(at, bottom + 20, StudyFigures.Tick(tick), at < Left + 12 ? "start" : "middle");
        }

        double zero = log ? Left : X(0);
        for (int i = 0; i < bars.Length; i++)
        {
            (StudySeries series, StudyPoint p) = bars[i];
            double y = Top + (i * Row);
            string text = StudyFigures.Mean(p.Mean, p.HalfWidth);
            svg.Text(Left + 4, y + 17, StudyChart.Fit(series.Model, Width - 20), "start");
            svg.Group(string.Create(CultureInfo.InvariantCulture, $"class=\"s{series.Index % ChartPalette.Colours.Count}\" data-s=\"{series.Index}\""));
            (double from, double to) = (Math.Min(zero, X(p.Mean)), Math.Max(zero, X(p.Mean)));
            string n = SvgText.Number(Math.Max(to - from, 1));
            svg.Shape($"M{SvgText.Number(from)} {SvgText.Number(y + 25)}h{n}v17h-{n}Z", "class=\"pt\"", $"{series.Model}: {text} ({p.Seeds} {(p.Seeds == 1 ? "seed" : "seeds")})");
            svg.EndGroup();
            if (p.HalfWidth is { } half)
            {
                string middle = SvgText.Number(y + 33.5);
                (string low, string high) = (SvgText.Number(X(p.Mean - half)), SvgText.Number(X(p.Mean + half)));
                string ends = string.Concat(new[] { low, high }.Select(e => $"M{e} {SvgText.Number(y + 29)}v9"));
                svg.Path($"M{low} {middle}H{high}{ends}", "class=\"ink\"");
            }

            svg.Text(Width - 4, y + 39, text, "end");
        }

        svg.Path($"M{SvgText.Number(zero)} {Top}V{SvgText.Number(bottom)}", "class=\"ax\"");
        return svg.End();
    }
}
