namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>How a backward scan cuts its work.</summary>
/// <param name="Warps">Warps of a block, each with 32 channels: 1, 2 or 4.</param>
/// <param name="Segments">Segments of time, each for one block.</param>
/// <param name="Split">Spans of a segment, each for one warp of the walk that finds the adjoint between segments.</param>
internal readonly record struct ScanBackwardPlan(int Warps, int Segments, int Split)
{
    /// <summary>Warps of a block: as many as the channels fill.</summary>
    /// <param name="channels">d_inner.</param>
    internal static int WarpsFor(int channels) => channels <= 32 ? 1 : channels <= 64 ? 2 : 4;

    /// <summary>Segments enough to fill the device once; one where the channels do.</summary>
    /// <param name="shape">The scans.</param>
    /// <param name="multiprocessors">Of the device.</param>
    /// <param name="resident">Blocks that fit on one.</param>
    internal static ScanBackwardPlan For(ScanShape shape, int multiprocessors, int resident)
    {
        int warps = WarpsFor(shape.Channels);
        long blocks = (long)shape.Scans * shape.Batch * SetsFor(shape.Channels, warps);
        return new ScanBackwardPlan(warps, (int)Math.Max(1, (long)multiprocessors * resident / blocks), 1);
    }

    /// <summary>Blocks that share the channels.</summary>
    internal static int SetsFor(int channels, int warps) => (channels + (32 * warps) - 1) / (32 * warps);

    /// <summary>Steps of a span, a multiple of 16.</summary>
    /// <param name="length">Time steps.</param>
    internal int SpanSteps(int length) => ((length + (16 * Segments * Split) - 1) / (16 * Segments * Split)) * 16;
}
