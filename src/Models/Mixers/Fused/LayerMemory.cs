namespace GenoSeq.Models.Mixers.Fused;

/// <summary>What a layer keeps between its forward and its backward pass, from most to least.</summary>
public enum LayerMemory
{
    /// <summary>Everything that backward reads, and scans' states so often that their backward pass computes none of them again.</summary>
    KeepDense,

    /// <summary>Everything that backward reads.</summary>
    KeepAll,

    /// <summary>Everything that is dear to compute: Mamba's projected input and scans' results, attention, the MLP's gate and up.</summary>
    Keep,

    /// <summary>
    /// The residual stream and the mixer's results (scans; attention with its heads); projections and convolutions of Mamba, and
    /// the MLP, are computed again.
    /// </summary>
    KeepScan,

    /// <summary>
    /// The residual stream and Mamba's rows of [dt, B, C]; the rest is computed again, with scans' states as often as in
    /// <see cref="KeepDense"/>, which the working set has to hold. Attention and the MLP take it as <see cref="Recompute"/>.
    /// </summary>
    KeepRows,

    /// <summary>The residual stream (and the few states at which a scan's segments of time begin); the whole layer is computed again.</summary>
    Recompute,

    /// <summary>
    /// The residual stream and the scans' states at the boundaries of time chunks; the layer is computed again chunk by chunk,
    /// so that its working set does not grow with the length. Attention and the MLP take it as <see cref="Recompute"/>.
    /// </summary>
    RecomputeTime,
}
