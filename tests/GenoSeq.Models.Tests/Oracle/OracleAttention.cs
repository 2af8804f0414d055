using static GenoSeq.Models.Tests.Oracle.Arrays;

namespace GenoSeq.Models.Tests.Oracle;

/// <summary>Softmax attention with rotary positions and grouped queries, one query and one key at a time; and SwiGLU.</summary>
internal static class OracleAttention
{
    internal static double[][] Run(double[][] x, OracleWeights w, string prefix, ModelConfig config)
    {
        AttentionConfig a = config.Attention;
        int width = a.DHead > 0 ? a.DHead : config.DModel / a.NHead;
        int kvHeads = a.NKvHead > 0 ? a.NKvHead : a.NHead;
        double[][] Project(string name) => Linear(x, w[$"{prefix}{name}.weight"], w.Optional($"{prefix}{name}.bias"));
        double[][] q = Project("q_proj");
        double[][] k = Project("k_proj");
        double[][] v = Project("v_proj");
        double[][] y = Make(x.Length, a.NHead * width);
        for (int head = 0; head < a.NHead; head++)
        {
            int kvHead = head / (a.NHead / kvHeads);
            for (int i = 0; i < x.Length; i++)
            {
                double[] query = Rotate(q[i], head * width, width, i, a);
                double[] scores = new double[x.Length];
                for (int j = 0; j < x.Length; j++)
                {
                    bool hidden = (!config.Bidirectional && j > i) || (a.SlidingWindow > 0 && Math.Abs(i - j) >= a.SlidingWindow);
                    double[] key = Rotate(k[j], kvHead * width, width, j, a);
                    scores[j] = hidden ? double.NegativeInfinity : query.Zip(key, (p, r) => p * r).Sum() / Math.Sqrt(width);
                }

                double top = scores.Max();
                double total = scores.Sum(s => Math.Exp(s - top));
                for (int j = 0; j < x.Length; j++)
                {
                    double share = Math.Exp(scores[j] - top) / total;
                    for (int c = 0; c < width; c++)
                    {
                        y[i][(head * width) + c] += share * v[j][(kvHead * width) + c];
                    }
                }
            }
        }

        return Linear(y, w[prefix + "o_proj.weight"], w.Optional(prefix + "o_proj.bias"));
    }

    internal static double[][] SwiGlu(double[][] x, OracleWeights w, string prefix)
    {
        double[][] Project(double[][] input, string name) =>
            Linear(input, w[$"{prefix}{name}.weight"], w.Optional($"{prefix}{name}.bias"));
        return Project(Combine(Project(x, "gate_proj"), Project(x, "up_proj"), (g, u) => Silu(g) * u), "down_proj");
    }

    // Pairs (c, c + width/2) turn by position * theta^(-2c/width).
    private static double[] Rotate(double[] row, int first, int width, int position, AttentionConfig a)
    {
        double[] result = row[first..(first + width)];
        if (a.RopeTheta == 0)
        {
            return result;
        }

        int half = width / 2;
        for (int c = 0; c < half; c++)
        {
            double angle = position / a.RopeScale * Math.Pow(a.RopeTheta, -2.0 * c / width);
            (double p, double q) = (row[first + c], row[first + c + half]);
            result[c] = (p * Math.Cos(angle)) - (q * Math.Sin(angle));
            result[c + half] = (q * Math.Cos(angle)) + (p * Math.Sin(angle));
        }

        return result;
    }
}
