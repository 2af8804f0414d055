using GenoSeq.Models.Blocks;
using GenoSeq.Models.Context;
using GenoSeq.Models.Mixers.Fused;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>
/// Mamba-1 (Gu and Dao 2023), or the bidirectional wrapper of two of them (Schiff et al. 2024). With tied projections in_proj
/// runs once for both directions, and for "add" out_proj too: it is linear, so it may be applied to the sum.
/// </summary>
public sealed class MambaMixer : Mixer
{
    private const double ScanOperations = 7;

    private readonly MambaConfig _config;
    private readonly int _dInner;

    /// <summary>Creates the mixer.</summary>
    /// <param name="config">Settings.</param>
    /// <param name="dModel">Width of the residual stream.</param>
    /// <param name="bidirectional">Two directions in place of one.</param>
    public MambaMixer(MambaConfig config, int dModel, bool bidirectional)
    {
        ArgumentNullException.ThrowIfNull(config);
        _config = config;
        _dInner = config.DInner(dModel);
        Fwd = register_module("mamba_fwd", new MambaDirection(config, dModel));
        if (bidirectional)
        {
            Rev = register_module("mamba_rev", new MambaDirection(config, dModel, config.TieProjections ? Fwd : null));
        }
    }

    /// <summary>The direction that reads from the first position to the last.</summary>
    public MambaDirection Fwd { get; }

    /// <summary>The direction that reads from the last position to the first, or null.</summary>
    public MambaDirection? Rev { get; }

    /// <inheritdoc/>
    public override bool IsCausal => Rev is null;

    /// <summary>
    /// Of each channel and state of the scan: dt A and its exponential, (dt x) B, two for the state and two for what is read; two directions share what
    /// they project by the same weights.
    /// </summary>
    public override MixerWork Work
    {
        get
        {
            (long directions, long states) = (Rev is null ? 1 : 2, Fwd.ALog.numel());
            double inner = (2.0 * (Fwd.XProj.weight.numel() + Fwd.DtProj.weight.numel())) + ShortConv.Flops(Fwd.Conv1d) + (ScanOperations * states);
            long inputs = Rev is null || _config.TieProjections ? 1 : 2, outputs = JoinsBeforeOutput ? 1 : 2;
            long numbers = states + ((_config.DConv - 1L) * _dInner);
            return MixerWork.Constant((directions * inner) + (2 * ((inputs * Fwd.InProj.weight.numel()) + (outputs * Fwd.OutProj.weight.numel()))))
                with { State = (batch, _) => batch * numbers };
        }
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, in MixContext context = default) => Mix(x, context, null);

    /// <summary>Mixes a part of a sequence, with what each direction brings from the parts before in its reading order.</summary>
    /// <param name="x">[batch, length, d_model].</param>
    /// <param name="mirrored">As in <see cref="MixContext"/>.</param>
    /// <param name="states">One for each direction, updated in place.</param>
    internal Tensor ForwardPart(Tensor x, bool mirrored, MambaState[] states) => Mix(x, new MixContext(mirrored), states);

    /// <summary>
    /// The same added into a sum [batch, length, d_model] of x's type, in place, where one product makes the output:
    /// then nothing else of the part's size is made.
    /// </summary>
    internal void AddPart(Tensor sum, Tensor x, bool mirrored, MambaState[] states)
    {
        if (!JoinsBeforeOutput || Fwd.OutProj.bias is not null || sum.dtype != x.dtype || ComputeType != x.dtype)
        {
            sum.add_(ForwardPart(x, mirrored, states));
            return;
        }

        Tensor y = Inner(In(x, Fwd, mirrored), new MixContext(mirrored), states, Directions(mirrored));
        Tensor weight = mirrored ? Fwd.OutProj.weight.flip(0) : Fwd.OutProj.weight;
        DeviceGemm.AddRows(sum.view(-1, sum.size(-1)), y.reshape(-1, y.size(-1)), weight.to(x.dtype));
    }

