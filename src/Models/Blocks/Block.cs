using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Losses;
using GenoSeq.Models.Mixers;
using GenoSeq.Models.Mixers.Fused;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Blocks;

/// <summary>
/// One layer: residual += x, then x = mixer(norm(residual)); and the same once more with the MLP, if there is one.
/// </summary>
public sealed class Block : nn.Module
{
    /// <summary>Joins a mixer, an MLP and their norms.</summary>
    /// <param name="mixer">Mixes along the sequence.</param>
    /// <param name="mlp">Mixes along the channels, or null.</param>
    /// <param name="config">The model's settings, of which the norms are made.</param>
    public Block(Mixer mixer, ChannelMlp? mlp, ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        Norm = register_module("norm", StreamNorm.Of(config));
        Mixer = register_module("mixer", mixer);
        if (mlp is not null)
        {
            Norm2 = register_module("norm2", StreamNorm.Of(config));
            Mlp = register_module("mlp", mlp);
        }

        Memory = mixer is AttentionMixer ? LayerMemory.KeepScan : LayerMemory.KeepAll;
    }

    /// <summary>The norm before the mixer.</summary>
    public StreamNorm Norm { get; }

    /// <summary>The mixer.</summary>
    public Mixer Mixer { get; }

    /// <summary>The norm before the MLP, or null.</summary>
    public StreamNorm? Norm2 { get; }

    /// <summary>The MLP, or null.</summary>
    public ChannelMlp? Mlp { get; }

    /// <summary>What the layer keeps for its backward pass, where it runs on a device with kernels.</summary>
    public LayerMemory Memory { get; set; }

    /// <summary>Sets the type of matrix products: single precision, or bfloat16.</summary>
    public void SetComputeType(Torch.ScalarType type)
    {
        Mixer.ComputeType = type;
        if (Mlp is not null)
        {
            Mlp.ComputeType = type;
        }
    }

    /// <summary>Runs the layer.</summary>
    /// <param name="x">The last layer's output [batch, length, d_model], not yet added to the residual.</param>
    /// <param name="residual">The residual stream, or null in the first layer.</param>
    /// <param name="context">Orientation and sequence boundaries.</param>
    /// <returns>This layer's output, not yet added, and the residual stream.</returns>
    public (Tensor X, Tensor Residual) forward(Tensor x, Tensor? residual, in MixContext context)
    {
        if ((Mixer is not (MambaMixer or AttentionMixer) || Mlp is SparseMlp) && Memory > LayerMemory.KeepScan && is_grad_enabled() && (x.requires_grad || residual is { requires_grad: true })
            && KernelDevices.Of(x) is not null)
        {
            // Such layers have no operation of their own that would see to it.
            return ForwardRecomputed(x, residual, context);
        }

        // The scope drops wrappers whose tensors only the graph needs, if anything does.
        using DisposeScope scope = NewDisposeScope();
        (Tensor y, Tensor r) = Mix(x, residual, context);
        if (Mlp is not null)
        {
            (y, r) = MixChannels(y, r, context);
        }

        return (y.MoveToOuterDisposeScope(), ReferenceEquals(r, x) ? r : r.MoveToOuterDisposeScope());
    }

    /// <summary>
    /// Runs the layer keeping nothing but the residual stream: backward computes the rest again, and for long inputs batch
    /// entry by batch entry, so that what it holds meanwhile does not grow with the batch.
    /// </summary>
    public (Tensor X, Tensor Residual) ForwardRecomputed(Tensor x, Tensor? residual, MixContext context)
    {
        using DisposeScope scope = NewDisposeScope();
        // The stream is single precision also where activations are not.
        Tensor r = residual is not null ? residual + x : x.dtype == bfloat16 ? x.to(float32) : x;
        Tensor[] outputs = Recomputed(r, x.dtype, context);
        Tensor sum = Mlp is not null ? r + outputs[1] : r;
        return (outputs[0].MoveToOuterDisposeScope(), ReferenceEquals(sum, x) ? x : sum.MoveToOuterDisposeScope());
    }

