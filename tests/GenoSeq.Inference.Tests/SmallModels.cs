using GenoSeq.Models;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Tests;

/// <summary>Small models whose every parameter is away from its initial value, and random sequences.</summary>
internal static class SmallModels
{
    internal static ModelConfig Config(string kind) => kind switch
    {
        "ps" => Bidirectional(true, 2),
        "ps-swapped" => Bidirectional(true, 3) with { RcpsSwapHalves = true },
        "ph" => Bidirectional(false, 2),
        "ph-multiply" => Bidirectional(false, 2) with { Mamba = new MambaConfig { DState = 4, BidirectionalStrategy = "ew_multiply" } },
        "ph-untied" => Bidirectional(false, 2) with { Mamba = new MambaConfig { DState = 4, TieProjections = false, Bias = true } },
        "mamba" => new ModelConfig { DModel = 8, NLayer = 2, Mamba = new MambaConfig { DState = 4 } },
        "hybrid" => new ModelConfig
        {
            DModel = 8,
            NLayer = 2,
            Layout = "MA",
            Mamba = new MambaConfig { DState = 4 },
            Attention = new AttentionConfig { NHead = 2, SlidingWindow = 9 },
            Mlp = new MlpConfig { DFf = 16 },
        },
        "attention" => new ModelConfig { DModel = 8, NLayer = 1, Layout = "A", Attention = new AttentionConfig { NHead = 2 } },
        _ => throw new ArgumentException(kind, nameof(kind)),
    };

    internal static SequenceModel Build(string kind) => Build(Config(kind));

    internal static SequenceModel Build(ModelConfig config)
    {
        // What initialization draws is part of some parameters: without a seed tests with a tolerance would depend on their order.
        manual_seed(3);
        SequenceModel model = ModelFile.Create(config);
        var random = new Random(3);
        foreach ((string name, nn.Parameter p) in model.named_parameters())
        {
            bool small = p.dim() == 1 || name.EndsWith("A_log", StringComparison.Ordinal);
            double scale = small ? 0.2 : name.StartsWith("embedding", StringComparison.Ordinal) ? 0.5 : 1 / Math.Sqrt(p.size(-1));
            foreach (ref float v in p.AsSpan<float>())
            {
                double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
                v = (float)((small ? v : 0) + (scale * normal));
            }
        }

        return model;
    }

    internal static byte[] Dna(int length, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => "ACGTACGTACGTN"u8[random.Next(13)])];
    }

    /// <summary>The largest difference over the largest expected magnitude.</summary>
    internal static void Close(float[] expected, float[] actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        double scale = Math.Max(expected.Max(Math.Abs), 1e-12);
        double worst = expected.Zip(actual, (a, b) => Math.Abs((double)a - b)).Max();
        Assert.True(worst / scale <= tolerance, $"{what}: error {worst / scale:g3} over {tolerance:g3}");
    }

    private static ModelConfig Bidirectional(bool equivariant, int layers) => new()
    {
        DModel = 8,
        NLayer = layers,
        Bidirectional = true,
        RcEquivariant = equivariant,
        Mamba = new MambaConfig { DState = 4 },
    };
}
