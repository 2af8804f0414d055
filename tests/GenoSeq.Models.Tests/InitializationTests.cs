using GenoSeq.Models.Mixers;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

/// <summary>Fresh weights have the reference's distributions.</summary>
public sealed class InitializationTests
{
    private static readonly ModelConfig s_config = new()
    {
        DModel = 192,
        NLayer = 3,
        VocabSize = 264,
        Alphabet = "bytes",
        Bidirectional = true,
        RcEquivariant = true,
        InitializerRange = 0.03,
        Mamba = new MambaConfig { Bias = true },
    };

    [Fact]
    public void Create_Mamba_HasTheReferencesDistributions()
    {
        manual_seed(11);
        using SequenceModel model = ModelFile.Create(s_config);
        Normal(Values(model.Embedding.weight), 0.03);
        Assert.All(Values(model.NormF.weight), v => Assert.Equal(1, v));
        foreach (MambaMixer mixer in model.Layers.Select(l => (MambaMixer)l.Mixer))
        {
            Uniform(Values(mixer.Fwd.InProj.weight), 1 / Math.Sqrt(192));
            Uniform(Values(mixer.Fwd.OutProj.weight), 1 / Math.Sqrt(384) / Math.Sqrt(3));
            Assert.All(Values(mixer.Fwd.InProj.bias!), v => Assert.Equal(0, v));
            Assert.All(Values(mixer.Fwd.OutProj.bias!), v => Assert.Equal(0, v));
            foreach (MambaDirection d in new[] { mixer.Fwd, mixer.Rev! })
            {
                Uniform(Values(d.Conv1d.weight), 0.5);
                Uniform(Values(d.Conv1d.bias!), 0.5);
                Uniform(Values(d.XProj.weight), 1 / Math.Sqrt(384));
                Uniform(Values(d.DtProj.weight), 1 / Math.Sqrt(12));
                Assert.All(Values(d.D), v => Assert.Equal(1, v));
                double[] aLog = Values(d.ALog);
                for (int i = 0; i < aLog.Length; i++)
                {
                    Assert.Equal(Math.Log((i % 16) + 1), aLog[i], 6);
                }
            }
        }

        Assert.All(model.Layers, l => Assert.All(Values(l.Norm.weight), v => Assert.Equal(1, v)));
        MambaMixer first = (MambaMixer)model.Layers[0].Mixer;
        Assert.False(first.Fwd.XProj.weight.equal(first.Rev!.XProj.weight), "the two directions start from the same numbers");
    }

    [Fact]
    public void Create_StepSizes_AreLogUniform()
    {
        manual_seed(12);
        using SequenceModel model = ModelFile.Create(s_config);
        double[] logs = [.. model.Layers.SelectMany(l => new[] { ((MambaMixer)l.Mixer).Fwd, ((MambaMixer)l.Mixer).Rev! })
            .SelectMany(d => Values(d.DtProj.bias!)).Select(b => Math.Log(Math.Log(1 + Math.Exp(b))))];
        (double low, double high) = (Math.Log(0.001), Math.Log(0.1));
        Assert.InRange(logs.Min(), low - 1e-3, low + 0.05);
        Assert.InRange(logs.Max(), high - 0.05, high + 1e-3);
        double width = high - low;
        double error = 4 / Math.Sqrt(12.0 * logs.Length);
        Assert.Equal((low + high) / 2, logs.Average(), width * error);
        double mean = logs.Average();
        Assert.Equal(width * width / 12, logs.Average(l => (l - mean) * (l - mean)), width * width * error / 2);
    }

    [Fact]
    public void Create_StepSizesBelowTheFloor_AreLifted()
    {
        using SequenceModel model = ModelFile.Create(TestModels.Causal() with
        {
            Mamba = new MambaConfig { DtMin = 1e-6, DtMax = 2e-6, DtInitFloor = 1e-4 },
        });
        Assert.All(Values(((MambaMixer)model.Layers[0].Mixer).Fwd.DtProj.bias!),
            b => Assert.Equal(1, Math.Log(1 + Math.Exp(b)) / 1e-4, 1e-5));
    }

    [Fact]
    public void Create_Rescaling_CountsBranches()
    {
        var config = new ModelConfig
        {
            DModel = 128,
            NLayer = 2,
            Layout = "M A",
            Attention = new AttentionConfig { NHead = 4, Bias = true },
            Mlp = new MlpConfig { DFf = 300, Bias = true },
            TieEmbeddings = false,
        };
        foreach (bool rescale in new[] { true, false })
        {
            manual_seed(13);
            using SequenceModel model = ModelFile.Create(config with { RescalePrenormResidual = rescale });
            double shrink = rescale ? 2 : 1;
            Uniform(Values(((MambaMixer)model.Layers[0].Mixer).Fwd.OutProj.weight), 1 / Math.Sqrt(256) / shrink);
            var attention = (AttentionMixer)model.Layers[1].Mixer;
            Normal(Values(attention.OProj.weight), 0.02 / shrink);
            Normal(Values(attention.QProj.weight), 0.02);
            Assert.All(Values(attention.QProj.bias!), v => Assert.Equal(0, v));
            Normal(Values(model.Head.weight), 0.02);
            Dictionary<string, nn.Parameter> all = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
            Normal(Values(all["layers.0.mlp.gate_proj.weight"]), 0.02);
            Normal(Values(all["layers.0.mlp.down_proj.weight"]), 0.02 / shrink);
            Assert.All(Values(all["layers.0.mlp.up_proj.bias"]), v => Assert.Equal(0, v));
        }
    }

    [Fact]
    public void Create_SameSeed_GivesTheSameBits()
    {
        manual_seed(5);
        using SequenceModel first = ModelFile.Create(s_config);
        manual_seed(5);
        using SequenceModel second = ModelFile.Create(s_config);
        using SequenceModel third = ModelFile.Create(s_config);
        Assert.All(first.named_parameters().Zip(second.named_parameters()),
            p => Closeness.Bitwise(p.First.parameter, p.Second.parameter, p.First.name));
        Assert.False(first.Embedding.weight.equal(third.Embedding.weight));
    }

    private static double[] Values(nn.Parameter p) => Array.ConvertAll(p.ToArray<float>(), v => (double)v);

    // The extremes reach the bound, and mean and variance are a uniform distribution's within five standard errors.
    private static void Uniform(double[] v, double bound)
    {
        Assert.True(v.Max(Math.Abs) <= bound * (1 + 1e-6), $"{v.Max(Math.Abs)} is over {bound}");
        Assert.True(v.Max(Math.Abs) >= bound * 0.95, $"nothing comes near {bound}");
        Assert.Equal(0, v.Average() / bound, 5 / Math.Sqrt(3.0 * v.Length));
        Assert.Equal(1.0 / 3, v.Average(x => x * x) / (bound * bound), 5 * 0.3 / Math.Sqrt(v.Length));
    }

    private static void Normal(double[] v, double std)
    {
        Assert.Equal(0, v.Average() / std, 5 / Math.Sqrt(v.Length));
        Assert.Equal(1, v.Average(x => x * x) / (std * std), 5 * Math.Sqrt(2.0 / v.Length));
        Assert.True(v.Max(Math.Abs) > 2.5 * std, "no tails: not a normal distribution");
    }
}
