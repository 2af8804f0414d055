using GenoSeq.Models;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.FineTuning;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Tests.FineTuning;

public sealed class StartingWeightsTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Of_FreshLayers_DrawsTheTopAnewAndKeepsTheRest(int fresh)
    {
        using var tiny = new TinySuite();
        string checkpoint = tiny.Checkpoint();
        using SequenceModel stored = ModelFile.Load(checkpoint);
        manual_seed(4);
        using SequenceModel model = StartingWeights.Of(new FineTuningConfig { FreshLayers = fresh }, stored.Config, checkpoint);
        Dictionary<string, nn.Parameter> before = stored.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        Assert.Equal(before.Count, model.named_parameters().Count());
        foreach ((string name, nn.Parameter now) in model.named_parameters().Where(p => p.parameter.dim() > 1))
        {
            bool drawn = name.Split('.') is ["layers", var index, ..] && int.Parse(index) >= stored.Config.NLayer - fresh;
            bool same = now.ToArray<float>().SequenceEqual(before[name].ToArray<float>());
            // The negative real parts of the state's matrix begin at the same numbers every time.
            Assert.True(same != drawn || name.EndsWith("A_log", StringComparison.Ordinal), name);
        }
    }

    [Fact]
    public void Of_FreshNorm_DrawsTheLastNormAloneAnew()
    {
        using var tiny = new TinySuite();
        string checkpoint = tiny.Checkpoint();
        using SequenceModel stored = ModelFile.Load(checkpoint);
        using (no_grad())
        {
            foreach (nn.Parameter p in stored.parameters())
            {
                p.add_(0.5);
            }
        }

        ModelFile.Save(stored, checkpoint);
        using SequenceModel model = StartingWeights.Of(new FineTuningConfig { FreshNorm = true }, stored.Config, checkpoint);
        foreach (((string name, nn.Parameter now), nn.Parameter was) in model.named_parameters().Zip(stored.parameters()))
        {
            Assert.Equal(name.StartsWith("norm_f.", StringComparison.Ordinal), !now.ToArray<float>().SequenceEqual(was.ToArray<float>()));
        }

        Assert.All(model.named_parameters().Single(p => p.name == "norm_f.weight").parameter.ToArray<float>(), v => Assert.Equal(1, v));
    }

    [Fact]
    public void Of_FreshShare_IsTheMixture()
    {
        using var tiny = new TinySuite();
        string checkpoint = tiny.Checkpoint();
        using SequenceModel stored = ModelFile.Load(checkpoint);
        manual_seed(4);
        using SequenceModel model = StartingWeights.Of(new FineTuningConfig { FreshShare = 0.25, FreshLayers = 1 }, stored.Config, checkpoint);
        manual_seed(4);
        using SequenceModel fresh = ModelFile.Create(stored.Config);
        foreach (((string name, nn.Parameter now), nn.Parameter was, nn.Parameter drawn) in model.named_parameters().Zip(stored.parameters(), fresh.parameters()))
        {
            if (name.StartsWith("lm_head.", StringComparison.Ordinal)) continue;
            double share = name.StartsWith("embedding.", StringComparison.Ordinal) || name.StartsWith("layers.0.", StringComparison.Ordinal) ? 0.25 : 1;
            float[] expected = [.. was.ToArray<float>().Zip(drawn.ToArray<float>(), (a, b) => (float)((a * (1 - share)) + (b * share)))];
            Assert.All(now.ToArray<float>().Zip(expected), p => Assert.Equal(p.Second, p.First, 1e-6f));
        }
    }

    [Fact]
    public void Of_MoreLayersThanThereAre_IsRefused()
    {
        using var tiny = new TinySuite();
        string checkpoint = tiny.Checkpoint();
        var e = Assert.Throws<ConfigException>(() => StartingWeights.Of(new FineTuningConfig { FreshLayers = 3 }, new ModelConfig { DModel = 8, NLayer = 2 }, checkpoint));
        Assert.Contains("the model has 2 layers, not 3", e.Message, StringComparison.Ordinal);
    }
}
