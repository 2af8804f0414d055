using GenoSeq.Emulator;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Numerics.Tests.Kernels.Cuda;

/// <summary>The scan as the models launch it, both directions at once, on the emulator against the fp64 reference.</summary>
public sealed class ScanLaunchTests
{
    // Relative norms. bf16: rounding of the outputs is 1.7e-3; the final state, in single precision, feels only the segments' pre-pass.
    private const double F32 = 1e-5, Bf16 = 4e-3, Bf16State = 3e-5;

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(129)]
    [InlineData(1029)]
    public void Scan_AnyLength_MatchesReference(int length)
    {
        for (int variant = 0; variant < 4; variant++)
        {
            var c = new ScanCase
            {
                Batch = length < 200 ? 2 : 1,
                Length = length,
                Channels = variant == 0 ? 40 : 24,
                Gate = false,
                Initial = variant > 1,
                FinalGradient = variant > 1,
                Resets = variant == 2,
            };
            foreach (ScanPlan plan in (ScanPlan[])[new(0), new(0, Groups: 1), new(1), new(5)])
                Check(c, plan, f32: variant < 3, memory: variant == 1 ? 0.02 : 0.5, backward: plan.Segments != 1 && variant > 0);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void Scan_StridedRowsWithoutOptions_MatchesReference(int segments)
    {
        var c = new ScanCase { Batch = 2, Length = 131, Channels = 72, Gap = 16, Gate = false, Skip = false, Bias = false };
        Check(c, new ScanPlan(segments), f32: false, memory: 0.02, backward: true);
        Check(c with { Gap = 8 }, new ScanPlan(segments), f32: true, memory: 0.02, backward: false);
        Check(c, new ScanPlan(segments), f32: false, memory: 0.02, backward: true, ScanShape.DenseSteps);
    }

    [Fact]
    public void Scan_LanesAndWarpsInAnyOrder_GivesTheSameBits()
    {
        var c = new ScanCase { Batch = 2, Length = 200, Channels = 32, Gate = false, Initial = true, Resets = true };
        var data = new ScanData(c, 5);
        foreach (int segments in (int[])[0, 3])
        {
            Results[] expected = Run(c, data, new ScanPlan(segments), true, false, new EmulatedDevice());
            Results[] actual = Run(c, data, new ScanPlan(segments), true, false, new EmulatedDevice { Resident = 5, Seed = 3 });
            for (int i = 0; i < 2; i++) Numbers.AssertSame(actual[i], expected[i], $"{segments} segments");
        }
    }

    [Fact]
    public void Plan_ByShape_FillsTheDevice()
    {
        Assert.Equal(1, For(2, 256, 1024).Segments);
        Assert.Equal(1, For(1, 64, 1024).Segments);
        Assert.Equal(0, For(1, 8, 8192).Segments);
        Assert.Equal(0, For(1, 1, 2048).Segments);
        Assert.Equal(33, For(2, 2, 131072).Segments);
        Assert.Equal(123, For(1, 1, 131072).Segments);
        Assert.Equal(264, For(1, 1, 1 << 20).Segments);
        Assert.Equal(66, ForGated(2, 131072).Segments); // one direction at a time
        Assert.Equal(4, ForGated(32, 131072).Segments);
        Assert.Equal(1, ForGated(256, 1024).Segments);
        Assert.Equal(12, For(1, 8, 8192, dense: true).Segments);

        // A second run, of one entry at a time, has the first one's segments, if they suit it.
        Assert.Equal(132, ForGated(2, 1 << 20, again: 1).Segments);
        Assert.True(new ScanPlan(132).IsWorthKeeping(Two(1, 1 << 20), 132));
        Assert.False(new ScanPlan(4).IsWorthKeeping(Two(1, 131072), 132));
        Assert.Equal((98, 10704), new ScanPlan(98).Cut(1 << 20));
        Assert.Equal((2, 16), new ScanPlan(5).Cut(17));

        static ScanPlan For(int scans, int batch, int length, bool dense = false) =>
            ScanPlan.For(new ScanShape(scans, batch, length, 512, bfloat16, CPU), 132, dense);
        static ScanPlan ForGated(int batch, int length, int again = 0) => ScanPlan.ForGated(Two(batch, length), 132, again);
        static ScanShape Two(int batch, int length) => new(2, batch, length, 512, bfloat16, CPU);
    }

    [Fact]
    public void Scan_OfNothing_PassesStatesThrough()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = zeros([2, 0, 16], bfloat16), states = ones([2, 16, 16]);
        var x = new ScanDirection(rows, rows, rows, rows, zeros([16, 16]), null, null, false, states);
        ScanForwardResult r = ScanForwardKernels.Run(new EmulatedDevice(), [x], null, keepCheckpoints: true, wantFinalState: true);
        Assert.Equal(states.ToArray<float>(), r.FinalState![0].ToArray<float>());
        ScanGradients g = ScanBackwardKernels.Run(new EmulatedDevice(), [x], null, r.Checkpoints, [rows], [rows], [rows], [states])[0];
        Assert.Equal(states.ToArray<float>(), g.DInitialState!.ToArray<float>());
        Assert.Equal(new float[256], g.DA.ToArray<float>());
    }

    [Fact]
    public void Scan_TensorsThatDoNotFit_AreNamed()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = zeros([2, 4, 16]), a = zeros([16, 16]);
        var good = new ScanDirection(rows, rows, rows, rows, a, null, null, false, null);
        Throws("delta", good with { Delta = zeros([2, 5, 16]) });
        Throws("C", good with { C = zeros([2, 4, 18]).narrow(2, 1, 16) });
        Throws("A", good with { A = zeros([16, 8]) });
        Throws("d_inner is 12", good with { U = zeros([2, 4, 12]) });

        static void Throws(string part, ScanDirection x)
        {
            ArgumentException e = Assert.Throws<ArgumentException>(() => ScanForwardKernels.Run(new EmulatedDevice(), [x], null, false, false));
            Assert.Contains(part, e.Message, StringComparison.Ordinal);
        }
    }

    private static void Check(ScanCase c, ScanPlan plan, bool f32, double memory, bool backward, int checkpointSteps = ScanShape.CheckpointSteps)
    {
        var data = new ScanData(c, c.Length);
        for (int i = 0; i < data.A.Length; i++) data.A[i] *= memory; // small: states last over several segments
        if (!f32)
        {
            foreach (double[]? values in (double[]?[])[data.U, data.Delta, data.B, data.C, data.DOut]) DeviceMemory.RoundToBf16(values);
        }

        Results[] actual = Run(c, data, plan, f32, backward, new EmulatedDevice(), checkpointSteps);
        for (int i = 0; i < 2; i++)
        {
            Results truth = ScanRunner.Run<double>(c with { Gap = 0, Reverse = i == 1 }, data, KernelPath.Reference);
            foreach ((string name, double[] values) in actual[i])
            {
                double error = Numbers.NormError(values, truth[name]);
                Assert.True(error <= (f32 ? F32 : name == "final" ? Bf16State : Bf16), $"{c}, {plan}, {(f32 ? "fp32" : "bf16")}, direction {i}: {name} is off by {error:g3}");
            }
        }
    }

    private static Results[] Run(ScanCase c, ScanData data, ScanPlan plan, bool f32, bool backward, EmulatedDevice device,
        int checkpointSteps = ScanShape.CheckpointSteps)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor Rows(double[] values, int width) => Strided(values, c, width).to(f32 ? float32 : bfloat16) is var dense && c.Gap == 0
            ? dense
            : dense.narrow(2, 0, width);
        Tensor? Single(double[]? values, params long[] size) => values is null ? null : tensor([.. values.Select(v => (float)v)]).reshape(size);
        Tensor? ids = data.Ids is null ? null : tensor([.. data.Ids.Select(v => (long)v)]).to(int32).reshape([c.Batch, c.Length]);
        ScanDirection Direction(bool reverse) => new(
            Rows(data.U, c.Channels), Rows(data.Delta, c.Channels), Rows(data.B, c.States), Rows(data.C, c.States), Single(data.A, c.Channels, c.States)!,
            Single(data.D, c.Channels), Single(data.Bias, c.Channels), reverse, Single(data.Initial, c.Batch, c.Channels, c.States));
        ScanDirection[] directions = [Direction(false), Direction(true)];
        ScanForwardResult forward = ScanForwardKernels.Run(device, directions, ids, backward, wantFinalState: true, plan, checkpointSteps: checkpointSteps);
        Results[] results = [new Results(), new Results()];
        for (int i = 0; i < 2; i++)
        {
            results[i].Put("out", Read(forward.Y[i]));
            results[i].Put("final", Read(forward.FinalState![i]));
        }

        if (!backward) return results;
        Tensor[] dB = [Rows(data.B, c.States), Rows(data.B, c.States)], dC = [Rows(data.B, c.States), Rows(data.B, c.States)];
        Tensor? dFinal = Single(data.DFinal, c.Batch, c.Channels, c.States);
        ScanGradients[] gradients = ScanBackwardKernels.Run(
            device, directions, ids, forward.Checkpoints!, [Rows(data.DOut, c.Channels)], dB, dC, dFinal is null ? null : [dFinal, dFinal]);
        for (int i = 0; i < 2; i++)
        {
            ScanGradients g = gradients[i];
            results[i].Put("du", Read(g.DU));
            results[i].Put("ddelta", Read(g.DDelta));
            results[i].Put("dA", Read(g.DA));
            results[i].Put("dB", Read(dB[i]));
            results[i].Put("dC", Read(dC[i]));
            if (g.DSkip is not null) results[i].Put("dD", Read(g.DSkip));
            if (g.DDtBias is not null) results[i].Put("dbias", Read(g.DDtBias));
            if (g.DInitialState is not null) results[i].Put("dinitial", Read(g.DInitialState));
        }

        return results;
    }

    private static Tensor Strided(double[] values, ScanCase c, int width)
    {
        var all = new float[c.Batch * c.Length * (width + c.Gap)];
        for (int i = 0; i < values.Length; i++) all[(i / width * (width + c.Gap)) + (i % width)] = (float)values[i];
        return tensor(all).reshape([c.Batch, c.Length, width + c.Gap]);
    }

    private static double[] Read(Tensor t) => [.. t.to(float32).contiguous().ToArray<float>().Select(v => (double)v)];
}
