using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

/// <summary>Small models with every parameter away from its initial value, from a generator of their own.</summary>
internal static class TestModels
{
    internal static ModelConfig Caduceus(bool equivariant, bool swap = false, int nLayer = 2, int dModel = 12) => new()
    {
        DModel = dModel,
        NLayer = nLayer,
        Bidirectional = true,
        RcEquivariant = equivariant,
        RcpsSwapHalves = swap,
        Mamba = new MambaConfig { DState = 4 },
    };

    internal static ModelConfig Causal(string layout = "M", int nLayer = 2, int dModel = 12) => new()
    {
        DModel = dModel,
        NLayer = nLayer,
        Layout = layout,
        Mamba = new MambaConfig { DState = 4 },
        Attention = new AttentionConfig { NHead = 2 },
    };

    internal static SequenceModel Build(ModelConfig config, int seed = 1)
    {
        SequenceModel model = ModelFile.Create(config);
        var random = new Random(seed);
        foreach ((string name, nn.Parameter p) in model.named_parameters())
        {
            Span<float> values = p.AsSpan<float>();
            double scale = name.EndsWith("norm.weight", StringComparison.Ordinal) || name.Contains("norm", StringComparison.Ordinal)
                || name.EndsWith(".D", StringComparison.Ordinal) || name.EndsWith("A_log", StringComparison.Ordinal)
                || name.EndsWith("bias", StringComparison.Ordinal) ? 0.3 : 0;
            if (scale > 0)
            {
                // Biases start at random numbers of libtorch's, which other tests draw too.
                bool bias = name.EndsWith("bias", StringComparison.Ordinal), step = name.EndsWith("dt_proj.bias", StringComparison.Ordinal);
                foreach (ref float v in values)
                {
                    v = (float)((step ? StepBias(random) : bias ? 0 : v) + (scale * Normal(random)));
                }
            }
            else
            {
                double std = name.StartsWith("embedding", StringComparison.Ordinal) || name.StartsWith("lm_head", StringComparison.Ordinal)
                    ? 0.5 : 1 / Math.Sqrt(p.size(-1));
                foreach (ref float v in values)
                {
                    v = (float)(std * Normal(random));
                }
            }
        }

        return model;
    }

    // Softplus gives a step size between 0.001 and 0.1, log-uniform.
    private static double StepBias(Random random)
    {
        double step = Math.Exp(Math.Log(0.001) + (random.NextDouble() * Math.Log(100)));
        return step + Math.Log(-double.ExpM1(-step));
    }

    internal static int[][] Sequences(int batch, int length, int vocab = 12, int seed = 7)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, batch).Select(_ => Enumerable.Range(0, length).Select(_ => random.Next(vocab)).ToArray())];
    }

    internal static Tensor Ids(params int[][] sequences) =>
        tensor(sequences.SelectMany(s => s).ToArray(), sequences.Length, sequences[0].Length);

    internal static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
