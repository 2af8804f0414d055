using static GenoSeq.Models.Tests.Oracle.Arrays;

namespace GenoSeq.Models.Tests.Oracle;

/// <summary>Mamba-1 and its bidirectional wrapper, literally: two whole modules, and real flips of input and output.</summary>
internal static class OracleMamba
{
    internal static double[][] Bidirectional(double[][] x, OracleWeights w, string prefix, ModelConfig config)
    {
        double[][] forward = One(x, w, prefix + "mamba_fwd.", config);
        double[][] backward = FlipLength(One(FlipLength(x), w, prefix + "mamba_rev.", config));
        return config.Mamba.BidirectionalStrategy == "add"
            ? Combine(forward, backward, (a, b) => a + b)
            : Combine(forward, backward, (a, b) => a * b);
    }

    internal static double[][] One(double[][] input, OracleWeights w, string prefix, ModelConfig config)
    {
        MambaConfig m = config.Mamba;
        int d = m.Expand * config.DModel;
        int rank = m.DtRank > 0 ? m.DtRank : (int)Math.Ceiling(config.DModel / 16.0);
        double[][] xz = Linear(input, w[prefix + "in_proj.weight"], w.Optional(prefix + "in_proj.bias"));
        double[][] x = Convolve(Slice(xz, 0, d), w[prefix + "conv1d.weight"], w.Optional(prefix + "conv1d.bias"));
        double[][] projected = Linear(x, w[prefix + "x_proj.weight"], null);
        double[][] Part(string name, int first, int count)
        {
            double[][] part = Slice(projected, first, count);
            return m.StabilityNorms == "none" ? part
                : RmsNorm(part, w.Optional(prefix + name) ?? [.. Enumerable.Repeat(1.0, count)], m.StabilityEps);
        }

        double[][] raw = Linear(Part("dt_layernorm.weight", 0, rank), w[prefix + "dt_proj.weight"], w[prefix + "dt_proj.bias"]);
        double[][] b = Part("b_layernorm.weight", rank, m.DState);
        double[][] c = Part("c_layernorm.weight", rank + m.DState, m.DState);
        double[] aLog = w[prefix + "A_log"];
        double[] skip = w[prefix + "D"];
        double[][] y = Make(input.Length, d);
        for (int channel = 0; channel < d; channel++)
        {
            double[] h = new double[m.DState];
            for (int t = 0; t < input.Length; t++)
            {
                double delta = Softplus(raw[t][channel]);
                double sum = skip[channel] * x[t][channel];
                for (int n = 0; n < h.Length; n++)
                {
                    double a = -Math.Exp(aLog[(channel * h.Length) + n]);
                    h[n] = (Math.Exp(delta * a) * h[n]) + (delta * b[t][n] * x[t][channel]);
                    sum += c[t][n] * h[n];
                }

                y[t][channel] = sum * Silu(xz[t][d + channel]);
            }
        }

        return Linear(y, w[prefix + "out_proj.weight"], w.Optional(prefix + "out_proj.bias"));
    }

    private static double[][] Convolve(double[][] x, double[] weight, double[]? bias)
    {
        int channels = x[0].Length;
        int taps = weight.Length / channels;
        double[][] y = Make(x.Length, channels);
        for (int t = 0; t < x.Length; t++)
        {
            for (int c = 0; c < channels; c++)
            {
                double sum = bias is null ? 0 : bias[c];
                for (int k = 0; k < taps; k++)
                {
                    int at = t - (taps - 1) + k;
                    sum += at < 0 ? 0 : weight[(c * taps) + k] * x[at][c];
                }

                y[t][c] = Silu(sum);
            }
        }

        return y;
    }
}
