namespace GenoSeq.Models.Mixers.Fused;

/// <summary>What a layer keeps between its forward and its backward pass, from most to least.</summary>
public enum LayerMemory
{
    /// <summary>Everything that is dear to compute: the projected input and the scans' results.</summary>
    Keep,

    /// <summary>The residual stream and the scans' results; projections and convolutions are computed again.</summary>
    KeepScan,

    /// <summary>The residual stream; the whole layer is computed again.</summary>
    Recompute,

    /// <summary>
    /// The residual stream and the scans' states at the boundaries of time chunks; the layer is computed again chunk by chunk,
    /// so that its working set does not grow with the length.
    /// </summary>
    RecomputeTime,
}
