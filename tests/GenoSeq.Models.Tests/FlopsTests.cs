using GenoSeq.Models.Mixers;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

/// <summary>Operations against counts by hand: equations and shapes of the papers, written out in the widths of one small layer.</summary>
public class FlopsTests
{
    // Width of the stream, positions, positions of a chunk, heads and their keys; taps of short convolutions.
    private const double D = 32, L = 40, C = 8, H = 2, N = 8, Taps = 4;

    private static readonly ModelConfig s_config = new()
    {
        DModel = (int)D,
        NLayer = 1,
        Recurrent = new RecurrentConfig { NHead = (int)H, DKey = (int)N, Chunk = (int)C, MemoryChunk = 5, Rank = 1 },
        Attention = new AttentionConfig { NHead = 4, NKvHead = 2 },
    };

    private static readonly Dictionary<string, double> s_byHand = new()
    {
        // in_proj to x and z of 64, x_proj to dt of rank 2 and B and C of 16, dt_proj, convolution, scan, out_proj.
        ["mamba"] = Mat(D, 128) + Mat(64, 2 + 32) + Mat(2, 64) + (2 * Taps * 64) + (64 * 16 * 7) + Mat(64, D),
        // 4 heads of 8 with 2 of keys and values; (L + 1) / 2 keys on average.
        ["attention"] = Mat(D, 32) + Mat(D, 16) + Mat(D, 16) + Mat(32, D) + (4 * 32 * (L + 1) / 2),
        // The same from 64 numbers in heads of 16; a SwiGLU of 128; the depth's own projection.
        ["shared-attention"] = Mat(64, 64) + Mat(64, 32) + Mat(64, 32) + Mat(64, D) + (4 * 64 * (L + 1) / 2) + (3 * Mat(D, 128)) + Mat(D, D),
        // Queries, keys, residual; a product of queries and keys and an average; two Mambas at every fourth position.
        ["dynamic-chunking"] = (3 * Mat(D, D)) + (2 * D) + (2 * D)
            + (2 * (Mat(D, 128) + Mat(64, 2 + 32) + Mat(2, 64) + (2 * Taps * 64) + (64 * 16 * 7) + Mat(64, D)) / 4),
        // z and x of 64, B and C of 8, dt of 2; one group.
        ["mamba2"] = Mat(D, 64 + 64 + 8 + 8 + 2) + (2 * Taps * (64 + 8 + 8)) + ScalarDecay(1, N, 32) + Mat(64, D),
        // z, x, B, C, three numbers a head, two planes; the own position's product of q and k and that with v.
        ["mamba3"] = Mat(D, 64 + 64 + 8 + 8 + 6 + 2) + ScalarDecay(H, N, 32) + (H * ((2 * N) + (2 * 32))) + Mat(64, D),
        ["retnet"] = Mat(D, 16 + 16 + 64 + 64) + ScalarDecay(H, N, 32) + Mat(64, D),
        ["simple-gla"] = Mat(D, 16 + 16 + 32 + 32 + 2) + ScalarDecay(H, N, 16) + Mat(32, D),
        // One more column of values for the denominator.
        ["linear-attention"] = Mat(D, 16 + 16 + 32) + ScalarDecay(H, N, 17) + Mat(32, D),
        // 1, x and all products of two of x.
        ["based"] = Mat(D, 16 + 16 + 32) + ScalarDecay(H, 1 + N + (N * N), 17) + Mat(32, D),
        ["mlstm"] = Mat(D, 16 + 16 + 32 + 32 + 4) + ScalarDecay(H, N, 17) + Mat(32, D),
        ["gla"] = Mat(D, 16 + 16 + 32 + 32 + 16) + Mat(16, 16) + VectorDecay(C, 16) + Mat(32, D),
        ["hgrn2"] = Mat(D, 16 + 16 + 32) + VectorDecay(C, 16) + Mat(32, D),
        // Five mixtures of rank 32, decays of rank 64; r, k, v, g.
        ["rwkv6"] = Mat(D, 5 * 32) + (5 * Mat(32, D)) + (2 * Mat(D, 16)) + (2 * Mat(D, 32)) + Mat(D, 64) + Mat(64, 16) + VectorDecay(C, 16) + Mat(32, D),
        // r, k, v; decay, rate and gate of rank 32.
        ["rwkv7"] = (2 * Mat(D, 16)) + Mat(D, 32) + (2 * (Mat(D, 32) + Mat(32, 16))) + Mat(D, 32) + Mat(32, 32) + DiagonalLowRank(16) + Mat(32, D),
        ["deltanet"] = Mat(D, 16 + 16 + 32 + 2) + (2 * Taps * 64) + DeltaRule(16) + Mat(32, D),
        // Values of 24 a head.
        ["gated-deltanet"] = Mat(D, 16 + 16 + 48 + 48 + 4) + (2 * Taps * 80) + DeltaRule(24) + Mat(48, D),
        ["titans"] = Mat(D, 16 + 16 + 32 + 32 + 6) + (2 * Taps * 64) + MomentumDelta(16) + Mat(32, D),
        ["titans-mlp"] = Mat(D, 16 + 16 + 32 + 32 + 6) + (2 * Taps * 64) + DeepMemory(16, 16, 5) + Mat(32, D),
        // Two gates of the convolution, four of h, in heads of 16; c, n, h and m.
        ["slstm"] = Mat(D, 96) + (2 * Taps * D) + (H * Mat(16, 32)) + (H * Mat(16, 64)) + (D * (3 + 2 + 2 + 4)) + Mat(D, D),
        // 8 complex states: Toeplitz matrix, 16 rows that enter and 16 that leave a chunk, 8 operations a state and chunk.
        ["s4d"] = Mat(D, D) + (D * ((2 * C) + (2 * 16) + (2 * 16) + (8 * N / C))) + Mat(D, D),
        ["lru"] = Mat(D, D) + Mat(D, 2 * N) + (8 * N) + Mat(2 * N, D) + Mat(D, D),
        // Two gates of blocks of 16.
        ["rg-lru"] = Mat(D, 64) + (2 * Taps * D) + (2 * 2 * Mat(16, 16)) + (2 * D) + Mat(D, D),
        ["mingru"] = Mat(D, 64) + (2 * D) + Mat(D, D),
        ["minlstm"] = Mat(D, 96) + (2 * D) + Mat(D, D),
        ["hgrn"] = Mat(D, 96) + (2 * D) + Mat(D, D),
        // 40 positions and 40 taps in lines of 80 real, 40 complex numbers; the filter's MLP of 5, 64, 64, 64, 32 for every tap.
        ["hyena"] = Mat(D, 96) + (2 * 3 * 96) + (D * LongConvolution) + Mat(5, 64) + (2 * Mat(64, 64)) + Mat(64, D) + Mat(D, D),
        // 8 taps in blocks of 16; 4 complex modes, whose taps are products of tables of 7 and 6 columns.
        ["h3"] = Mat(D, 96) + (D * 2 * 2 * 16) + (D * LongConvolution) + (D * 2 * 8 * 7 * 6 / L) + Mat(D, D),
        ["hyena-se"] = Mat(D, 96) + (2 * 3 * 96) + (D * 2 * 2 * 16) + Mat(D, D),
        ["hyena-mr"] = Mat(D, 96) + (2 * 3 * 96) + (D * 2 * 2 * 127) + Mat(D, D),
        ["hyena-li"] = Mat(D, 96) + (2 * 3 * 96) + (D * LongConvolution) + (D * 2 * 16 * 7 * 6 / L) + Mat(D, D),
    };

