using GenoSeq.Emulator;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Numerics.Tests.Kernels.Cuda;

/// <summary>What the forward scan does besides: dt_proj before it, the gate after it. Both must be as kernels of their own give, to the bit.</summary>
public sealed class ScanFusedTests
{
    private const int Channels = 40;

    [Theory]
    [InlineData(1, 16)]
    [InlineData(7, 8)]
    [InlineData(16, 24)]
    [InlineData(129, 32)]
    [InlineData(100, 40)]
    [InlineData(601, 16)]
    public void Scan_OfDt_IsTheScanOfItsProjection(int length, int rank)
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (bool options in (bool[])[false, true])
        {
            var p = new Problem(length, rank, options);
            foreach (ScanPlan plan in (ScanPlan[])[new(1), new(3), new(0)])
            {
                ScanForwardResult fused = ScanForwardKernels.Run(new EmulatedDevice(), p.Directions, p.Ids, true, true, plan, keepDelta: true);
                for (int i = 0; i < 2; i++)
                {
                    Tensor exact = p.Directions[i].Delta.to(float64).reshape(-1, rank).mm(p.Directions[i].DtProj!.to(float64).t()).reshape(fused.Delta![i].shape);
                    Assert.True(Numbers.NormError(Read(fused.Delta[i]), exact.ToArray<double>()) < 2e-3, $"delta of {length} steps, rank {rank}, {plan}");
                }

                ScanDirection[] given = [.. p.Directions.Select((d, i) => d with { Delta = fused.Delta![i], DtProj = null })];
                ScanForwardResult expected = ScanForwardKernels.Run(new EmulatedDevice(), given, p.Ids, true, true, plan, keepDelta: true);
                for (int i = 0; i < 2; i++)
                {
                    string what = $"{length} steps, rank {rank}, {plan}, direction {i}";
                    Same(expected.Y[i], fused.Y[i], what);
                    Same(expected.Checkpoints![i], fused.Checkpoints![i], what);
                    Same(expected.FinalState![i], fused.FinalState![i], what);
                    Same(given[i].Delta, expected.Delta![i], what);
                }
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(131)]
    [InlineData(600)]
    public void Gated_OneOrTwoDirections_IsWhatTheGatesKernelGives(int length)
    {
        using DisposeScope scope = NewDisposeScope();
        var p = new Problem(length, 16, length > 100);
        Tensor z = randn([2, length, 2 * Channels]).to(bfloat16).narrow(2, Channels, Channels);
        foreach (ScanPlan plan in (ScanPlan[])[new(1), new(8), new(0)])
        {
            foreach (int count in (int[])[1, 2])
            {
                ScanDirection[] directions = p.Directions[..count];
                ScanForwardResult plain = ScanForwardKernels.Run(new EmulatedDevice(), directions, p.Ids, false, true, plan);
                Tensor expected = empty_like(plain.Y[0]);
                GateKernels.Forward(new EmulatedDevice(), plain.Y[0], count > 1 ? plain.Y[1] : null, z, expected, false);
                (Tensor gated, Tensor[]? final, ScanSegments? segments) =
                    ScanForwardKernels.RunGated(new EmulatedDevice { Seed = 3 }, directions, p.Ids, z, true, plan, again: 1);
                Same(expected, gated, $"{length} steps, {count} directions, {plan}");
                for (int i = 0; i < count; i++) Same(plain.FinalState![i], final![i], "final state");
                Assert.Equal(plan.Segments > 0 && plan.Cut(length).Segments > 1, segments is not null);
                if (segments is not null) Again(p, directions, plan, segments, z.narrow(0, 1, 1));
            }
        }
    }

    // What the first pass found about its segments serves a second one of one batch entry, which has no pre-pass and gives the same bits.
    private static void Again(Problem p, ScanDirection[] directions, ScanPlan plan, ScanSegments segments, Tensor z)
    {
        ScanDirection[] last = [.. directions.Select(d => d with
        {
            U = d.U.narrow(0, 1, 1), Delta = d.Delta.narrow(0, 1, 1), B = d.B.narrow(0, 1, 1), C = d.C.narrow(0, 1, 1), InitialState = d.InitialState?.narrow(0, 1, 1),
        })];
        Tensor? ids = p.Ids?.narrow(0, 1, 1);
        ScanForwardResult expected = ScanForwardKernels.Run(new EmulatedDevice(), last, ids, true, true, plan, keepDelta: true, checkpointSteps: ScanShape.DenseSteps);
        var launched = new List<string>();
        var device = new EmulatedDevice { Processors = 1, Launched = (f, _) => launched.Add(f.Name) };
        ScanForwardResult actual = ScanForwardKernels.Run(device, last, ids, true, true, keepDelta: true, checkpointSteps: ScanShape.DenseSteps, segments: segments.Narrow(1, 1));
        Assert.Equal(["gs_scan_fwd_serial"], launched);
        for (int i = 0; i < last.Length; i++)
        {
            string what = $"again: {plan}, direction {i}";
            Same(expected.Y[i], actual.Y[i], what);
            Same(expected.Checkpoints![i], actual.Checkpoints![i], what);
            Same(expected.Delta![i], actual.Delta![i], what);
            Same(expected.FinalState![i], actual.FinalState![i], what);
        }

        // With the gate there and back behind them.
        (Tensor dgated, Tensor dz, Tensor fused) = (randn(last[0].U.shape).to(bfloat16), Like(), Like());
        Tensor g = dgated.clone();
        launched.Clear();
        ScanForwardResult both = ScanForwardKernels.RunThereAndBack(device, last, ids, z, g, fused, segments.Narrow(1, 1), ScanShape.DenseSteps);
        Assert.Equal(["gs_scan_fwd_serial", "gs_gate_bwd"], launched);
        GateKernels.Backward(new EmulatedDevice(), dgated, expected.Y[0], last.Length > 1 ? expected.Y[1] : null, z, dgated, dz, expected.Y[0]);
        Same(expected.Y[0], both.Y[0], "gated");
        Same(dgated, g, "g");
        Same(dz, fused, "dz");
        for (int i = 0; i < last.Length; i++)
        {
            Same(expected.Checkpoints![i], both.Checkpoints![i], "checkpoints");
            Same(expected.Delta![i], both.Delta![i], "delta");
        }

        Tensor Like() => zeros([1, z.size(1), 2 * Channels], bfloat16).narrow(2, 0, Channels);
    }

    [Theory]
    [InlineData(64, 1, true)]
    [InlineData(1536, 1, true)]
    [InlineData(1536, 4000, false)]
    [InlineData(40, 1, true)]
    public void FinalState_OfSegmentsAtOnce_IsTheScansAndTellsWhetherTheStateBeforeIsFelt(int length, float faster, bool feels)
    {
        using DisposeScope scope = NewDisposeScope();
        var p = new Problem(length, 16, false);
        foreach (ScanDirection given in p.Directions)
        {
            // Two batch entries; slow states feel what was before, fast ones do not.
            ScanDirection direction = given with { A = given.A * faster };
            Tensor felt = zeros([1], int32);
            Tensor expected = ScanForwardKernels.Run(new EmulatedDevice(), [direction], null, false, true).FinalState![0];
            Tensor actual = ScanForwardKernels.FinalState(new EmulatedDevice { Seed = 2 }, direction, felt);
            double error = Numbers.NormError(Read(actual), Read(expected));
            Assert.True(error < 2e-4, $"{length} steps: off by {error}");
            Assert.Equal(feels, felt.ToArray<int>()[0] == 1);
            Same(actual, ScanForwardKernels.FinalState(new EmulatedDevice(), direction), "without asking");
        }
    }

    [Fact]
    public void Scan_WeightThatDoesNotFit_IsNamed()
    {
        using DisposeScope scope = NewDisposeScope();
        var p = new Problem(4, 16, false);
        ScanDirection wrong = p.Directions[0] with { DtProj = zeros([Channels, 8], bfloat16) };
        ArgumentException e = Assert.Throws<ArgumentException>(() => ScanForwardKernels.Run(new EmulatedDevice(), [wrong], null, false, false));
        Assert.Contains("dt", e.Message, StringComparison.Ordinal);
    }

    private static void Same(Tensor expected, Tensor actual, string what) => Assert.True(
        expected.to(float32).ToArray<float>().AsSpan().SequenceEqual(actual.to(float32).ToArray<float>()), what);

    private static double[] Read(Tensor t) => [.. t.to(float32).contiguous().ToArray<float>().Select(v => (double)v)];

    // Two directions of two batch entries, rows of [dt, B, C] as x_proj leaves them.
    private sealed class Problem
    {
        internal Problem(int length, int rank, bool options)
        {
            manual_seed(length + rank);
            Directions = [Direction(false), Direction(true)];
            Ids = options ? tensor([.. Enumerable.Range(0, length).Select(t => (long)(t / 50))]).to(int32).expand([2, length]).contiguous() : null;

            ScanDirection Direction(bool reverse)
            {
                Tensor rows = randn([2, length, rank + 32]).to(bfloat16);
                Tensor states = arange(1, 17, dtype: float32).neg().expand([Channels, 16]);
                return new ScanDirection(randn([2, length, Channels]).to(bfloat16), rows.narrow(2, 0, rank), rows.narrow(2, rank, 16), rows.narrow(2, rank + 16, 16),
                    states.mul(rand([Channels, 16]) * 0.05).contiguous(), options ? randn([Channels]) : null, options ? randn([Channels]) : null, reverse,
                    options ? randn([2, Channels, 16]) : null)
                {
                    DtProj = (randn([Channels, rank]) * 0.2).to(bfloat16),
                };
            }
        }

        internal ScanDirection[] Directions { get; }

        internal Tensor? Ids { get; }
    }
}
