using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>
/// The parameters of one Mamba direction as the device path uses them: projections in the activation type, dt's rank padded
/// to a multiple of 8 so that rows of [dt, B, C] are aligned. D = d_inner, N = d_state, R = dt_rank, R8 = R rounded up.
/// </summary>
internal sealed class DeviceDirection : IDisposable
{
    /// <summary>Parameters that a direction brings to an autograd function, in the order of <see cref="MambaDirection.Inner"/>.</summary>
    internal const int Count = MambaParameters.Count;

    private readonly Tensor?[] _parameters;
    private readonly ProjectionNorms? _norms;

    /// <summary>Casts and pads.</summary>
    /// <param name="parameters">As <see cref="MambaDirection.Inner"/> gives them; single precision.</param>
    /// <param name="reverse">Reads from the last position.</param>
    /// <param name="activation">Type of the activations.</param>
    /// <param name="norms">The norms of dt, B and C, or null.</param>
    internal DeviceDirection(ReadOnlySpan<Tensor?> parameters, bool reverse, ScalarType activation, ProjectionNorms? norms)
    {
        _norms = norms;
        _parameters = parameters.ToArray();
        Reverse = reverse;
        Rank = DtProjParameter.size(1);
        States = ALogParameter.size(1);
        PaddedRank = (Rank + 7) / 8 * 8;
        using DisposeScope scope = NewDisposeScope();
        Tensor x = XProjParameter.to(activation);
        Tensor dt = DtProjParameter.to(activation);
        if (PaddedRank > Rank)
        {
            Tensor rows = zeros([PaddedRank - Rank, x.size(1)], activation, x.device);
            x = cat([x.narrow(0, 0, Rank), rows, x.narrow(0, Rank, 2 * States)]);
            dt = cat([dt, zeros([dt.size(0), PaddedRank - Rank], activation, x.device)], 1);
        }

        // Aliases: in single precision a cast is the parameter itself, which is not ours to free.
        XProj = x.alias().DetachFromDisposeScope();
        DtProj = dt.alias().DetachFromDisposeScope();
        A = ALogParameter.exp().neg().DetachFromDisposeScope();
    }

    internal bool Reverse { get; }

    internal long Rank { get; }

    internal long PaddedRank { get; }

    internal long States { get; }

    /// <summary>Width of a row of [dt, B, C]: R8 + 2N.</summary>
    internal long ProjectedWidth => PaddedRank + (2 * States);

    /// <summary>[D, 1, K].</summary>
    internal Tensor Conv => _parameters[0]!;

    /// <summary>[D], or null.</summary>
    internal Tensor? ConvBias => _parameters[1];

    /// <summary>[R8 + 2N, D], activation type.</summary>
    internal Tensor XProj { get; }

    /// <summary>[D, R8], activation type.</summary>
    internal Tensor DtProj { get; }

    /// <summary>[D].</summary>
    internal Tensor DtBias => _parameters[4]!;

    /// <summary>A = -exp(A_log) [D, N].</summary>
    internal Tensor A { get; }

    /// <summary>[D].</summary>
    internal Tensor Skip => _parameters[6]!;

    private Tensor XProjParameter => _parameters[2]!;

    private Tensor DtProjParameter => _parameters[3]!;

    private Tensor ALogParameter => _parameters[5]!;

    /// <summary>Rows of [dt, B, C] [..., R8 + 2N] as dt_proj and the scan take them.</summary>
    internal Tensor Normed(Tensor projected) => _norms?.Forward(projected, States, _parameters.AsSpan(^ProjectionNorms.Count..)) ?? projected;

    /// <summary>The gradient of rows as the scan takes them made into that of the rows before, in place; returns the norms' weights'.</summary>
    internal Tensor?[] NormsBack(Tensor projected, Tensor gradient) =>
        _norms?.Backward(projected, gradient, States, _parameters.AsSpan(^ProjectionNorms.Count..)) ?? new Tensor?[ProjectionNorms.Count];

    /// <summary>Whether the kernels take a direction of this shape; otherwise libtorch's operators do, slowly.</summary>
    internal static bool Supports(long dInner, long states, long taps) =>
        dInner % 8 == 0 && states == 16 && taps is >= 2 and <= 4;

    /// <summary>x_proj's gradient without the rows of the padding.</summary>
    internal Tensor WithoutPadding(Tensor xProj) => PaddedRank == Rank
        ? xProj
        : cat([xProj.narrow(0, 0, Rank), xProj.narrow(0, PaddedRank, 2 * States)]);

    /// <inheritdoc/>
    public void Dispose()
    {
        XProj.Dispose();
        DtProj.Dispose();
        A.Dispose();
    }
}

/// <summary>Gradients of a direction's parameters, single precision, in the order of <see cref="MambaDirection.Inner"/>.</summary>
internal sealed record DirectionGradients(Tensor Conv, Tensor? ConvBias, Tensor XProj, Tensor DtProj, Tensor DtBias, Tensor ALog,
    Tensor Skip, Tensor?[] Norms)
{
    internal Tensor?[] ToArray() => [Conv, ConvBias, XProj, DtProj, DtBias, ALog, Skip, .. Norms];

    /// <summary>Moves the tensors to the scope around their own.</summary>
    internal void MoveToOuterDisposeScope() => Array.ForEach(ToArray(), t => t?.MoveToOuterDisposeScope());

    /// <summary>Adds another slice's gradients.</summary>
    internal void Add(DirectionGradients other)
    {
        Tensor?[] all = ToArray();
        Tensor?[] more = other.ToArray();
        for (int i = 0; i < all.Length; i++)
        {
            all[i]?.add_(more[i]!);
            more[i]?.Dispose();
        }
    }
}
