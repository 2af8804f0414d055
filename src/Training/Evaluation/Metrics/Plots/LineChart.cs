using System.Globalization;
using System.Text;
using GenoSeq.Data;

namespace GenoSeq.Training.Evaluation.Metrics.Plots;

/// <summary>One line of a chart.</summary>
/// <param name="Name">Its text in the legend.</param>
/// <param name="Points">Points in order; where one is not finite, the line is interrupted.</param>
public sealed record ChartSeries(string Name, IReadOnlyList<(double X, double Y)> Points)
{
    /// <summary>Mark each point by a dot.</summary>
    public bool Markers { get; init; }
}

/// <summary>A line chart as SVG: title, labelled axes, grid, legend; lines differ by colour and by dashes.</summary>
/// <param name="Title">Above the plot.</param>
/// <param name="XLabel">Below the x axis.</param>
/// <param name="YLabel">Beside the y axis.</param>
/// <param name="Series">The lines.</param>
public sealed record LineChart(string Title, string XLabel, string YLabel, IReadOnlyList<ChartSeries> Series)
{
    private const int Width = 660;
    private const int Height = 420;
    private const int Left = 62;
    private const int Top = 38;
    private const int PlotWidth = 400;
    private const int PlotHeight = 322;
    private const int LegendRows = 20;
    private const double Pixel = 0.5;

    /// <summary>Both axes from 0 to 1; false: as the points need.</summary>
    public bool UnitSquare { get; init; }

    /// <summary>Draw the diagonal, and call it this in the legend.</summary>
    public string? Diagonal { get; init; }

    /// <summary>The SVG document.</summary>
    public string ToSvg()
    {
        var x = UnitSquare ? new ChartAxis(0, 1) : ChartAxis.Over(Series.SelectMany(s => s.Points).Select(p => p.X));
        var y = UnitSquare ? new ChartAxis(0, 1) : ChartAxis.Over(Series.SelectMany(s => s.Points).Select(p => p.Y));
        var svg = new SvgText(Width, Height, Title,
            $"Line chart of {YLabel} against {XLabel}. Lines: {string.Join("; ", Series.Select(s => s.Name))}.");
        foreach (double tick in x.Ticks())
        {
            double at = Left + (x.Share(tick) * PlotWidth);
            svg.Line(at, Top, at, Top + PlotHeight, "stroke=\"#ddd\"");
            svg.Text(at, Top + PlotHeight + 16, ChartAxis.Label(tick), "middle");
        }

        foreach (double tick in y.Ticks())
        {
            double at = Top + ((1 - y.Share(tick)) * PlotHeight);
            svg.Line(Left, at, Left + PlotWidth, at, "stroke=\"#ddd\"");
            svg.Text(Left - 6, at + 4, ChartAxis.Label(tick), "end");
        }

        svg.Rectangle(Left, Top, PlotWidth, PlotHeight, "fill=\"none\" stroke=\"#222\"");
        svg.Text(Left + (PlotWidth / 2.0), Height - 14, XLabel, "middle");
        svg.Upwards(16, Top + (PlotHeight / 2.0), YLabel);
        int row = 0;
        if (Diagonal is not null)
        {
            const string style = "stroke=\"#888\" stroke-dasharray=\"4 4\"";
            svg.Line(Left, Top + PlotHeight, Left + PlotWidth, Top, style);
            Legend(svg, row++, Diagonal, style);
        }

        for (int i = 0; i < Series.Count; i++)
        {
            string colour = ChartPalette.Colours[i % ChartPalette.Colours.Count];
            string dash = ChartPalette.Dashes[i / ChartPalette.Colours.Count % ChartPalette.Dashes.Count];
            string style = $"stroke=\"{colour}\" stroke-width=\"2\"" + (dash.Length > 0 ? $" stroke-dasharray=\"{dash}\"" : "");
            Draw(svg, Series[i], x, y, style, colour);
            if (row < LegendRows - 1 || Series.Count - i == 1)
            {
                Legend(svg, row++, Series[i].Name, style);
            }
            else if (row == LegendRows - 1)
            {
                svg.Text(Left + PlotWidth + 14, Top + 12 + (row++ * 16), $"and {Series.Count - i} more", "start");
            }
        }

        return svg.End();
    }

    private static void Legend(SvgText svg, int row, string name, string style)
    {
        double y = Top + 8 + (row * 16);
        svg.Line(Left + PlotWidth + 14, y, Left + PlotWidth + 38, y, style);
        svg.Text(Left + PlotWidth + 44, y + 4, name.Length > 24 ? name[..23] + "…" : name, "start");
    }

    private static void Draw(SvgText svg, ChartSeries series, ChartAxis x, ChartAxis y, string style, string colour)
    {
        var path = new StringBuilder();
        bool pen = false;
        (double lastX, double lastY) = (0, 0);
        for (int i = 0; i < series.Points.Count; i++)
        {
            (double px, double py) = series.Points[i];
            if (!double.IsFinite(px) || !double.IsFinite(py))
            {
                pen = false;
                continue;
            }

            double sx = Left + (x.Share(px) * PlotWidth);
            double sy = Top + ((1 - y.Share(py)) * PlotHeight);
            // Half a pixel cannot be seen: a curve through 100,000 thresholds stays a small file.
            bool visible = !pen || series.Markers || Math.Abs(sx - lastX) >= Pixel || Math.Abs(sy - lastY) >= Pixel;
            if (visible || i == series.Points.Count - 1)
            {
                path.Append(CultureInfo.InvariantCulture, $"{(pen ? 'L' : 'M')}{SvgText.Number(sx)} {SvgText.Number(sy)}");
                (pen, lastX, lastY) = (true, sx, sy);
                if (series.Markers)
                {
                    svg.Circle(sx, sy, 3, $"fill=\"{colour}\"");
                }
            }
        }

        svg.Path(path.ToString(), style);
    }
}
