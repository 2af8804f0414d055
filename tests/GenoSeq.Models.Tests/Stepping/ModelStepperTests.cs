using GenoSeq.Emulator;
using GenoSeq.Models.Mixers;
using GenoSeq.Models.Stepping;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Stepping;

/// <summary>Steps of generation against forward passes, on the CPU and on the emulated device.</summary>
public sealed class ModelStepperTests
{
    private const int Length = 40;

    private static readonly Dictionary<string, ModelConfig> s_configs = new()
    {
        ["mamba"] = TestModels.Causal("M", 2, 16) with { Mamba = new MambaConfig { DState = 16 } },
        ["mamba, odd sizes"] = TestModels.Causal("M", 2, 12) with { Mamba = new MambaConfig { DConv = 1, DState = 3, DtRank = 5, Bias = true, ConvBias = false, StabilityNorms = "plain" } },
        ["grouped attention"] = TestModels.Causal("A", 2, 16) with { Attention = new AttentionConfig { NHead = 4, NKvHead = 2, Bias = true, RopeScale = 2 } },
        ["window"] = TestModels.Causal("A", 2, 16) with { Attention = new AttentionConfig { NHead = 2, SlidingWindow = 7, RopeTheta = 0 }, LogitCap = 1 },
        ["no kernels"] = TestModels.Causal("M mamba2 S H", 4, 16) with { Recurrent = new RecurrentConfig { NHead = 2, DKey = 4 }, Mlp = new MlpConfig { DFf = 8, Experts = 3 } },
        ["hybrid"] = TestModels.Causal("M A", 3, 16) with
        {
            Mamba = new MambaConfig { DState = 4, StabilityNorms = "weighted" }, Mlp = new MlpConfig { DFf = 24, Bias = true }, TieEmbeddings = false,
        },
    };

