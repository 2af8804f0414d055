namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>How a forward scan runs.</summary>
/// <param name="Segments">Segments of time of the serial kernel; 0: tiles of time, chained.</param>
internal readonly record struct ScanPlan(int Segments)
{
    /// <summary>Tiles of time, each waiting for the one before.</summary>
    internal static ScanPlan Chain => new(0);

    /// <summary>Chooses by shape.</summary>
    /// <param name="shape">The scans.</param>
    /// <param name="multiprocessors">Of the device.</param>
    /// <param name="resident">Warps of the serial kernel that fit on one.</param>
    internal static ScanPlan For(ScanShape shape, int multiprocessors, int resident)
    {
        long warps = (long)shape.Scans * shape.Batch * ((shape.Channels + 31) / 32);
        long room = (long)multiprocessors * resident;
        return warps * 3 > room ? new(1) : new((int)(room / warps));
    }

    /// <summary>Segments and their steps, a multiple of 16; no segment is empty.</summary>
    internal (int Segments, int Steps) Cut(int length)
    {
        int steps = (((length + Segments - 1) / Segments) + 15) / 16 * 16;
        return ((length + steps - 1) / steps, steps);
    }
}
