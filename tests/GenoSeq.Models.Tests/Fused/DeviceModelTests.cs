using GenoSeq.Emulator;
using GenoSeq.Models.Losses;
using GenoSeq.Models.Mixers.Fused;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Fused;

/// <summary>Whole models through the device path (on the emulated device) against the CPU's own path.</summary>
public sealed class DeviceModelTests
{
    private const int Length = 70;

    public static TheoryData<string, ModelConfig> Models() => new()
    {
        { "ph", Config(TestModels.Caduceus(false)) },
        { "ps, capped", Config(TestModels.Caduceus(true)) with { LogitCap = 2, ZLoss = 0.1 } },
        { "ps swapped, odd layers", Config(TestModels.Caduceus(true, true, 3)) },
        { "causal, capped", Config(TestModels.Causal()) with { LogitCap = 2, ZLoss = 0.1 } },
        { "norms, experts", Config(TestModels.Caduceus(false), m => m with { StabilityNorms = "weighted", DtRank = 3 }) with { Mlp = new MlpConfig { DFf = 24, Experts = 3, ExpertPeriod = 2 } } },
        { "untied, norms", Config(TestModels.Caduceus(false), m => m with { TieProjections = false, StabilityNorms = "plain", DtRank = 3 }) },
    };

    /// <summary>Settings that few models have.</summary>
    public static TheoryData<string, ModelConfig> RareModels() => new()
    {
        { "multiply", Config(TestModels.Caduceus(true), m => m with { BidirectionalStrategy = "ew_multiply" }) },
        { "biases", Config(TestModels.Caduceus(false), m => m with { Bias = true }) },
        { "three taps, no bias", Config(TestModels.Causal(), m => m with { DConv = 3, ConvBias = false }) },
    };

    [Theory]
    [Trait("Category", "Slow")]
    [MemberData(nameof(RareModels))]
    public void Device_SinglePrecisionRareSettings_GivesTheCpusLossAndGradients(string name, ModelConfig config) =>
        Device_SinglePrecision_GivesTheCpusLossAndGradients(name, config);

