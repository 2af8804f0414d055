using GenoSeq.Models.Tests.Oracle;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

/// <summary>Gradients of every parameter against central differences of the double-precision oracle.</summary>
public sealed class GradientTests
{
    private const double Step = 1e-6;

    public static TheoryData<string, ModelConfig> Models() => new()
    {
        { "ph", TestModels.Caduceus(false) },
        { "ps", TestModels.Caduceus(true) },
        { "ps swapped, 3 layers", TestModels.Caduceus(true, true, 3, 8) },
        { "ps product", Product(TestModels.Caduceus(true, true, 1, 8), true) },
        { "ph product, untied", Product(TestModels.Caduceus(false, nLayer: 1, dModel: 8), false) },
        { "ps with biases, swapped", WithBias(TestModels.Caduceus(true, true, 1, 8)) },
        { "ph untied", TestModels.Caduceus(false) with { Mamba = new MambaConfig { DState = 4, TieProjections = false } } },
        { "causal", TestModels.Causal() },
        { "causal, head of its own", WithBias(TestModels.Causal("M", 1, 8)) with { TieEmbeddings = false } },
        { "norms", Norms(TestModels.Causal("M", 1, 8), "weighted") },
        { "ps, plain norms", Norms(TestModels.Caduceus(true, true, 1, 8), "plain") },
        { "experts", TestModels.Causal("M A", 2, 8) with { Mlp = new MlpConfig { DFf = 6, Experts = 3, ExpertPeriod = 2, ExpertOffset = 1 } } },
        { "hybrid with MLP", TestModels.Causal("M A") with { Mlp = new MlpConfig { DFf = 10, Bias = true } } },
        {
            "ps hybrid with MLP", TestModels.Caduceus(true, true) with
            {
                Layout = "A M", Attention = new AttentionConfig { NHead = 4, NKvHead = 2, DHead = 4, Bias = true },
                Mlp = new MlpConfig { DFf = 10 },
            }
        },
        {
            "windowed", TestModels.Causal("A", 1, 8) with
            {
                Attention = new AttentionConfig { NHead = 2, NKvHead = 1, SlidingWindow = 5 },
            }
        },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void Backward_EveryParameter_IsTheOraclesSlope(string name, ModelConfig config)
    {
        using SequenceModel model = TestModels.Build(config);
        using DisposeScope scope = NewDisposeScope();
        int[][] sequences = TestModels.Sequences(2, 19);
        var random = new Random(3);
        double[] weights = [.. Enumerable.Range(0, 2 * 19 * config.VocabSize).Select(_ => (double)(float)TestModels.Normal(random))];
        Tensor logits = model.forward(TestModels.Ids(sequences));
        (logits * tensor(Array.ConvertAll(weights, w => (float)w), logits.shape)).sum().backward();

        var values = new OracleWeights(model);
        var oracle = new OracleModel(config, values);
        double Objective() => sequences.SelectMany(s => oracle.Run(s).Logits).SelectMany(r => r).Zip(weights, (l, w) => l * w).Sum();
        foreach ((string parameter, nn.Parameter p) in model.named_parameters())
        {
            double[] gradient = Array.ConvertAll(p.grad!.ToArray<float>(), g => (double)g);
            double norm = Math.Sqrt(gradient.Sum(g => g * g));
            Assert.True(norm > 0, $"{name}: {parameter} has no gradient");
            for (int round = 0; round < 2; round++)
            {
                double[] direction = [.. gradient.Select(_ => TestModels.Normal(random))];
                Slope(direction);
                double[] entry = new double[gradient.Length];
                entry[random.Next(entry.Length)] = 1;
                Slope(entry);
            }

            void Slope(double[] direction)
            {
                double[] at = values[parameter];
                double[] before = [.. at];
                double Moved(double by)
                {
                    for (int i = 0; i < at.Length; i++)
                    {
                        at[i] = before[i] + (by * direction[i]);
                    }

                    double result = Objective();
                    before.CopyTo(at, 0);
                    return result;
                }

                double slope = (Moved(Step) - Moved(-Step)) / (2 * Step);
                double ours = gradient.Zip(direction, (g, d) => g * d).Sum();
                Assert.True(Math.Abs(slope - ours) <= 1e-4 * norm, $"{name}: {parameter} slope {slope:g6}, ours {ours:g6}, norm {norm:g3}");
            }
        }
    }

    private static ModelConfig Product(ModelConfig c, bool tied) =>
        c with { Mamba = c.Mamba with { BidirectionalStrategy = "ew_multiply", TieProjections = tied } };

    private static ModelConfig Norms(ModelConfig c, string kind) => c with { Mamba = c.Mamba with { StabilityNorms = kind, DtRank = 3, StabilityEps = 1e-3 } };

    private static ModelConfig WithBias(ModelConfig c) => c with { Mamba = c.Mamba with { Bias = true } };
}
