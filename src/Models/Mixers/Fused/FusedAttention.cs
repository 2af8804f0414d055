using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>
/// One of libtorch's attention kernels, called past autograd so that nothing but the output and the log-sum-exp is kept.
/// Heads are views of packed rows: no kernel wants a copy.
/// </summary>
internal abstract class FusedAttention
{
    /// <summary>Whether the kernel takes 16-bit heads on a CUDA device, and should.</summary>
    internal abstract bool Takes(Tensor packed, in AttentionShape shape);

    /// <summary>See <see cref="DeviceAttention.Forward"/>.</summary>
    internal abstract AttentionResult Forward(Tensor packed, in AttentionShape shape);

    /// <summary>See <see cref="DeviceAttention.Backward"/>.</summary>
    internal abstract (Tensor DQ, Tensor DK, Tensor DV) Backward(Tensor packed, in AttentionShape shape, AttentionResult result, Tensor dout);

    // 9: Hopper.
    private protected static int Generation(Tensor packed) => cuda.get_device_properties(packed.device.Index).Major;

    private protected static double Scale(in AttentionShape shape) => 1 / Math.Sqrt(shape.DHead);

    // [batch, length, n_head * d_head] as [batch, length, n_head, d_head].
    private protected static Tensor Heads(Tensor t, in AttentionShape shape) => t.view(t.size(0), t.size(1), shape.Heads, shape.DHead);

    // The reverse. A kernel that returns another layout than it was given costs a copy.
    private protected static Tensor Joined(Tensor t) => t.reshape(t.size(0), t.size(1), -1);
}

/// <summary>FlashAttention 2 (Dao 2023), which libtorch carries: [batch, length, heads, d_head], windows, grouped queries.</summary>
internal sealed class FlashAttention : FusedAttention
{
    private static readonly Operator s_forward = new("aten::_flash_attention_forward");
    private static readonly Operator s_backward = new("aten::_flash_attention_backward");

    internal override bool Takes(Tensor packed, in AttentionShape shape) =>
        shape.DHead % 8 == 0 && shape.DHead <= 256 && Generation(packed) >= 8 && s_forward.Exists && s_backward.Exists;

    internal override AttentionResult Forward(Tensor packed, in AttentionShape shape)
    {
        long length = packed.size(1);
        (Arg left, Arg right) = Window(shape.Pattern);
        // query, key, value, cumulative lengths, longest, dropout, causal, debug mask, scale, window.
        Tensor?[] r = s_forward.CallMany(shape.Q(packed), shape.K(packed), shape.V(packed), Arg.None, Arg.None, length, length, 0.0,
            shape.Pattern.Causal, false, Scale(shape), left, right);
        return new AttentionResult(this, Joined(r[0]!), [r[1], r[2], r[3]]);
    }

    internal override (Tensor DQ, Tensor DK, Tensor DV) Backward(Tensor packed, in AttentionShape shape, AttentionResult result, Tensor dout)
    {
        long length = packed.size(1);
        (Arg left, Arg right) = Window(shape.Pattern);
        Tensor?[] d = s_backward.CallMany(Heads(dout, shape), shape.Q(packed), shape.K(packed), shape.V(packed), Heads(result.Out, shape),
            result.More[0], Arg.None, Arg.None, length, length, 0.0, shape.Pattern.Causal, result.More[1], result.More[2],
            Scale(shape), left, right);
        return (d[0]!, d[1]!, d[2]!);
    }

    // The kernel's window counts the positions beside a query's own; ours includes it.
    private static (Arg Left, Arg Right) Window(AttentionPattern pattern) => pattern.Window == 0
        ? (Arg.None, Arg.None)
        : (pattern.Window - 1L, pattern.Causal ? 0L : pattern.Window - 1L);
}

/// <summary>cuDNN's attention: [batch, heads, length, d_head] with any strides, grouped queries; no windows.</summary>
internal sealed class CudnnAttention : FusedAttention
{
    private static readonly Operator s_forward = new("aten::_cudnn_attention_forward");
    private static readonly Operator s_backward = new("aten::_cudnn_attention_backward");

    // Faster than FlashAttention 2 on Hopper only.
    internal override bool Takes(Tensor packed, in AttentionShape shape) =>
        shape.Pattern.Window == 0 && packed.size(1) > 1 && shape.DHead % 8 == 0 && shape.DHead <= 128
        && Generation(packed) == 9 && s_forward.Exists && s_backward.Exists;

    internal override AttentionResult Forward(Tensor packed, in AttentionShape shape)
    {
        long length = packed.size(1);
        // query, key, value, bias, cumulative lengths, longest, log-sum-exp wanted, dropout, causal, debug mask, scale.
        Tensor?[] r = s_forward.CallTensors(Turned(shape.Q(packed)), Turned(shape.K(packed)), Turned(shape.V(packed)), Arg.None,
            Arg.None, Arg.None, length, length, true, 0.0, shape.Pattern.Causal, false, Scale(shape));
        return new AttentionResult(this, Joined(Turned(r[0]!)), [r[1], r[6], r[7]]);
    }

    internal override (Tensor DQ, Tensor DK, Tensor DV) Backward(Tensor packed, in AttentionShape shape, AttentionResult result, Tensor dout)
    {
        long length = packed.size(1);
        Tensor?[] d = s_backward.CallMany(Turned(Heads(dout, shape)), Turned(shape.Q(packed)), Turned(shape.K(packed)),
            Turned(shape.V(packed)), Turned(Heads(result.Out, shape)), result.More[0], result.More[1], result.More[2], Arg.None,
            Arg.None, Arg.None, length, length, 0.0, shape.Pattern.Causal, Scale(shape));
        return (Turned(d[0]!), Turned(d[1]!), Turned(d[2]!));
    }

    private static Tensor Turned(Tensor t) => t.transpose(1, 2);
}
