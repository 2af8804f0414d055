using GenoSeq.Models.Kernels;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>One direction's parameters in the order of <see cref="MambaScan"/>'s inputs, and what the CPU's kernels read of them.</summary>
/// <param name="own">As <see cref="MambaDirection.Inner"/> gives them.</param>
/// <param name="norms">The norms of dt, B and C, or null.</param>
internal readonly unsafe ref struct MambaParameters(ReadOnlySpan<Tensor?> own, ProjectionNorms? norms)
{
    /// <summary>Tensors of a direction.</summary>
    internal const int Count = 7 + ProjectionNorms.Count;

    private readonly ReadOnlySpan<Tensor?> _own = own;

    internal Tensor Conv => _own[0]!;

    internal Tensor? ConvBias => _own[1];

    internal Tensor XProj => _own[2]!;

    internal Tensor DtProj => _own[3]!;

    internal Tensor DtBias => _own[4]!;

    internal Tensor ALog => _own[5]!;

    internal Tensor D => _own[6]!;

    /// <summary>d_inner.</summary>
    internal long Width => ALog.size(0);

    internal long Taps => Conv.size(2);

    internal long Rank => DtProj.size(1);

    internal long States => ALog.size(1);

    /// <summary>Rows of [dt, B, C] as dt_proj and the scan take them.</summary>
    internal Tensor Normed(Tensor projected) => norms?.Forward(projected, States, _own[7..]) ?? projected;

    /// <summary>The gradient of rows as the scan takes them made into that of the rows before, in place; returns the norms' weights'.</summary>
    internal Tensor?[] NormsBack(Tensor projected, Tensor gradient) =>
        norms?.Backward(projected, gradient, States, _own[7..]) ?? new Tensor?[ProjectionNorms.Count];

    /// <summary>The convolution over the x of xz [batch, length, 2D].</summary>
    /// <param name="xz">What is read.</param>
    /// <param name="reverse">Reads from the last position.</param>
    /// <param name="halo">Inputs before the first [batch, taps - 1, D], or null: zeros.</param>
    internal CausalConvInputs<float> Convolution(Tensor xz, bool reverse, Tensor? halo) => new()
    {
        Batch = (int)xz.size(0),
        Length = (int)xz.size(1),
        Channels = (int)Width,
        Taps = (int)Taps,
        X = TensorRows.Of(xz),
        Weight = TensorRows.Dense(Conv),
        Bias = TensorRows.Dense(ConvBias),
        Silu = true,
        Reverse = reverse,
        InitialHalo = TensorRows.Dense(halo),
    };

    /// <summary>The scan, gated by the z of xz.</summary>
    /// <param name="xz">[batch, length, 2D].</param>
    /// <param name="u">The convolution's output [batch, length, D].</param>
    /// <param name="delta">Step sizes before bias and softplus [batch, length, D].</param>
    /// <param name="projected">Rows of [dt, B, C].</param>
    /// <param name="a">A = -exp(A_log).</param>
    /// <param name="reverse">Reads from the last position.</param>
    /// <param name="state">The state before the first position [batch, D, N], or null: zeros.</param>
    internal SelectiveScanInputs<float> Scan(Tensor xz, Tensor u, Tensor delta, Tensor projected, Tensor a, bool reverse, Tensor? state) => new()
    {
        Batch = (int)xz.size(0),
        Length = (int)xz.size(1),
        Channels = (int)Width,
        States = (int)States,
        U = TensorRows.Of(u),
        Delta = TensorRows.Of(delta),
        A = TensorRows.Dense(a),
        B = TensorRows.Of(projected, Rank),
        C = TensorRows.Of(projected, Rank + States),
        D = TensorRows.Dense(D),
        Z = TensorRows.Of(xz, Width),
        DeltaBias = TensorRows.Dense(DtBias),
        DeltaSoftplus = true,
        Reverse = reverse,
        InitialState = TensorRows.Dense(state),
    };
}
