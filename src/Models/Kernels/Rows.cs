namespace GenoSeq.Models.Kernels;

/// <summary>
/// A strided view of a channel-last tensor [batch, length, channels] in memory the caller owns. Channels are contiguous; rows
/// (time steps) lie <see cref="RowStride"/> elements apart, so a view may be a slice of a wider tensor.
/// </summary>
/// <typeparam name="T">Element type: <see cref="float"/> for every kernel, <see cref="double"/> for the reference twins.</typeparam>
/// <param name="data">Address of element [0, 0, 0]; null marks an absent optional argument.</param>
/// <param name="rowStride">Elements between consecutive time steps.</param>
/// <param name="batchStride">Elements between consecutive batch entries.</param>
public readonly unsafe struct Rows<T>(T* data, long rowStride, long batchStride)
    where T : unmanaged
{
    /// <summary>Address of element [0, 0, 0], or null when the argument is absent.</summary>
    public T* Data { get; } = data;

    /// <summary>Elements between consecutive time steps; at least the number of channels.</summary>
    public long RowStride { get; } = rowStride;

    /// <summary>Elements between consecutive batch entries.</summary>
    public long BatchStride { get; } = batchStride;

    /// <summary>True when the argument is present.</summary>
    public bool IsPresent => Data != null;

    /// <summary>Address of row [batch, step, 0].</summary>
    /// <param name="batch">Batch index.</param>
    /// <param name="step">Time step.</param>
    /// <returns>The address of the row's first channel.</returns>
    public T* At(long batch, long step) => Data + (batch * BatchStride) + (step * RowStride);
}

/// <summary>Makes views of dense tensors.</summary>
public static unsafe class Rows
{
    /// <summary>A view of a dense tensor [batch, length, channels].</summary>
    /// <typeparam name="T">Element type.</typeparam>
    /// <param name="data">Address of element [0, 0, 0].</param>
    /// <param name="length">Time steps per batch entry.</param>
    /// <param name="channels">Channels per time step.</param>
    /// <returns>The view.</returns>
    public static Rows<T> Dense<T>(T* data, long length, long channels)
        where T : unmanaged => new(data, channels, length * channels);
}
