using GenoSeq.Emulator;
using GenoSeq.Models.Mixers;
using GenoSeq.Models.Mixers.Fused;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Fused;

/// <summary>A Mamba mixer over parts of a sequence.</summary>
public sealed class MambaPartsTests
{
    private const int Length = 40;

    // Steps of 30 leave nothing of the position before, so that the state at the end is the last position's and what its convolution sees: of a window of 4 positions
    // the scan takes one, the other three are the convolution's.
    [Theory]
    [InlineData(0, false, 4)]
    [InlineData(1, false, 4)]
    [InlineData(0, true, 4)]
    [InlineData(1, true, 19)]
    public void CarryEnd_WhereNothingBeforeIsFelt_IsCarryOverTheWholePart(int direction, bool mirrored, int window)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        manual_seed(4);
        var mixer = new MambaMixer(new MambaConfig(), 8, bidirectional: true);
        mixer.Fwd.DtProj.bias!.fill_(30);
        mixer.Rev!.DtProj.bias!.fill_(30);
        using var device = new EmulatedDevice().Use();
        using DeviceMambaParts parts = DeviceMambaParts.Of(mixer, mirrored, float32)!;
        Tensor x = randn([1, Length, 8]);
        bool reverse = mixer.Directions(mirrored)[direction].Reverse;
        using MambaState whole = mixer.PartState(1);
        using MambaState end = mixer.PartState(1);
        parts.Carry(x, direction, whole);

        parts.CarryEnd(x.narrow(1, reverse ? 0 : Length - window, window), direction, end, zeros([1], int32));

        Same(whole.State, end.State);
        Same(whole.Halo, end.Halo);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void CarryEnd_OfAWindow_TellsWhetherWhatWasBeforeIsFelt(bool small)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        manual_seed(5);
        var mixer = new MambaMixer(new MambaConfig(), 8, bidirectional: true);
        mixer.Fwd.DtProj.bias!.fill_(small ? -3 : 3);
        using var device = new EmulatedDevice().Use();
        using DeviceMambaParts parts = DeviceMambaParts.Of(mixer, false, float32)!;
        Tensor felt = zeros([1], int32);
        using MambaState end = mixer.PartState(1);
        parts.CarryEnd(randn([1, 16 + 3, 8]), 0, end, felt);
        Assert.Equal(small, felt.ToArray<int>()[0] == 1);
    }

    private static void Same(Tensor expected, Tensor actual)
    {
        float[] e = expected.ToArray<float>(), a = actual.ToArray<float>();
        double scale = e.Max(v => Math.Abs(v));
        Assert.True(scale > 0);
        Assert.All(e.Zip(a), p => Assert.True(Math.Abs(p.First - p.Second) <= 1e-5 * scale, $"{p.First} and {p.Second}"));
    }
}
