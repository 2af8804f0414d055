namespace GenoSeq.Training.Benchmarks;

/// <summary>A network between GPUs.</summary>
/// <param name="Name">Its name.</param>
/// <param name="GigabytesPerSecond">What goes in and, at the same time, out, in GB/s: of each GPU inside a host, of each host between hosts.</param>
/// <param name="Microseconds">Latency of one message.</param>
public readonly record struct ScalingLink(string Name, double GigabytesPerSecond, double Microseconds);

/// <summary>What the model predicts of one number of GPUs.</summary>
/// <param name="Gpus">GPUs.</param>
/// <param name="ReduceMs">Time that the gradients' sums take.</param>
/// <param name="ExposedMs">Its part that is not hidden behind the backward pass.</param>
/// <param name="StragglerMs">By which the slowest GPU of a step is behind the mean one.</param>
/// <param name="JoinMs">What a step takes longer because it is taken together.</param>
/// <param name="Efficiency">Throughput over that of as many GPUs that need not exchange anything.</param>
public readonly record struct ScalingPrediction(int Gpus, double ReduceMs, double ExposedMs, double StragglerMs, double JoinMs, double Efficiency);

/// <summary>
/// Weak scaling of data parallelism: every GPU takes the measured step, and the gradients are summed over all of them.
/// </summary>
/// <remarks>
/// With P parameters of b bytes in buckets of B bytes, G GPUs a host and H hosts, T the step's time and s its spread:
/// <code>
/// reduce(x)  = 2 (G-1)/G x / inside + 2 (H-1)/H x / (u between) + (2 log2 G a_inside + 2 log2 H a_between), inside = u NVLink
/// all        = ceil(Pb/B) buckets, each reduce(B)
/// exposed    = max(reduce(last bucket), all - f T)      the last bucket is ready when the backward pass is over
/// straggler  = s sqrt(2 ln N)                           expected maximum of N normal times over their mean
/// join       = j log2 N                                 measured, not derived: see JoinMs
/// efficiency = T / (T + exposed + straggler + join)
/// </code>
/// u is the share of a link's published rate that collectives reach, f the share of T in which buckets become ready. All GPUs of a
/// host share its network, and each sends only its own part of the sums, which is why H's term has no G.
/// </remarks>
public sealed record ScalingModel
{
    /// <summary>Time of a step on one GPU, in milliseconds.</summary>
    public required double StepMs { get; init; }

    /// <summary>Standard deviation of the step's time, in milliseconds.</summary>
    public double SpreadMs { get; init; }

    /// <summary>Parameters.</summary>
    public required long Parameters { get; init; }

    /// <summary>Bytes of a gradient's element.</summary>
    public double ElementBytes { get; init; } = 4;

    /// <summary>Bytes of a bucket.</summary>
    public double BucketBytes { get; init; } = 25 * (1 << 20);

    /// <summary>GPUs of a host, or of whatever the inner network joins.</summary>
    public int GpusPerHost { get; init; } = 8;

    /// <summary>Inside a host. NVLink of the fourth generation: 900 GB/s of a GPU, half of it each way (H100 data sheet).</summary>
    public ScalingLink Inside { get; init; } = new("NVLink", 450, 3);

    /// <summary>Between hosts.</summary>
    public ScalingLink Between { get; init; } = new("400 Gb/s", 50, 10);

    /// <summary>Share of a link's published rate that collectives reach.</summary>
    public double Utilisation { get; init; } = 0.8;

    /// <summary>Share of the step in which gradients become ready, one after the other: the backward pass is about two thirds.</summary>
    public double Overlap { get; init; } = 0.6;

    /// <summary>
    /// What a doubling of the GPUs adds to a step, in milliseconds: numbers gathered from all ranks, kernels that run beside the
    /// sums, a host that cannot be ahead. Fitted to 2 and 4 H100 of one host that log every step, whose steps of 149 to 187 ms
    /// took 3.0 to 5.5 and 6.6 to 8.1 ms longer than alone.
    /// </summary>
    public double JoinMs { get; init; } = 3.5;

    /// <summary>Time in which a number of bytes is summed over all GPUs, in milliseconds.</summary>
    public double ReduceMs(double bytes, int gpus)
    {
        int inside = Math.Min(gpus, GpusPerHost);
        int hosts = (gpus + inside - 1) / inside;
        double seconds = (2.0 * (inside - 1) / inside * bytes / (Inside.GigabytesPerSecond * 1e9 * Utilisation))
            + (2.0 * (hosts - 1) / hosts * bytes / (Between.GigabytesPerSecond * 1e9 * Utilisation));
        double latencies = (2 * Math.Log2(inside) * Inside.Microseconds) + (2 * Math.Log2(hosts) * Between.Microseconds);
        return (seconds * 1e3) + (latencies / 1e3);
    }

    /// <summary>The prediction for a number of GPUs.</summary>
    public ScalingPrediction At(int gpus)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(gpus, 1);
        double bytes = Parameters * ElementBytes;
        double buckets = Math.Max(1, Math.Ceiling(bytes / BucketBytes));
        double all = gpus == 1 ? 0 : buckets * ReduceMs(bytes / buckets, gpus);
        double exposed = gpus == 1 ? 0 : Math.Max(all / buckets, all - (Overlap * StepMs));
        double straggler = SpreadMs * Math.Sqrt(2 * Math.Log(gpus));
        double join = JoinMs * Math.Log2(gpus);
        return new ScalingPrediction(gpus, all, exposed, straggler, join, StepMs / (StepMs + exposed + straggler + join));
    }

    /// <summary>The standard deviation behind the range of some measurements, taken as normal.</summary>
    /// <param name="range">Greatest less least.</param>
    /// <param name="count">Measurements, 2 to 10; the range of more says less and is taken as that of 10.</param>
    public static double SpreadOf(double range, int count)
    {
        // The expected range of so many standard normal numbers (Tippett, Biometrika 17, 1925).
        double[] expected = [1.128, 1.693, 2.059, 2.326, 2.534, 2.704, 2.847, 2.970, 3.078];
        return count < 2 ? 0 : range / expected[Math.Min(count, 10) - 2];
    }
}
