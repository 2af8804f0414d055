namespace GenoSeq.Models.Tests.Oracle;

/// <summary>Rows [length][channels] of doubles, and the little arithmetic that the oracle needs. Slow on purpose.</summary>
internal static class Arrays
{
    internal static double[][] Make(int length, int channels)
    {
        double[][] rows = new double[length][];
        for (int t = 0; t < length; t++)
        {
            rows[t] = new double[channels];
        }

        return rows;
    }

    internal static double[][] FlipLength(double[][] x) => [.. x.Reverse()];

    internal static double[][] FlipBoth(double[][] x) => [.. x.Reverse().Select(r => r.Reverse().ToArray())];

    internal static double[][] Slice(double[][] x, int first, int count) => [.. x.Select(r => r[first..(first + count)])];

    internal static double[][] Join(double[][] a, double[][] b) => [.. a.Zip(b, (p, q) => p.Concat(q).ToArray())];

    internal static double[][] Combine(double[][] a, double[][] b, Func<double, double, double> f) =>
        [.. a.Zip(b, (p, q) => p.Zip(q, f).ToArray())];

    internal static double[][] Add(double[][] a, double[][]? b) => b is null ? a : Combine(a, b, (p, q) => p + q);

    /// <summary>x [length][in] times w [out, in] transposed, plus bias [out].</summary>
    internal static double[][] Linear(double[][] x, double[] w, double[]? bias)
    {
        int width = x[0].Length;
        int outputs = w.Length / width;
        double[][] y = Make(x.Length, outputs);
        for (int t = 0; t < x.Length; t++)
        {
            for (int o = 0; o < outputs; o++)
            {
                double sum = bias is null ? 0 : bias[o];
                for (int i = 0; i < width; i++)
                {
                    sum += x[t][i] * w[(o * width) + i];
                }

                y[t][o] = sum;
            }
        }

        return y;
    }

    internal static double[][] RmsNorm(double[][] x, double[] weight, double eps)
    {
        double[][] y = Make(x.Length, weight.Length);
        for (int t = 0; t < x.Length; t++)
        {
            double scale = 1 / Math.Sqrt((x[t].Sum(v => v * v) / weight.Length) + eps);
            for (int i = 0; i < weight.Length; i++)
            {
                y[t][i] = x[t][i] * scale * weight[i];
            }
        }

        return y;
    }

    internal static double Silu(double x) => x / (1 + Math.Exp(-x));

    internal static double Softplus(double x) => x > 30 ? x : Math.Log(1 + Math.Exp(x));
}
