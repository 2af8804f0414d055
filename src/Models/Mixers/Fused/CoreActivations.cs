using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>What the backward pass of <see cref="DeviceMambaCore"/> needs besides xz; what is null is computed again.</summary>
internal sealed class CoreActivations : IDisposable
{
    /// <summary>Rows of [dt, B, C], activation type [batch, length, R8 + 2N], by direction.</summary>
    internal required Tensor[] Projected { get; init; }

    /// <summary>The scans' checkpoints, by direction.</summary>
    internal required Tensor[] Checkpoints { get; init; }

    /// <summary>Sum of the directions before the gate [batch, length, D]; of a layer that is computed again the gated sum.</summary>
    internal required Tensor Sum { get; init; }

    /// <summary>The convolutions' outputs [batch, length, D], by direction.</summary>
    internal Tensor[]? U { get; init; }

    /// <summary>Step sizes before bias and softplus [batch, length, D], by direction.</summary>
    internal Tensor[]? Delta { get; init; }

    /// <summary>Takes the tensors out of their dispose scopes: they live until <see cref="Dispose"/>.</summary>
    internal CoreActivations Detach()
    {
        foreach (Tensor t in All())
        {
            t.DetachFromDisposeScope();
        }

        return this;
    }

    /// <summary>Views of some batch entries.</summary>
    internal CoreActivations Narrow(long first, long count)
    {
        Tensor[] Each(Tensor[] tensors) => Array.ConvertAll(tensors, t => t.narrow(0, first, count));
        return new CoreActivations
        {
            Projected = Each(Projected),
            Checkpoints = Each(Checkpoints),
            Sum = Sum.narrow(0, first, count),
            U = U is null ? null : Each(U),
            Delta = Delta is null ? null : Each(Delta),
        };
    }

    /// <inheritdoc/>
    public void Dispose() => Release([.. All()]);

    internal static void Release(Tensor[]? tensors)
    {
        foreach (Tensor t in tensors ?? [])
        {
            t.Dispose();
        }
    }

    private IEnumerable<Tensor> All() => [.. Projected, .. Checkpoints, Sum, .. U ?? [], .. Delta ?? []];
}
