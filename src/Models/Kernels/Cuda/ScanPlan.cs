namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>How a forward scan runs.</summary>
/// <param name="Segments">Segments of time of the serial kernel; 0: tiles of time, chained.</param>
/// <param name="Groups">Of the chained kernel: groups of 16 channels that a block takes in turn for one tile.</param>
internal readonly record struct ScanPlan(int Segments, int Groups = 4)
{
    /// <summary>Warps of the serial kernel on a multiprocessor from which on it needs no segments.</summary>
    private const int Enough = 5;

    /// <summary>Warps on a multiprocessor that segments are cut for.</summary>
    private const int Wanted = 12;

    /// <summary>From this length on the states' decay makes the pre-pass of segments cheaper than the chain.</summary>
    private const int Long = 1 << 19;

    /// <summary>The same for a single sequence, whose chain is all that runs.</summary>
    private const int LongForOne = 1 << 17;

    /// <summary>Chooses by shape, as measured on an H100 (docs/kernels-gpu.md).</summary>
    /// <param name="shape">The scans.</param>
    /// <param name="multiprocessors">Of the device.</param>
    internal static ScanPlan For(ScanShape shape, int multiprocessors)
    {
        long warps = (long)shape.Scans * shape.Batch * shape.Strips;
        if (warps >= (long)multiprocessors * Enough)
        {
            return new(1);
        }

        bool one = shape.Scans * shape.Batch == 1;
        return shape.Length >= (one ? LongForOne : Long)
            ? new((int)Math.Max(2, multiprocessors * Wanted / warps))
            : new(0, Groups: one ? 2 : 4);
    }

    /// <summary>The same for directions that run one after the other, the last with the gate.</summary>
    internal static ScanPlan ForGated(ScanShape shape, int multiprocessors) => For(shape with { Scans = 1 }, multiprocessors);

    /// <summary>Segments and their steps, a multiple of 16; no segment is empty.</summary>
    internal (int Segments, int Steps) Cut(int length)
    {
        int steps = (((length + Segments - 1) / Segments) + 15) / 16 * 16;
        return ((length + steps - 1) / steps, steps);
    }
}
