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
            kept += size.Kept(kinds[i], plan[i]);
            peak = Math.Max(peak, kept + size.Working(kinds[i], plan[i]));
        }

        return (BytesPerParameter * parameters) + Math.Max(peak, kept + size.HeadWorking) + Overhead;
    }

    /// <summary>
    /// The fastest plan that fits: as many layers as possible keep their rows of [dt, B, C], the first ones first, since dense
    /// checkpoints in their working set need room over what the layers before them keep. Then, from the last layer on, as many as
    /// possible keep their scans' results, then their projected input too, then everything, then dense checkpoints; time chunks
    /// when not even the layers' streams and one working set fit.
    /// </summary>
    /// <param name="config">The model.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <param name="shape">One pass.</param>
    /// <param name="bytes">Memory to stay within; the count is trusted to <see cref="Trust"/> of it.</param>
    public static LayerMemory[] Choose(ModelConfig config, long parameters, PassShape shape, long bytes)
    {
        ArgumentNullException.ThrowIfNull(config);
        bytes = (long)(Trust * bytes);
        LayerMemory[] plan = Uniform(config, LayerMemory.Recompute);
        if (Peak(config, parameters, shape, plan) > bytes)
        {
            return Uniform(config, LayerMemory.RecomputeTime);
        }

        for (int i = 0; i < plan.Length; i++)
        {
            plan[i] = LayerMemory.KeepRows;
            if (Peak(config, parameters, shape, plan) > bytes)
            {
                plan[i] = LayerMemory.Recompute;
                break;
            }
        }

        foreach (LayerMemory more in (LayerMemory[])[LayerMemory.KeepScan, LayerMemory.Keep, LayerMemory.KeepAll, LayerMemory.KeepDense])
        {
            for (int i = plan.Length - 1; i >= 0; i--)
            {
                LayerMemory before = plan[i];
                plan[i] = more;
                if (Peak(config, parameters, shape, plan) > bytes)
                {
                    plan[i] = before;
                    return plan;
                }
            }
        }

        return plan;
    }

    /// <summary>The same for every layer.</summary>
    public static LayerMemory[] Uniform(ModelConfig config, LayerMemory memory)
    {
        ArgumentNullException.ThrowIfNull(config);
        var plan = new LayerMemory[config.NLayer];
        Array.Fill(plan, memory);
        return plan;
    }

    /// <summary>A plan in words: "recompute 12, keep_scan 4".</summary>
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
