using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>
/// What the pre-pass of a forward scan found out about segments of time. A second scan of the same inputs that is given it needs
/// no pre-pass, and starts each segment from the same bits.
/// </summary>
/// <param name="Plan">How time was cut.</param>
/// <param name="Ends">Each segment's end state from zero, f32 [batch, segments, d_inner, d_state], for each scan; the last one's is undefined.</param>
/// <param name="Sums">Its sum of step sizes, f32 [batch, segments, d_inner], likewise.</param>
internal sealed record ScanSegments(ScanPlan Plan, Tensor[] Ends, Tensor[] Sums) : IDisposable
{
    /// <summary>Bytes of a segment, batch entry and channel.</summary>
    internal const int BytesOfChannel = (ScanShape.States + 1) * sizeof(float);

    /// <summary>Space for segments, in the scope at hand.</summary>
    internal static ScanSegments Allocate(ScanShape shape, ScanPlan plan)
    {
        int segments = plan.Cut(shape.Length).Segments;
        var ends = new Tensor[shape.Scans];
        var sums = new Tensor[shape.Scans];
        for (int i = 0; i < ends.Length; i++)
        {
            ends[i] = empty([shape.Batch, segments, shape.Channels, ScanShape.States], float32, shape.Device);
            sums[i] = empty([shape.Batch, segments, shape.Channels], float32, shape.Device);
        }

        return new ScanSegments(plan, ends, sums);
    }

    /// <summary>Points the scans at the segments.</summary>
    /// <exception cref="ArgumentException">They are another shape's.</exception>
    internal void PointAt(ScanShape shape, ref ScanForwardArguments arguments)
    {
        if (Ends.Length != shape.Scans)
        {
            throw new ArgumentException($"segments of {Ends.Length} scans were given to {shape.Scans}");
        }

        (arguments.Segments, arguments.Steps) = Plan.Cut(shape.Length);
        for (int i = 0; i < Ends.Length; i++)
        {
            arguments.Scans[i].Ends = shape.Dense(Ends[i], "the segments' end states", shape.Batch, arguments.Segments, shape.Channels, ScanShape.States);
            arguments.Scans[i].Sums = shape.Dense(Sums[i], "the segments' sums", shape.Batch, arguments.Segments, shape.Channels);
        }
    }

    /// <summary>Views of some batch entries.</summary>
    internal ScanSegments Narrow(long first, long count) => this with
    {
        Ends = Array.ConvertAll(Ends, t => t.narrow(0, first, count)),
        Sums = Array.ConvertAll(Sums, t => t.narrow(0, first, count)),
    };

    /// <summary>Gives the tensors to the scope around the one at hand.</summary>
    internal ScanSegments MoveToOuterDisposeScope()
    {
        Array.ForEach(Tensors, t => t.MoveToOuterDisposeScope());
        return this;
    }

    /// <summary>Takes the tensors out of their dispose scopes: they live until <see cref="Dispose"/>.</summary>
    internal ScanSegments Detach()
    {
        Array.ForEach(Tensors, t => t.DetachFromDisposeScope());
        return this;
    }

    /// <inheritdoc/>
    public void Dispose() => Array.ForEach(Tensors, t => t.Dispose());

    private Tensor[] Tensors => [.. Ends, .. Sums];
}
