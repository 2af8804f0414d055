using System.Globalization;
using System.Text;
using GenoSeq.Data;
using GenoSeq.Training.Evaluation.Metrics.Plots;

namespace GenoSeq.Training.Studies.Report;

/// <summary>Lines with markers and 95 % intervals as SVG: whiskers where points are few, a band where they are many.</summary>
internal sealed class StudyChart
{
    private const int Width = 480;
    private const int Left = 66;
    private const int Right = 30;
    private const int Top = 34;
    private const int PlotHeight = 248;
    private const int Bottom = Top + PlotHeight;
    private const int PlotWidth = Width - Left - Right;
    private const int MostWhiskers = 16;
    private const double Dodge = 7;

    private readonly StudyPlotData _data;
    private readonly ChartScale _x;
    private readonly ChartScale _y;
    private readonly bool _band;

    private StudyChart(StudyPlotData data)
    {
        _data = data;
        _band = data.Series.Any(s => s.Points.Count > MostWhiskers);
        StudyPoint[] points = [.. data.Series.SelectMany(Drawn)];
        _x = Categorical ? ChartScale.Over([-0.5, Math.Max(data.Categories.Count, 1) - 0.5], false) : ChartScale.Over(points.Select(p => p.X), data.Plot.LogX, _band ? 0 : 0.04);
        _y = ChartScale.Over(YRange(data, points), data.Plot.LogY, 0.05);
    }

    private bool Categorical => _data.Categories.Count > 0;

    /// <summary>The chart.</summary>
    /// <param name="data">What it shows.</param>
    /// <param name="id">Begins the names of its elements.</param>
    /// <param name="alone">True for a file: with its style sheet and a legend; in a page these are around it.</param>
    internal static string Svg(StudyPlotData data, string id, bool alone) => data.IsBars ? StudyBars.Svg(data, id, alone) : new StudyChart(data).Draw(id, alone);

