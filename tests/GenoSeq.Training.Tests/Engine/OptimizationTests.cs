using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Training.Tests.Engine;

[Collection(EngineCollection.Name)]
public sealed class OptimizationTests
{
    public static TheoryData<string, string[]> Families { get; } = new()
    {
        {
            "caduceus-ps",
            [
                "mixer.submodule.mamba_fwd.in_proj.weight", "mixer.submodule.mamba_fwd.conv1d.weight", "mixer.submodule.mamba_fwd.x_proj.weight", "mixer.submodule.mamba_fwd.dt_proj.weight",
                "mixer.submodule.mamba_fwd.out_proj.weight", "mixer.submodule.mamba_rev.conv1d.weight", "mixer.submodule.mamba_rev.x_proj.weight", "mixer.submodule.mamba_rev.dt_proj.weight",
            ]
        },
        { "mamba", ["mixer.in_proj.weight", "mixer.conv1d.weight", "mixer.x_proj.weight", "mixer.dt_proj.weight", "mixer.out_proj.weight"] },
        {
            "transformer",
            [
                "self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight", "self_attn.o_proj.weight",
                "mlp.gate_proj.weight", "mlp.up_proj.weight", "mlp.down_proj.weight",
            ]
        },
    };

    private static ModelConfig Config(string family) => family switch
    {
        "caduceus-ps" => new ModelConfig { DModel = 8, NLayer = 2, Bidirectional = true, RcEquivariant = true },
        "mamba" => new ModelConfig { DModel = 8, NLayer = 2 },
        _ => new ModelConfig { DModel = 8, NLayer = 2, Layout = "A", Attention = new AttentionConfig { NHead = 2 }, Mlp = new MlpConfig { DFf = 16 } },
    };

    [Theory]
    [MemberData(nameof(Families))]
    public void CreateOptimizer_Family_DecaysExactlyTheMatricesInsideLayers(string family, string[] decaying)
    {
        using SequenceModel model = ModelFile.Create(Config(family));
        Assert.Equal(family, model.Config.Family());
        using torch.optim.AdamW optimizer = Optimization.CreateOptimizer(model, new TrainConfig { WeightDecay = 0.3 });
        Assert.Equal([0.3, 0], optimizer.Groups.Select(g => g.WeightDecay));

        // In the names that files of the family use, which do not change when ours do.
        Models.Families.ModelLayout layout = Models.Families.ModelLayout.For(model.Config);
        string[] Names(int group) => [.. optimizer.Groups[group].Parameters.Select(p => layout.FileName(p.Name, model.Config)).Order(StringComparer.Ordinal)];
        string[] actual = Names(0);
        Assert.Equal(2 * decaying.Length, actual.Length);
        Assert.All(decaying, suffix => Assert.Equal(2, actual.Count(n => n.EndsWith(suffix, StringComparison.Ordinal))));
        Assert.Equal(model.parameters().Count(), actual.Length + Names(1).Length);
        Assert.All(Names(1), name => Assert.Matches(@"(bias|A_log|\.D|norm[^.]*(\.submodule)?\.weight|layernorm\.weight|embed[^/]*\.weight)$", name));
    }

    [Fact]
    public void CreateOptimizer_DecayOnly_ShrinksMatricesAndNothingElse()
    {
        using SequenceModel model = ModelFile.Create(Config("mamba"));
        using torch.optim.AdamW optimizer = Optimization.CreateOptimizer(model, new TrainConfig { WeightDecay = 0.5, LearningRate = 0.1 });
        using DisposeScope scope = torch.NewDisposeScope();
        var before = model.named_parameters().ToDictionary(p => p.name, p => p.parameter.detach().contiguous().ToArray<float>());
        foreach ((_, torch.nn.Parameter p) in model.named_parameters())
        {
            p.mul(0).sum().backward();
        }

        optimizer.StepCount = 0;
        optimizer.step();
        HashSet<string> decays = [.. optimizer.Groups[0].Parameters.Select(p => p.Name)];
        foreach ((string name, torch.nn.Parameter p) in model.named_parameters())
        {
            float factor = decays.Contains(name) ? 1 - (0.1f * 0.5f) : 1;
            float[] after = p.detach().contiguous().ToArray<float>();
            Assert.All(before[name].Zip(after), pair => Assert.Equal(pair.First * factor, pair.Second, 1e-6f));
        }
    }
}
