using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Models.Mixers.Recurrent;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Convolution;

/// <summary>
/// H3 (Fu et al. 2022, "Hungry Hungry Hippos", arXiv 2212.14052) with heads of one channel: in_proj gives q, k and v, and the output is
/// q SSM_diag(SSM_shift(k) v). The shift SSM's state are the last N inputs, so it is a filter of N trained taps, plus a skip; the diagonal
/// one is S4D with N / 2 complex states a channel, plus a skip: a filter as long as the sequence, run by FFT, or a recurrence in decoding.
/// </summary>
public sealed class H3 : Recurrence
{
    private readonly int _width;
    private readonly int _states;

    /// <summary>Creates one direction; N is <c>recurrent.d_key</c>, by default 64.</summary>
    public H3(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        _width = config.DModel;
        _states = config.Recurrent.DKey > 0 ? config.Recurrent.DKey : 64;
        using DisposeScope scope = NewDisposeScope();
        Shift = register_parameter("shift", new nn.Parameter(randn([_width, _states]).div(Math.Sqrt(_states))) { NoWeightDecay = true, KeepFloat32 = true });
        ShiftD = Vector("shift_D", randn([_width]));
        LogDt = Vector("log_dt", StepSizes.Uniform([_width], config.Recurrent.DtMin, config.Recurrent.DtMax).to(float32));
        LogAReal = Vector("log_A_real", full([_width, Modes], Math.Log(0.5)));
        AImag = Vector("A_imag", arange(0, Modes).to(float32).mul(Math.PI).expand(_width, Modes).contiguous());
        C = register_parameter("C", new nn.Parameter(randn([2, _width, Modes]).mul(Math.Sqrt(0.5))));
        D = Vector("D", randn([_width]));
    }

    /// <summary>Taps of the shift SSM [d_model, N].</summary>
    public nn.Parameter Shift { get; }

    /// <summary>The shift SSM's skip [d_model].</summary>
    public nn.Parameter ShiftD { get; }

    /// <summary>Logarithms of the diagonal SSM's steps [d_model].</summary>
    public nn.Parameter LogDt { get; }

    /// <summary>[d_model, N / 2].</summary>
    public nn.Parameter LogAReal { get; }

    /// <summary>[d_model, N / 2].</summary>
    public nn.Parameter AImag { get; }

    /// <summary>Real parts, then imaginary parts: [2, d_model, N / 2].</summary>
    public nn.Parameter C { get; }

    /// <summary>The diagonal SSM's skip [d_model].</summary>
    public nn.Parameter D { get; }

    /// <inheritdoc/>
    public override int InputWidth => 3 * _width;

    /// <inheritdoc/>
    public override int OutputWidth => _width;

    /// <inheritdoc/>
    public override MixerWork Work => ModalFilter.Work(_width, Modes, complex: true)
        .And(BlockedFir.Work(_width, _states));

    private int Modes => _states / 2;

    internal static IEnumerable<string> Problems(ModelConfig config)
    {
        if (config.Recurrent.DKey is not 0 && (config.Recurrent.DKey < 2 || config.Recurrent.DKey % 2 != 0))
        {
            yield return $"d_key must be 0 or even in h3, not {config.Recurrent.DKey}";
        }
    }

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, [batch, _states - 1, _width], ModalFilter.StateShape(batch, _width, Modes, true));

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (sequenceIds is not null)
        {
            return PackedRows.Run(x, sequenceIds, row => forward(row, null, null));
        }

        Tensor[] parts = x.chunk(3, 2);
        Tensor k = BlockedFir.Run(parts[1], Shift, state?[0]) + (parts[1] * Cast(ShiftD, x));
        if (state is null)
        {
            return LongConv.Gated(parts[0], k, parts[2], Filter(StateType(x)).Taps(x.size(1)), D);
        }

        Tensor z = (k * parts[2]).to(state[1].dtype);
        return parts[0] * (Filter(z.dtype).Further(z, state[1]) + (z * D.to(z.dtype))).to(x.dtype);
    }

    // Of S4D, zero-order hold: 2 Re sum_n C_n (exp(dt A_n) - 1) / A_n exp(t dt A_n).
    private ModalFilter Filter(ScalarType type)
    {
        Tensor dt = LogDt.to(type).exp().unsqueeze(1);
        (Tensor re, Tensor im) = (LogAReal.to(type).exp().neg(), AImag.to(type));
        (Tensor cr, Tensor ci) = S4d.Held(C, re, im, dt);
        return new ModalFilter(re * dt, im * dt, cr * 2, ci * 2);
    }
}
