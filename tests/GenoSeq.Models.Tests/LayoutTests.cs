using System.Text.Json.Nodes;
using GenoSeq.Torch.Safetensors;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

/// <summary>Checkpoints in the layouts of others: what we write, and what we make of what we read.</summary>
public sealed class LayoutTests
{
    private const string Backbone = "caduceus.backbone.";

    public static TheoryData<string, ModelConfig, ModelConfig> Configs()
    {
        var mamba = new MambaConfig
        {
            DState = 5,
            DConv = 3,
            Expand = 3,
            DtRank = 4,
            DtMin = 0.002,
            DtMax = 0.2,
            DtInitFloor = 0.003,
            DtScale = 0.5,
            Bias = true,
            TieProjections = false,
            BidirectionalStrategy = "ew_multiply",
        };
        ModelConfig ps = TestModels.Caduceus(true, true) with { InitializerRange = 0.05, RescalePrenormResidual = false, NormEps = 1e-4 };
        ModelConfig plain = ps with { RcpsSwapHalves = false, Mamba = mamba };
        ModelConfig ph = TestModels.Caduceus(false, nLayer: 3) with { Mamba = mamba with { ConvBias = false }, TieEmbeddings = false };
        ModelConfig causal = TestModels.Causal() with
        {
            VocabSize = 264,
            Alphabet = "bytes",
            NormEps = 1e-3,
            Mamba = mamba with { TieProjections = true, BidirectionalStrategy = "add" },
        };
        ModelConfig llama = TestModels.Causal("A", 2, 16) with
        {
            TieEmbeddings = false,
            Mamba = new MambaConfig(),
            Attention = new AttentionConfig { NHead = 4, NKvHead = 2, RopeTheta = 500, Bias = true },
            Mlp = new MlpConfig { DFf = 20, Bias = true },
        };
        var mamba2 = new ModelConfig
        {
            DModel = 12,
            NLayer = 2,
            Layout = "mamba2",
            NormEps = 1e-4,
            TieEmbeddings = false,
            InitializerRange = 0.05,
            Recurrent = new RecurrentConfig
            {
                NHead = 3,
                DValue = 8,
                DKey = 5,
                Expand = 2,
                NGroups = 3,
                DConv = 3,
                ConvBias = false,
                Bias = true,
                DtMin = 0.002,
                DtMax = 0.2,
                DtInitFloor = 0.003,
                DtLimitMin = 0.01,
                DtLimitMax = 2,
            },
        };
        ModelConfig falcon = TestModels.Causal() with { Mamba = new MambaConfig { DState = 4, DtRank = 1, StabilityNorms = "plain", StabilityEps = 1e-4 } };
        var jamba = new ModelConfig
        {
            DModel = 16,
            NLayer = 4,
            Layout = "M M A",
            NormEps = 1e-6,
            TieEmbeddings = false,
            Mamba = new MambaConfig { DState = 4, DtRank = 3, StabilityNorms = "weighted", StabilityEps = 1e-6 },
            Attention = new AttentionConfig { NHead = 4, NKvHead = 2, RopeTheta = 0 },
            Mlp = new MlpConfig { DFf = 20, Experts = 3, ExpertPeriod = 2, ExpertOffset = 1, RouterLoss = 0.01 },
        };
        var hyena = new ModelConfig
        {
            DModel = 8,
            NLayer = 2,
            Layout = "hyena",
            Norm = "layer",
            TieEmbeddings = false,
            InitializerRange = 0.05,
            Hyena = new HyenaConfig { LMax = 50, EmbDim = 3, FilterOrder = 6, NumInnerMlps = 1, ActivationFreq = 2 },
            Recurrent = new RecurrentConfig { Bias = true },
            Mlp = new MlpConfig { Kind = "gelu", DFf = 12, Bias = true },
        };
        var data = new TheoryData<string, ModelConfig, ModelConfig>
        {
            { "hyenadna", hyena, hyena },
            { "hyenadna", hyena with { TieEmbeddings = true, Alphabet = "bytes", VocabSize = 264 }, hyena with { TieEmbeddings = true, Alphabet = "bytes", VocabSize = 264 } },
            { "mamba2", mamba2, mamba2 },
            { "falcon-mamba", falcon, falcon },
            { "jamba", jamba, jamba },
            { "caduceus", ps, ps },
            { "caduceus", plain, plain },
            { "caduceus", TestModels.Caduceus(false), TestModels.Caduceus(false) },
            { "caduceus", ph, ph },
            { "mamba", causal, causal },
            { "mamba", TestModels.Causal(), TestModels.Causal() with { Mamba = new MambaConfig { DState = 4, DtRank = 1 } } },
            { "llama", llama, llama with { Attention = llama.Attention with { DHead = 4 } } },
        };
        return data;
    }

