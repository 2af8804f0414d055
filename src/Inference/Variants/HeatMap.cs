using System.Globalization;
using GenoSeq.Data;

namespace GenoSeq.Inference.Variants;

/// <summary>A region's mutagenesis as a picture: columns are positions, rows the four bases, colours the effect; the reference's base is dotted.</summary>
public static class HeatMap
{
    /// <summary>Positions that one picture can show.</summary>
    public const int MaxPositions = 5000;

    private const int PerLine = 100;
    private const int Cell = 9;
    private const int Row = 12;
    private const int Left = 78;
    private const int Top = 44;
    private const int LineHeight = (4 * Row) + 30;

    /// <summary>Draws a result as SVG.</summary>
    /// <param name="result">At most <see cref="MaxPositions"/> positions.</param>
    /// <param name="measure">What the numbers are, for people.</param>
    /// <exception cref="ArgumentException">The region is too long.</exception>
    public static string Draw(MutagenesisResult result, string measure)
    {
        ArgumentNullException.ThrowIfNull(result);
        int length = result.Reference.Length;
        if (length > MaxPositions)
        {
            throw new ArgumentException($"{length} positions; a heat map shows at most {MaxPositions}", nameof(result));
        }

        double most = result.Effects.Where(e => !double.IsNaN(e)).Select(Math.Abs).DefaultIfEmpty(0).Max();
        int lines = Math.Max(1, (length + PerLine - 1) / PerLine);
        int columns = Math.Max(40, Math.Min(length, PerLine));
        string where = string.Create(CultureInfo.InvariantCulture, $"{result.Contig}:{result.Start + 1}-{result.Start + length}");
        var svg = new SvgText(Left + (columns * Cell) + 20, Top + (lines * LineHeight) + 44, where,
            $"Effect ({measure}) of every base change in {where}; colours from -{Text(most)} (blue) over 0 (white) to {Text(most)} (red)");
        for (int line = 0; line < lines; line++)
        {
            Line(svg, result, line, most);
        }

        Legend(svg, Top + (lines * LineHeight) + 8, most, measure);
        return svg.End();
    }

    private static void Line(SvgText svg, MutagenesisResult result, int line, double most)
    {
        int y = Top + (line * LineHeight);
        int first = line * PerLine;
        int last = Math.Min(result.Reference.Length, first + PerLine);
        for (int b = 0; b < 4; b++)
        {
            svg.Text(Left - 8, y + (b * Row) + 10, Mutagenesis.Bases[b].ToString(), "end", "font-size=\"11\"");
        }

        for (int i = first; i < last; i++)
        {
            int x = Left + ((i - first) * Cell);
            for (int b = 0; b < 4; b++)
            {
                double effect = result.Effects[(4 * i) + b];
                svg.Rectangle(x, y + (b * Row), Cell, Row, $"fill=\"{Colour(effect, most)}\"");
                if (Mutagenesis.Bases[b] == result.Reference[i])
                {
                    svg.Circle(x + (Cell / 2.0), y + (b * Row) + (Row / 2.0), 1.5, "fill=\"#222\"");
                }
            }

            if ((result.Start + i + 1) % 20 == 0)
            {
                svg.Text(x + (Cell / 2.0), y + (4 * Row) + 13, (result.Start + i + 1).ToString(CultureInfo.InvariantCulture), "middle", "font-size=\"9\"");
            }
        }
    }

    private static void Legend(SvgText svg, int y, double most, string measure)
    {
        const int Steps = 20;
        for (int i = 0; i <= Steps; i++)
        {
            svg.Rectangle(Left + (i * 10), y, 10, 10, $"fill=\"{Colour(most * ((2.0 * i / Steps) - 1), most)}\"");
        }

        svg.Text(Left - 8, y + 10, $"-{Text(most)}", "end", "font-size=\"10\"");
        svg.Text(Left + 216, y + 10, $"{Text(most)}  {measure}", "start", "font-size=\"10\"");
    }

    // Blue, white, red; grey for nothing.
    private static string Colour(double value, double most)
    {
        if (double.IsNaN(value))
        {
            return "#ddd";
        }

        double share = most == 0 ? 0 : Math.Clamp(value / most, -1, 1);
        (int r, int g, int b) = share < 0
            ? (Mix(33, -share), Mix(102, -share), Mix(172, -share))
            : (Mix(178, share), Mix(24, share), Mix(43, share));
        return string.Create(CultureInfo.InvariantCulture, $"#{r:x2}{g:x2}{b:x2}");

        static int Mix(int end, double share) => (int)Math.Round(255 + ((end - 255) * share));
    }

    private static string Text(double value) => value.ToString("G3", CultureInfo.InvariantCulture);
}
