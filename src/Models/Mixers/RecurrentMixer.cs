using GenoSeq.Models.Blocks;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>
/// A mixer out of a <see cref="Recurrence"/>: in_proj, one direction or two, out_proj. As in Caduceus (Schiff et al. 2024) two
/// directions share both projections, so in_proj runs once, and for "add" out_proj too: it is linear, so it may be applied
/// to the sum.
/// </summary>
public sealed class RecurrentMixer : Mixer
{
    private readonly bool _add;

    /// <summary>Creates the mixer.</summary>
    /// <param name="config">The model's settings.</param>
    /// <param name="create">Makes one direction.</param>
    public RecurrentMixer(ModelConfig config, Func<ModelConfig, Recurrence> create)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(create);
        _add = config.Recurrent.BidirectionalStrategy == "add";
        Recurrence forward = create(config);
        InProj = register_module("in_proj",
            forward.InputWidth == 0 ? null : new nn.Linear(config.DModel, forward.InputWidth, config.Recurrent.Bias));
        Fwd = register_module("fwd", forward);
        Rev = register_module("rev", config.Bidirectional ? create(config) : null);
        OutProj = register_module("out_proj", new nn.Linear(forward.OutputWidth, config.DModel, config.Recurrent.Bias));
    }

    /// <summary>[input width, d_model], or null.</summary>
    public nn.Linear? InProj { get; }

    /// <summary>[d_model, output width].</summary>
    public nn.Linear OutProj { get; }

    /// <summary>The direction that reads from the first position to the last.</summary>
    public Recurrence Fwd { get; }

    /// <summary>The direction that reads from the last position to the first, or null.</summary>
    public Recurrence? Rev { get; }

    /// <inheritdoc/>
    public override bool IsCausal => Rev is null;

    /// <inheritdoc/>
    public override MixerWork Work
    {
        get
        {
            MixerWork own = Fwd.Work;
            MixerWork all = Rev is null ? own : own.And(own);
            return all.Plus(2 * ((InProj?.weight.numel() ?? 0) + (OutProj.weight.numel() * (Rev is null || _add ? 1 : 2)))) with { State = own.State ?? Fixed() };
        }
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, in MixContext context = default)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor? ids = context.SequenceIds;
        bool mirrored = context.Mirrored;
        Tensor projected = In(x, mirrored);
        Tensor f = Fwd.Read(projected, ids, mirrored);
        if (Rev is null)
        {
            return Out(f, mirrored);
        }

        Tensor r = Rev.Read(projected, ids, !mirrored);
        // The bias belongs to each direction's output, so the sum holds it twice.
        return _add ? Out(f + r, mirrored, 2) : Out(f, mirrored) * Out(r, mirrored);
    }

    /// <inheritdoc/>
    public override MixerState initial_state(long batch) => IsCausal
        ? Fwd.initial_state(batch, OutProj.weight.dtype, OutProj.weight.device)
        : base.initial_state(batch);

    /// <inheritdoc/>
    public override Tensor extend(Tensor x, MixerState state, in MixContext context = default)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (is_grad_enabled() && OutProj.weight.requires_grad)
        {
            throw new InvalidOperationException("a state is carried without gradients: use no_grad");
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor y = Fwd.forward(In(x, false), (RecurrentState)state, null);
        return Out(y, false).MoveToOuterDisposeScope();
    }

    private Func<long, long, long> Fixed()
    {
        using RecurrentState state = Fwd.initial_state(1, OutProj.weight.dtype, OutProj.weight.device);
        long numbers = state.Numbers;
        return (batch, _) => batch * numbers;
    }

    // Mirrored: the channels of x are reversed, so the columns of in_proj (and the rows of out_proj) are.
    private Tensor In(Tensor x, bool mirrored) => InProj is null
        ? mirrored ? x.flip(-1) : x
        : Gemm.Linear(x, mirrored ? InProj.weight.flip(1) : InProj.weight, InProj.bias, ComputeType);

    private Tensor Out(Tensor y, bool mirrored, int directions = 1)
    {
        Tensor? bias = mirrored ? OutProj.bias?.flip(0) : OutProj.bias;
        return Gemm.Linear(y, mirrored ? OutProj.weight.flip(0) : OutProj.weight, directions == 1 ? bias : bias?.mul(directions), ComputeType);
    }
}
