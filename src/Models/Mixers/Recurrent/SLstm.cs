using GenoSeq.Models.Blocks;
using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// xLSTM's scalar memory (Beck et al. 2024, "xLSTM", arXiv 2405.04517, section 2.2 and the sLSTM block of its appendix). in_proj gives z~, o~ and u;
/// u passes a short convolution with SiLU and, in blocks by heads, gives i~ and f~. Each channel has a cell c and a normaliser n with exponential
/// input gates, and all four gates see h_(t-1) through a matrix R for each head: see <see cref="SequentialLstm"/> for the equations. The output is norm(h) w,
/// each head normalised by itself. The block's MLP is that of the model's settings.
/// </summary>
public sealed class SLstm : Recurrence
{
    private readonly HeadShape _heads;
    private readonly double _eps;
    private readonly int _taps;

    /// <summary>Creates one direction: by default as many channels as the model has, in four heads where they are at least 64 wide.</summary>
    public SLstm(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        _heads = HeadShape.Of(config, Math.Clamp(config.DModel / 64, 1, 4), 1, 1);
        (_eps, _taps) = (config.NormEps, config.Recurrent.DConv);
        (long heads, long d) = (_heads.Count, _heads.Value);
        Conv1d = register_module("conv1d", new DepthwiseConv(_heads.Values, _taps, true));
        using DisposeScope scope = NewDisposeScope();
        GateWeight = register_parameter("gate_weight", new nn.Parameter(randn([heads, d, 2 * d]).mul(Math.Pow(d, -0.5))));
        R = register_parameter("r", new nn.Parameter(zeros([heads, d, 4 * d])));
        // Gates that forget from 1 / 20 to 1 / 400 of the cell, over the channels of a head.
        Tensor forget = arange(0, d).to(float32).mul(3.0 / Math.Max(1, d - 1)).add(3).expand(heads, d);
        Tensor zero = zeros([heads, d]);
        GateBias = Vector("gate_bias", cat([zero, zero, forget, zero], 1));
        NormWeight = Vector("norm_weight", ones([d]));
    }

    /// <summary>[channels, 1, taps] and [channels].</summary>
    public DepthwiseConv Conv1d { get; }

    /// <summary>From the convolution's output to i~ and f~: [heads, d, 2 d].</summary>
    public nn.Parameter GateWeight { get; }

    /// <summary>From h_(t-1) to z~, i~, f~, o~: [heads, d, 4 d].</summary>
    public nn.Parameter R { get; }

    /// <summary>Of z~, i~, f~, o~: [heads, 4 d].</summary>
    public nn.Parameter GateBias { get; }

    /// <summary>Of each head's norm: [d].</summary>
    public nn.Parameter NormWeight { get; }

    /// <inheritdoc/>
    public override int InputWidth => 3 * _heads.Values;

    /// <inheritdoc/>
    public override int OutputWidth => _heads.Values;

    /// <inheritdoc/>
    public override MixerWork Work => SequentialLstm.Work(_heads.Count, _heads.Value).Plus(ShortConv.Flops(Conv1d) + (2 * GateWeight.numel()));

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device)
    {
        long[] cell = [batch, _heads.Count, _heads.Value];
        var state = new RecurrentState(type, device, [batch, _taps - 1, _heads.Values], cell, cell, cell, cell);
        state[4].fill_(SequentialLstm.Nothing);
        return state;
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        ScalarType wide = StateType(x);
        long d = _heads.Value;
        Tensor[] parts = x.split([_heads.Values, _heads.Values, _heads.Values], 2);
        Tensor u = Heads(ShortConv.Run(parts[2], Conv1d, state?[0], sequenceIds), _heads.Count);
        Tensor gates = Gemm.Heads(u, Cast(GateWeight, u));
        Tensor inputs = cat([Heads(parts[0], _heads.Count), gates, Heads(parts[1], _heads.Count)], -1).to(wide) + GateBias.to(wide);
        SequentialLstm.State? before = state is null ? null : new(state[1], state[2], state[3], state[4]);
        (Tensor h, SequentialLstm.State last) = SequentialLstm.Run(inputs, R.to(wide), before, sequenceIds);
        state?[1].copy_(last.H);
        state?[2].copy_(last.C);
        state?[3].copy_(last.N);
        state?[4].copy_(last.M);
        return Joined(UnitRms(h.to(x.dtype), NormWeight, _eps));
    }
}