    /// <summary>Carries one direction's state over a part of a sequence, without the part's output.</summary>
    /// <param name="x">[batch, length, d_model].</param>
    /// <param name="mirrored">As in <see cref="MixContext"/>.</param>
    /// <param name="direction">Which, of <see cref="Directions"/>.</param>
    /// <param name="state">Updated in place.</param>
    internal void CarryOver(Tensor x, bool mirrored, int direction, MambaState state)
    {
        (MambaDirection p, bool reverse) = Directions(mirrored)[direction];
        Tensor rows = p.InProj.weight.narrow(0, 0, _dInner);
        Tensor inner = Gemm.Linear(x, mirrored ? rows.flip(1) : rows, p.InProj.bias?.narrow(0, 0, _dInner), ComputeType);
        MambaCarry.Over(inner, state, ComputeType, p, reverse);
    }

    /// <summary>The directions, and whether each reads from the last position.</summary>
    internal (MambaDirection Parameters, bool Reverse)[] Directions(bool mirrored) =>
        Rev is null ? [(Fwd, mirrored)] : [(Fwd, mirrored), (Rev, !mirrored)];

    /// <summary>What one direction brings to a sequence's first part.</summary>
    internal MambaState PartState(long batch) => new(batch, _config.DConv - 1, _dInner, _config.DState, Fwd.D.device);

    private bool JoinsBeforeOutput => Rev is null || (_config.TieProjections && _config.BidirectionalStrategy == "add");

    private Tensor Mix(Tensor x, in MixContext context, MambaState[]? states)
    {
        bool mirrored = context.Mirrored;
        if (Rev is null)
        {
            Tensor y = Inner(In(x, Fwd, mirrored), context, states, (Fwd, mirrored));
            return Out(y, Fwd, mirrored);
        }

        MambaState[]? first = states?[..1];
        MambaState[]? second = states?[1..];

        if (_config.TieProjections)
        {
            Tensor xz = In(x, Fwd, mirrored);
            if (_config.BidirectionalStrategy == "add")
            {
                // The bias belongs to each direction's output, so the sum holds it twice.
                return Out(Inner(xz, context, states, (Fwd, mirrored), (Rev, !mirrored)), Fwd, mirrored, 2);
            }

            return Out(Inner(xz, context, first, (Fwd, mirrored)), Fwd, mirrored)
                * Out(Inner(xz, context, second, (Rev, !mirrored)), Rev, mirrored);
        }

        Tensor f = Out(Inner(In(x, Fwd, mirrored), context, first, (Fwd, mirrored)), Fwd, mirrored);
        Tensor r = Out(Inner(In(x, Rev, mirrored), context, second, (Rev, !mirrored)), Rev, mirrored);
        return _config.BidirectionalStrategy == "add" ? f + r : f * r;
    }

    /// <inheritdoc/>
    public override MixerState initial_state(long batch) =>
        IsCausal ? PartState(batch) : base.initial_state(batch);

    /// <inheritdoc/>
    public override Tensor extend(Tensor x, MixerState state, in MixContext context = default)
    {
        if (state is not MambaState s)
        {
            return base.extend(x, state, context);
        }

        return Out(MambaScan.Run(In(x, Fwd, false), [s], null, ComputeType, (Fwd, false)), Fwd, false);
    }

    /// <summary>
    /// The directions, when one in_proj and one out_proj without biases serve them all and kernels take their shape: such a
    /// mixer runs as one operation with its norm. Null otherwise.
    /// </summary>
    internal (MambaDirection Parameters, bool Reverse)[]? OneProjection(bool mirrored)
    {
        return !JoinsBeforeOutput || _config.Bias || !DeviceDirection.Supports(_dInner, _config.DState, _config.DConv) ? null
            : Directions(mirrored);
    }

    /// <summary>The output projections, each once.</summary>
    public IEnumerable<nn.Linear> OutputProjections() =>
        Rev is null || _config.TieProjections ? [Fwd.OutProj] : [Fwd.OutProj, Rev.OutProj];

