using GenoSeq.Models.Kernels.Cuda;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>
/// One direction of Mamba-2 between its projections as one differentiable operation with a backward pass by hand: convolution, step sizes, recurrence, gated
/// norm, each reading rows where they lie, and all gradients written into one gradient of in_proj's output.
/// </summary>
/// <remarks>
/// Kept between the passes: in_proj's output, the convolution's, the recurrence's with its states at the chunks' starts, step sizes. With d_inner D, d_state N, H heads, one group
/// and bf16 2 (4 D + 4 N + H) + 2 D N / 64 + 8 H bytes a token: 5.6 KiB at D = 512, N = 64, H = 8.
/// </remarks>
internal sealed class DeviceMamba2 : autograd.Function
{
    private readonly KernelDevice _device;
    private readonly Mamba2Shape _shape;
    private readonly bool _reverse;

    private DeviceMamba2(KernelDevice device, in Mamba2Shape shape, bool reverse)
    {
        _device = device;
        _shape = shape;
        _reverse = reverse;
    }

    protected override string Name => "Mamba2";

    /// <summary>The device whose kernels take in_proj's output, or null.</summary>
    internal static KernelDevice? Device(Tensor x, in Mamba2Shape shape) =>
        x.size(1) > 0 && x.dtype is bfloat16 or float32 && shape.Fits ? KernelDevices.Of(x) : null;

    /// <summary>Runs one direction.</summary>
    /// <param name="device">From <see cref="Device"/>.</param>
    /// <param name="x">[z, x B C, dt] of each position: [batch, length, width].</param>
    /// <param name="shape">Numbers.</param>
    /// <param name="weights">Parameters in the order of <see cref="Weights"/>; the convolution's bias may be null.</param>
    /// <param name="ids">int32 [batch, length], or null.</param>
    /// <param name="reverse">From the last position to the first.</param>
    /// <returns>[batch, length, heads * value].</returns>
    internal static Tensor Run(KernelDevice device, Tensor x, in Mamba2Shape shape, Tensor?[] weights, Tensor? ids, bool reverse)
    {
        // Rows begin at multiples of 16 bytes.
        long missing = (8 - (x.size(2) % 8)) % 8;
        x = missing == 0 ? x : cat([x, zeros([x.size(0), x.size(1), missing], x.dtype, x.device)], 2);
        return new DeviceMamba2(device, shape, reverse).apply([x, .. weights, ids])[0]!;
    }

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        Tensor x = inputs[0]!.contiguous();
        var w = new Weights(inputs);
        Tensor? ids = inputs[^1]?.to(int32).contiguous();
        Tensor u = ConvKernels.Forward(_device, Convolved(x), [w.Direction(_reverse)], ids)[0];
        (Tensor dt, Tensor g) = Steps(x, w);
        Tensor y = empty([x.size(0), x.size(1), _shape.Heads.Values], x.dtype, x.device);
        (_, SsdStates states) = SsdKernels.Forward(_device, Inputs(u, dt, g, w, ids), ByHead(y, _shape.Heads.Count));
        save_for_backward([x, .. inputs[1..^1], ids, u, dt, g, y, states.Entering, states.Through]);
        return [GatedNormKernels.Forward(_device, y, Gate(x), w.Norm, _shape.Eps)];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        Tensor?[] inputs = [.. Enumerable.Range(0, 7).Select(saved)];
        var w = new Weights(inputs);
        (Tensor x, Tensor? ids, Tensor u, Tensor dt, Tensor g, Tensor y) = (inputs[0]!, saved(7), saved(8)!, saved(9)!, saved(10)!, saved(11)!);
        Tensor dx = empty(x.shape, x.dtype, x.device);
        (Tensor dy, Tensor dNorm) = GatedNormKernels.Backward(_device, y, Gate(x), w.Norm, _shape.Eps, grad_outputs[0]!.contiguous(), Gate(dx));
        Tensor du = empty(u.shape, u.dtype, u.device);
        SsdGradients r = SsdKernels.Backward(_device, Inputs(u, dt, g, w, ids), new SsdStates(saved(12)!, saved(13)!), ByHead(dy, _shape.Heads.Count), null,
            new SsdTargets(Queries(du), Keys(du), Values(du)));
        dy.Dispose();
        ConvGradients c = ConvKernels.Backward(_device, Convolved(x), [w.Direction(_reverse)], ids, [du], Convolved(dx))[0];