    public static TheoryData<string, bool> Models()
    {
        var data = new TheoryData<string, bool>();
        foreach (string name in s_configs.Keys)
        {
            data.Add(name, false);
            if (name != "no kernels")
            {
                data.Add(name, true);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Step_AfterAnyPrompt_IsForward(string name, bool emulated)
    {
        using SequenceModel model = TestModels.Build(s_configs[name]);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor ids = TestModels.Ids(TestModels.Sequences(3, Length));
        Tensor expected = model.forward(ids);
        using ModelState prompt = model.initial_state(1);
        model.extend(ids.narrow(0, 1, 1).narrow(1, 0, 19), prompt);
        using EmulatedDevice.Scope device = emulated ? new EmulatedDevice { Seed = 5 }.Use() : default;
        using var stepper = new ModelStepper(model, 3);
        stepper.Reserve(Length);
        long bytes = stepper.StateBytes;
        // The rows are at different positions: the second goes on from a prompt.
        stepper.Load(1, prompt, 0, 19);
        for (int t = 0; t < Length; t++)
        {
            int[] at = [t, Math.Min(19 + t, Length - 1), t];
            stepper.Ids.copy_(tensor(at.Select((p, row) => (int)ids.select(0, row).select(0, p).ToInt64()).ToArray(), 3));
            stepper.Step();
            for (int row = 0; row < 3; row++)
            {
                if (row != 1 || 19 + t < Length)
                {
                    Closeness.Check(expected.select(0, row).select(0, at[row]), stepper.Logits.select(0, row), 1e-5, $"{name}, row {row}, position {at[row]}");
                }
            }
        }

        Assert.True(bytes == stepper.StateBytes || !stepper.CanBeCaptured);
    }

    public static TheoryData<string, bool> Families()
    {
        var data = new TheoryData<string, bool>();
        foreach (MixerFamily family in MixerFamilies.All)
        {
            data.Add(family.Name, false);
        }

        // A convolution by a kernel, no in_proj, a state that is not zero at first.
        foreach (string name in new[] { "gated-deltanet", "rwkv7", "titans-mlp" })
        {
            data.Add(name, true);
        }

        return data;
    }

    /// <summary>Rows at different positions, one behind a prompt that ends amid a chunk, one taken up anew: the numbers of a forward pass, in a state that stays as large.</summary>
    [Theory]
    [MemberData(nameof(Families))]
    public void Step_EveryFamily_IsForward(string name, bool emulated)
    {
        const int Prompt = 11, Steps = 12, Again = 4;
        ModelConfig config = TestModels.Causal(name, 2, 16) with { Recurrent = new RecurrentConfig { NHead = 2, DKey = 8, Chunk = 8, MemoryChunk = 5, Rank = name == "mamba3" ? 2 : 1 } };
        using SequenceModel model = TestModels.Build(config);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor ids = TestModels.Ids(TestModels.Sequences(2, Prompt + Steps));
        Tensor expected = model.forward(ids);
        using ModelState prompt = model.initial_state(1);
        model.extend(ids.narrow(0, 1, 1).narrow(1, 0, 7), prompt);
        model.extend(ids.narrow(0, 1, 1).narrow(1, 7, Prompt - 7), prompt);
        using EmulatedDevice.Scope device = emulated ? new EmulatedDevice().Use() : default;
        using var stepper = new ModelStepper(model, 2);
        MixerCost cost = MixerCost.Of(MixerFamilies.Find(name)!, config, 1);
        if (!cost.Grows)
        {
            Assert.Equal(2 * 2 * cost.StateBytes, stepper.StateBytes);
        }

        stepper.Load(1, prompt, 0, Prompt);
        for (int t = 0; t < Steps; t++)
        {
            if (t == Again)
            {
                stepper.Clear(0);
            }

            int[] at = [t < Again ? t : t - Again, Prompt + t];
            stepper.Ids.copy_(tensor(at.Select((p, row) => (int)ids.select(0, row).select(0, p).ToInt64()).ToArray(), 2));
            stepper.Step();
            for (int row = 0; row < 2; row++)
            {
                Closeness.Check(expected.select(0, row).select(0, at[row]), stepper.Logits.select(0, row), 1e-4, $"{name}, row {row}, position {at[row]}");
            }
        }
    }

    [Theory]
    [InlineData("mamba", false)]
    [InlineData("hybrid", false)]
    [InlineData("hybrid", true)]
    public void Step_AloneOrAmongOthers_GivesTheSameBits(string name, bool emulated)
    {
        using SequenceModel model = TestModels.Build(s_configs[name]);
        using DisposeScope scope = NewDisposeScope();
        using EmulatedDevice.Scope device = emulated ? new EmulatedDevice().Use() : default;
        int[] ids = [7, 8, 9, 10, 7, 7, 9];
        Tensor[] alone = Run(model, ids, 1);
        Tensor[] among = Run(model, ids, 6);
        Assert.All(Enumerable.Range(0, ids.Length), t => Closeness.Bitwise(alone[t], among[t], $"{name}, position {t}"));
    }

    [Fact]
    public void Reserve_FullCache_Grows()
    {
        using SequenceModel model = TestModels.Build(s_configs["hybrid"]);
        using var stepper = new ModelStepper(model, 2);
        Assert.False(stepper.Reserve(1024));
        long bytes = stepper.StateBytes;
        Assert.True(stepper.Reserve(1025));
        Assert.True(stepper.StateBytes > bytes);
        using SequenceModel bidirectional = TestModels.Build(TestModels.Caduceus(false));
        Assert.Throws<NotSupportedException>(() => new ModelStepper(bidirectional, 1));
    }

    [Theory]
    [InlineData(1, 0, 1)]
    [InlineData(0.7, 3, 1)]
    [InlineData(1.3, 0, 0.6)]
    [InlineData(0, 0, 1)]
    public void Sample_OnTheDevice_DrawsWhatTheCpuDraws(double temperature, int topK, double topP)
    {
        using SequenceModel model = TestModels.Build(s_configs["mamba"]);
        var rule = new SamplingRule([7, 8, 9, 10, 11], temperature, topK, topP, 12345);
        int[][] expected = Draw(model, rule);
        using EmulatedDevice.Scope device = new EmulatedDevice { Seed = 3 }.Use();
        int[][] actual = Draw(model, rule);
        Assert.Equal(expected, actual);
        Assert.All(expected.SelectMany(r => r), id => Assert.Contains(id, rule.Choices));
    }

    [Fact]
    public void Take_NoNumbers_IsAnError()
    {
        using SequenceModel model = TestModels.Build(s_configs["mamba"]);
        model.NormF.weight.AsSpan<float>()[0] = float.NaN;
        InvalidOperationException e = Assert.Throws<InvalidOperationException>(() => Draw(model, new SamplingRule([7, 8], 1, 0, 1, 1)));
        Assert.Contains("no numbers", e.Message, StringComparison.Ordinal);
        using EmulatedDevice.Scope device = new EmulatedDevice().Use();
        Assert.Throws<InvalidOperationException>(() => Draw(model, new SamplingRule([7, 8], 1, 0, 1, 1)));
    }

    private static int[][] Draw(SequenceModel model, SamplingRule rule)
    {
        using var stepper = new ModelStepper(model, 3);
        using var sampler = new TokenSampler(stepper, rule, 24);
        for (int row = 0; row < 3; row++)
        {
            sampler.Begin(row, row, 0, 7);
        }

        for (int t = 0; t < 24; t++)
        {
            sampler.Next();
        }

        return sampler.Take();
    }

    // The logits of the last row.
    private static Tensor[] Run(SequenceModel model, int[] ids, int rows)
    {
        using var stepper = new ModelStepper(model, rows);
        var logits = new Tensor[ids.Length];
        for (int t = 0; t < ids.Length; t++)
        {
            stepper.Ids.copy_(tensor(Enumerable.Range(0, rows).Select(r => r == rows - 1 ? ids[t] : 7 + ((t + r) % 4)).ToArray(), rows));
            stepper.Step();
            logits[t] = stepper.Logits.select(0, rows - 1).clone();
        }

        return logits;
    }
}
