using GenoSeq.Models.Mixers.Fused;

namespace GenoSeq.Models.Memory;

/// <summary>Shape of one forward and backward pass.</summary>
/// <param name="Batch">Windows at a time.</param>
/// <param name="Length">Positions of a window.</param>
/// <param name="ActivationBytes">Bytes of an activation: 2 for bf16, 4 for single precision.</param>
public readonly record struct PassShape(long Batch, long Length, int ActivationBytes);

/// <summary>
/// Memory of training on a device with kernels, counted from the model's shape: what every tensor that lives at the worst
/// moment takes. R = rows (strands * batch * length), d = d_model, D = d_inner, E = bytes of an activation.
/// </summary>
/// <remarks>
/// The worst moment is in some layer's backward pass: what the layers up to it keep, and that layer's working set. Layers that
/// keep more come last, since theirs is freed before the others' working sets are needed.
/// </remarks>
public static class TrainingMemory
{
    // Weights, gradients and the optimizer's two moments, single precision.
    private const int BytesPerParameter = 16;

    // The allocator's rounding and kernels' work space take up to this much more than what is counted (measured: up to 3 %).
    private const double Trust = 0.965;

    // Partial sums of kernels, the library's workspace, batches and the caching allocator's rounding.
    private const long Overhead = 200L << 20;

    // What the last layers may keep of their scans, from most to least.
    private static readonly LayerMemory[] s_kept = [LayerMemory.KeepDense, LayerMemory.KeepAll, LayerMemory.Keep, LayerMemory.KeepScan];

    /// <summary>Peak bytes of a training step.</summary>
    /// <param name="config">The model.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <param name="shape">One pass.</param>
    /// <param name="plan">What each layer keeps.</param>
    public static long Peak(ModelConfig config, long parameters, PassShape shape, IReadOnlyList<LayerMemory> plan)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(plan);
        IReadOnlyList<string> kinds = config.LayerMixers();
        var size = new LayerSizes(config, shape);
        long kept = 0;
        long peak = size.HeadWorking;
        for (int i = 0; i < plan.Count; i++)
        {
            kept += size.Kept(kinds[i], plan[i], i);
            peak = Math.Max(peak, kept + size.Working(kinds[i], plan[i], i));
        }

        return (BytesPerParameter * parameters) + Math.Max(peak, kept + size.HeadWorking) + Overhead;
    }

    /// <summary>
    /// The fastest plan that fits, by <see cref="LayerCost"/>: the first layers compute the most again, since their working sets
    /// have room over what so few layers keep, and the last ones keep the most. Time chunks when not even the layers' streams and
    /// one working set fit.
    /// </summary>
    /// <param name="config">The model.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <param name="shape">One pass.</param>
    /// <param name="bytes">Memory to stay within; the count is trusted to <see cref="Trust"/> of it.</param>
    public static LayerMemory[] Choose(ModelConfig config, long parameters, PassShape shape, long bytes)
    {
        ArgumentNullException.ThrowIfNull(config);
        bytes = (long)(Trust * bytes);
        LayerMemory[] least = Uniform(config, LayerMemory.Recompute);
        bool Fits(LayerMemory[] plan) => Peak(config, parameters, shape, plan) <= bytes;
        if (!Fits(least))
        {
            return Uniform(config, LayerMemory.RecomputeTime);
        }

        Raise(least, Upwards(least), [LayerMemory.KeepRows], LayerMemory.Recompute, Fits);
        LayerMemory[]? best = null;
        foreach (LayerMemory most in s_kept)
        {
            var plan = (LayerMemory[])least.Clone();
            Raise(plan, Downwards(plan), [most], LayerMemory.Recompute, Fits);
            Raise(plan, Downwards(plan), s_kept, LayerMemory.Recompute, Fits);
            best = best is null || LayerCost.Of(config, plan) < LayerCost.Of(config, best) ? plan : best;
        }

        return best!;
    }

    // Lets layers keep the first of some levels that fits, from most to least, if it is more than they keep.
    private static void Raise(LayerMemory[] plan, IEnumerable<int> order, LayerMemory[] levels, LayerMemory atMost, Func<LayerMemory[], bool> fits)
    {
        foreach (int i in order)
        {
            LayerMemory before = plan[i];
            foreach (LayerMemory more in levels.TakeWhile(m => m < before && before <= atMost))
            {
                plan[i] = more;
                if (fits(plan))
                {
                    break;
                }

                plan[i] = before;
            }
        }
    }

    private static IEnumerable<int> Upwards(LayerMemory[] plan) => Enumerable.Range(0, plan.Length);

    private static IEnumerable<int> Downwards(LayerMemory[] plan) => Upwards(plan).Reverse();

    /// <summary>The same for every layer.</summary>
    public static LayerMemory[] Uniform(ModelConfig config, LayerMemory memory)
    {
        ArgumentNullException.ThrowIfNull(config);
        var plan = new LayerMemory[config.NLayer];
        Array.Fill(plan, memory);
        return plan;
    }

    /// <summary>A plan in words: "recompute 12, keep scans 4".</summary>
    public static string Describe(IReadOnlyList<LayerMemory> plan) => string.Join(", ", plan.GroupBy(m => m).OrderByDescending(g => g.Key)
        .Select(g => $"{Name(g.Key)} {g.Count()}"));

    private static string Name(LayerMemory memory) => memory switch
    {
        LayerMemory.KeepDense => "keep all, dense",
        LayerMemory.KeepAll => "keep all",
        LayerMemory.Keep => "keep",
        LayerMemory.KeepScan => "keep scans",
        LayerMemory.KeepRows => "keep rows",
        LayerMemory.Recompute => "recompute",
        _ => "recompute in time chunks",
    };
}
