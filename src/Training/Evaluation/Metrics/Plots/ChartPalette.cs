namespace GenoSeq.Training.Evaluation.Metrics.Plots;

/// <summary>What tells the lines of a chart apart: colours, dashes and the shapes of markers.</summary>
internal static class ChartPalette
{
    /// <summary>Okabe and Ito's colours, which people with any common colour blindness tell apart, without the yellow, too light for a line.</summary>
    internal static readonly IReadOnlyList<string> Colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"];

    /// <summary>The same hues, lighter, for dark paper.</summary>
    internal static readonly IReadOnlyList<string> OnDark = ["#5AB0F0", "#FF8A4C", "#3CCB9B", "#E7A3CB", "#F2BC4B", "#A8DDF8", "#ECECEC"];

    /// <summary>Lengths of dashes and gaps; the first is a line without gaps.</summary>
    internal static readonly IReadOnlyList<string> Dashes = ["", "7 3", "2 3", "9 3 2 3"];

    /// <summary>How many shapes of markers there are.</summary>
    internal const int Shapes = 6;

    /// <summary>A marker as the data of a path: circle, square, triangle, diamond, triangle upside down, cross.</summary>
    /// <param name="shape">Which; from <see cref="Shapes"/> on they repeat.</param>
    /// <param name="x">Its centre.</param>
    /// <param name="y">Its centre.</param>
    /// <param name="r">Its size: the radius of the circle.</param>
    internal static string Marker(int shape, double x, double y, double r)
    {
        switch (shape % Shapes)
        {
            case 0: return $"M{P(x - r, y)}a{P(r, r)} 0 1 0 {P(2 * r, 0)}a{P(r, r)} 0 1 0 {P(-2 * r, 0)}Z";
            case 1: return Polygon((x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r));
            case 2: return Polygon((x, y - (1.3 * r)), (x + (1.2 * r), y + r), (x - (1.2 * r), y + r));
            case 3: return Polygon((x, y - (1.4 * r)), (x + (1.4 * r), y), (x, y + (1.4 * r)), (x - (1.4 * r), y));
            case 4: return Polygon((x, y + (1.3 * r)), (x + (1.2 * r), y - r), (x - (1.2 * r), y - r));
            default:
                double w = r / 2.5;
                return Polygon((x - w, y - r), (x + w, y - r), (x + w, y - w), (x + r, y - w), (x + r, y + w), (x + w, y + w),
                    (x + w, y + r), (x - w, y + r), (x - w, y + w), (x - r, y + w), (x - r, y - w), (x - w, y - w));
        }

        static string P(double a, double b) => Data.SvgText.Number(a) + " " + Data.SvgText.Number(b);
        static string Polygon(params (double X, double Y)[] points) => "M" + string.Join('L', points.Select(p => P(p.X, p.Y))) + "Z";
    }
}
