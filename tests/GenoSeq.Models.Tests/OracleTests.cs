using GenoSeq.Models.Tests.Oracle;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

/// <summary>The model against a literal double-precision transcription of the reference.</summary>
public sealed class OracleTests
{
    private const double Tolerance = 1e-5;

    public static TheoryData<bool, bool, int, int, int> Strands()
    {
        var data = new TheoryData<bool, bool, int, int, int>();
        foreach ((bool ps, bool swap) in new[] { (false, false), (true, false), (true, true) })
        {
            foreach (int layers in new[] { 1, 2, 3 })
            {
                foreach ((int length, int batch) in new[] { (1, 3), (2, 1), (7, 3), (65, 1), (131, 1) })
                {
                    data.Add(ps, swap, layers, length, batch);
                }
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Strands))]
    public void Forward_Caduceus_IsTheOracles(bool ps, bool swap, int layers, int length, int batch) =>
        Compare(TestModels.Caduceus(ps, swap, layers), length, batch);

    public static TheoryData<int, int, int, int, string, bool, bool> Shapes()
    {
        var data = new TheoryData<int, int, int, int, string, bool, bool>();
        foreach (string strategy in new[] { "add", "ew_multiply" })
        {
            foreach (bool tied in new[] { true, false })
            {
                data.Add(8, 4, 2, 0, strategy, tied, false);
                data.Add(20, 16, 4, 3, strategy, tied, false);
                data.Add(12, 16, 2, 5, strategy, tied, true);
                data.Add(12, 3, 1, 0, strategy, tied, true);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Forward_CaduceusSettings_AreTheOracles(int dModel, int dState, int dConv, int dtRank, string strategy, bool tied, bool bias)
    {
        foreach ((bool ps, bool swap) in new[] { (false, false), (true, false), (true, true) })
        {
            Compare(
                TestModels.Caduceus(ps, swap, 3, dModel) with
                {
                    NormEps = 1e-3,
                    TieEmbeddings = !bias,
                    Mamba = new MambaConfig
                    {
                        DState = dState,
                        DConv = dConv,
                        DtRank = dtRank,
                        BidirectionalStrategy = strategy,
                        TieProjections = tied,
                        Bias = bias,
                        ConvBias = !bias,
                    },
                },
                37, 2);
        }
    }

    [Theory]
    [InlineData(8, 4, 2, 0)]
    [InlineData(12, 16, 4, 3)]
    [InlineData(20, 1, 3, 0)]
    public void Forward_CausalMamba_IsTheOracles(int dModel, int dState, int dConv, int dtRank) =>
        Compare(
            TestModels.Causal("M", 3, dModel) with
            {
                TieEmbeddings = false,
                Mamba = new MambaConfig { DState = dState, DConv = dConv, DtRank = dtRank },
            },
            91, 3);

    public static TheoryData<int, int, int, bool, double> Attentions() => new()
    {
        { 4, 0, 0, false, 1 },
        { 4, 2, 0, false, 1 },
        { 4, 1, 6, false, 4 },
        { 4, 2, 6, true, 1 },
        { 2, 1, 0, true, 1 },
    };

    [Theory]
    [MemberData(nameof(Attentions))]
    public void Forward_Transformer_IsTheOracles(int heads, int kvHeads, int window, bool bidirectional, double ropeScale)
    {
        foreach (bool bias in new[] { false, true })
        {
            Compare(
                TestModels.Causal("A", 2, 16) with
                {
                    Bidirectional = bidirectional,
                    TieEmbeddings = bias,
                    Attention = new AttentionConfig
                    {
                        NHead = heads,
                        NKvHead = kvHeads,
                        SlidingWindow = window,
                        RopeScale = ropeScale,
                        Bias = bias,
                        DHead = bias ? 6 : 0,
                        RopeTheta = bias ? 500 : 10000,
                    },
                    Mlp = new MlpConfig { DFf = 22, Bias = bias },
                },
                43, 2);
        }
    }

    [Theory]
    [InlineData("M A", false, false)]
    [InlineData("A M M", true, false)]
    [InlineData("M A", true, true)]
    [InlineData("A", true, true)]
    public void Forward_Hybrid_IsTheOracles(string layout, bool equivariant, bool swap)
    {
        foreach (int layers in new[] { 1, 2, 3 })
        {
            foreach (bool mlp in new[] { false, true })
            {
                // The reference has no MLP; with one, the strands change places once a layer, at its first norm.
                Compare(
                    TestModels.Caduceus(equivariant, swap, layers) with
                    {
                        Layout = layout,
                        Attention = new AttentionConfig { NHead = 2 },
                        Mlp = mlp ? new MlpConfig { DFf = 10 } : null,
                    },
                    29, 2);
            }
        }
    }

    [Fact]
    public void Forward_WindowOverSeveralBlocks_IsTheOracles()
    {
        // More queries than a block of the windowed kernel holds, on both sides.
        foreach (bool bidirectional in new[] { false, true })
        {
            Compare(
                TestModels.Causal("A", 1, 8) with
                {
                    Bidirectional = bidirectional,
                    Attention = new AttentionConfig { NHead = 2, SlidingWindow = 70 },
                },
                1100, 1);
        }
    }

    private static void Compare(ModelConfig config, int length, int batch)
    {
        using SequenceModel model = TestModels.Build(config);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        var oracle = new OracleModel(config, new OracleWeights(model));
        int[][] sequences = TestModels.Sequences(batch, length);
        (double[][] Hidden, double[][] Logits)[] expected = Array.ConvertAll(sequences, oracle.Run);
        Tensor ids = TestModels.Ids(sequences);
        Tensor hidden = model.ForwardHidden(ids);
        string what = $"{config.Family()} {config.Layout} x{config.NLayer}, length {length}";
        Closeness.Check(Array.ConvertAll(expected, e => e.Hidden), hidden, Tolerance, $"{what}: hidden");
        Closeness.Check(Array.ConvertAll(expected, e => e.Logits), model.forward(ids), Tolerance, $"{what}: logits");
        Closeness.Check(model.forward(ids.to(int64)), model.HeadOf(hidden), 1e-6, $"{what}: head of hidden");
    }
}
