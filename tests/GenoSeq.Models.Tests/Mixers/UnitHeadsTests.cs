using GenoSeq.Emulator;
using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Mixers;

/// <summary>Queries and keys of length 1 by the kernels on the emulated device, against libtorch's operators in double precision.</summary>
public sealed class UnitHeadsTests
{
    private const double Scale = 0.3, Epsilon = 1e-3;

    [Theory]
    [InlineData(1, 1, false)]
    [InlineData(33, 3, false)]
    [InlineData(33, 3, true)]
    public void Run_ColumnsOfAWiderTensor_IsTheOperators(int length, int heads, bool keysAlone)
    {
        const int Width = 24;
        using DisposeScope scope = NewDisposeScope();
        manual_seed(length);
        foreach (ScalarType type in new[] { bfloat16, float32 })
        {
            long all = 2L * heads * Width;
            Tensor around = full([2, length, all + 16], double.NaN, type);
            Tensor x = around.narrow(2, 8, all);
            x.copy_(randn([2, length, all]));
            Tensor wide = x.to(float64).requires_grad_();
            Tensor split = wide.reshape(2, length, 2, heads, Width);
            Tensor unit = split * split.square().sum([-1], true).add(Epsilon).rsqrt();
            Tensor[] truth = [unit.select(2, 0) * Scale, unit.select(2, 1)];
            Tensor[] slopes = [randn(truth[0].shape).to(type), randn(truth[0].shape).to(type)];
            int from = keysAlone ? 1 : 0;
            Tensor expected = autograd.grad(truth[from..], [wide], [.. slopes[from..].Select(t => t.to(float64))])[0]!;
            Tensor[]? before = null;
            foreach (EmulatedDevice device in new[] { new EmulatedDevice(), new EmulatedDevice { Resident = 3, Seed = 1 } })
            {
                Tensor leaf = x.detach().requires_grad_();
                (Tensor q, Tensor k) = UnitHeads.Run(device, leaf, heads, Scale, Epsilon);
                Tensor[] results = [q, k, autograd.grad(new[] { q, k }[from..], [leaf], slopes[from..])[0]!];
                foreach ((Tensor want, Tensor got) in new[] { truth[0], truth[1], expected }.Zip(results))
                {
                    double error = Math.Sqrt(((got.to(float64) - want).square().sum() / want.square().sum()).item());
                    Assert.True(error < (type == bfloat16 ? 3e-3 : 1e-6), $"{type}: off by {error:g3}");
                }

                Assert.True(before is null || before.Zip(results).All(r => r.First.equal(r.Second)));
                before = results;
            }
        }
    }
}
