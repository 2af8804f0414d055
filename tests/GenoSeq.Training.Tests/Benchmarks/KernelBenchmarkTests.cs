using GenoSeq.Emulator;
using GenoSeq.Torch;
using GenoSeq.Training.Benchmarks;
using GenoSeq.Training.Tests.Engine;

namespace GenoSeq.Training.Tests.Benchmarks;

/// <summary>A GPU's benchmarks, on the emulated device: that each runs and says what it ran.</summary>
[Collection(EngineCollection.Name)]
public sealed class KernelBenchmarkTests
{
    public static TheoryData<string> Kernels() => [.. KernelBenchmark.Names];

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_EmulatedDevice_MeasuresEveryPass(string kernel)
    {
        using EmulatedDevice.Scope emulated = new EmulatedDevice().Use();
        using var device = new BenchDevice(Device.CPU);
        BenchSettings settings = Settings(kernel, ScalarType.BFloat16);
        KernelResult[] results = [.. new KernelBenchmark(device, settings).Run()];
        Assert.NotEmpty(results);
        Assert.All(results, r =>
        {
            Assert.True(r.Error is null, r.Error);
            Assert.Equal(settings.Repeats, r.Time!.Milliseconds.Count);
            Assert.NotEmpty(r.Launches);
            Assert.InRange(r.ResidentShare!.Value, 1e-9, 1);
            Assert.True(r.GigaPerSecond > 0);
            Assert.True(r.Bytes > 0);
        });
        if (kernel == "scan")
        {
            string[] kept = ["forward, checkpoints", "backward", "forward+backward"];
            Assert.Equal(["forward", .. kept, .. kept.Select(p => p + ", sparse")], results.Select(r => r.Pass).Distinct());
            Assert.All(results.Where(r => r.Pass == "backward"), r => Assert.True(r.Repeatable));
        }
    }

    [Theory]
    [InlineData(ScalarType.BFloat16, 1e-2)]
    [InlineData(ScalarType.Float32, 1e-5)]
    public void Errors_EmulatedDevice_AreSmall(ScalarType type, double atMost)
    {
        using EmulatedDevice.Scope emulated = new EmulatedDevice().Use();
        using var device = new BenchDevice(Device.CPU);
        IReadOnlyList<KernelError> errors = new KernelBenchmark(device, Settings("scan", type)).Errors();
        Assert.Equal(16, errors.Count);
        Assert.All(errors, e => Assert.InRange(e.RelativeNorm, 0, atMost));
    }

    [Fact]
    public void Timing_Median_IsTheMiddle()
    {
        Assert.Equal(2, new Timing([3, 1, 2]).Median);
        Assert.Equal(2.5, new Timing([4, 1, 2, 3]).Median);
        Assert.Equal(500, new Timing([2]).PerSecond(1));
    }

    private static BenchSettings Settings(string kernel, ScalarType type) =>
        new() { Kernels = [kernel], Batch = 1, Length = 40, Channels = 64, Quick = true, Type = type };
}
