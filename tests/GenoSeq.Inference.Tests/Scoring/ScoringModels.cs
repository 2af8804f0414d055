using GenoSeq.Models;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Tests.Scoring;

/// <summary>Small models with weights that make a difference, and random sequences.</summary>
internal static class ScoringModels
{
    internal static SequenceModel Causal(string layout = "M", int window = 0, int dModel = 16) => Build(new ModelConfig
    {
        DModel = dModel,
        NLayer = 2,
        Layout = layout,
        Mamba = new MambaConfig { DState = 4 },
        Attention = new AttentionConfig { NHead = 2, NKvHead = 1, SlidingWindow = window },
        Mlp = layout.Contains('A', StringComparison.Ordinal) ? new MlpConfig { DFf = 24 } : null,
    });

    internal static SequenceModel Masked(bool equivariant = true, string alphabet = "caduceus") => Build(new ModelConfig
    {
        Alphabet = alphabet,
        VocabSize = alphabet == "bytes" ? 264 : 16,
        DModel = 16,
        NLayer = 2,
        Bidirectional = true,
        RcEquivariant = equivariant,
        Mamba = new MambaConfig { DState = 4 },
    });

    internal static SequenceModel Build(ModelConfig config)
    {
        SequenceModel model = ModelFile.Create(config);
        var random = new Random(3);
        foreach ((string name, nn.Parameter p) in model.named_parameters())
        {
            double std = name.StartsWith("embedding", StringComparison.Ordinal) ? 0.25 : p.dim() == 2 && !name.EndsWith("A_log", StringComparison.Ordinal) ? 1 / Math.Sqrt(p.size(1)) : 0;
            if (std > 0)
            {
                foreach (ref float v in p.AsSpan<float>())
                {
                    v = (float)(std * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
                }
            }
        }

        model.eval();
        return model;
    }

    internal static byte[] Bases(int length, int seed = 5)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => (byte)"ACGT"[random.Next(4)])];
    }

    internal static void Close(IReadOnlyList<float> expected, IReadOnlyList<float> actual, double tolerance = 1e-5)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.Equal(float.IsNaN(expected[i]), float.IsNaN(actual[i]));
            Assert.True(float.IsNaN(expected[i]) || Math.Abs(expected[i] - actual[i]) <= tolerance * Math.Max(1, Math.Abs(expected[i])),
                $"{i}: {expected[i]} and {actual[i]}");
        }
    }
}
