namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>How a forward scan runs.</summary>
/// <param name="Segments">Segments of time of the serial kernel; 0: tiles of time, chained.</param>
/// <param name="Groups">Of the chained kernel: groups of 16 channels that a block takes in turn for one tile.</param>
internal readonly record struct ScanPlan(int Segments, int Groups = 4)
{
    /// <summary>Warps of the serial kernel that a multiprocessor holds.</summary>
    private const int Resident = 16;

    /// <summary>Steps after which no state of a channel with the smallest step sizes in use is felt any more.</summary>
    private const int Memory = 12500;

    /// <summary>The pre-pass walks a step in this part of the time that the scan takes.</summary>
    private const double EndStep = 0.36;

    /// <summary>Steps of the scan that the blocks walked exactly, at the end of each segment, take the time of.</summary>
    private const double EndBlocks = 190;

    /// <summary>
    /// Time of dt_proj and the chained kernel, where that of the serial one on a full device is 1; for a single sequence, whose chain
    /// is all that runs, more; and of the gate's kernel.
    /// </summary>
    private const double ChainTime = 1.68, ChainTimeOfOne = 1.83, GateTime = 0.16;

    /// <summary>What dense checkpoints cost the chain more than the serial kernel.</summary>
    private const double DenseChain = 0.3;

    /// <summary>Chooses by shape, as measured on an H100 (docs/kernels-gpu.md).</summary>
    /// <param name="shape">The scans.</param>
    /// <param name="multiprocessors">Of the device.</param>
    /// <param name="dense">Checkpoints are kept every few steps, which slows the chain by a quarter.</param>
    internal static ScanPlan For(ScanShape shape, int multiprocessors, bool dense) =>
        For(shape, shape.Scans, multiprocessors, dense ? DenseChain : 0, 0);

    /// <summary>
    /// The same for directions that run one after the other, the last with the gate, unless they are chained; and, if there will be
    /// such, for a second run with the same segments and without a pre-pass, of one direction after the other or both and then the gate.
    /// </summary>
    /// <param name="shape">The scans.</param>
    /// <param name="multiprocessors">Of the device.</param>
    /// <param name="again">Batch entries of the second run; 0: there is none.</param>
    internal static ScanPlan ForGated(ScanShape shape, int multiprocessors, int again) => For(shape, 1, multiprocessors, GateTime, again);

    /// <summary>Whether scans are faster with this plan's segments, whose end states are known, than with their own and a pre-pass.</summary>
    /// <param name="shape">The scans: those of the pre-pass, or some of its batch entries.</param>
    /// <param name="multiprocessors">Of the device.</param>
    internal bool IsWorthKeeping(ScanShape shape, int multiprocessors)
    {
        Best(shape, shape.Scans, multiprocessors, 0, out double time);
        return Fill((long)shape.Scans * shape.Batch * shape.Strips * Segments, multiprocessors) <= Math.Min(time, ChainTime);
    }

    /// <summary>Segments and their steps, a multiple of 16; no segment is empty.</summary>
    internal (int Segments, int Steps) Cut(int length)
    {
        int steps = (((length + Segments - 1) / Segments) + 15) / 16 * 16;
        return ((length + steps - 1) / steps, steps);
    }

    /// <summary>
    /// Segments of equal length, whole blocks of 16 steps, that fill the device where only the final state is wanted; 0 where the
    /// length has none.
    /// </summary>
    internal static int EvenSegments(ScanShape shape, int multiprocessors)
    {
        if (shape.IsEmpty || shape.Length % 16 != 0)
        {
            return 0;
        }

        long warps = Math.Max(1, (long)shape.Scans * shape.Batch * shape.Strips);
        long most = Math.Clamp(2L * Resident * multiprocessors / warps, 1, Math.Max(1, shape.Length / 256));
        int segments = 1;
        while (2 * segments <= most && shape.Length % (32L * segments) == 0)
        {
            segments *= 2;
        }

        return segments;
    }

    private static ScanPlan For(ScanShape shape, int atOnce, int multiprocessors, double more, int again)
    {
        bool one = shape.Scans * shape.Batch == 1;
        int segments = Best(shape, atOnce, multiprocessors, again, out double time);
        return time < more + (one ? ChainTimeOfOne : ChainTime) ? new(segments) : new(0, Groups: one ? 2 : 4);
    }

    // The time is the first run's.
    private static int Best(ScanShape shape, int atOnce, int multiprocessors, int again, out double time)
    {
        long warps = Math.Max(1, (long)atOnce * shape.Batch * shape.Strips);
        int most = (int)Math.Clamp(2L * Resident * multiprocessors / warps, 1, Math.Max(1, shape.Length / 256));
        long second = (long)again * shape.Strips;
        (int best, double both, time) = (1, double.MaxValue, double.MaxValue);
        for (int segments = 1; segments <= most; segments++)
        {
            double t = Time(warps * segments, segments, shape.Length, multiprocessors);
            double all = t + (again > 0 ? Math.Min(Fill(second * segments, multiprocessors), Fill(shape.Scans * second * segments, multiprocessors) + GateTime) : 0);
            (best, both, time) = all < both ? (segments, all, t) : (best, both, time);
        }

        return best;
    }

    // 1: on a full device, without a pre-pass.
    private static double Time(long warps, int segments, int length, int multiprocessors)
    {
        double steps = (double)length / segments;
        return Fill(warps, multiprocessors) + ((segments - 1) * ((EndStep * Math.Min(steps, Memory)) + EndBlocks) / length);
    }

    // Without the pre-pass.
    private static double Fill(long warps, int multiprocessors)
    {
        double waves = (double)warps / ((long)Resident * multiprocessors);
        return waves > 1 ? Math.Ceiling(waves) / waves : 1 / Speed(waves);
    }

    // Of a device that is filled in part.
    private static double Speed(double filled) => 1 - Math.Exp(-3.1 * filled);
}
