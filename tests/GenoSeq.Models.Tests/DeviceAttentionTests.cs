using GenoSeq.Models.Mixers;
using GenoSeq.Models.Mixers.Fused;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

/// <summary>libtorch's attention kernels, called past autograd, against operators in single precision.</summary>
[Trait("Category", "Gpu")]
public sealed class DeviceAttentionTests
{
    [Theory]
    [InlineData(8, 8, 64, true, 0, 517)]
    [InlineData(8, 2, 64, true, 0, 517)]
    [InlineData(8, 8, 64, false, 0, 128)]
    [InlineData(3, 1, 24, false, 0, 77)]
    [InlineData(8, 8, 64, true, 100, 517)]
    [InlineData(8, 2, 32, false, 100, 517)]
    [InlineData(2, 2, 64, true, 0, 1)]
    public void FusedKernels_AreNearSinglePrecision(int heads, int kvHeads, int dHead, bool causal, int window, int length)
    {
        using DisposeScope scope = NewDisposeScope();
        var device = new Device(DeviceType.CUDA, 0);
        var shape = new AttentionShape(heads, kvHeads, dHead, new AttentionPattern(causal, window));
        Tensor packed = rand([2, length, shape.Packed, dHead], float32, device).sub(0.5).mul(4).to(bfloat16);
        Tensor dout = rand([2, length, heads * dHead], float32, device).sub(0.5).to(bfloat16);
        AttentionResult fused = DeviceAttention.Forward(packed, shape, null);
        AttentionResult exact = DeviceAttention.Forward(packed.to(float32), shape, null);
        Assert.NotNull(fused.Engine);
        Assert.Null(exact.Engine);
        Assert.True(fused.Out.is_contiguous());
        Closeness.Check(exact.Out, fused.Out, 0.01, "out");
        (Tensor dq, Tensor dk, Tensor dv) = DeviceAttention.Backward(packed, shape, null, fused, dout);
        (Tensor eq, Tensor ek, Tensor ev) = DeviceAttention.Backward(packed.to(float32), shape, null, exact, dout.to(float32));
        Closeness.Check(ev, dv, 0.01, "dv");
        if (length > 1)
        {
            Closeness.Check(eq, dq, 0.01, "dq");
            Closeness.Check(ek, dk, 0.01, "dk");
        }
    }
}
