namespace GenoSeq.Models.Kernels;

/// <summary>
/// Inputs of the Mamba-1 selective scan (S6). Time runs 0..length-1, or length-1..0 when <see cref="Reverse"/>; "previous",
/// "initial" and "final" always mean in that scan order, so nothing is ever flipped in memory.
/// </summary>
/// <typeparam name="T">Element type.</typeparam>
public readonly unsafe struct SelectiveScanInputs<T>
    where T : unmanaged
{
    /// <summary>Batch entries.</summary>
    public int Batch { get; init; }

    /// <summary>Time steps; 0 is a no-op.</summary>
    public int Length { get; init; }

    /// <summary>Channels, d_inner.</summary>
    public int Channels { get; init; }

    /// <summary>States per channel, d_state.</summary>
    public int States { get; init; }

    /// <summary>Input u [batch, length, d_inner].</summary>
    public Rows<T> U { get; init; }

    /// <summary>Raw step size [batch, length, d_inner], before bias and softplus.</summary>
    public Rows<T> Delta { get; init; }

    /// <summary>A [d_inner, d_state], dense; already -exp(A_log).</summary>
    public T* A { get; init; }

    /// <summary>B [batch, length, d_state].</summary>
    public Rows<T> B { get; init; }

    /// <summary>C [batch, length, d_state].</summary>
    public Rows<T> C { get; init; }

    /// <summary>Skip weight D [d_inner]; null for none.</summary>
    public T* D { get; init; }

    /// <summary>Gate z [batch, length, d_inner]; absent for an ungated output.</summary>
    public Rows<T> Z { get; init; }

    /// <summary>Bias added to the raw step size [d_inner]; null for none.</summary>
    public T* DeltaBias { get; init; }

    /// <summary>Pass the step size through softplus (identity above 20).</summary>
    public bool DeltaSoftplus { get; init; }

    /// <summary>Scan from the last time step to the first.</summary>
    public bool Reverse { get; init; }

    /// <summary>State before the first step [batch, d_inner, d_state], dense; null for zero.</summary>
    public T* InitialState { get; init; }

    /// <summary>
    /// Sequence ids [batch, length]; null for one sequence. The state is zeroed before every step whose id differs from the
    /// previous step's. The first step never resets: it continues <see cref="InitialState"/>.
    /// </summary>
    public int* SequenceIds { get; init; }

    /// <summary>Elements between batch entries of <see cref="SequenceIds"/>.</summary>
    public long SequenceIdsBatchStride { get; init; }

    internal int Time(int step) => Reverse ? Length - 1 - step : step;

    /// <summary>Whether the state is zeroed before a step (in scan order).</summary>
    internal bool ResetsAt(int batch, int step)
    {
        if (SequenceIds == null || step == 0) return false;
        int* ids = SequenceIds + (batch * SequenceIdsBatchStride);
        return ids[Time(step)] != ids[Time(step - 1)];
    }
}
