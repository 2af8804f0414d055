using GenoSeq.Emulator;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Numerics.Tests.Kernels.Cuda;

/// <summary>The backward scan alone, cut in many ways, on the emulator against the fp64 reference.</summary>
public sealed class ScanBackwardTests
{
    private const double F32 = 1e-5, Bf16 = 4e-3;

    [Theory]
    [InlineData(1, 1, 1, 1)]
    [InlineData(7, 4, 1, 1)]
    [InlineData(100, 2, 3, 1)]
    [InlineData(127, 1, 2, 2)]
    [InlineData(128, 4, 8, 1)]
    [InlineData(129, 4, 3, 3)]
    public void Backward_AnyCut_MatchesReference(int length, int warps, int segments, int split)
    {
        foreach ((bool f32, bool dense) in ((bool, bool)[])[(true, false), (true, true), (false, false), (false, true)])
        {
            foreach (bool options in (bool[])[true, false])
            {
                var c = new ScanCase
                {
                    Batch = 2,
                    Length = length,
                    Channels = 72,
                    Gate = false,
                    Initial = options,
                    FinalGradient = options,
                    Resets = options,
                    Gap = options ? 8 : 0,
                    Skip = options,
                    Bias = options,
                };
                Check(c, new ScanBackwardPlan(warps, segments, split), f32, 0.1, [false, true], dense: dense);
            }
        }
    }

    [Theory]
    [InlineData(0.003)]
    [InlineData(0.05)]
    [InlineData(1.0)]
    public void Backward_LongMemoryOverSegments_MatchesReference(double memory)
    {
        // Small A: the walk between segments leaves single steps for whole blocks early, and states reach over several segments.
        var c = new ScanCase { Batch = 1, Length = 1029, Channels = 40, Gate = false, FinalGradient = true };
        foreach (bool f32 in (bool[])[true, false])
        {
            Check(c, new ScanBackwardPlan(2, 3, 1), f32, memory, [true]);
        }
    }

    [Theory]
    [InlineData(48)]
    [InlineData(50)]
    public void Backward_ResetFarFromASegmentsEdge_MatchesReference(int after)
    {
        // Spans of 176 steps; the sequence changes some steps after an edge, at the start of a block of 16 steps or within one.
        var c = new ScanCase { Batch = 1, Length = 352, Channels = 40, Gate = false, FinalGradient = true };
        foreach (bool f32 in (bool[])[true, false])
        {
            Check(c, new ScanBackwardPlan(2, 2, 1), f32, 0.01, [false], [.. Enumerable.Range(0, 352).Select(t => t < 176 + after ? 0 : 1)]);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Backward_WarpsInAnyOrder_GivesTheSameBits(bool dense)
    {
        var c = new ScanCase { Batch = 2, Length = 200, Channels = 128, Gate = false, Initial = true, FinalGradient = true, Resets = true };
        var data = new ScanData(c, 5);
        var plan = new ScanBackwardPlan(4, 3, 2);
        Results expected = Run(c, data, plan, true, [false], new EmulatedDevice(), dense)[0];
        Results actual = Run(c, data, plan, true, [false], new EmulatedDevice { Resident = 3, Seed = 7 }, dense)[0];
        Numbers.AssertSame(actual, expected, "seed 7");
    }

    private static void Check(ScanCase c, ScanBackwardPlan plan, bool f32, double memory, bool[] directions, int[]? ids = null,
        bool dense = false)
    {
        var data = new ScanData(c, c.Length);
        if (ids is not null) data.Ids = ids;
        for (int i = 0; i < data.A.Length; i++) data.A[i] *= memory;
        if (!f32)
        {
            foreach (double[] values in (double[][])[data.U, data.Delta, data.B, data.C, data.DOut]) DeviceMemory.RoundToBf16(values);
        }

        Results[] actual = Run(c, data, plan, f32, directions, new EmulatedDevice(), dense);
        for (int i = 0; i < directions.Length; i++)
        {
            Results truth = ScanRunner.Run<double>(c with { Gap = 0, Reverse = directions[i] }, data, KernelPath.Reference);
            foreach ((string name, double[] values) in actual[i])
            {
                double error = Numbers.NormError(values, truth[name]);
                Assert.True(error <= (f32 ? F32 : Bf16), $"{c}, {plan}, {(f32 ? "fp32" : "bf16")}, dense {dense}, reverse {directions[i]}: {name} is off by {error:g3}");
            }
        }
    }

    private static Results[] Run(ScanCase c, ScanData data, ScanBackwardPlan plan, bool f32, bool[] reverse, EmulatedDevice device, bool dense)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor Rows(double[] values, int width)
        {
            var all = new float[c.Batch * c.Length * (width + c.Gap)];
            for (int i = 0; i < values.Length; i++) all[(i / width * (width + c.Gap)) + (i % width)] = (float)values[i];
            return tensor(all).reshape([c.Batch, c.Length, width + c.Gap]).to(f32 ? float32 : bfloat16).narrow(2, 0, width);
        }

        Tensor? Single(double[]? values, params long[] size) => values is null ? null : tensor([.. values.Select(v => (float)v)]).reshape(size);
        Tensor? ids = data.Ids is null ? null : tensor([.. data.Ids.Select(v => (long)v)]).to(int32).reshape([c.Batch, c.Length]);
        ScanDirection[] directions =
        [
            .. reverse.Select(r => new ScanDirection(
                Rows(data.U, c.Channels), Rows(data.Delta, c.Channels), Rows(data.B, c.States), Rows(data.C, c.States), Single(data.A, c.Channels, c.States)!,
                Single(data.D, c.Channels), Single(data.Bias, c.Channels), r, Single(data.Initial, c.Batch, c.Channels, c.States))),
        ];
        ScanForwardResult forward = ScanForwardKernels.Run(device, directions, ids, keepCheckpoints: true, wantFinalState: false,
            checkpointSteps: dense ? ScanShape.DenseSteps : ScanShape.CheckpointSteps);
        Tensor[] dB = [.. reverse.Select(_ => Rows(data.B, c.States))], dC = [.. reverse.Select(_ => Rows(data.B, c.States))];
        Tensor? dFinal = Single(data.DFinal, c.Batch, c.Channels, c.States);
        ScanGradients[] gradients = ScanBackwardKernels.Run(
            device, directions, ids, forward.Checkpoints!, [Rows(data.DOut, c.Channels)], dB, dC, dFinal is null ? null : [.. reverse.Select(_ => dFinal)],
            overDelta: directions[0].Delta.is_contiguous(), plan: plan);
        var results = new Results[reverse.Length];
        for (int i = 0; i < reverse.Length; i++)
        {
            ScanGradients g = gradients[i];
            Results r = results[i] = new Results();
            r.Put("du", Read(g.DU));
            r.Put("ddelta", Read(g.DDelta));
            r.Put("dA", Read(g.DA));
            r.Put("dB", Read(dB[i]));
            r.Put("dC", Read(dC[i]));
            if (g.DSkip is not null) r.Put("dD", Read(g.DSkip));
            if (g.DDtBias is not null) r.Put("dbias", Read(g.DDtBias));
            if (g.DInitialState is not null) r.Put("dinitial", Read(g.DInitialState));
        }

        return results;
    }

    private static double[] Read(Tensor t) => [.. t.to(float32).contiguous().ToArray<float>().Select(v => (double)v)];
}