    /// <summary>What a reader of the plot has to know beside it.</summary>
    internal static IEnumerable<string> Notes(StudyPlotData data)
    {
        if (data.Without.Count > 0)
        {
            yield return $"No value here: {string.Join(", ", data.Without)}.";
        }

        int dropped = data.Series.Sum(s => s.Points.Count - Drawn(data, s).Count());
        if (dropped > 0)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"Not drawn, as a logarithmic axis has no place for what is not above 0: {dropped} {(dropped == 1 ? "point" : "points")}.");
        }

        if (data.IsCurve && data.Series.Any(s => s.Level is not null))
        {
            yield return "Level lines: references, which have no learning curve.";
        }
    }

    /// <summary>The points of a line that the axes have a place for.</summary>
    internal static IEnumerable<StudyPoint> Drawn(StudyPlotData data, StudySeries series) =>
        series.Points.Where(p => ChartScale.CanHold(p.X, data.Plot.LogX && data.Categories.Count == 0) && ChartScale.CanHold(p.Mean, data.Plot.LogY));

    /// <summary>What a screen reader says of a plot.</summary>
    internal static string Description(StudyPlotData data) => string.Create(CultureInfo.InvariantCulture,
        $"{(data.IsBars ? "Bars" : "Lines")} of {data.YTitle}{(data.IsBars ? "" : " against " + data.XTitle)}, means over seeds with 95 % intervals: {string.Join("; ", data.Series.Select(s => $"{s.Model} {(s.Points.Count > 0 ? $"from {StudyFigures.Number(s.Points[0].Mean)} to {StudyFigures.Number(s.Points[^1].Mean)}" : $"at {StudyFigures.Number(s.Level ?? 0)}")}"))}.");

    /// <summary>A sample of a line, for legends: within 34 by 16.</summary>
    internal static void Key(SvgText svg, StudyPlotData data, StudySeries series, double x, double y)
    {
        svg.Group($"class=\"s{series.Index % ChartPalette.Colours.Count}\"");
        if (data.Categories.Count == 0)
        {
            svg.Line(x, y + 8, x + 34, y + 8, Line(series));
        }

        if (series.Points.Count > 0)
        {
            svg.Shape(ChartPalette.Marker(series.Index, x + 17, y + 8, 4.5), "", series.Model);
        }

        svg.EndGroup();
    }

    /// <summary>The sample as an element of its own; it says nothing that the name beside it does not.</summary>
    internal static string KeyAlone(StudyPlotData data, StudySeries series)
    {
        var svg = SvgText.Decoration(34, 16, "chart key");
        Key(svg, data, series, 0, 0);
        return svg.End();
    }

    /// <summary>A text that fits.</summary>
    internal static string Fit(string text, double width)
    {
        int most = Math.Max((int)(width / 7.6), 3);
        return text.Length <= most ? text : text[..(most - 1)] + "…";
    }

    private static string Line(StudySeries series)
    {
        string dash = series.Level is not null ? "2 4" : ChartPalette.Dashes[series.Index % ChartPalette.Dashes.Count];
        return dash.Length > 0 ? $"class=\"ln\" stroke-dasharray=\"{dash}\"" : "class=\"ln\"";
    }

    // One seed too wide must not flatten all lines: whiskers widen the axis by at most three quarters of the range of the means.
    private static IEnumerable<double> YRange(StudyPlotData data, IReadOnlyList<StudyPoint> points)
    {
        double[] means = [.. points.Select(p => p.Mean), .. data.Series.Select(s => s.Level).OfType<double>().Where(l => ChartScale.CanHold(l, data.Plot.LogY))];
        if (means.Length == 0)
        {
            return [];
        }

        double room = means.Max() > means.Min() ? 0.75 * (means.Max() - means.Min()) : double.PositiveInfinity;
        double low = points.Select(p => p.Mean - (p.HalfWidth ?? 0)).Append(means.Min()).Where(v => ChartScale.CanHold(v, data.Plot.LogY)).Min();
        double high = points.Select(p => p.Mean + (p.HalfWidth ?? 0)).Append(means.Max()).Max();
        low = Math.Max(low, means.Min() - room);
        return [low, Math.Min(high, means.Max() + room), .. means];
    }

    private IEnumerable<StudyPoint> Drawn(StudySeries series) => Drawn(_data, series);

    private string Draw(string id, bool alone)
    {
        bool slanted = Categorical && _data.Categories.Any(c => c.Length * 7.6 > PlotWidth / (double)_data.Categories.Count);
        int foot = slanted ? 122 : 54;
        int legend = alone ? 12 + (22 * ((_data.Series.Count + 1) / 2)) : 0;
        var svg = SvgText.Scaled(Width, Bottom + foot + legend, id, _data.Plot.Title, Description(_data), alone ? StudyStyle.Chart : "");
        Axes(svg, slanted, foot);
        for (int i = 0; i < _data.Series.Count; i++)
        {
            Series(svg, _data.Series[i], Categorical ? (i - ((_data.Series.Count - 1) / 2.0)) * Dodge : 0);
        }

        for (int i = 0; alone && i < _data.Series.Count; i++)
        {
            (double x, double y) = (12 + (i % 2 * (Width / 2)), Bottom + foot + (22 * (i / 2)));
            Key(svg, _data, _data.Series[i], x, y);
            svg.Text(x + 42, y + 13, Fit(_data.Series[i].Model, (Width / 2) - 50), "start");
        }

        return svg.End();
    }

    private void Axes(SvgText svg, bool slanted, int foot)
    {
        svg.Text(4, 18, Fit(_data.YTitle, Width - 10), "start", "class=\"name\"");
        foreach (double tick in _y.Ticks())
        {
            double at = Y(tick);
            svg.Line(Left, at, Left + PlotWidth, at, "class=\"gr\"");
            svg.Text(Left - 8, at + 5, StudyFigures.Tick(tick), "end");
        }

        if (Categorical)
        {
            double band = PlotWidth / (double)_data.Categories.Count;
            for (int c = 0; c < _data.Categories.Count; c++)
            {
                double at = X(c);
                string turn = $"transform=\"rotate(-30 {SvgText.Number(at)} {SvgText.Number(Bottom + 18)})\"";
                svg.Text(at, Bottom + 20, Fit(_data.Categories[c], slanted ? Math.Min(150, at / 0.87) : band), slanted ? "end" : "middle", slanted ? turn : "");
            }
        }
        else
        {
            foreach (double tick in XTicks())
            {
                double at = X(tick);
                svg.Line(at, Top, at, Bottom, "class=\"gr\"");
                svg.Text(at, Bottom + 20, StudyFigures.Tick(tick), "middle");
            }
        }

        svg.Path($"M{Left} {Top}V{Bottom}H{Left + PlotWidth}", "class=\"ax\"");
        svg.Text(Left + (PlotWidth / 2.0), Bottom + foot - 10, Fit(_data.XTitle, PlotWidth), "middle", "class=\"name\"");
    }

    // On a logarithmic axis a few measured places are their own best labels: 1024, 4096, 16 Ki.
    private IReadOnlyList<double> XTicks()
    {
        double[] measured = [.. _data.Series.SelectMany(Drawn).Select(p => p.X).Distinct().Order()];
        bool own = _x.IsLog && measured.Length is > 1 and <= 8 && StudyFigures.Spaced(measured, X).Count == measured.Length;
        return own ? measured : StudyFigures.Spaced(_x.Ticks(), X);
    }

    private void Series(SvgText svg, StudySeries series, double shift)
    {
        svg.Group(string.Create(CultureInfo.InvariantCulture, $"class=\"s{series.Index % ChartPalette.Colours.Count}\" data-s=\"{series.Index}\""));
        if (series.Level is { } level && ChartScale.CanHold(level, _y.IsLog))
        {
            svg.Shape($"M{Left} {SvgText.Number(Y(level))}H{Left + PlotWidth}", Line(series), $"{series.Model}: {StudyFigures.Number(level)}");
        }

        StudyPoint[] points = [.. Drawn(series)];
        if (_band)
        {
            Band(svg, points);
        }

        if (!Categorical && points.Length > 1)
        {
            svg.Path("M" + string.Join('L', points.Select(p => At(X(p.X), Y(p.Mean)))), Line(series));
        }

        foreach (StudyPoint p in points)
        {
            double x = X(p.X) + shift;
            if (!_band && p.HalfWidth is { } half)
            {
                Whisker(svg, x, p.Mean - half, p.Mean + half);
            }

            string seeds = p.Seeds == 1 ? "1 seed" : string.Create(CultureInfo.InvariantCulture, $"{p.Seeds} seeds");
            string where = Categorical ? _data.Categories[(int)p.X] : $"{_data.XTitle} {StudyFigures.Tick(p.X)}";
            svg.Shape(ChartPalette.Marker(series.Index, x, Y(p.Mean), _band ? 1.8 : 4.5), "class=\"pt\"", $"{series.Model}, {where}: {StudyFigures.Mean(p.Mean, p.HalfWidth)} ({seeds})");
        }

        svg.EndGroup();
    }

    // An end without a bar lies beyond the axis.
    private void Whisker(SvgText svg, double x, double low, double high)
    {
        var path = new StringBuilder();
        path.Append(CultureInfo.InvariantCulture, $"M{At(x, Y(low))}L{At(x, Y(high))}");
        foreach (double end in new[] { low, high }.Where(e => ChartScale.CanHold(e, _y.IsLog) && e >= _y.Low && e <= _y.High))
        {
            path.Append(CultureInfo.InvariantCulture, $"M{At(x - 5, Y(end))}h10");
        }

        svg.Path(path.ToString(), "class=\"wh\"");
    }

    private void Band(SvgText svg, StudyPoint[] points)
    {
        StudyPoint[] wide = [.. points.Where(p => p.HalfWidth is not null)];
        if (wide.Length > 1)
        {
            IEnumerable<string> around = wide.Select(p => At(X(p.X), Y(p.Mean + p.HalfWidth!.Value))).Concat(wide.Reverse().Select(p => At(X(p.X), Y(p.Mean - p.HalfWidth!.Value))));
            svg.Shape("M" + string.Join('L', around) + "Z", "class=\"band\"", "95 % interval");
        }
    }

    private double X(double value) => Left + (_x.Share(value) * PlotWidth);

    private double Y(double value) => Top + ((1 - _y.Share(value)) * PlotHeight);

    private static string At(double x, double y) => SvgText.Number(x) + " " + SvgText.Number(y);
}
