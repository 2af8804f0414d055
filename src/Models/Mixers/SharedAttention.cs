using GenoSeq.Models.Blocks;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>
/// Zamba's shared block (Glorioso et al. 2024): attention and an MLP with one set of weights for all depths, over the stream and the
/// embeddings side by side [batch, length, 2 d_model], and a projection of each depth's own behind them.
/// </summary>
/// <remarks>
/// The two halves are normalised each by itself, the stream by the layer's norm: over both together the growing stream would drown the
/// embeddings. The output joins the stream, as that of any layer.
/// </remarks>
public sealed class SharedAttention : Mixer
{
    /// <summary>Creates the mixer of one depth.</summary>
    /// <param name="config">The model's settings.</param>
    /// <param name="first">The mixer of another depth, whose block this one shares; null: a block of its own.</param>
    public SharedAttention(ModelConfig config, SharedAttention? first = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        Shared = register_module("shared", first?.Shared ?? new SharedBlock(config));
        OutProj = register_module("out_proj", new nn.Linear(config.DModel, config.DModel));
        IsFirst = first is null;
    }

    /// <summary>What all depths share.</summary>
    public SharedBlock Shared { get; }

    /// <summary>[d_model, d_model], of this depth.</summary>
    public nn.Linear OutProj { get; }

    /// <summary>Whether no other depth's mixer made the block.</summary>
    internal bool IsFirst { get; }

    /// <inheritdoc/>
    public override bool IsCausal => Shared.Attention.IsCausal;

    /// <inheritdoc/>
    public override Torch.ScalarType ComputeType
    {
        get => base.ComputeType;
        set => base.ComputeType = Shared.Attention.ComputeType = Shared.Mlp.ComputeType = value;
    }

    /// <summary>The block's attention and MLP, and the depth's own projection.</summary>
    public override MixerWork Work =>
        Shared.Attention.Work.Plus(2 * (OutProj.weight.numel() + Shared.Mlp.Gate.weight.numel() + Shared.Mlp.Up.weight.numel() + Shared.Mlp.Down.weight.numel()));

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, in MixContext context = default)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (context.Mirrored)
        {
            MixContext turned = context with
            {
                Mirrored = false,
                SequenceIds = context.SequenceIds?.flip(1),
                Embedding = context.Embedding?.flip(1, 2),
            };
            return forward(x.flip(1, 2), turned).flip(1, 2);
        }

        return Behind(Shared.Attention.forward(Beside(x, context), context));
    }

    /// <inheritdoc/>
    public override MixerState initial_state(long batch) => Shared.Attention.initial_state(batch);

    /// <inheritdoc/>
    public override Tensor extend(Tensor x, MixerState state, in MixContext context = default) =>
        Behind(Shared.Attention.extend(Beside(x, context), state));

    private Tensor Beside(Tensor x, in MixContext context) => context.Embedding is { } e
        ? cat([x, Shared.NormE.Last(e.to(x.dtype), null)], -1)
        : throw new ArgumentException("a shared attention block needs the embeddings of the positions");

    private Tensor Behind(Tensor y) =>
        Gemm.Linear(Shared.Mlp.forward(Shared.Norm.Last(y, null)), OutProj.weight, null, ComputeType);
}

/// <summary>The weights that all depths of <see cref="SharedAttention"/> share.</summary>
public sealed class SharedBlock : nn.Module
{
    /// <summary>Creates them.</summary>
    public SharedBlock(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        (int d, double eps) = (config.DModel, config.NormEps);
        NormE = register_module("norm_e", new RmsNorm(d, eps));
        Attention = register_module("attention", new AttentionMixer(config.Attention, d, config.Bidirectional, 2 * d));
        Norm = register_module("norm", new RmsNorm(d, eps));
        Mlp = register_module("mlp", new SwiGlu(new MlpConfig { DFf = config.Shared.FeedForward(d) }, d));
    }

    /// <summary>The norm of the embeddings.</summary>
    public RmsNorm NormE { get; }

    /// <summary>2 d_model to d_model.</summary>
    public AttentionMixer Attention { get; }

    /// <summary>The norm before the MLP.</summary>
    public RmsNorm Norm { get; }

    /// <summary>The MLP.</summary>
    public SwiGlu Mlp { get; }
}
