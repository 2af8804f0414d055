namespace GenoSeq.Training.Studies.Report;

/// <summary>Means of learning curves.</summary>
internal static class StudyCurves
{
    private const int MostPoints = 160;

    /// <summary>
    /// The mean curve of a model's cells with its interval over seeds. Curves are compared at common places: the points of the cell with
    /// the most of them, from where the last curve begins to where the first ends; others are interpolated between their points. Cells that
    /// diverged have no part in it, nor have points that are not finite.
    /// </summary>
    /// <param name="x">tokens, flops or seconds.</param>
    /// <param name="cells">Cells of one model; several conditions are averaged within a seed.</param>
    internal static IReadOnlyList<StudyPoint> Mean(string x, IEnumerable<StudyRecord> cells)
    {
        (long Seed, (double X, double Y)[] Points)[] curves = [.. cells.Where(c => c.Diverged is null).Select(c => (c.Seed, Points(x, c.Curve))).Where(c => c.Item2.Length > 0)];
        if (curves.Length == 0)
        {
            return [];
        }

        double low = curves.Max(c => c.Points[0].X);
        double high = curves.Min(c => c.Points[^1].X);
        double[] grid = [.. curves.OrderByDescending(c => c.Points.Length).First().Points.Select(p => p.X).Where(v => v >= low && v <= high)];
        // The end of a curve is its result: it stays when the common end is between two points.
        if (grid.Length == 0 || (grid[^1] < high && high >= low))
        {
            grid = [.. grid, .. high >= low ? new[] { high } : []];
        }

        return [.. Thinned(grid).Select(v => (X: v, Mean: StudyMean.Of(curves.GroupBy(c => c.Seed).OrderBy(g => g.Key).Select(g => g.Average(c => At(c.Points, v))))))
            .Where(p => p.Mean is not null).Select(p => new StudyPoint(p.X, p.Mean!.Mean, p.Mean.HalfWidth, p.Mean.Seeds))];
    }

    private static (double X, double Y)[] Points(string x, IEnumerable<StudyCurvePoint> curve) =>
        [.. curve.Select(p => (X: x switch { "tokens" => p.Tokens, "flops" => p.Flops, _ => p.Seconds }, Y: p.Value))
            .Where(p => double.IsFinite(p.X) && double.IsFinite(p.Y)).OrderBy(p => p.X).DistinctBy(p => p.X)];

    private static double At((double X, double Y)[] points, double x)
    {
        int next = Array.FindIndex(points, p => p.X >= x);
        if (points[next].X == x || next == 0)
        {
            return points[next].Y;
        }

        (double x0, double y0) = points[next - 1];
        (double x1, double y1) = points[next];
        return y0 + ((y1 - y0) * (x - x0) / (x1 - x0));
    }

    private static IEnumerable<double> Thinned(double[] grid) => grid.Length <= MostPoints
        ? grid
        : Enumerable.Range(0, MostPoints).Select(i => grid[(int)Math.Round(i * (grid.Length - 1.0) / (MostPoints - 1))]);
}