    // Three transforms (one of the filter) and the product of two spectra, for a position of a channel.
    private static double LongConvolution => ((3 * 5 * 40 * Math.Log2(40)) + (6 * 40)) / L;

    public static TheoryData<string> Families => [.. MixerFamilies.All.Select(f => f.Name)];

    [Theory]
    [MemberData(nameof(Families))]
    public void Layer_EveryFamily_IsTheCountByHand(string name)
    {
        Assert.True(s_byHand.TryGetValue(name, out double expected), $"{name} has no count by hand");
        ModelFlops flops = ModelFlops.Of(s_config with { Layout = name }, (long)L);
        Assert.Equal(expected, flops.Mixers, 1e-9 * expected);
        Assert.Equal(0, flops.Mlps);
        Assert.Equal(2 * D * 16, flops.Head);
        Assert.Equal(flops.Mixers + flops.Head, flops.ForwardPerToken);
    }

    /// <summary>Rows of a chunk of 32 in two blocks: row by row.</summary>
    [Fact]
    public void VectorDecay_SeveralBlocks_SeesUpToItsBlocksEnd()
    {
        ModelFlops flops = ModelFlops.Of(s_config with { Layout = "hgrn2", Recurrent = s_config.Recurrent with { Chunk = 32 } }, 64);
        Assert.Equal(Mat(D, 16 + 16 + 32) + VectorDecay(32, 16) + Mat(32, D), flops.Mixers, 1e-6);
    }

