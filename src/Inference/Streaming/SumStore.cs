using GenoSeq.Torch;

namespace GenoSeq.Inference.Streaming;

/// <summary>
/// The residual stream of a whole sequence between two layers, chunk by chunk. A sweep over the chunks takes each, changes it in
/// place and puts it back; the next one comes from the other end.
/// </summary>
internal abstract class SumStore : IDisposable
{
    /// <summary>A place for a chunk's first content, on the device that computes: [1, length, d_model], not filled.</summary>
    internal abstract torch.Tensor New(int chunk);

    /// <summary>A chunk as it was put.</summary>
    /// <param name="chunk">Which.</param>
    /// <param name="then">The chunk that will be taken next, or null.</param>
    internal abstract torch.Tensor Take(int chunk, int? then);

    /// <summary>
    /// Puts back the tensor that <see cref="New"/> or <see cref="Take"/> gave; it is not to be written to any more. It may be read until the
    /// chunk after the next one is taken.
    /// </summary>
    internal abstract void Put(int chunk, torch.Tensor sum);

    /// <summary>A sweep has come to its end: all chunks are put.</summary>
    internal virtual void EndSweep()
    {
    }

    /// <inheritdoc/>
    public abstract void Dispose();
}
