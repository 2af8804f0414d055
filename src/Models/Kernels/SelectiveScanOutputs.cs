namespace GenoSeq.Models.Kernels;

/// <summary>Outputs of the selective scan's forward pass.</summary>
/// <typeparam name="T">Element type.</typeparam>
public readonly unsafe struct SelectiveScanOutputs<T>
    where T : unmanaged
{
    /// <summary>
    /// Output [batch, length, d_inner], gated by silu(z) when a gate is given. May be absent when only states are wanted.
    /// </summary>
    public Rows<T> Out { get; init; }

    /// <summary>Add into <see cref="Out"/> rather than overwrite it: two directions may share one output.</summary>
    public bool Accumulate { get; init; }

    /// <summary>State after the last step [batch, d_inner, d_state], dense; null when not wanted.</summary>
    public T* FinalState { get; init; }

    /// <summary>
    /// Chunk-start states for the backward pass, <see cref="SelectiveScan.CheckpointSize"/> elements laid out
    /// [batch, chunk, d_state, d_inner] in scan order; null when not wanted.
    /// </summary>
    public T* Checkpoints { get; init; }
}
