using GenoSeq.Models.Kernels.Cuda;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>What a Mamba core keeps of a forward pass that will be computed again, so that the second time is cheaper.</summary>
/// <param name="Projected">Rows of [dt, B, C], activation type [batch, length, R8 + 2N], by direction; null: projected again.</param>
/// <param name="Segments">The scans' segments of time: no second pre-pass; null where there were none.</param>
internal sealed record CoreAnchors(Tensor[]? Projected, ScanSegments? Segments) : IDisposable
{
    /// <summary>Takes the tensors out of their dispose scopes: they live until <see cref="Dispose"/>.</summary>
    internal CoreAnchors Detach()
    {
        Array.ForEach(Projected ?? [], t => t.DetachFromDisposeScope());
        Segments?.Detach();
        return this;
    }

    /// <summary>Views of some batch entries.</summary>
    internal CoreAnchors Narrow(long first, long count) =>
        new(Projected is null ? null : Array.ConvertAll(Projected, t => t.narrow(0, first, count)), Segments?.Narrow(first, count));

    /// <inheritdoc/>
    public void Dispose()
    {
        CoreActivations.Release(Projected);
        Segments?.Dispose();
    }
}