    // Mirrored: the channels of x are reversed, so the columns of in_proj (and the rows of out_proj) are.
    private Tensor In(Tensor x, MambaDirection d, bool mirrored) =>
        Gemm.Linear(x, mirrored ? d.InProj.weight.flip(1) : d.InProj.weight, d.InProj.bias, ComputeType);

    private Tensor Out(Tensor y, MambaDirection d, bool mirrored, int directions = 1)
    {
        Tensor? bias = mirrored ? d.OutProj.bias?.flip(0) : d.OutProj.bias;
        bias = directions == 1 ? bias : bias?.mul(directions);
        return Gemm.Linear(y, mirrored ? d.OutProj.weight.flip(0) : d.OutProj.weight, bias, ComputeType);
    }

    private Tensor Inner(Tensor xz, in MixContext context, MambaState[]? states, params (MambaDirection, bool)[] directions) =>
        context.Shards is { } shards
            ? ShardedMambaScan.Run(xz, shards, ComputeType, directions)
            : MambaScan.Run(xz, states, context.SequenceIds, ComputeType, directions);
}

/// <summary>What a direction of Mamba carries: the last inputs of its convolution, and its state.</summary>
public sealed class MambaState : MixerState
{
    /// <summary>The state before the first position.</summary>
    public MambaState(long batch, int halo, int dInner, int dState, Device device)
    {
        Halo = zeros([batch, halo, dInner], float32, device).DetachFromDisposeScope();
        State = zeros([batch, dInner, dState], float32, device).DetachFromDisposeScope();
    }

    private MambaState(Tensor halo, Tensor state) => (Halo, State) = (halo.DetachFromDisposeScope(), state.DetachFromDisposeScope());

    /// <summary>The convolution's last inputs [batch, d_conv - 1, d_inner], oldest first.</summary>
    public Tensor Halo { get; }

    /// <summary>[batch, d_inner, d_state].</summary>
    public Tensor State { get; }

    /// <inheritdoc/>
    public override long Bytes => 4 * (Halo.numel() + State.numel());

    internal override MixerState Row(int row)
    {
        var own = new MambaState(1, (int)Halo.size(1), (int)Halo.size(2), (int)State.size(2), State.device);
        own.Halo.copy_(Halo.narrow(0, row, 1));
        own.State.copy_(State.narrow(0, row, 1));
        return own;
    }

    /// <summary>The convolution's last three inputs [batch, 3, d_inner], oldest first, zeros before those that exist.</summary>
    internal Tensor HaloOfThree(ScalarType type)
    {
        Tensor halo = Halo.to(type);
        long missing = 3 - halo.size(1);
        return missing == 0 ? halo : cat([zeros([halo.size(0), missing, halo.size(2)], type, halo.device), halo], 1);
    }

    /// <summary>A copy with a lifetime of its own.</summary>
    internal MambaState Copy() => new(Halo.clone(), State.clone());

    /// <summary>Becomes what another is.</summary>
    internal void Set(MambaState other)
    {
        Halo.copy_(other.Halo);
        State.copy_(other.State);
    }

    /// <summary>
    /// Takes over the convolution's further inputs [batch, length, d_inner] and the scan's last state; reverse: the inputs
    /// were read from the last one.
    /// </summary>
    internal void Advance(Tensor x, Tensor state, bool reverse)
    {
        using DisposeScope scope = NewDisposeScope();
        long keep = Halo.size(1);
        long fresh = Math.Min(keep, x.size(1));
        Tensor last = (reverse ? x.narrow(1, 0, fresh).flip(1) : x.narrow(1, x.size(1) - fresh, fresh)).to(float32);
        Halo.copy_(fresh == keep ? last : cat([Halo.narrow(1, fresh, keep - fresh), last], 1));
        State.copy_(state);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Halo.Dispose();
            State.Dispose();
        }
    }
}
