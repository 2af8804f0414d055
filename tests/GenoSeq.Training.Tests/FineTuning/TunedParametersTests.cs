using GenoSeq.Emulator;
using GenoSeq.Models;
using GenoSeq.Models.Heads;
using GenoSeq.Training.Engine;
using GenoSeq.Training.FineTuning;
using GenoSeq.Training.Tests.Engine;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Tests.FineTuning;

[Collection(EngineCollection.Name)]
public sealed class TunedParametersTests
{
    public static TheoryData<string, FineTuningConfig> Modes() => new()
    {
        { "layer decay", new() { LayerDecay = 0.5, HeadLearningRate = 0.1 } },
        { "layers join", new() { UnfreezeEvery = 1 } },
        { "lora", new() { Mode = TuningMode.Lora, LoraRank = 2 } },
        { "probe", new() { Mode = TuningMode.Probe, Head = HeadKind.Mlp, HeadHidden = 3 } },
    };

    /// <summary>The device's optimizer with gradients in one place, on the emulator, is the CPU's.</summary>
    [Theory]
    [MemberData(nameof(Modes))]
    public void Step_WithKernels_IsThatOfTheCpu(string name, FineTuningConfig config)
    {
        (float[] expected, double[] norms) = Steps(config, false);
        using EmulatedDevice.Scope emulator = new EmulatedDevice().Use();
        (float[] actual, double[] given) = Steps(config, true);
        Assert.All(norms.Zip(given), p => Assert.Equal(p.First, p.Second, p.First * 1e-6));
        Assert.All(expected.Zip(actual), p => Assert.True(Math.Abs(p.First - p.Second) <= 2e-6, $"{name}: {p.First} and {p.Second}"));
    }

    /// <summary>A layer that joins late takes its first step as one that trains from then on.</summary>
    [Fact]
    public void Step_LayerThatJoins_TakesAFirstStep()
    {
        using TaskModel model = Build(new FineTuningConfig());
        using var tuned = new TunedParameters(model, new FineTuningConfig { UnfreezeEvery = 1, WeightDecay = 0 });
        nn.Parameter norm = model.Model.named_parameters().First(p => p.name == "layers.1.norm.weight").parameter;
        float before = norm.ToArray<float>()[0];
        for (int epoch = 0; epoch < 3; epoch++)
        {
            foreach (nn.Parameter p in model.Model.parameters().Concat(model.Head.parameters()))
            {
                p.grad = ones_like(p);
            }

            using Tensor _ = tuned.Step(0.01, 0, tuned.Deepest(epoch, 1));
            // Under an unchanging gradient Adam's steps are the rate, from the first one on; this layer joins after an epoch.
            Assert.Equal(before - (epoch < 1 ? 0 : epoch * 0.01f), norm.ToArray<float>()[0], 1e-4f);
        }
    }

    /// <summary>Rank times (inputs + outputs) of every projection of Mamba and attention, and the head.</summary>
    [Fact]
    public void Count_Lora_IsTheFactorsOfTheProjections()
    {
        using SequenceModel model = ModelFile.Create(new ModelConfig { DModel = 8, NLayer = 2, Layout = "A M", Attention = new AttentionConfig { NHead = 2 }, Mamba = new MambaConfig { DState = 4 } });
        using var adapters = new LoraAdapters(model, 3, 6);
        string[] changed = [.. adapters.Parameters.Select(p => p.Name).Where(n => n.EndsWith("lora_A", StringComparison.Ordinal))
            .Select(n => n.Split('.')[^3]).Distinct().Order(StringComparer.Ordinal)];
        Assert.Equal(["in_proj", "k_proj", "o_proj", "out_proj", "q_proj", "v_proj", "x_proj"], changed);
        long expected = model.named_parameters().Where(p => p.name.EndsWith("_proj.weight", StringComparison.Ordinal) && !p.name.EndsWith("dt_proj.weight", StringComparison.Ordinal))
            .Sum(p => 3 * (p.parameter.size(0) + p.parameter.size(1)));
        Assert.Equal(expected, adapters.Parameters.Sum(p => p.Value.numel()));
    }

    [Fact]
    public void Read_StepThatIsNotFinite_IsNamed()
    {
        using var numbers = new StepNumbers();
        numbers.Add(4, scalar(0.5), tensor([2.0, 1.0]));
        Assert.Equal((0.5, 2.0), numbers.Read());
        numbers.Add(5, scalar(0.25), tensor([1.0, 1.0]));
        numbers.Add(6, scalar(0.25), tensor([double.NaN, 0.0]));
        numbers.Add(7, scalar(0.25), tensor([1.0, 1.0]));
        TrainingDivergedException e = Assert.Throws<TrainingDivergedException>(() => numbers.Read());
        Assert.Contains("step 7", e.Message, StringComparison.Ordinal);
    }

    private static (float[] Weights, double[] Norms) Steps(FineTuningConfig config, bool kernels)
    {
        Assert.Equal(kernels, GenoSeq.Models.Kernels.Cuda.KernelDevices.Of(zeros([1])) is not null);
        using TaskModel model = Build(config);
        using var tuned = new TunedParameters(model, config);
        var norms = new List<double>();
        for (int step = 0; step < 4; step++)
        {
            manual_seed(100 + step);
            foreach (nn.Parameter p in model.Model.parameters().Concat(model.Head.parameters()))
            {
                Tensor g = randn(p.shape);
                if (p.grad is { } there)
                {
                    there.copy_(g);
                }
                else
                {
                    p.grad = g;
                }
            }

            tuned.TakeGradients();
            norms.Add(tuned.Step(0.01, 1, tuned.Deepest(step, config.UnfreezeEvery)).ToArray<double>()[0]);
            tuned.Apply();
        }

        return ([.. model.Model.parameters().Concat(model.Head.parameters()).SelectMany(p => p.detach().ToArray<float>())], [.. norms]);
    }

    private static TaskModel Build(FineTuningConfig config)
    {
        manual_seed(3);
        SequenceModel model = ModelFile.Create(new ModelConfig { DModel = 8, NLayer = 2, Mamba = new MambaConfig { DState = 4 } });
        var head = new TaskHead(new HeadConfig { Hidden = config.HeadHidden, Outputs = 2 }, 8);
        return new TaskModel(model, head, new TaskDescription { LabelNames = ["0", "1"], Head = head.Config });
    }
}