    public static TheoryData<ModelConfig> Native() =>
    [
        TestModels.Causal("M A", 3) with { Attention = new AttentionConfig { NHead = 2, SlidingWindow = 5, RopeScale = 2 } },
        TestModels.Caduceus(true) with { Alphabet = "bytes", VocabSize = 264 },
        TestModels.Caduceus(true) with { TieEmbeddings = false },
        TestModels.Causal() with { LogitCap = 30 },
        TestModels.Causal("A") with { Bidirectional = true, Mlp = new MlpConfig { DFf = 8 } },
    ];

    /// <summary>Python's json module writes infinities as a bare word, which is no JSON.</summary>
    [Fact]
    public void ReadConfig_BareInfinity_IsNoLimit()
    {
        using var folder = new CheckpointFolder();
        string file = Path.Combine(folder.Path, "config.json");
        File.WriteAllText(file, """
            {"model_type": "mamba2", "hidden_size": 8, "num_heads": 2, "head_dim": 8, "n_groups": 1, "num_hidden_layers": 1,
             "vocab_size": 16, "time_step_limit": [0.0, Infinity]}
            """);
        Assert.Equal((0, 0), (ModelFile.ReadConfig(file).Config.Recurrent.DtLimitMin, ModelFile.ReadConfig(file).Config.Recurrent.DtLimitMax));
    }

    [Theory]
    [MemberData(nameof(Configs))]
    public void Save_EachFamily_LoadsAsItWas(string layout, ModelConfig config, ModelConfig inTheirKeys)
    {
        // Settings that no key of the layout can say.
        ModelConfig unusual = config with { Attention = config.Attention with { RopeScale = config.Mlp is null || config.Attention.RopeTheta == 0 ? 3 : 1 } };
        using var folder = new CheckpointFolder();
        using SequenceModel model = TestModels.Build(unusual);
        ModelFile.Save(model, folder.Path);
        Assert.Equal(layout, ModelFile.ReadConfig(folder.Config).Layout.Name);
        Same(model, folder.Path);

        using SequenceModel plain = TestModels.Build(config);
        ModelFile.Save(plain, folder.Path);
        folder.Edit(json => Assert.True(json.Remove("genoseq")));
        Assert.Equal(inTheirKeys, ModelFile.ReadConfig(folder.Config).Config with
        {
            Alphabet = config.Alphabet,
            Attention = config.Mlp is null ? config.Attention : ModelFile.ReadConfig(folder.Config).Config.Attention,
        });
        Same(plain, folder.Path, sameConfig: false);
    }

