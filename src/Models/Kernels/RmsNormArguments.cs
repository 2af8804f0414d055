namespace GenoSeq.Models.Kernels;

/// <summary>Inputs of RMSNorm with a fused residual addition.</summary>
/// <typeparam name="T">Element type.</typeparam>
public readonly unsafe struct RmsNormInputs<T>
    where T : unmanaged
{
    /// <summary>Batch entries.</summary>
    public int Batch { get; init; }

    /// <summary>Time steps; 0 is a no-op.</summary>
    public int Length { get; init; }

    /// <summary>Channels, d_model.</summary>
    public int Channels { get; init; }

    /// <summary>Input x [batch, length, d_model].</summary>
    public Rows<T> X { get; init; }

    /// <summary>Residual stream [batch, length, d_model]; absent means zero.</summary>
    public Rows<T> Residual { get; init; }

    /// <summary>Weight [d_model].</summary>
    public T* Weight { get; init; }

    /// <summary>Added to the mean square before the root.</summary>
    public T Epsilon { get; init; }
}

/// <summary>Outputs of RMSNorm with residual.</summary>
/// <typeparam name="T">Element type.</typeparam>
public readonly unsafe struct RmsNormOutputs<T>
    where T : unmanaged
{
    /// <summary>Normalised output [batch, length, d_model].</summary>
    public Rows<T> Y { get; init; }

    /// <summary>The sum residual + x [batch, length, d_model]; absent when not wanted. May be the residual or x itself.</summary>
    public Rows<T> ResidualSum { get; init; }

    /// <summary>Reciprocal root mean square per row [batch, length], dense; null when not wanted.</summary>
    public T* Rstd { get; init; }
}

/// <summary>Arguments of RMSNorm's backward pass.</summary>
/// <typeparam name="T">Element type.</typeparam>
public readonly unsafe struct RmsNormGradients<T>
    where T : unmanaged
{
    /// <summary>Batch entries.</summary>
    public int Batch { get; init; }

    /// <summary>Time steps; 0 is a no-op.</summary>
    public int Length { get; init; }

    /// <summary>Channels, d_model.</summary>
    public int Channels { get; init; }

    /// <summary>The forward pass's residual + x [batch, length, d_model].</summary>
    public Rows<T> ResidualSum { get; init; }

    /// <summary>Weight [d_model].</summary>
    public T* Weight { get; init; }

    /// <summary>The forward pass's reciprocal root mean square per row [batch, length], dense.</summary>
    public T* Rstd { get; init; }

    /// <summary>Incoming: gradient of y [batch, length, d_model].</summary>
    public Rows<T> DY { get; init; }

    /// <summary>Incoming: gradient of residual + x by its other uses; absent for zero.</summary>
    public Rows<T> DResidualSum { get; init; }

    /// <summary>
    /// Total gradient of residual + x [batch, length, d_model], which is the gradient of x and of the residual alike. May be
    /// <see cref="DResidualSum"/> or <see cref="DY"/> itself.
    /// </summary>
    public Rows<T> DX { get; init; }

    /// <summary>Gradient of the weight [d_model]; null when not wanted.</summary>
    public T* DWeight { get; init; }

    /// <summary>Add into <see cref="DWeight"/> rather than overwrite it.</summary>
    public bool AccumulateWeight { get; init; }
}
