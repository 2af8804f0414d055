namespace GenoSeq.Training.FineTuning.Baselines;

/// <summary>Minimises a smooth convex function: limited-memory BFGS with a backtracking line search.</summary>
/// <remarks>Nocedal and Wright, Numerical Optimization, 2nd edition, algorithms 7.4 and 7.5, and section 3.5 for the step.</remarks>
internal sealed class Lbfgs
{
    private const int Memory = 10;
    private const int MaxHalvings = 40;
    private const double SufficientDecrease = 1e-4;
    private const double LeastCurvature = 1e-12;

    private readonly Objective _objective;
    private readonly List<(double[] Step, double[] Change, double Inverse)> _pairs = [];

    /// <param name="objective">The function.</param>
    internal Lbfgs(Objective objective) => _objective = objective;

    /// <summary>The function's value at a point; writes the gradient there.</summary>
    internal delegate double Objective(double[] point, double[] gradient);

    /// <summary>Improves a point in place.</summary>
    /// <param name="point">Where to begin; receives the minimum.</param>
    /// <param name="maxIterations">Most iterations.</param>
    /// <param name="tolerance">Ends when no component of the gradient is larger.</param>
    /// <returns>Iterations made.</returns>
    internal int Minimize(double[] point, int maxIterations, double tolerance)
    {
        double[] gradient = new double[point.Length];
        double[] next = new double[point.Length];
        double[] nextGradient = new double[point.Length];
        double value = _objective(point, gradient);
        for (int iteration = 0; iteration < maxIterations; iteration++)
        {
            double norm = gradient.Max(Math.Abs);
            if (norm <= tolerance)
            {
                return iteration;
            }

            double[] direction = Direction(gradient);
            double slope = Dot(direction, gradient);
            double step = _pairs.Count == 0 ? Math.Min(1, 1 / norm) : 1;
            int halvings = 0;
            double found;
            while (true)
            {
                for (int i = 0; i < point.Length; i++)
                {
                    next[i] = point[i] + (step * direction[i]);
                }

                found = _objective(next, nextGradient);
                if (found <= value + (SufficientDecrease * step * slope))
                {
                    break;
                }

                if (++halvings == MaxHalvings)
                {
                    // Rounding hides any further descent.
                    return iteration;
                }

                // The minimum of the parabola through what is known, kept away from both ends.
                double parabola = -slope * step * step / (2 * (found - value - (slope * step)));
                step = double.IsFinite(parabola) ? Math.Clamp(parabola, 0.1 * step, 0.5 * step) : 0.1 * step;
            }

            Remember(point, next, gradient, nextGradient);
            next.CopyTo(point, 0);
            (gradient, nextGradient) = (nextGradient, gradient);
            value = found;
        }

        return maxIterations;
    }

    private void Remember(double[] point, double[] next, double[] gradient, double[] nextGradient)
    {
        double[] step = new double[point.Length];
        double[] change = new double[point.Length];
        for (int i = 0; i < step.Length; i++)
        {
            step[i] = next[i] - point[i];
            change[i] = nextGradient[i] - gradient[i];
        }

        double curvature = Dot(step, change);
        if (curvature <= LeastCurvature * Dot(change, change))
        {
            return;
        }

        if (_pairs.Count == Memory)
        {
            _pairs.RemoveAt(0);
        }

        _pairs.Add((step, change, 1 / curvature));
    }

    private double[] Direction(double[] gradient)
    {
        double[] d = [.. gradient.Select(g => -g)];
        double[] alpha = new double[_pairs.Count];
        for (int k = _pairs.Count - 1; k >= 0; k--)
        {
            alpha[k] = _pairs[k].Inverse * Dot(_pairs[k].Step, d);
            Add(d, -alpha[k], _pairs[k].Change);
        }

        if (_pairs.Count > 0)
        {
            (_, double[] change, double inverse) = _pairs[^1];
            double scale = 1 / (inverse * Dot(change, change));
            for (int i = 0; i < d.Length; i++)
            {
                d[i] *= scale;
            }
        }

        for (int k = 0; k < _pairs.Count; k++)
        {
            double beta = _pairs[k].Inverse * Dot(_pairs[k].Change, d);
            Add(d, alpha[k] - beta, _pairs[k].Step);
        }

        return d;
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

    private static void Add(double[] to, double factor, double[] what)
    {
        for (int i = 0; i < to.Length; i++)
        {
            to[i] += factor * what[i];
        }
    }
}
