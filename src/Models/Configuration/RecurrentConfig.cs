namespace GenoSeq.Models;

/// <summary>
/// Settings of the recurrent mixers other than Mamba-1. Zero stands for what the mixer's paper uses; a mixer leaves alone what
/// it has no use for.
/// </summary>
public sealed record RecurrentConfig
{
    /// <summary>Heads, each with a state of its own; 0: by the mixer.</summary>
    public int NHead { get; init; }

    /// <summary>Rows of a head's state: width of its keys (d_state of Mamba-2), or states per channel (S4D); 0: by the mixer.</summary>
    public int DKey { get; init; }

    /// <summary>Columns of a head's state: width of its values (head_dim of Mamba-2); 0: by the mixer.</summary>
    public int DValue { get; init; }

    /// <summary>Values of all heads / d_model; 0: by the mixer.</summary>
    public int Expand { get; init; }

    /// <summary>Groups of heads that share keys and queries (Mamba-2).</summary>
    public int NGroups { get; init; } = 1;

    /// <summary>Width of the causal convolution, where the mixer has one.</summary>
    public int DConv { get; init; } = 4;

    /// <summary>The convolution has a bias (Mamba-2).</summary>
    public bool ConvBias { get; init; } = true;

    /// <summary>in_proj and out_proj have biases.</summary>
    public bool Bias { get; init; }

    /// <summary>Positions of a chunk, within which products of matrices take the recurrence's place.</summary>
    public int Chunk { get; init; } = 64;

    /// <summary>Rank of what a position writes into a head's state (Mamba-3: 1 is SISO, more is MIMO).</summary>
    public int Rank { get; init; } = 1;

    /// <summary>Positions whose gradients a deep memory takes at the same weights (Titans): part of the model, unlike chunk.</summary>
    public int MemoryChunk { get; init; } = 16;

    /// <summary>Smallest initial step size (Mamba-2, S4D).</summary>
    public double DtMin { get; init; } = 0.001;

    /// <summary>Largest initial step size.</summary>
    public double DtMax { get; init; } = 0.1;

    /// <summary>Floor of the initial step sizes.</summary>
    public double DtInitFloor { get; init; } = 1e-4;

    /// <summary>Step sizes never get smaller than this (Mamba-2).</summary>
    public double DtLimitMin { get; init; }

    /// <summary>Step sizes never get larger than this (Mamba-2); 0: no limit.</summary>
    public double DtLimitMax { get; init; }

    /// <summary>How two directions are joined: <c>add</c> or <c>ew_multiply</c>.</summary>
    public string BidirectionalStrategy { get; init; } = "add";

    /// <summary>Every problem of the settings.</summary>
    public IEnumerable<string> Validate()
    {
        if (NHead < 0) yield return $"n_head must be 0 (automatic) or positive, not {NHead}";
        if (DKey < 0) yield return $"d_key must be 0 (automatic) or positive, not {DKey}";
        if (DValue < 0) yield return $"d_value must be 0 (automatic) or positive, not {DValue}";
        if (Expand < 0) yield return $"expand must be 0 (automatic) or positive, not {Expand}";
        if (NGroups < 1) yield return $"n_groups must be at least 1, not {NGroups}";
        if (DConv is < 1 or > 8) yield return $"d_conv must be 1 to 8, not {DConv}";
        if (Chunk is < 1 or > 1024) yield return $"chunk must be 1 to 1024, not {Chunk}";
        if (Rank is < 1 or > 64) yield return $"rank must be 1 to 64, not {Rank}";
        if (MemoryChunk is < 1 or > 1024) yield return $"memory_chunk must be 1 to 1024, not {MemoryChunk}";
        if (!(DtMin > 0 && DtMax >= DtMin)) yield return $"dt_min and dt_max must satisfy 0 < dt_min <= dt_max, not {DtMin} and {DtMax}";
        if (DtInitFloor <= 0) yield return $"dt_init_floor must be positive, not {DtInitFloor}";
        if (DtLimitMin < 0 || (DtLimitMax != 0 && DtLimitMax < DtLimitMin))
        {
            yield return $"dt_limit_min and dt_limit_max must satisfy 0 <= dt_limit_min <= dt_limit_max, not {DtLimitMin} and {DtLimitMax}";
        }

        if (BidirectionalStrategy is not ("add" or "ew_multiply"))
        {
            yield return $"bidirectional_strategy must be add or ew_multiply, not '{BidirectionalStrategy}'";
        }
    }
}
