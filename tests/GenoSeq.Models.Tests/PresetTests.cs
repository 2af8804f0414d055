using GenoSeq.Models.Losses;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

public sealed class PresetTests
{
    public static TheoryData<string> Hybrids() =>
        [.. ModelPresets.All.Where(p => p.Config.Family() == "hybrid" || p.Config.Mamba.StabilityNorms != "none").Select(p => p.Name)];

    [Fact]
    public void Presets_All_AreValidAndNamedOnce()
    {
        Assert.All(ModelPresets.All, p => Assert.Empty(p.Config.Validate()));
        Assert.Equal(ModelPresets.All.Count, ModelPresets.All.Select(p => p.Name).Distinct().Count());
        Assert.Equal("jamba", Families.ModelLayout.For(ModelPresets.Find("jamba-11m")!.Config).Name);
        Assert.Equal("falcon-mamba", Families.ModelLayout.For(ModelPresets.Find("falcon-mamba-7m")!.Config).Name);
    }

    /// <summary>The layers of every hybrid, narrowed, learn a short period.</summary>
    [Theory]
    [MemberData(nameof(Hybrids))]
    public void Train_FewSteps_LowersTheLoss(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(3);
        using SequenceModel model = ModelFile.Create(Narrow(ModelPresets.Find(name)!.Config));
        using var optimizer = new optim.AdamW([new optim.ParamGroup([.. model.named_parameters()], 0)], 0.01);
        Tensor ids = TestModels.Ids([.. Enumerable.Range(0, 2).Select(r => Enumerable.Range(r, 33).Select(t => 7 + (t * t % 5)).ToArray())]);
        double first = 0, last = 0;
        for (int step = 0; step < 10; step++)
        {
            using DisposeScope inner = NewDisposeScope();
            model.zero_grad();
            LossTotals loss = model.Loss(ids.narrow(1, 0, 32), ids.narrow(1, 1, 32), scale: 1 / 64.0);
            loss.Sum.backward();
            Assert.All(model.named_parameters(), p => Assert.True(p.parameter.grad is not null, p.name));
            optimizer.step();
            (first, last) = (step == 0 ? loss.LossSum : first, loss.LossSum);
        }

        Assert.True(last < 0.85 * first, $"{name}: {first:g4} to {last:g4}");
    }

    private static ModelConfig Narrow(ModelConfig c) => c with
    {
        DModel = 16,
        NLayer = Math.Min(c.NLayer, c.Layout.Contains("10", StringComparison.Ordinal) ? 11 : 8),
        Attention = c.Attention with { NHead = 2, NKvHead = 0, SlidingWindow = Math.Min(c.Attention.SlidingWindow, 9) },
        Mlp = c.Mlp is null ? null : c.Mlp with { DFf = 24 },
        Shared = new SharedConfig { DFf = 24 },
        Recurrent = c.Recurrent with { NHead = 2, DKey = c.Recurrent.DKey == 0 ? 0 : 4 },
        Chunking = c.Chunking with { NLayer = 2 },
    };
}
