using GenoSeq.Emulator;
using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Mixers;

/// <summary>Mamba-3's engine by the kernels of E2 on the emulated device against libtorch's operators in double precision, which are the loop's (DeltaEngineTests).</summary>
public sealed class TrapezoidKernelTests
{
    private const int Heads = 2, N = 16, P = 16;

    /// <summary>Elements of 1: stretches of one of the kernels' chunks. Ids begin a sequence where a stretch begins, too.</summary>
    [Theory]
    [InlineData(1, 147, false, false, 1 << 24)]
    [InlineData(1, 150, true, true, 1)]
    [InlineData(2, 75, true, true, 1)]
    [InlineData(3, 5, false, true, 1 << 24)]
    public void Run_EitherPrecision_IsTheOperators(int rank, int length, bool packed, bool hasState, long elements)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(length);
        Tensor? ids = null;
        if (packed)
        {
            Tensor first = randint(0, 20, [2, length], int64).eq(0).to(int32);
            first.select(1, 64).fill_(1);
            ids = first.cumsum(1).to(int32);
        }

        Tensor?[] inputs = Inputs(rank, length, ids, hasState);
        long before = SegmentedRecurrence.Elements;
        try
        {
            foreach (ScalarType type in new[] { bfloat16, float32 })
            {
                Tensor?[] x = [.. inputs.Select((t, i) => i < 3 ? t!.to(type) : t)];
                SegmentedRecurrence.Elements = 1 << 24;
                Tensor[] truth = Results(null, [.. x.Select(t => t?.to(float64))], ids);
                // Gradients of angles and steps sum what cancels over the positions: bfloat16 leaves fewer digits there, to the operators as well.
                Tensor[] operators = type == bfloat16 ? Results(null, x, ids) : truth;
                SegmentedRecurrence.Elements = elements;
                Tensor[] ours = Results(new EmulatedDevice(), x, ids);
                for (int i = 0; i < truth.Length; i++)
                {
                    (double error, double theirs) = (Error(ours[i], truth[i]), Error(operators[i], truth[i]));
                    Assert.True(error < (type == bfloat16 ? Math.Max(8e-3, 1.5 * theirs) : 1e-5), $"{type}, result {i}: off by {error:g3}, the operators by {theirs:g3}");
                }
            }
        }
        finally
        {
            SegmentedRecurrence.Elements = before;
        }
    }

    [Fact]
    public void RunningSums_AnyLength_AreSums()
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (long length in new long[] { 1, 64, 65, 192, 4200 })
        {
            Tensor t = randn([2, length, 3], float64).requires_grad_();
            Closeness.Check(t.cumsum(1), RunningSums.Of(t), 1e-12, $"{length} positions");
            Tensor w = randn([2, length, 3], float64);
            Closeness.Check(autograd.grad([t.cumsum(1)], [t], [w])[0]!, autograd.grad([RunningSums.Of(t)], [t], [w])[0]!, 1e-12, $"{length} positions: gradient");
        }
    }

    private static double Error(Tensor actual, Tensor truth) =>
        Math.Sqrt(((actual.to(float64) - truth).square().sum() / truth.square().sum().clamp(min: 1e-12)).item());

    // y, the last state, and the gradients of a weighted sum of both.
    private static Tensor[] Results(EmulatedDevice? device, Tensor?[] values, Tensor? ids)
    {
        Tensor?[] x = Array.ConvertAll(values, t => t?.detach().requires_grad_());
        using EmulatedDevice.Scope use = device is null ? default : device.Use();
        int launches = 0;
        device?.Launched = (_, _) => launches++;
        (Tensor y, Tensor last) = Trapezoid.Run(new Trapezoid.Inputs(x[0]!, x[1]!, x[2]!, x[3]!, x[4]!, x[5]!, x[6]!, x[7]!),
            new Trapezoid.Constants(x[8]!, x[9]!, x[10], x[11]!), x[12], ids, 16);
        Assert.Equal(device is not null, launches > 0);
        Tensor dy = arange(0, y.numel()).to(float32).mul(0.7).sin().reshape(y.shape).to(bfloat16).to(y.dtype);
        Tensor dlast = arange(0, last.numel()).to(float32).mul(0.3).cos().reshape(last.shape).to(last.dtype);
        Tensor?[] gradients = autograd.grad([y, last], [.. x.OfType<Tensor>()], [dy, dlast]);
        return [y.detach(), last.detach(), .. gradients.OfType<Tensor>()];
    }

    private static Tensor?[] Inputs(int rank, int length, Tensor? ids, bool hasState)
    {
        Tensor Random(params long[] shape) => randn([2, length, .. shape]);
        Tensor rho = Random(Heads).sigmoid();
        return
        [
            Random(1, rank, N), Random(1, rank, N) * Math.Pow(N, -0.5), Random(Heads, P), Random(Heads).exp().mul(-0.1), Random(Heads).sigmoid(),
            ids is null ? rho : rho * DiagonalScan.Continues(cat([ids.narrow(1, 0, 1), ids], 1), float32),
            Random(Heads).sigmoid(), Random(N / 4), randn([Heads, rank, N]), randn([Heads, rank, N]) * Math.Pow(N, -0.5),
            rank == 1 ? null : randn([Heads, rank, P]), randn([Heads]), hasState ? randn([2, Heads, N + rank, P + rank]) : null,
        ];
    }
}
