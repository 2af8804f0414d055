using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>Heads of an attention layer and who sees whom.</summary>
/// <param name="Heads">Query heads, n_head.</param>
/// <param name="KvHeads">Key and value heads, n_kv_head; they divide the query heads.</param>
/// <param name="DHead">Width of a head.</param>
/// <param name="Pattern">Who sees whom.</param>
internal readonly record struct AttentionShape(int Heads, int KvHeads, int DHead, AttentionPattern Pattern)
{
    /// <summary>Heads in a packed row: queries, keys, values.</summary>
    internal int Packed => Heads + (2 * KvHeads);

    /// <summary>Queries [batch, length, n_head, d_head] of packed rows [batch, length, n_head + 2 n_kv_head, d_head].</summary>
    internal Tensor Q(Tensor packed) => packed.narrow(2, 0, Heads);

    /// <summary>Keys [batch, length, n_kv_head, d_head].</summary>
    internal Tensor K(Tensor packed) => packed.narrow(2, Heads, KvHeads);

    /// <summary>Values [batch, length, n_kv_head, d_head].</summary>
    internal Tensor V(Tensor packed) => packed.narrow(2, Heads + KvHeads, KvHeads);
}

/// <summary>
/// Softmax attention of packed heads, forward and backward by hand, with the fastest kernel of this libtorch: cuDNN's on
/// Hopper; FlashAttention 2 for sliding windows and on other GPUs; else <see cref="ScaledDotProduct"/> in single precision under
/// autograd.
/// </summary>
/// <remarks>
/// One layer of 8 causal heads of width 64 on an H100, libtorch 2.11 with cuDNN 9.19, forward + backward in ms: length 1024,
/// batch 128: cuDNN 1.9, FlashAttention 2.5; 8192, 16: 8.7, 13.9; 32768, 4: 35, 52; 131072, 1: 140, 211. FlashAttention's backward pass
/// adds the queries' gradients in no fixed order, so their last bits may differ from run to run.
/// </remarks>
internal static class DeviceAttention
{
    private static readonly FusedAttention s_cudnn = new CudnnAttention();
    private static readonly FusedAttention s_flash = new FlashAttention();
    private static volatile bool s_cudnnRefused;

    /// <summary>Attends.</summary>
    /// <param name="packed">Rotated heads [batch, length, n_head + 2 n_kv_head, d_head].</param>
    /// <param name="shape">What they are.</param>
    /// <param name="ids">int32 [batch, length], or null.</param>
    /// <returns>The output, and what else backward needs.</returns>
    internal static AttentionResult Forward(Tensor packed, in AttentionShape shape, Tensor? ids)
    {
        using DisposeScope scope = NewDisposeScope();
        bool fused = ids is null && packed.device.Type == DeviceType.CUDA && packed.dtype is bfloat16 or float16;
        if (fused && !s_cudnnRefused && s_cudnn.Takes(packed, shape))
        {
            try
            {
                return s_cudnn.Forward(packed, shape).MoveToOuterDisposeScope();
            }
            catch (TorchException e) when (e is not TorchOutOfMemoryException)
            {
                // Which shapes a cuDNN takes depends on its version; the other kernel takes them all.
                s_cudnnRefused = true;
            }
        }

        if (fused && s_flash.Takes(packed, shape))
        {
            return s_flash.Forward(packed, shape).MoveToOuterDisposeScope();
        }

        Tensor y = Composed(Wide(shape.Q(packed)), Wide(shape.K(packed)), Wide(shape.V(packed)), shape, ids);
        return new AttentionResult(null, Dense(y).to(packed.dtype), []).MoveToOuterDisposeScope();
    }

    /// <summary>Gradients of queries, keys and values, [batch, length, heads, d_head]; the elements of a head are neighbours.</summary>
    /// <param name="packed">The forward pass's input.</param>
    /// <param name="shape">The forward pass's.</param>
    /// <param name="ids">The forward pass's.</param>
    /// <param name="result">The forward pass's.</param>
    /// <param name="dout">Gradient of the output [batch, length, n_head * d_head].</param>
    internal static (Tensor DQ, Tensor DK, Tensor DV) Backward(Tensor packed, in AttentionShape shape, Tensor? ids,
        AttentionResult result, Tensor dout)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor dq, Tensor dk, Tensor dv) = result.Engine is { } engine
            ? engine.Backward(packed, shape, result, dout)
            : ComposedBackward(packed, shape, ids, dout);
        return (dq.MoveToOuterDisposeScope(), dk.MoveToOuterDisposeScope(), dv.MoveToOuterDisposeScope());
    }

    private static (Tensor DQ, Tensor DK, Tensor DV) ComposedBackward(Tensor packed, in AttentionShape shape, Tensor? ids, Tensor dout)
    {
        Tensor[] inputs = Array.ConvertAll([shape.Q(packed), shape.K(packed), shape.V(packed)],
            t => Wide(t).detach().requires_grad_());
        Tensor y;
        using (enable_grad())
        {
            y = Composed(inputs[0], inputs[1], inputs[2], shape, ids);
        }

        Tensor g = dout.view(dout.size(0), dout.size(1), shape.Heads, shape.DHead).transpose(1, 2).to(float32);
        Tensor[] d = Array.ConvertAll(autograd.grad([y], inputs, [g]), t => t!.to(packed.dtype).contiguous());
        return (d[0], d[1], d[2]);
    }

    // [batch, length, heads, d_head] each, to [batch, n_head, length, d_head].
    private static Tensor Composed(Tensor q, Tensor k, Tensor v, in AttentionShape shape, Tensor? ids)
    {
        long groups = shape.Heads / shape.KvHeads;
        return ScaledDotProduct.Run(q.transpose(1, 2), Expand(k.transpose(1, 2), groups), Expand(v.transpose(1, 2), groups),
            shape.Pattern, ids);
    }

    private static Tensor Expand(Tensor t, long groups) => groups == 1 ? t : t.repeat_interleave(groups, 1);

    private static Tensor Wide(Tensor t) => t.to(float32);

    private static Tensor Dense(Tensor y) => y.transpose(1, 2).reshape(y.size(0), y.size(2), -1);
}

/// <summary>What attention's backward pass needs besides the packed heads.</summary>
/// <param name="Engine">The kernel, or null for libtorch's operators.</param>
/// <param name="Out">[batch, length, n_head * d_head], contiguous.</param>
/// <param name="More">The log-sum-exp and whatever else the kernel wants back; entries may be null.</param>
internal sealed record AttentionResult(FusedAttention? Engine, Tensor Out, Tensor?[] More) : IDisposable
{
    /// <summary>Takes the tensors out of their dispose scopes: they live until <see cref="Dispose"/>.</summary>
    internal AttentionResult Detach()
    {
        Out.DetachFromDisposeScope();
        Array.ForEach(More, t => t?.DetachFromDisposeScope());
        return this;
    }

    /// <summary>Moves the tensors to the scope around their own.</summary>
    internal AttentionResult MoveToOuterDisposeScope()
    {
        Out.MoveToOuterDisposeScope();
        Array.ForEach(More, t => t?.MoveToOuterDisposeScope());
        return this;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Out.Dispose();
        Array.ForEach(More, t => t?.Dispose());
    }
}