    [Fact]
    public void Mimo_ManyQueriesAPosition_AreAsManyPositions()
    {
        ModelFlops flops = ModelFlops.Of(s_config with { Layout = "mamba3", Recurrent = s_config.Recurrent with { Rank = 2 } }, (long)L);
        Assert.Equal(Mat(D, 64 + 64 + 16 + 16 + 6 + 2) + (2 * ScalarDecay(H, N, 32)) + (H * 4 * ((2 * N) + (2 * 32))) + Mat(64, D), flops.Mixers, 1e-6);
    }

    /// <summary>Six operations for each weight of a matrix and token, and attention's two products forth and four back.</summary>
    [Fact]
    public void Transformer_Training_IsSixForEachWeightAndAttention()
    {
        const int Length = 64, Layers = 3;
        ModelConfig config = s_config with { Layout = "A", NLayer = Layers, Mlp = new MlpConfig { DFf = 48 } };
        using SequenceModel model = ModelFile.Create(config);
        long weights = model.parameters().Where(p => p.dim() == 2).Sum(p => p.numel());
        double attention = Layers * 4 * D * (Length + 1) / 2;
        ModelFlops flops = ModelFlops.Of(config, Length);
        Assert.Equal((6.0 * weights) + (3 * attention), flops.TrainingPerToken(), 1e-6);
        Assert.Equal(flops.TrainingPerToken() + flops.Mixers + flops.Mlps, flops.TrainingPerToken(recompute: true), 1e-6);
        Assert.Equal(Layers * 3 * Mat(D, 48), flops.Mlps);
        Assert.Equal((2.0 * weights) + (Layers * 4 * D * 10), flops.DecodePerToken(9), 1e-6);
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 7)]
    [InlineData(false, 0)]
    [InlineData(false, 7)]
    [InlineData(false, 100)]
    public void Attention_WhoSeesWhom_IsCountedOneByOne(bool causal, int window)
    {
        int length = (int)L;
        long pairs = Enumerable.Range(0, length).Sum(i => Enumerable.Range(0, length)
            .LongCount(j => (!causal || j <= i) && (window == 0 || Math.Abs(i - j) < window)));
        ModelConfig config = s_config with { Layout = "A", Bidirectional = !causal, Attention = s_config.Attention with { SlidingWindow = window } };
        double projections = (2 * Mat(D, 32)) + (2 * Mat(D, 16));
        Assert.Equal(projections + (4 * 32 * pairs / L), ModelFlops.Of(config, length).Mixers, 1e-6);
        if (causal && window > 0)
        {
            ModelFlops flops = ModelFlops.Of(config, length);
            Assert.Equal(projections + (4 * 32 * 3) + flops.Head, flops.DecodePerToken(2), 1e-6);
            Assert.Equal(projections + (4 * 32 * window) + flops.Head, flops.DecodePerToken(1000), 1e-6);
        }
    }

    /// <summary>Directions share tied projections; "ew_multiply" projects each direction's output; strands share nothing.</summary>
    [Fact]
    public void Directions_Tied_ProjectOnce()
    {
        double projections = Mat(D, 128), output = Mat(64, D);
        double inner = s_byHand["mamba"] - projections - output;
        double Mixers(bool strands, bool tied, string strategy) => ModelFlops.Of(
            s_config with { Bidirectional = true, RcEquivariant = strands, Mamba = new MambaConfig { TieProjections = tied, BidirectionalStrategy = strategy } }, (long)L).Mixers;
        Assert.Equal(projections + output + (2 * inner), Mixers(false, true, "add"), 1e-6);
        Assert.Equal(projections + (2 * output) + (2 * inner), Mixers(false, true, "ew_multiply"), 1e-6);
        Assert.Equal(2 * (projections + output + inner), Mixers(false, false, "add"), 1e-6);
        Assert.Equal(2 * (projections + output + (2 * inner)), Mixers(true, true, "add"), 1e-6);
        Assert.Equal(2 * 2 * D * 16, ModelFlops.Of(s_config with { Bidirectional = true, RcEquivariant = true }, (long)L).Head);

        double gates = Mat(D, 64), gru = s_byHand["mingru"] - gates - Mat(D, D);
        Assert.Equal(gates + Mat(D, D) + (2 * gru), ModelFlops.Of(s_config with { Layout = "mingru", Bidirectional = true }, (long)L).Mixers, 1e-6);
    }

    [Fact]
    public void Mlps_KindsAndExperts_CountWhatRuns()
    {
        double Mlps(MlpConfig mlp) => ModelFlops.Of(s_config with { NLayer = 4, Mlp = mlp }, 8).Mlps;
        Assert.Equal(4 * 3 * Mat(D, 48), Mlps(new MlpConfig { DFf = 48 }));
        Assert.Equal(4 * 2 * Mat(D, 48), Mlps(new MlpConfig { DFf = 48, Kind = "gelu" }));
        Assert.Equal((2 * 3 * Mat(D, 48)) + (2 * (Mat(D, 8) + (2 * 3 * Mat(D, 48)))),
            Mlps(new MlpConfig { DFf = 48, Experts = 8, ExpertsPerToken = 2, ExpertPeriod = 2, ExpertOffset = 1 }));

        // In dynamic chunking the network's MLPs run at every fourth position.
        ModelConfig chunked = s_config with { Layout = "H", Mlp = new MlpConfig { DFf = 48 } };
        Assert.Equal(s_byHand["dynamic-chunking"] + (2 * 3 * Mat(D, 48) / 4), ModelFlops.Of(chunked, (long)L).Mixers, 1e-6);
    }

    /// <summary>Filters are made once for all sequences and for both strands.</summary>
    [Fact]
    public void LongFilters_OfABatch_AreShared()
    {
        double filter = (D * 5 * 40 * Math.Log2(40) / L) + Mat(5, 64) + (2 * Mat(64, 64)) + Mat(64, D);
        ModelConfig config = s_config with { Layout = "hyena" };
        Assert.Equal(s_byHand["hyena"] - (0.75 * filter), ModelFlops.Of(config, (long)L, 4).Mixers, 1e-6);
        double both = Mat(D, 96) + (2 * (s_byHand["hyena"] - Mat(D, 96) - Mat(D, D))) + Mat(D, D);
        Assert.Equal((2 * both) - (2 * filter), ModelFlops.Of(config with { Bidirectional = true, RcEquivariant = true }, (long)L).Mixers, 1e-6);
    }

    /// <summary>Steps by the recurrences as the papers have them.</summary>
    [Theory]
    [InlineData("mamba2", 5 * H * N * 32)]
    [InlineData("simple-gla", 5 * H * N * 16)]
    [InlineData("hgrn2", 5 * H * N * 16)]
    [InlineData("mamba3", 7 * H * N * 32)]
    [InlineData("deltanet", 7 * H * N * 16)]
    [InlineData("rwkv7", 9 * H * N * 16)]
    [InlineData("titans", 9 * H * N * 16)]
    [InlineData("s4d", 11 * D * N)]
    [InlineData("h3", (11 * D * 4) + (2 * D * N))]
    [InlineData("hyena", 2 * D * 101)]
    [InlineData("hyena-li", 4 * D * 16)]
    [InlineData("hyena-se", 2 * D * 7)]
    public void Decode_OneStep_IsTheRecurrence(string name, double own)
    {
        ModelFlops flops = ModelFlops.Of(s_config with { Layout = name }, (long)L);
        double forward = name switch
        {
            "mamba2" => ScalarDecay(1, N, 32),
            "simple-gla" => ScalarDecay(H, N, 16),
            "hgrn2" => VectorDecay(C, 16),
            "mamba3" => ScalarDecay(H, N, 32) + (H * ((2 * N) + (2 * 32))),
            "deltanet" => DeltaRule(16),
            "rwkv7" => DiagonalLowRank(16),
            "titans" => MomentumDelta(16),
            "s4d" => s_byHand[name] - (2 * Mat(D, D)),
            "hyena-se" or "hyena-li" or "hyena" => s_byHand[name] - Mat(D, 96) - (2 * 3 * 96) - Mat(D, D),
            _ => s_byHand[name] - Mat(D, 96) - Mat(D, D),
        };
        Assert.Equal(s_byHand[name] - forward + own + flops.Head, flops.DecodePerToken(100), 1e-6);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void StateBytes_EveryFamily_IsWhatTheStateHolds(string name)
    {
        ModelConfig config = s_config with { Layout = name, NLayer = 2 };
        ModelFlops flops = ModelFlops.Of(config, 8);
        if (name.EndsWith("attention", StringComparison.Ordinal) && name != "linear-attention")
        {
            // Keys and values of two heads; 16 numbers each where 64 are read.
            long head = name == "attention" ? 8 : 16;
            Assert.Equal(2 * 3 * 100 * (2 * 2 * head) * 2, flops.StateBytes(3, 100, 2));
            return;
        }

        using SequenceModel model = ModelFile.Create(config);
        using DisposeScope scope = NewDisposeScope();
        using ModelState state = model.initial_state(3);
        Assert.Equal(state.Bytes, flops.StateBytes(3, 0));
        // Of Hyena the inputs of three sequences and one filter.
        long grown = name == "hyena" ? 2 * 4 * (3 + 1) * 100 * (long)D : 0;
        Assert.Equal(state.Bytes + grown, flops.StateBytes(3, 100));
    }

    [Fact]
    public void Counting_LeavesTheGeneratorAlone_AndRefusesWhatHasNoAnswer()
    {
        manual_seed(5);
        using Tensor expected = rand([4]);
        manual_seed(5);
        ModelFlops both = ModelFlops.Of(s_config with { Bidirectional = true }, 8);
        using Tensor seen = rand([4]);
        Assert.Equal(expected.ToArray<float>(), seen.ToArray<float>());
        Assert.Throws<NotSupportedException>(() => both.DecodePerToken(0));
        Assert.Throws<NotSupportedException>(() => both.StateBytes(1, 0));
        Assert.Throws<ModelConfigException>(() => ModelFlops.Of(s_config with { NLayer = 0 }, 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => ModelFlops.Of(s_config, 0));
    }

    // A matrix's products with one vector.
    private static double Mat(double inputs, double outputs) => 2 * inputs * outputs;

    // C rows against C by keys of each group and by values of each head; k v^T and S^T q; a decayed sum a chunk.
    private static double ScalarDecay(double groups, double n, double p) => Mat(C, groups * n) + (H * (Mat(C, p) + Mat(n, p) + Mat(n, p) + (2 * n * p / C)));

    private static double VectorDecay(double c, double p)
    {
        double block = Math.Min(16, c), rows = 0;
        for (int i = 0; i < c; i++)
        {
            double earlier = Math.Floor(i / block) * block;
            rows += Mat(N, earlier) + (3 * N * block) + Mat(earlier + block, p);
        }

        return H * ((rows / c) + Mat(N, p) + Mat(N, p) + (2 * N * p / c));
    }

    // Rounds over the chunks, in which pairs of maps are joined and states filled in: two of the first.
    private static double Maps(double rows, double p) => (rows * Mat(rows, rows)) + (2 * rows * Mat(rows, p));

    // k k^T, q k^T; the system's columns; n n and n p numbers for the map; W S, q S; scores times what is written.
    private static double DeltaRule(double p) =>
        H * (Mat(N, C) + Mat(N, C) + (C * (N + p)) + Mat(N, N) + Mat(N, p) + Mat(N, p) + Mat(N, p) + Mat(C, p) + (Maps(N, p) / C));

    private static double DiagonalLowRank(double p) =>
        H * ((4 * Mat(N, C)) + (3 * Mat(C, p)) + (C * (N + p)) + Mat(N, N) + (2 * Mat(N, p)) + Mat(N, p) + Mat(N, p) + (Maps(N, p) / C));

    // States of 2 n rows, M above S; a row of the coefficients has C + 1 numbers.
    private static double MomentumDelta(double p) =>
        H * ((2 * Mat(N, C)) + (C * ((2 * N) + p)) + Mat(2 * N, 2 * N) + (3 * Mat(2 * N, p)) + Mat(C, p) + (2 * (C + 1)) + (Maps(2 * N, p) / C));

    // Error: k W_1, a W_2, back through W_2. Each layer: weights, momentum, scores, their product. Updates of four matrices, six operations a number and chunk.
    private static double DeepMemory(double h, double p, double c) => H * (Mat(N, h) + Mat(h, p) + Mat(p, h)
        + (2 * Mat(N, h)) + Mat(N, c) + Mat(c, h) + (2 * Mat(h, p)) + Mat(h, c) + Mat(c, p)
        + (2 * Mat(N, h)) + (2 * Mat(h, p)) + (2 * (c + 1)) + (6 * ((N * h) + (h * p)) / c));
}
