namespace GenoSeq.Data;

/// <summary>Minimises a smooth function by L-BFGS (Nocedal 1980) with backtracking until the decrease suffices (Armijo).</summary>
internal static class Minimizer
{
    private const int Memory = 10;
    private const double Sufficient = 1e-4;
    private const int MostHalvings = 40;

    /// <param name="x">Where to begin; becomes where it ends.</param>
    /// <param name="value">Value at a point; writes the gradient there.</param>
    /// <param name="maxIterations">Most steps.</param>
    /// <param name="tolerance">Ends when no entry of the gradient is larger.</param>
    /// <returns>Steps taken.</returns>
    internal static int Run(double[] x, Func<double[], double[], double> value, int maxIterations, double tolerance)
    {
        var gradient = new double[x.Length];
        double f = value(x, gradient);
        var steps = new List<(double[] S, double[] Y, double Rho)>();
        for (int iteration = 0; iteration < maxIterations; iteration++)
        {
            if (gradient.Max(Math.Abs) <= tolerance)
            {
                return iteration;
            }
            double[] direction = Direction(gradient, steps);
            double slope = Dot(direction, gradient);
            double scale = steps.Count == 0 ? 1 / Math.Max(1, Math.Sqrt(Dot(gradient, gradient))) : 1;
            var next = new double[x.Length];
            var nextGradient = new double[x.Length];
            double nextF = double.PositiveInfinity;
            int halvings = 0;
            for (; halvings < MostHalvings && !(nextF <= f + (Sufficient * scale * slope)); halvings++, scale /= 2)
            {
                for (int i = 0; i < x.Length; i++)
                {
                    next[i] = x[i] + (scale * direction[i]);
                }
                nextF = value(next, nextGradient);
            }
            if (!(nextF < f))
            {
                // Rounding is all that is left to gain.
                return iteration;
            }
            var s = new double[x.Length];
            var y = new double[x.Length];
            for (int i = 0; i < x.Length; i++)
            {
                s[i] = next[i] - x[i];
                y[i] = nextGradient[i] - gradient[i];
            }
            double curvature = Dot(s, y);
            if (curvature > 1e-12 * Dot(y, y))
            {
                steps.Add((s, y, 1 / curvature));
                if (steps.Count > Memory)
                {
                    steps.RemoveAt(0);
                }
            }
            next.CopyTo(x, 0);
            gradient = nextGradient;
            f = nextF;
        }
        return maxIterations;
    }

    private static double[] Direction(double[] gradient, List<(double[] S, double[] Y, double Rho)> steps)
    {
        double[] q = Array.ConvertAll(gradient, g => -g);
        var alpha = new double[steps.Count];
        for (int i = steps.Count - 1; i >= 0; i--)
        {
            alpha[i] = steps[i].Rho * Dot(steps[i].S, q);
            Add(q, steps[i].Y, -alpha[i]);
        }
        if (steps.Count > 0)
        {
            double gamma = 1 / (steps[^1].Rho * Dot(steps[^1].Y, steps[^1].Y));
            for (int i = 0; i < q.Length; i++)
            {
                q[i] *= gamma;
            }
        }
        for (int i = 0; i < steps.Count; i++)
        {
            Add(q, steps[i].S, alpha[i] - (steps[i].Rho * Dot(steps[i].Y, q)));
        }
        return q;
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private static void Add(double[] to, double[] from, double factor)
    {
        for (int i = 0; i < to.Length; i++)
        {
            to[i] += factor * from[i];
        }
    }
}
