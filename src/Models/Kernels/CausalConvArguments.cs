namespace GenoSeq.Models.Kernels;

/// <summary>
/// Inputs of the causal depthwise convolution. As in the scan, "previous", "initial" and "final" mean in scan order, which
/// runs from the last time step to the first when <see cref="Reverse"/> (an anti-causal convolution, nothing flipped in memory).
/// </summary>
/// <typeparam name="T">Element type.</typeparam>
public readonly unsafe struct CausalConvInputs<T>
    where T : unmanaged
{
    /// <summary>Batch entries.</summary>
    public int Batch { get; init; }

    /// <summary>Time steps; 0 is a no-op.</summary>
    public int Length { get; init; }

    /// <summary>Channels.</summary>
    public int Channels { get; init; }

    /// <summary>Taps per channel, 1 to <see cref="CausalConv.MaxTaps"/>.</summary>
    public int Taps { get; init; }

    /// <summary>Input x [batch, length, channels].</summary>
    public Rows<T> X { get; init; }

    /// <summary>Weight [channels, taps], dense; the last tap multiplies the current step.</summary>
    public T* Weight { get; init; }

    /// <summary>Bias [channels]; null for none.</summary>
    public T* Bias { get; init; }

    /// <summary>Apply SiLU to the result.</summary>
    public bool Silu { get; init; }

    /// <summary>Convolve from the last time step to the first.</summary>
    public bool Reverse { get; init; }

    /// <summary>The taps - 1 inputs before the first step [batch, taps - 1, channels], oldest first; null for zeros.</summary>
    public T* InitialHalo { get; init; }

    /// <summary>
    /// Sequence ids [batch, length]; null for one sequence. No tap reaches across a change of id; the first step continues the
    /// halo's sequence.
    /// </summary>
    public int* SequenceIds { get; init; }

    /// <summary>Elements between batch entries of <see cref="SequenceIds"/>.</summary>
    public long SequenceIdsBatchStride { get; init; }

    internal int Time(int step) => Reverse ? Length - 1 - step : step;

    internal bool ResetsAt(int batch, int step)
    {
        if (SequenceIds == null || step <= 0 || step >= Length) return false;
        int* ids = SequenceIds + (batch * SequenceIdsBatchStride);
        return ids[Time(step)] != ids[Time(step - 1)];
    }

    /// <summary>How many earlier steps (0 to taps - 1, halo included) the given step, possibly Length, may look at.</summary>
    internal int Reach(int batch, int step)
    {
        int reach = 0;
        while (reach < Taps - 1 && !ResetsAt(batch, step - reach)) reach++;
        return reach;
    }

    /// <summary>Address of the input at a step in scan order; steps below 0 are the halo. Null where the input is zero.</summary>
    internal T* Input(int batch, int step)
    {
        if (step >= 0) return X.At(batch, Time(step));
        return InitialHalo == null ? null : InitialHalo + ((((long)batch * (Taps - 1)) + Taps - 1 + step) * Channels);
    }
}

/// <summary>Outputs of the causal convolution's forward pass.</summary>
/// <typeparam name="T">Element type.</typeparam>
public readonly unsafe struct CausalConvOutputs<T>
    where T : unmanaged
{
    /// <summary>Output [batch, length, channels].</summary>
    public Rows<T> Out { get; init; }

    /// <summary>
    /// The last taps - 1 inputs [batch, taps - 1, channels], oldest first, to continue from; inputs of an earlier sequence than
    /// the last step's are zero. Null when not wanted.
    /// </summary>
    public T* FinalHalo { get; init; }
}

/// <summary>Incoming and outgoing gradients of the causal convolution. Absent targets are not computed.</summary>
/// <typeparam name="T">Element type.</typeparam>
public readonly unsafe struct CausalConvGradients<T>
    where T : unmanaged
{
    /// <summary>Incoming: gradient of the output [batch, length, channels].</summary>
    public Rows<T> DOut { get; init; }

    /// <summary>Incoming: gradient of the final halo [batch, taps - 1, channels]; null for zero.</summary>
    public T* DFinalHalo { get; init; }

    /// <summary>Gradient of x [batch, length, channels].</summary>
    public Rows<T> DX { get; init; }

    /// <summary>Add into <see cref="DX"/> rather than overwrite it.</summary>
    public bool AccumulateX { get; init; }

    /// <summary>Gradient of the weight [channels, taps]; null when not wanted.</summary>
    public T* DWeight { get; init; }

    /// <summary>Gradient of the bias [channels]; null when not wanted.</summary>
    public T* DBias { get; init; }

    /// <summary>Add into <see cref="DWeight"/> and <see cref="DBias"/> rather than overwrite them.</summary>
    public bool AccumulateParameters { get; init; }

    /// <summary>Gradient of the initial halo [batch, taps - 1, channels], overwritten; null when not wanted.</summary>
    public T* DInitialHalo { get; init; }
}
