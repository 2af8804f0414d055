using GenoSeq.Models.Blocks;
using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Models.Mixers.Fused;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// Mamba-2 (Dao and Gu 2024, "Transformers are SSMs", arXiv 2405.21060), with the reference's names. in_proj gives z, x, B, C, dt; a
/// short convolution with SiLU runs over x, B and C. For each head of width p, with A = -exp(A_log) and dt = softplus(dt + dt_bias):
/// S_t = exp(dt_t A) S_(t-1) + B_t (dt_t x_t)^T, y_t = S_t^T C_t + D x_t, and the output is norm(y silu(z)).
/// </summary>
public sealed class Mamba2 : Recurrence
{
    /// <summary>Its name in layouts.</summary>
    internal const string LayoutName = "mamba2";

    private readonly RecurrentConfig _c;
    private readonly HeadShape _heads;

    /// <summary>Creates one direction, with the initial values of Hugging Face's Mamba2ForCausalLM.</summary>
    public Mamba2(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        _c = config.Recurrent;
        _heads = Shape(config);
        int h = _heads.Count;
        Conv1d = register_module("conv1d", new DepthwiseConv(Convolved, _c.DConv, _c.ConvBias));
        DtBias = Vector("dt_bias", StepSizes.Initial([h], _c));
        using DisposeScope scope = NewDisposeScope();
        ALog = Vector("A_log", arange(1, h + 1).to(float32).log());
        D = Vector("D", ones([h]));
        Norm = register_module("norm", new RmsNorm(_heads.Values, config.NormEps));
    }

    /// <summary>Over x, B and C: [d_inner + 2 groups n, 1, taps].</summary>
    public DepthwiseConv Conv1d { get; }

    /// <summary>[heads].</summary>
    public nn.Parameter DtBias { get; }

    /// <summary>[heads].</summary>
    public nn.Parameter ALog { get; }

    /// <summary>[heads]: the skip.</summary>
    public nn.Parameter D { get; }

    /// <summary>Of the gated output: [d_inner].</summary>
    public RmsNorm Norm { get; }

    /// <inheritdoc/>
    public override int InputWidth => _heads.Values + Convolved + _heads.Count;

    /// <inheritdoc/>
    public override int OutputWidth => _heads.Values;

    /// <inheritdoc/>
    public override MixerWork Work => ScalarDecay.Work(_heads.Count, _c.NGroups, _heads.Key, _heads.Value, _c.Chunk).Plus(ShortConv.Flops(Conv1d));

    private int Shared => _c.NGroups * _heads.Key;

    private int Convolved => _heads.Values + (2 * Shared);

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, [batch, _c.DConv - 1, Convolved], [batch, _heads.Count, _heads.Key, _heads.Value]);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        ScalarType wide = StateType(x);
        Tensor[] parts = x.split([_heads.Values, Convolved, _heads.Count], 2);
        Tensor[] xbc = ShortConv.Run(parts[1], Conv1d, state?[0], sequenceIds).split([_heads.Values, Shared, Shared], 2);
        Tensor dt = nn.functional.softplus(parts[2].to(wide) + DtBias.to(wide));
        if (_c.DtLimitMin > 0 || _c.DtLimitMax > 0)
        {
            dt = dt.clamp(_c.DtLimitMin, _c.DtLimitMax > 0 ? _c.DtLimitMax : null);
        }

        Tensor u = Heads(xbc[0], _heads.Count);
        (Tensor y, Tensor last) = ScalarDecay.Run(Heads(xbc[2], _c.NGroups), Heads(xbc[1], _c.NGroups), u,
            dt * ALog.to(wide).exp().neg(), state?[1], sequenceIds, _c.Chunk, dt, D);
        state?[1].copy_(last);
        return Norm.Last(Joined(y) * nn.functional.silu(parts[0]), null);
    }

    /// <inheritdoc/>
    public override Tensor Read(Tensor x, Tensor? sequenceIds, bool reverse)
    {
        ArgumentNullException.ThrowIfNull(x);
        Mamba2Shape shape = Numbers(_heads, _c, Norm.Eps);
        return DeviceMamba2.Device(x, shape) is { } device && D.dtype == float32
            ? DeviceMamba2.Run(device, x, shape, [Conv1d.weight, Conv1d.bias, DtBias, ALog, D, Norm.weight], sequenceIds, reverse)
            : base.Read(x, sequenceIds, reverse);
    }

    internal static IEnumerable<string> Problems(ModelConfig config)
    {
        HeadShape s = Shape(config);
        int inner = Inner(config);
        if (s.Values != inner)
        {
            yield return $"n_head ({s.Count}) times d_value ({s.Value}) must be expand * d_model ({inner}) in mamba2";
        }

        if (s.Count % config.Recurrent.NGroups != 0)
        {
            yield return $"n_groups ({config.Recurrent.NGroups}) must divide the heads ({s.Count}) in mamba2";
        }
    }

    /// <summary>Numbers of a direction.</summary>
    internal static Mamba2Shape Numbers(ModelConfig config) => Numbers(Shape(config), config.Recurrent, config.NormEps);

    private static Mamba2Shape Numbers(HeadShape heads, RecurrentConfig c, double eps) =>
        new(heads, c.NGroups, c.DConv, eps, c.DtLimitMin, c.DtLimitMax);

    private static int Inner(ModelConfig config) => (config.Recurrent.Expand > 0 ? config.Recurrent.Expand : 2) * config.DModel;

    // Heads of width 64 with 128 states each, as published.
    internal static HeadShape Shape(ModelConfig config)
    {
        RecurrentConfig r = config.Recurrent;
        int inner = Inner(config);
        int value = r.DValue > 0 ? r.DValue : r.NHead > 0 ? inner / r.NHead : Math.Min(64, inner);
        return new HeadShape(r.NHead > 0 ? r.NHead : Math.Max(1, inner / Math.Max(value, 1)), r.DKey > 0 ? r.DKey : 128, value);
    }
}