    /// <summary>HyenaDNA's own names, once as they are and once as a model trained with recomputation has them in a .ckpt.</summary>
    [Fact]
    public void HyenaDna_Standalone_LoadsUnderEveryName()
    {
        ModelConfig config = ModelPresets.Find("hyenadna-tiny-1k")!.Config with { DModel = 8, Mlp = new MlpConfig { Kind = "gelu", DFf = 12, Bias = true } };
        using var folder = new CheckpointFolder();
        using SequenceModel model = TestModels.Build(config);
        ModelFile.Save(model, folder.Path, new Families.Hyena.HyenaDnaStandaloneLayout());
        folder.Edit(json => Assert.True(json.Remove("genoseq")));
        Assert.Equal(("hyenadna-standalone", config), (ModelFile.ReadConfig(folder.Config).Layout.Name, ModelFile.ReadConfig(folder.Config).Config));
        Same(model, folder.Path);
        Dictionary<string, long[]> stored = folder.Stored();
        Assert.Contains("backbone.layers.1.mixer.filter_fn.implicit_filter.5.freq", stored.Keys);
        Assert.Equal([1, 1026, 5], stored["backbone.layers.0.mixer.filter_fn.pos_emb.z"]);

        folder.EditWeights(tensors =>
        {
            foreach (string name in stored.Keys)
            {
                tensors.Remove(name, out Tensor? value);
                tensors.Add("model." + name.Replace(".mixer.", ".mixer.layer.", StringComparison.Ordinal).Replace(".mlp.", ".mlp.layer.", StringComparison.Ordinal), value!);
            }
        });
        Same(model, folder.Path);

        folder.Edit(json => json["layer"]!["l_max"] = 1030);
        Assert.Contains("pos_emb", Assert.Throws<CheckpointException>(() => ModelFile.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Native))]
    public void Save_WhatNoLayoutExpresses_IsNative(ModelConfig config)
    {
        using var folder = new CheckpointFolder();
        using SequenceModel model = TestModels.Build(config);
        ModelFile.Save(model, folder.Path);
        Assert.Equal("genoseq", ModelFile.ReadConfig(folder.Config).Layout.Name);
        Same(model, folder.Path);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, false)]
    public void Names_Published131k_AreTheReferences(bool ps, bool fused)
    {
        const int Layers = 16;
        using SequenceModel model = ModelFile.Create(new ModelConfig
        {
            DModel = 256,
            NLayer = Layers,
            Bidirectional = true,
            RcEquivariant = ps,
            RcpsSwapHalves = fused,
        });
        Assert.Equal(7_725_312, model.NumParameters);
        var expected = new Dictionary<string, long[]>();
        string norm = ps && !fused ? ".submodule.weight" : ".weight";
        for (int i = 0; i < Layers; i++)
        {
            expected.Add($"{Backbone}layers.{i}.norm{norm}", [256]);
            foreach (string direction in new[] { "fwd", "rev" })
            {
                string prefix = $"{Backbone}layers.{i}.mixer{(ps ? ".submodule" : "")}.mamba_{direction}.";
                expected.Add(prefix + "A_log", [512, 16]);
                expected.Add(prefix + "D", [512]);
                expected.Add(prefix + "conv1d.weight", [512, 1, 4]);
                expected.Add(prefix + "conv1d.bias", [512]);
                expected.Add(prefix + "x_proj.weight", [48, 512]);
                expected.Add(prefix + "dt_proj.weight", [512, 16]);
                expected.Add(prefix + "dt_proj.bias", [512]);
                if (direction == "fwd")
                {
                    expected.Add(prefix + "in_proj.weight", [1024, 256]);
                    expected.Add(prefix + "out_proj.weight", [256, 512]);
                }
            }
        }

        expected.Add($"{Backbone}norm_f{norm}", [256]);
        string words = $"{Backbone}embeddings.word_embeddings.";
        expected.Add(words + (ps ? "embedding.weight" : "weight"), [16, 256]);
        if (ps)
        {
            expected.Add(words + "complement_map", [16]);
            expected.Add("lm_head.complement_map", [16]);
        }

        using var folder = new CheckpointFolder();
        ModelFile.Save(model, folder.Path);
        Dictionary<string, long[]> stored = folder.Stored();
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), stored.Keys.Order(StringComparer.Ordinal));
        Assert.All(expected, e => Assert.Equal(e.Value, stored[e.Key]));
        using SafetensorsCheckpoint file = SafetensorsCheckpoint.Open(folder.Weights);
        if (ps)
        {
            Assert.Equal([0L, 1, 2, 3, 4, 5, 6, 10, 9, 8, 7, 11, 12, 13, 14, 15], file.ToArray<long>("lm_head.complement_map"));
        }

        JsonObject json = folder.Json;
        Assert.Equal(fused || !ps, (bool)json["fused_add_norm"]!);
        Assert.Equal(ps, (bool)json["rcps"]!);
    }

    [Fact]
    public void Read_PublishedKeys_AreUnderstood()
    {
        using var folder = new CheckpointFolder();
        File.WriteAllText(folder.Config, """
            {"d_model": 32, "n_layer": 3, "vocab_size": 12, "ssm_cfg": {"d_state": 8, "dt_rank": "auto", "expand": 2}, "rms_norm": true,
             "pad_vocab_size_multiple": 8, "norm_epsilon": 1e-6, "initializer_cfg": null, "bidirectional": "true,",
             "bidirectional_strategy": "ew_multiply", "bidirectional_weight_tie": false, "rcps": true, "fused_add_norm": false,
             "complement_map": {"7": 10, "8": 9, "9": 8, "10": 7, "11": 11}}
            """);
        ModelConfig config = ModelFile.ReadConfig(folder.Config).Config;
        Assert.Equal(
            new ModelConfig
            {
                DModel = 32,
                NLayer = 3,
                VocabSize = 16,
                Bidirectional = true,
                RcEquivariant = true,
                NormEps = 1e-6,
                Mamba = new MambaConfig { DState = 8, BidirectionalStrategy = "ew_multiply", TieProjections = false },
            },
            config);
        folder.Edit(json => json["fused_add_norm"] = true);
        Assert.True(ModelFile.ReadConfig(folder.Config).Config.RcpsSwapHalves);
        folder.Edit(json => json["rcps"] = false);
        Assert.False(ModelFile.ReadConfig(folder.Config).Config.RcpsSwapHalves);
    }

    private static void Same(SequenceModel model, string folder, bool sameConfig = true)
    {
        using SequenceModel loaded = ModelFile.Load(folder);
        if (sameConfig)
        {
            Assert.Equal(model.Config, loaded.Config);
        }

        Dictionary<string, nn.Parameter> parameters = loaded.named_parameters(remove_duplicate: false).ToDictionary(p => p.name, p => p.parameter);
        Assert.Equal(model.named_parameters(remove_duplicate: false).Count(), parameters.Count);
        Assert.All(model.named_parameters(remove_duplicate: false), p => Closeness.Bitwise(p.parameter, parameters[p.name], p.name));
        Assert.Equal(model.NumParameters, loaded.NumParameters);
    }
}
