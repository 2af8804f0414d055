namespace GenoSeq.Models.Kernels;

/// <summary>Gradients that are added into their target instead of overwriting it.</summary>
[Flags]
public enum ScanAccumulate
{
    /// <summary>Every target is overwritten.</summary>
    None = 0,

    /// <summary>Add into du.</summary>
    U = 1,

    /// <summary>Add into the raw step size's gradient.</summary>
    Delta = 2,

    /// <summary>Add into dz; two directions share one gate.</summary>
    Z = 4,

    /// <summary>Add into dB.</summary>
    B = 8,

    /// <summary>Add into dC.</summary>
    C = 16,

    /// <summary>Add into dA, dD and the gradient of the step-size bias.</summary>
    Parameters = 32,
}

/// <summary>Incoming and outgoing gradients of the selective scan. Absent targets are not computed.</summary>
/// <typeparam name="T">Element type.</typeparam>
public readonly unsafe struct SelectiveScanGradients<T>
    where T : unmanaged
{
    /// <summary>Incoming: gradient of the gated output [batch, length, d_inner].</summary>
    public Rows<T> DOut { get; init; }

    /// <summary>Incoming: gradient of the final state [batch, d_inner, d_state]; null for zero.</summary>
    public T* DFinalState { get; init; }

    /// <summary>
    /// Incoming: the checkpoints a forward pass over the same inputs saved; null makes the backward pass recompute them.
    /// </summary>
    public T* Checkpoints { get; init; }

    /// <summary>Gradient of u [batch, length, d_inner].</summary>
    public Rows<T> DU { get; init; }

    /// <summary>Gradient of the raw step size [batch, length, d_inner].</summary>
    public Rows<T> DDelta { get; init; }

    /// <summary>Gradient of the gate z [batch, length, d_inner]; only with a gate.</summary>
    public Rows<T> DZ { get; init; }

    /// <summary>Gradient of B [batch, length, d_state].</summary>
    public Rows<T> DB { get; init; }

    /// <summary>Gradient of C [batch, length, d_state].</summary>
    public Rows<T> DC { get; init; }

    /// <summary>Gradient of A [d_inner, d_state]; null when not wanted.</summary>
    public T* DA { get; init; }

    /// <summary>Gradient of the skip weight [d_inner]; null when not wanted.</summary>
    public T* DD { get; init; }

    /// <summary>Gradient of the step-size bias [d_inner]; null when not wanted.</summary>
    public T* DDeltaBias { get; init; }

    /// <summary>Gradient of the initial state [batch, d_inner, d_state], overwritten; null when not wanted.</summary>
    public T* DInitialState { get; init; }

    /// <summary>Which targets are added into.</summary>
    public ScanAccumulate Accumulate { get; init; }

    internal bool Adds(ScanAccumulate target) => (Accumulate & target) != 0;
}
