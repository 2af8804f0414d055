using GenoSeq.Models.Baselines;

namespace GenoSeq.Models.Tests.Baselines;

/// <summary>The CNN baseline in plain loops and double precision, written from the description of its layers.</summary>
internal sealed class CnnOracle(CnnConfig config, Dictionary<string, double[]> p)
{
    /// <summary>Batch moments of each normalisation in the last training run: mean and unbiased variance of each channel.</summary>
    internal List<(double[] Mean, double[] Variance)> Moments { get; } = [];

    /// <summary>Logits [batch][outputs]; with running moments, or with those of the batch where there are none.</summary>
    internal double[][] Run(long[][] ids, IReadOnlyList<(double[] Mean, double[] Variance)>? running = null)
    {
        Moments.Clear();
        double[][][] x = [.. ids.Select(row => Enumerable.Range(0, config.EmbeddingDim)
            .Select(c => row.Select(id => p["embeddings.weight"][(id * config.EmbeddingDim) + c]).ToArray()).ToArray())];
        for (int i = 0; i < config.Channels.Count; i++)
        {
            x = Array.ConvertAll(x, row => Convolve(row, p[$"convolutions.{i}.weight"], p[$"convolutions.{i}.bias"]));
            Normalise(x, p[$"norms.{i}.weight"], p[$"norms.{i}.bias"], running?[i]);
            x = Array.ConvertAll(x, row => Array.ConvertAll(row, Pool));
        }

        return Array.ConvertAll(x, row => Linear(
            Linear([.. row.SelectMany(c => c)], p["dense.weight"], p["dense.bias"]), p["output.weight"], p["output.bias"]));
    }

    private double[][] Convolve(double[][] x, double[] weight, double[] bias)
    {
        int k = config.KernelSize, length = x[0].Length - k + 1;
        return [.. bias.Select((b, o) => Enumerable.Range(0, length).Select(t =>
        {
            double sum = b;
            for (int c = 0; c < x.Length; c++)
            {
                for (int j = 0; j < k; j++)
                {
                    sum += weight[(((o * x.Length) + c) * k) + j] * x[c][t + j];
                }
            }

            return sum;
        }).ToArray())];
    }

    private void Normalise(double[][][] x, double[] scale, double[] offset, (double[] Mean, double[] Variance)? running)
    {
        (double[] Mean, double[] Variance) batch = (new double[scale.Length], new double[scale.Length]);
        for (int c = 0; c < scale.Length; c++)
        {
            double[] all = [.. x.SelectMany(row => row[c])];
            double mean = all.Average(), variance = all.Average(v => (v - mean) * (v - mean));
            (batch.Mean[c], batch.Variance[c]) = (mean, variance * all.Length / (all.Length - 1));
            double m = running is { } r ? r.Mean[c] : mean, s = Math.Sqrt((running is { } q ? q.Variance[c] : variance) + 1e-5);
            foreach (double[][] row in x)
            {
                row[c] = Array.ConvertAll(row[c], v => Math.Max(0, ((v - m) / s * scale[c]) + offset[c]));
            }
        }

        Moments.Add(batch);
    }

    private static double[] Pool(double[] x) => [.. Enumerable.Range(0, x.Length / 2).Select(i => Math.Max(x[2 * i], x[(2 * i) + 1]))];

    private static double[] Linear(double[] x, double[] weight, double[] bias) =>
        [.. bias.Select((b, o) => b + x.Select((v, i) => v * weight[(o * x.Length) + i]).Sum())];
}