    [Theory]
    [MemberData(nameof(Models))]
    public void Device_SinglePrecision_GivesTheCpusLossAndGradients(string name, ModelConfig config)
    {
        using SequenceModel model = TestModels.Build(config);
        using DisposeScope scope = NewDisposeScope();
        foreach (Tensor? ids in new[] { null, Packs() })
        {
            Outcome cpu = Run(model, ids);
            Outcome device;
            using (new EmulatedDevice().Use())
            {
                device = Run(model, ids);
            }

            Assert.Equal(cpu.Loss, device.Loss, 1e-5 * Math.Abs(cpu.Loss));
            Closeness.Check(cpu.Hidden, device.Hidden, 1e-5, $"{name}: hidden");
            Assert.Equal(cpu.Gradients.Keys.Order(), device.Gradients.Keys.Order());
            Assert.All(cpu.Gradients, g => Closeness.Check(g.Value, device.Gradients[g.Key], 3e-5, $"{name}: {g.Key}"));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Memory_EveryPolicy_GivesTheSame(bool equivariant)
    {
        using SequenceModel model = TestModels.Build(Config(TestModels.Caduceus(equivariant), m => m with { StabilityNorms = equivariant ? "none" : "weighted", DtRank = 3 }));
        using DisposeScope scope = NewDisposeScope();
        using EmulatedDevice.Scope device = new EmulatedDevice().Use();
        Outcome expected = Run(model, null);
        long chunk = DeviceMambaLayer.ChunkTokens;
        (long slice, long backward) = (DeviceMambaLayer.SliceTokens, DeviceMambaLayer.BackwardSliceTokens);
        try
        {
            DeviceMambaLayer.ChunkTokens = 32;
            DeviceMambaLayer.SliceTokens = 2 * Length;
            DeviceMambaLayer.BackwardSliceTokens = Length;
            foreach (LayerMemory memory in Enum.GetValues<LayerMemory>())
            {
                model.SetMemory([memory, memory]);
                Outcome actual = Run(model, null);
                Assert.Equal(expected.Loss, actual.Loss, 1e-6 * Math.Abs(expected.Loss));
                Assert.All(expected.Gradients, g => Closeness.Check(g.Value, actual.Gradients[g.Key], 1e-5, $"{memory}: {g.Key}"));
            }
        }
        finally
        {
            DeviceMambaLayer.ChunkTokens = chunk;
            DeviceMambaLayer.SliceTokens = slice;
            DeviceMambaLayer.BackwardSliceTokens = backward;
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(31)]
    [InlineData(70)]
    public void TimeChunks_OfAnyLength_GiveTheSame(int chunk)
    {
        using SequenceModel model = TestModels.Build(Config(TestModels.Caduceus(false)));
        using DisposeScope scope = NewDisposeScope();
        using EmulatedDevice.Scope device = new EmulatedDevice().Use();
        int length = chunk < 3 ? 7 : Length;
        Outcome expected = Run(model, null, length);
        long before = DeviceMambaLayer.ChunkTokens;
        try
        {
            DeviceMambaLayer.ChunkTokens = chunk;
            model.SetMemory([LayerMemory.RecomputeTime, LayerMemory.RecomputeTime]);
            Outcome actual = Run(model, null, length);
            Closeness.Check(expected.Hidden, actual.Hidden, 1e-5, "hidden");
            Assert.All(expected.Gradients, g => Closeness.Check(g.Value, actual.Gradients[g.Key], 1e-5, g.Key));
        }
        finally
        {
            DeviceMambaLayer.ChunkTokens = before;
        }
    }

    // Long inputs, whose scans have segments of time: the backward pass, by slices of three entries, knows what the forward pass found about them.
    [Fact]
    public void KeepRows_OfScansWithSegments_HasNoSecondPrePass()
    {
        const int longer = 1040;
        using SequenceModel model = TestModels.Build(Config(TestModels.Caduceus(true)) with { NLayer = 1 });
        using DisposeScope scope = NewDisposeScope();
        model.SetComputeType(bfloat16);
        int prePasses = 0;
        using EmulatedDevice.Scope device = new EmulatedDevice { Processors = 2, Launched = (f, _) => prePasses += f.Name == "gs_scan_ends" ? 1 : 0 }.Use();
        model.SetMemory([LayerMemory.KeepDense]);
        Outcome expected = Run(model, null, longer);
        long before = DeviceMambaLayer.BackwardSliceTokens;
        try
        {
            DeviceMambaLayer.BackwardSliceTokens = 3 * longer;
            model.SetMemory([LayerMemory.KeepRows]);
            prePasses = 0;
            Outcome actual = Run(model, null, longer);
            Assert.Equal(2, prePasses); // the forward pass with gradients and the one without
            Assert.Equal(expected.Loss, actual.Loss, 1e-3 * Math.Abs(expected.Loss));
            Assert.All(expected.Gradients, g => Assert.True(Distance(g.Value, actual.Gradients[g.Key]) < 2e-2,
                $"{g.Key}: {Distance(g.Value, actual.Gradients[g.Key]):g3}"));
        }
        finally
        {
            DeviceMambaLayer.BackwardSliceTokens = before;
        }
    }

    // bf16 keeps 8 bits: a rounding of an activation is 2e-3 of its norm, and two layers add some; gradients sum over rows.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Device_Bfloat16_IsCloseToSinglePrecision(bool equivariant)
    {
        using SequenceModel model = TestModels.Build(Config(TestModels.Caduceus(equivariant)));
        using DisposeScope scope = NewDisposeScope();
        using EmulatedDevice.Scope device = new EmulatedDevice().Use();
        Outcome expected = Run(model, null);
        model.SetComputeType(bfloat16);
        Outcome actual = Run(model, null);
        Assert.Equal(bfloat16, actual.Hidden.dtype);
        Assert.Equal(expected.Loss, actual.Loss, 1e-2 * Math.Abs(expected.Loss));
        Assert.True(Distance(expected.Hidden, actual.Hidden) < 2e-2);
        Assert.All(expected.Gradients, g => Assert.True(Distance(g.Value, actual.Gradients[g.Key]) < 6e-2,
            $"{g.Key}: {Distance(g.Value, actual.Gradients[g.Key]):g3}"));
        Outcome again = Run(model, null);
        Assert.All(actual.Gradients, g => Closeness.Bitwise(g.Value, again.Gradients[g.Key], g.Key));
    }

    [Fact]
    public void Step_OnTheDevice_EqualsForward()
    {
        using SequenceModel model = TestModels.Build(Config(TestModels.Causal()));
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        using EmulatedDevice.Scope device = new EmulatedDevice().Use();
        Tensor ids = TestModels.Ids(TestModels.Sequences(2, 12));
        Tensor whole = model.forward(ids);
        using ModelState state = model.initial_state(2);
        for (int t = 0; t < 12; t++)
        {
            Closeness.Check(whole.select(1, t), model.step(ids.select(1, t), state), 1e-5, $"position {t}");
        }
    }

    [Fact]
    public void Device_AfterAPass_LeavesNoTensors()
    {
        using SequenceModel model = TestModels.Build(Config(TestModels.Caduceus(true)));
        using EmulatedDevice.Scope device = new EmulatedDevice().Use();
        long live = 0;
        for (int i = 0; i < 3; i++)
        {
            model.SetMemory([(LayerMemory)i, (LayerMemory)(i + 2)]);
            using (NewDisposeScope())
            {
                Run(model, null);
            }

            GC.Collect();
            GC.WaitForPendingFinalizers();
            Assert.True(i == 0 || DisposeScopeManager.Statistics.Live == live, $"pass {i} left {DisposeScopeManager.Statistics.Live - live} tensors");
            live = DisposeScopeManager.Statistics.Live;
        }
    }

    private static ModelConfig Config(ModelConfig config, Func<MambaConfig, MambaConfig>? mamba = null)
    {
        MambaConfig m = config.Mamba with { DState = 16 };
        return config with { DModel = 16, Mamba = mamba is null ? m : mamba(m) };
    }

    private static Tensor Packs() => TestModels.Ids([.. Enumerable.Range(0, 3).Select(b => Enumerable.Range(0, Length).Select(i => i / (20 + (9 * b))).ToArray())]);

    private static double Distance(Tensor expected, Tensor actual)
    {
        Tensor e = expected.to(float64);
        return (actual.to(float64) - e).norm().item() / e.norm().item();
    }

    private static Outcome Run(SequenceModel model, Tensor? packs, int length = Length)
    {
        model.zero_grad();
        Tensor ids = TestModels.Ids(TestModels.Sequences(3, length));
        int[][] wanted = TestModels.Sequences(3, length, seed: 8);
        Tensor targets = TestModels.Ids([.. wanted.Select(row => row.Select((t, i) => i % 3 == 0 ? t : -100).ToArray())]);
        LossTotals totals = model.Loss(ids, targets, null, packs, 0.01);
        totals.Sum.backward();
        Dictionary<string, Tensor> gradients = model.named_parameters().Where(p => p.parameter.grad is not null)
            .ToDictionary(p => p.name, p => p.parameter.grad!.clone());
        using IDisposable mode = no_grad();
        return new Outcome(totals.LossSum, model.ForwardHidden(ids, packs), gradients);
    }

    private sealed record Outcome(double Loss, Tensor Hidden, Dictionary<string, Tensor> Gradients);
}
