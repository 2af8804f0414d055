using GenoSeq.Emulator;
using GenoSeq.Models.Losses;
using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Models.Mixers.Fused;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Mixers;

/// <summary>Models of recurrent mixers on the emulated device, where activations are bfloat16 under that policy, against the CPU path.</summary>
public sealed class DeviceRecurrentTests
{
    [Theory]
    [InlineData("mamba2", true)]
    [InlineData("mlstm", false)]
    [InlineData("gated-deltanet", false)]
    [InlineData("gla", false)]
    [InlineData("rg-lru", true)]
    [InlineData("s4d", false)]
    [InlineData("hyena", true)]
    [InlineData("h3", false)]
    [InlineData("hyena-se hyena-mr hyena-li", false)]
    [InlineData("mamba3", false)]
    [InlineData("slstm", false)]
    public void Step_EitherPrecisionAndMemory_IsTheCpuPaths(string mixer, bool bothStrands)
    {
        using SequenceModel model = Build(mixer, bothStrands);
        using DisposeScope scope = NewDisposeScope();
        Tensor packed = tensor([.. Enumerable.Range(0, 2 * 40).Select(i => i / 13)], 2, 40);
        (Tensor loss, Dictionary<string, Tensor> expected) = Run(model, LayerMemory.KeepAll, packed);
        model.SetComputeType(bfloat16);
        (_, Dictionary<string, Tensor> rounded) = Run(model, LayerMemory.KeepAll, packed);
        model.SetComputeType(float32);
        using EmulatedDevice.Scope device = new EmulatedDevice().Use();
        foreach (LayerMemory memory in new[] { LayerMemory.KeepAll, LayerMemory.Recompute })
        {
            (Tensor again, Dictionary<string, Tensor> actual) = Run(model, memory, packed);
            Closeness.Check(loss, again, 1e-5, $"{mixer}: loss");
            Assert.All(expected, g => Closeness.Check(g.Value, actual[g.Key], 2e-4, $"{mixer}, {memory}: {g.Key}"));
        }

        model.SetComputeType(bfloat16);
        (Tensor rough, Dictionary<string, Tensor> half) = Run(model, LayerMemory.KeepAll, packed);
        Closeness.Check(loss, rough, 5e-3, $"{mixer}: loss in half precision");
        (Tensor later, Dictionary<string, Tensor> recomputed) = Run(model, LayerMemory.Recompute, packed);
        Closeness.Check(rough, later, 1e-5, $"{mixer}: loss in half precision, recomputed");
        // With an MLP the gradient of the mixer's output is the sum of two that are rounded to bfloat16 by themselves (the same model without one is within 1e-3).
        Assert.InRange(Distance(half.Values, recomputed.Values), 0, model.Layers[0].Mlp is null ? 1e-3 : 5e-3);
        Assert.All(half.Values, g => Assert.True(g.isfinite().all().ToInt64() == 1));
        // Close to single precision, and no farther than the CPU path that rounds at matrix products alone, or at most some times.
        Assert.InRange(Distance(expected.Values, half.Values), 0, Math.Min(0.1, 0.03 + (3 * Distance(expected.Values, rounded.Values))));
    }

    /// <summary>Engines whose own tests are among the default ones.</summary>
    [Theory]
    [Trait("Category", "Slow")]
    [InlineData("rwkv7", true)]
    [InlineData("titans", false)]
    public void Step_OfSlowOnes_IsTheCpuPaths(string mixer, bool bothStrands) => Step_EitherPrecisionAndMemory_IsTheCpuPaths(mixer, bothStrands);

    [Fact]
    public void Step_SeveralStretches_LeavesNoTensorBehind()
    {
        using SequenceModel model = Build("mamba2", true);
        long elements = SegmentedRecurrence.Elements;
        SegmentedRecurrence.Elements = 1;
        try
        {
            Step();
            long before = DisposeScopeManager.Statistics.Live;
            Step();
            Assert.Equal(before, DisposeScopeManager.Statistics.Live);
        }
        finally
        {
            SegmentedRecurrence.Elements = elements;
        }

        void Step()
        {
            using DisposeScope scope = NewDisposeScope();
            Run(model, LayerMemory.KeepAll, null);
            model.zero_grad();
        }
    }

    private static SequenceModel Build(string mixer, bool bothStrands)
    {
        manual_seed(11);
        return TestModels.Build(TestModels.Causal() with
        {
            DModel = 16,
            Layout = mixer,
            NLayer = Math.Max(2, mixer.Split(' ').Length),
            // As HyenaDNA.
            Norm = mixer == "hyena" ? "layer" : "rms",
            Mlp = mixer == "hyena" ? new MlpConfig { Kind = "gelu", DFf = 24, Bias = true } : null,
            Hyena = new HyenaConfig { LMax = 48, FilterOrder = 8, ActivationFreq = 1, MrLength = 20 },
            // The heads' norm has slopes up to 1 / sqrt(eps) where a head reads next to nothing, which random weights often make it do: no type's digits are
            // enough for gradients there (docs/numerics.md).
            NormEps = 0.01,
            Bidirectional = bothStrands,
            RcEquivariant = bothStrands,
            Recurrent = new RecurrentConfig { NHead = 2, DKey = mixer switch { "s4d" => 4, "mamba2" => 16, _ => 8 }, Chunk = 16 },
        });
    }

    private static (Tensor Loss, Dictionary<string, Tensor> Gradients) Run(SequenceModel model, LayerMemory memory, Tensor? packed)
    {
        model.zero_grad();
        model.SetMemory([.. model.Layers.Select(_ => memory)]);
        LossTotals loss = model.Loss(Ids(7), Ids(8), sequenceIds: packed);
        loss.Sum.backward();
        return (loss.Sum.detach().reshape(1), model.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad!.clone()));
    }

    private static Tensor Ids(int seed) => TestModels.Ids(TestModels.Sequences(2, 40, seed: seed));

    // Norm of the differences over the norm, over all gradients together.
    private static double Distance(IEnumerable<Tensor> expected, IEnumerable<Tensor> actual) => Math.Sqrt(
        expected.Zip(actual).Sum(p => (p.First - p.Second).square().sum().ToDouble()) / expected.Sum(e => e.square().sum().ToDouble()));
}
