using GenoSeq.Models.Losses;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

public sealed class RecomputeTests
{
    public static TheoryData<string, ModelConfig> Models() => new()
    {
        { "ph", TestModels.Caduceus(false, nLayer: 3, dModel: 16) },
        { "ps", TestModels.Caduceus(true, nLayer: 3, dModel: 16) },
        { "ps swapped", TestModels.Caduceus(true, true, 3, 16) },
        { "causal", TestModels.Causal("M", 3, 16) },
        { "experts", TestModels.Causal("M A", 2, 16) with { Mlp = new MlpConfig { DFf = 24, Experts = 3 } } },
        { "shared block", TestModels.Causal("M S S", 3, 16) },
        { "chunks of chunks", TestModels.Causal("M H", 2, 16) with { Chunking = new ChunkingConfig { Layout = "M H", DModel = 20, Inner = new ChunkingConfig { NLayer = 1 } } } },
        { "hybrid with MLP", TestModels.Causal("M A", 3, 16) with { Mlp = new MlpConfig { DFf = 24 } } },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void Recompute_On_GivesTheSameLossAndGradients(string name, ModelConfig config)
    {
        using SequenceModel model = TestModels.Build(config);
        using DisposeScope scope = NewDisposeScope();
        (Tensor loss, Dictionary<string, Tensor> kept) = Run(model, false);
        (Tensor again, Dictionary<string, Tensor> recomputed) = Run(model, true);
        Closeness.Bitwise(loss, again, $"{name}: loss");
        Assert.Equal(model.named_parameters().Count(), kept.Count);
        Assert.All(kept, g => Closeness.Check(g.Value, recomputed[g.Key], 1e-6, $"{name}: {g.Key}"));
    }

    [Fact]
    public void Recompute_FrozenEmbedding_StillTrainsTheLayers()
    {
        using SequenceModel model = TestModels.Build(TestModels.Causal() with { TieEmbeddings = false });
        using DisposeScope scope = NewDisposeScope();
        model.Embedding.weight.requires_grad = false;
        (_, Dictionary<string, Tensor> kept) = Run(model, false);
        (_, Dictionary<string, Tensor> recomputed) = Run(model, true);
        Assert.Equal(model.named_parameters().Count() - 1, kept.Count);
        Assert.Equal(kept.Keys.Order(), recomputed.Keys.Order());
        Assert.All(kept, g => Closeness.Check(g.Value, recomputed[g.Key], 1e-6, g.Key));
    }

    private static (Tensor Loss, Dictionary<string, Tensor> Gradients) Run(SequenceModel model, bool recompute)
    {
        model.zero_grad();
        model.Recompute = recompute;
        Tensor ids = TestModels.Ids(TestModels.Sequences(3, 70));
        Tensor loss = SequenceLoss.Compute(model.forward(ids), TestModels.Ids(TestModels.Sequences(3, 70, seed: 8))).Sum;
        loss.backward();
        return (loss.detach(), model.named_parameters().Where(p => p.parameter.grad is not null)
            .ToDictionary(p => p.name, p => p.parameter.grad!.clone()));
    }
}