        // g = -exp(A_log) dt, dt = softplus(raw + bias) within limits.
        Tensor ddt = r.Scale! + (r.G * w.A);
        if (_shape.DtMin > 0 || _shape.DtMax > 0)
        {
            Tensor free = dt.gt(_shape.DtMin).to(float32);
            ddt = ddt * (_shape.DtMax > 0 ? free * dt.lt(_shape.DtMax).to(float32) : free);
        }

        Tensor draw = ddt * (Raw(x).to(float32) + w.DtBias).sigmoid();
        Raw(dx).copy_(draw);
        long behind = _shape.Width;
        dx.narrow(2, behind, dx.size(2) - behind).zero_();
        return [dx, c.DWeight, c.DBias, draw.sum([0, 1]), (r.G * g).sum([0, 1]), r.Skip, dNorm, null];
    }

    private (Tensor Dt, Tensor G) Steps(Tensor x, in Weights w)
    {
        Tensor dt = nn.functional.softplus(Raw(x).to(float32) + w.DtBias);
        if (_shape.DtMin > 0 || _shape.DtMax > 0)
        {
            dt = dt.clamp(_shape.DtMin, _shape.DtMax > 0 ? _shape.DtMax : null);
        }

        return (dt, dt * w.A);
    }

    private SsdInputs Inputs(Tensor u, Tensor dt, Tensor g, in Weights w, Tensor? ids) => new(Queries(u), Keys(u), Values(u), g)
    {
        Scale = dt,
        Skip = w.D,
        Ids = ids,
        Reverse = _reverse,
    };

    private Tensor Gate(Tensor x) => x.narrow(2, 0, _shape.Heads.Values);

    private Tensor Convolved(Tensor x) => x.narrow(2, _shape.Heads.Values, _shape.Convolved);

    private Tensor Raw(Tensor x) => x.narrow(2, _shape.Heads.Values + _shape.Convolved, _shape.Heads.Count);

    private Tensor Values(Tensor u) => ByHead(u.narrow(2, 0, _shape.Heads.Values), _shape.Heads.Count);

    private Tensor Keys(Tensor u) => ByHead(u.narrow(2, _shape.Heads.Values, _shape.Shared), _shape.Groups);

    private Tensor Queries(Tensor u) => ByHead(u.narrow(2, _shape.Heads.Values + _shape.Shared, _shape.Shared), _shape.Groups);

    private static Tensor ByHead(Tensor t, long count) => t.view(t.size(0), t.size(1), count, t.size(2) / count);

    // The parameters behind the first input, single precision.
    private readonly struct Weights(Tensor?[] inputs)
    {
        internal Tensor DtBias { get; } = inputs[3]!;

        internal Tensor A { get; } = inputs[4]!.exp().neg();

        internal Tensor D { get; } = inputs[5]!.contiguous();

        internal Tensor Norm { get; } = inputs[6]!.contiguous();

        internal ConvDirection Direction(bool reverse) => new(inputs[1]!.contiguous(), inputs[2]?.contiguous(), reverse, null);
    }
}

/// <summary>Numbers of one direction of Mamba-2.</summary>
/// <param name="Heads">Heads, d_state and head width.</param>
/// <param name="Groups">Of heads that share B and C.</param>
/// <param name="Taps">Of the convolution.</param>
/// <param name="Eps">Of the norm.</param>
/// <param name="DtMin">Least step size; 0: none.</param>
/// <param name="DtMax">Largest step size; 0: none.</param>
internal readonly record struct Mamba2Shape(HeadShape Heads, int Groups, int Taps, double Eps, double DtMin, double DtMax)
{
    /// <summary>Whether the kernels take these widths.</summary>
    internal bool Fits => SsdKernels.Takes(bfloat16, Heads.Key, Heads.Value) && Heads.Key % 16 == 0 && Heads.Value % 16 == 0
        && Heads.Values <= GatedNormKernels.MaxWidth && Taps is >= 2 and <= 4;

    /// <summary>Elements that a layer keeps for each row, given the directions and an activation's bytes: see <see cref="DeviceMamba2"/>.</summary>
    internal long Kept(long directions, int bytes)
    {
        long states = Heads.Values * (long)Heads.Key / SsdKernels.Chunk(bytes == 4 ? float32 : bfloat16);
        return Width + Heads.Values + (directions * (Convolved + Heads.Values + states + (8 * Heads.Count / bytes)));
    }

    /// <summary>Columns of B, or of C.</summary>
    internal int Shared => Groups * Heads.Key;

    /// <summary>Columns of x, B and C.</summary>
    internal int Convolved => Heads.Values + (2 * Shared);

    /// <summary>Rows of in_proj.</summary>
    internal int Width => Heads.Values + Convolved + Heads.Count;
}
