using static GenoSeq.Models.Tests.Oracle.Arrays;

namespace GenoSeq.Models.Tests.Oracle;

/// <summary>
/// The reference's arithmetic in plain double-precision loops, transcribed from its description and not from our model:
/// strands are the two halves of the channels, everything that it flips is flipped, and on the fused path the halves change
/// places at every block.
/// </summary>
internal sealed class OracleModel(ModelConfig config, OracleWeights w)
{
    private static readonly Dictionary<int, int> s_complement = new() { [7] = 10, [10] = 7, [8] = 9, [9] = 8 };

    /// <summary>Hidden states (both halves, for equivariant models) and logits of one sequence.</summary>
    internal (double[][] Hidden, double[][] Logits) Run(int[] ids) =>
        config.RcEquivariant ? BothStrands(ids) : OneStrand(ids);

    internal static int Complement(int id) => s_complement.GetValueOrDefault(id, id);

    private (double[][] Hidden, double[][] Logits) OneStrand(int[] ids)
    {
        double[][] h = Embed(ids);
        double[][]? r = null;
        for (int i = 0; i < config.NLayer; i++)
        {
            r = Add(h, r);
            h = Mix(i, RmsNorm(r, w[$"layers.{i}.norm.weight"], config.NormEps));
            if (config.Mlp is not null)
            {
                r = Add(h, r);
                h = MixChannels(i, RmsNorm(r, w[$"layers.{i}.norm2.weight"], config.NormEps));
            }
        }

        double[][] hidden = RmsNorm(Add(h, r), w["norm_f.weight"], config.NormEps);
        return (hidden, Linear(hidden, w["lm_head.weight"], null));
    }

    private (double[][] Hidden, double[][] Logits) BothStrands(int[] ids)
    {
        int d = config.DModel;
        int[] other = [.. ids.Reverse().Select(Complement)];
        double[][] h = Join(Embed(ids), FlipBoth(Embed(other)));
        double[][]? r = null;
        for (int i = 0; i < config.NLayer; i++)
        {
            string layer = $"layers.{i}.";
            (double[][] n, r) = AddNorm(h, r, w[layer + "norm.weight"], config.RcpsSwapHalves);
            int at = i;
            h = Wrap(n, x => Mix(at, x));
            if (config.Mlp is not null)
            {
                (n, r) = AddNorm(h, r, w[layer + "norm2.weight"], false);
                h = Wrap(n, x => MixChannels(at, x));
            }
        }

        (double[][] hidden, _) = AddNorm(h, r, w["norm_f.weight"], false);
        double[][] forward = Linear(Slice(hidden, 0, d), w["lm_head.weight"], null);
        double[][] flipped = [.. Slice(hidden, d, d).Select(row => row.Reverse().ToArray())];
        double[] permuted = new double[w["lm_head.weight"].Length];
        for (int v = 0; v < config.VocabSize; v++)
        {
            Array.Copy(w["lm_head.weight"], Complement(v) * d, permuted, v * d, d);
        }

        return (hidden, Add(forward, Linear(flipped, permuted, null)));
    }

    private (double[][] Normed, double[][] Residual) AddNorm(double[][] h, double[][]? r, double[] weight, bool swapped)
    {
        int d = config.DModel;
        double[][] forward = Strand(h, swapped ? d : 0, false);
        double[][] reverse = Strand(h, swapped ? 0 : d, true);
        if (r is not null)
        {
            forward = Add(forward, Strand(r, swapped ? d : 0, false));
            reverse = Add(reverse, Strand(r, swapped ? 0 : d, true));
        }

        return (Join(RmsNorm(forward, weight, config.NormEps), FlipBoth(RmsNorm(reverse, weight, config.NormEps))),
            Join(forward, FlipBoth(reverse)));
    }

    private double[][] Strand(double[][] x, int first, bool flipped)
    {
        double[][] half = Slice(x, first, config.DModel);
        return flipped ? FlipBoth(half) : half;
    }

    private double[][] Wrap(double[][] x, Func<double[][], double[][]> f) =>
        Join(f(Slice(x, 0, config.DModel)), FlipBoth(f(FlipBoth(Slice(x, config.DModel, config.DModel)))));

    private double[][] Mix(int layer, double[][] x)
    {
        string prefix = $"layers.{layer}.mixer.";
        return config.LayerMixers()[layer] == "attention" ? OracleAttention.Run(x, w, prefix, config)
            : config.Bidirectional ? OracleMamba.Bidirectional(x, w, prefix, config)
            : OracleMamba.One(x, w, prefix + "mamba_fwd.", config);
    }

    private double[][] MixChannels(int layer, double[][] x)
    {
        string prefix = $"layers.{layer}.mlp.";
        return config.Mlp!.IsSparse(layer) ? Experts(x, prefix, config.Mlp) : OracleAttention.SwiGlu(x, w, prefix);
    }

    // Every expert on every position; of the outputs those of the most probable count.
    private double[][] Experts(double[][] x, string prefix, MlpConfig mlp)
    {
        double[][] logits = Linear(x, w[prefix + "router.weight"], null);
        double[][][] outputs = [.. Enumerable.Range(0, mlp.Experts).Select(e => OracleAttention.SwiGlu(x, w, $"{prefix}experts.{e}."))];
        double[][] y = Make(x.Length, config.DModel);
        for (int t = 0; t < x.Length; t++)
        {
            double total = logits[t].Sum(Math.Exp);
            foreach (int e in Enumerable.Range(0, mlp.Experts).OrderByDescending(e => logits[t][e]).Take(mlp.ExpertsPerToken))
            {
                for (int i = 0; i < config.DModel; i++)
                {
                    y[t][i] += Math.Exp(logits[t][e]) / total * outputs[e][t][i];
                }
            }
        }

        return y;
    }

    private double[][] Embed(int[] ids)
    {
        double[] table = w["embedding.weight"];
        return [.. ids.Select(id => table[(id * config.DModel)..((id + 1) * config.DModel)])];
    }
}
