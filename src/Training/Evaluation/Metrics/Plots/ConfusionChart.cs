using System.Globalization;
using GenoSeq.Data;

namespace GenoSeq.Training.Evaluation.Metrics.Plots;

/// <summary>A confusion matrix as SVG: a row for each true class, shaded by its share of the row, with the counts in it.</summary>
public static class ConfusionChart
{
    private const int Left = 150;
    private const int Top = 66;
    private const int LegendWidth = 110;

    /// <summary>The SVG document.</summary>
    /// <param name="title">Above the plot.</param>
    /// <param name="matrix">The counts.</param>
    /// <param name="names">Names of the classes; null: their numbers.</param>
    public static string ToSvg(string title, ConfusionMatrix matrix, IReadOnlyList<string>? names = null)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        int classes = matrix.Classes;
        int cell = Math.Clamp(480 / classes, 22, 96);
        int size = cell * classes;
        var svg = new SvgText(Left + size + LegendWidth, Top + size + 24, title, string.Create(CultureInfo.InvariantCulture,
            $"Confusion matrix of {classes} classes over {matrix.Total} examples; rows are true classes, columns predicted ones."));
        svg.Text(Left + (size / 2.0), Top - 28, "predicted class", "middle");
        svg.Upwards(16, Top + (size / 2.0), "true class");
        for (int label = 0; label < classes; label++)
        {
            svg.Text(Left - 8, Top + ((label + 0.5) * cell) + 4, Name(label, 18), "end");
            svg.Text(Left + ((label + 0.5) * cell), Top - 8, Name(label, Math.Max(cell / 8, 3)), "middle");
            long total = matrix.Labelled(label);
            for (int predicted = 0; predicted < classes; predicted++)
            {
                double share = total == 0 ? 0 : (double)matrix[label, predicted] / total;
                double x = Left + (predicted * cell);
                double y = Top + (label * cell);
                svg.Rectangle(x, y, cell, cell, $"fill=\"{Shade(share)}\" stroke=\"#fff\"");
                string ink = share > 0.5 ? "fill=\"#fff\"" : "";
                if (cell >= 44)
                {
                    svg.Text(x + (cell / 2.0), y + (cell / 2.0), matrix[label, predicted].ToString(CultureInfo.InvariantCulture), "middle", ink);
                    svg.Text(x + (cell / 2.0), y + (cell / 2.0) + 15, share.ToString("P1", CultureInfo.InvariantCulture), "middle",
                        $"font-size=\"10\" {ink}");
                }
                else
                {
                    svg.Text(x + (cell / 2.0), y + (cell / 2.0) + 3, matrix[label, predicted].ToString(CultureInfo.InvariantCulture), "middle",
                        $"font-size=\"9\" {ink}");
                }
            }
        }

        svg.Text(Left + size + 14, Top + 8, "share of row", "start");
        for (int step = 0; step <= 4; step++)
        {
            svg.Rectangle(Left + size + 14, Top + 16 + (step * 18), 18, 18, $"fill=\"{Shade(step / 4.0)}\" stroke=\"#ccc\"");
            svg.Text(Left + size + 38, Top + 29 + (step * 18), $"{step * 25} %", "start");
        }

        return svg.End();

        string Name(int c, int limit)
        {
            string name = names?[c] ?? c.ToString(CultureInfo.InvariantCulture);
            return name.Length > limit ? name[..(limit - 1)] + "…" : name;
        }
    }

    // White to dark blue, evenly darker.
    private static string Shade(double share)
    {
        int Mix(int dark) => (int)Math.Round(255 + (share * (dark - 255)));
        return $"#{Mix(8):X2}{Mix(72):X2}{Mix(140):X2}";
    }
}
