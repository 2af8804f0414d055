using GenoSeq.Emulator;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Mixers;

/// <summary>The states between chunks on the emulated device against a loop in double precision.</summary>
public sealed class StatePassKernelTests
{
    /// <summary>The longest is longer than what a warp has in flight; with 80 elements a second warp is not full, and a warp's elements have 4 numbers.</summary>
    [Theory]
    [InlineData(1, 1, 16, true)]
    [InlineData(21, 5, 16, true)]
    [InlineData(21, 3, 48, false)]
    [InlineData(300, 5, 16, true)]
    public void Run_EitherDirection_IsTheLoop(int chunks, int numbers, int share, bool hasState)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(chunks + share);
        Tensor own = randn([2, chunks, numbers, share]).to(bfloat16).to(float32), through = rand([2, chunks, numbers]).sqrt();
        Tensor? before = hasState ? randn([2, numbers, share]) : null;
        foreach (bool back in new[] { false, true })
        {
            (Tensor entering, Tensor end) = Loop(own.to(float64), through.to(float64).unsqueeze(-1), before?.to(float64), back);
            foreach (ScalarType type in new[] { bfloat16, float32 })
            {
                foreach (int segments in new[] { 1, 2, 5 })
                {
                    (Tensor states, Tensor last) = Run(new EmulatedDevice());
                    Closeness.Check(entering, states, type == bfloat16 ? 8e-3 : 1e-6, $"{type}, back {back}, {segments}: states");
                    Closeness.Check(end, last, 1e-6, $"{type}, back {back}, {segments}: last");
                    (Tensor again, Tensor lastAgain) = Run(new EmulatedDevice { Seed = 3, Resident = 4 });
                    Assert.True(states.equal(again) && last.equal(lastAgain));

                    (Tensor States, Tensor Last) Run(EmulatedDevice device)
                    {
                        var result = (own.to(type).clone(), full([2, numbers, share], double.NaN));
                        StatePassKernels.ForcedSegments = segments;
                        try
                        {
                            StatePassKernels.Run(device, result.Item1, through, before, result.Item2, back);
                        }
                        finally
                        {
                            StatePassKernels.ForcedSegments = 0;
                        }

                        return result;
                    }
                }
            }
        }
    }

    /// <summary>GLA and Mamba-2 at d_model 256 fill an H100 with one window; a narrow model of long windows does not.</summary>
    [Fact]
    public void Segments_AreCutWhereTheyPay()
    {
        Assert.InRange(StatePassKernels.Segments(128, 65536, 2, 132), 4, 6);
        Assert.Equal(1, StatePassKernels.Segments(512, 16384, 2, 132));
        Assert.Equal(1, StatePassKernels.Segments(2048, 512, 2, 132));
        Assert.InRange(StatePassKernels.Segments(32, 65536, 2, 132), 8, 32);
        Assert.InRange(StatePassKernels.Segments(4, 65536, 2, 132), 32, 64);
        Assert.Equal(1, StatePassKernels.Segments(4, 200, 2, 132));
    }

    [Fact]
    public void Run_NumbersThatAreNotOfSixteenElements_IsRefused()
    {
        using DisposeScope scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => StatePassKernels.Run(new EmulatedDevice(), zeros([1, 2, 2, 8]), zeros([1, 2, 2]), null, zeros([1, 2, 8]), false));
    }

    private static (Tensor Entering, Tensor Last) Loop(Tensor own, Tensor through, Tensor? before, bool back)
    {
        int chunks = (int)own.size(1);
        Tensor state = before ?? zeros([own.size(0), own.size(2), own.size(3)], float64);
        var entering = new Tensor[chunks];
        for (int i = 0; i < chunks; i++)
        {
            int chunk = back ? chunks - 1 - i : i;
            entering[chunk] = state;
            state = (through.select(1, chunk) * state) + own.select(1, chunk);
        }

        return (stack(entering, 1), state);
    }
}