    /// <summary>Runs the layer on further positions of sequences whose earlier ones a state holds.</summary>
    /// <param name="x">[batch, length, d_model].</param>
    /// <param name="residual">[batch, length, d_model], or null in the first layer.</param>
    /// <param name="state">The mixer's state, updated.</param>
    /// <param name="context">The embeddings, where the mixer reads them.</param>
    public (Tensor X, Tensor Residual) extend(Tensor x, Tensor? residual, MixerState state, in MixContext context = default)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor n, Tensor r) = Norm.AddNorm(x, residual, false);
        Tensor y = Mixer.extend(n, state, context);
        if (Mlp is not null)
        {
            (n, r) = Norm2!.AddNorm(y, r, false);
            y = Mlp.forward(n);
        }

        return (y.MoveToOuterDisposeScope(), ReferenceEquals(r, x) ? r : r.MoveToOuterDisposeScope());
    }

    // Norm and mixer, as one operation where there is one.
    private (Tensor Y, Tensor Residual) Mix(Tensor x, Tensor? residual, in MixContext context)
    {
        var settings = new LayerSettings(Norm.Eps, x.dtype, Memory, context.Mirrored) { Shards = context.Shards };
        switch (Mixer)
        {
            case MambaMixer m when Norm is RmsNorm norm && Kernels(x, Mixer.ComputeType) is { } device && m.OneProjection(context.Mirrored) is { } directions:
                return DeviceMambaLayer.Run(device, x, residual, norm, directions, settings, context.SequenceIds);
            case AttentionMixer a when Norm is RmsNorm norm && Kernels(x, Mixer.ComputeType) is { } device && a.OneOperation(context.Mirrored) is { } shape:
                return DeviceAttentionLayer.Run(device, x, residual, norm, a, shape, settings, context.SequenceIds);
            default:
                (Tensor n, Tensor r) = Norm.AddNorm(x, residual, context.Mirrored);
                return (Mixer.forward(n, context), r);
        }
    }

    // Norm and MLP, likewise.
    private (Tensor Y, Tensor Residual) MixChannels(Tensor x, Tensor residual, in MixContext context)
    {
        if (Mlp is SwiGlu { HasBias: false } gated && Norm2 is RmsNorm norm && Kernels(x, Mlp.ComputeType) is { } device)
        {
            return DeviceMlpLayer.Run(device, x, residual, norm, gated, new LayerSettings(norm.Eps, x.dtype, Memory, context.Mirrored));
        }

        (Tensor n, Tensor r) = Norm2!.AddNorm(x, residual, context.Mirrored);
        return (MlpOf(n, context.Mirrored, context.Side), r);
    }

    // What runs whole branches as one operation; their norm's kernel takes rows of whole pieces of 8 elements.
    private static KernelDevice? Kernels(Tensor x, ScalarType compute) =>
        x.dtype == compute && x.size(-1) % 8 == 0 && x.size(-1) <= NormKernels.MaxWidth ? KernelDevices.Of(x) : null;

    private Tensor[] Recomputed(Tensor r, ScalarType activation, MixContext context)
    {
        long batch = r.size(0);
        int each = (int)Math.Clamp(MambaScan.SliceTokens / Math.Max(r.size(1), 1), 1, Math.Max(batch, 1));
        if (batch <= each)
        {
            return Run(r, context);
        }

        long[] sizes = [.. Enumerable.Range(0, (int)batch).Chunk(each).Select(c => (long)c.Length)];
        Tensor[] pieces = r.split(sizes);
        var outputs = new Tensor[pieces.Length][];
        for (int i = 0; i < pieces.Length; i++)
        {
            long first = (long)i * each;
            outputs[i] = Run(pieces[i], context with
            {
                SequenceIds = context.SequenceIds?.narrow(0, first, sizes[i]),
                Embedding = context.Embedding?.narrow(0, first, sizes[i]),
                Present = context.Present?.narrow(0, first, sizes[i]),
                Shards = context.Shards?.Slice(first, sizes[i]),
            });
        }

        return [.. Enumerable.Range(0, outputs[0].Length).Select(k => cat(Array.ConvertAll(outputs, o => o[k])))];

        // What the context holds is an input too, so that it lives as long as the graph; so is an output what the loss adds, since what is made within
        // is gone when the loss is.
        Tensor[] Run(Tensor piece, MixContext own)
        {
            SideLosses? inner = null;
            Tensor[] all = utils.checkpoint.run(inputs =>
            {
                inner = own.Side is null ? null : new SideLosses();
                Tensor[] results = Inner(inputs[0]!, activation, own with { SequenceIds = inputs[1], Side = inner, Embedding = inputs[2], Present = inputs[3] });
                return [.. results, .. inner?.Release() ?? []];
            }, piece, own.SequenceIds, own.Embedding, own.Present);
            int count = Mlp is null ? 1 : 2;
            own.Side?.AddAll(inner!, all[count..]);
            return all[..count];
        }
    }

    // With an MLP the first branch's output joins the residual outside, so that the stream itself is never recomputed.
    private Tensor[] Inner(Tensor r, ScalarType activation, in MixContext context)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor first = Mixer.forward(Norm.OfStream(r, context.Mirrored, activation), context).MoveToOuterDisposeScope();
        if (Mlp is null)
        {
            return [first];
        }

        (Tensor n, _) = Norm2!.AddNorm(first, r, context.Mirrored);
        return [MlpOf(n, context.Mirrored, context.Side).MoveToOuterDisposeScope(), first];
    }

    internal Tensor MlpOf(Tensor n, bool mirrored, SideLosses? side = null) =>
        mirrored ? Mlp!.forward(n.flip(-1), side).flip(-1) : Mlp!.forward(n, side);
}
