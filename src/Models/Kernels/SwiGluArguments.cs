namespace GenoSeq.Models.Kernels;

/// <summary>Inputs of the SiLU-gated product.</summary>
/// <typeparam name="T">Element type.</typeparam>
public readonly struct SwiGluInputs<T>
    where T : unmanaged
{
    /// <summary>Batch entries.</summary>
    public int Batch { get; init; }

    /// <summary>Time steps; 0 is a no-op.</summary>
    public int Length { get; init; }

    /// <summary>Channels.</summary>
    public int Channels { get; init; }

    /// <summary>Gate [batch, length, channels], before SiLU.</summary>
    public Rows<T> Gate { get; init; }

    /// <summary>The gated factor [batch, length, channels].</summary>
    public Rows<T> Up { get; init; }
}

/// <summary>Incoming and outgoing gradients of the SiLU-gated product. Absent targets are not computed.</summary>
/// <typeparam name="T">Element type.</typeparam>
public readonly struct SwiGluGradients<T>
    where T : unmanaged
{
    /// <summary>Incoming: gradient of the product [batch, length, channels].</summary>
    public Rows<T> DOut { get; init; }

    /// <summary>Gradient of the gate [batch, length, channels], overwritten. May be the gate itself.</summary>
    public Rows<T> DGate { get; init; }

    /// <summary>Gradient of the gated factor [batch, length, channels], overwritten. May be that factor itself.</summary>
    public Rows<T> DUp { get; init; }
}
