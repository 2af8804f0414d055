namespace GenoSeq.Inference.Streaming;

/// <summary>A sequence cut into chunks of equal length, but for the last.</summary>
/// <param name="Length">Positions of the sequence.</param>
/// <param name="Chunk">Positions of a chunk.</param>
internal readonly record struct ChunkPlan(long Length, int Chunk)
{
    /// <summary>Number of chunks.</summary>
    internal int Count => checked((int)((Length + Chunk - 1) / Chunk));

    /// <summary>First position of a chunk.</summary>
    internal long First(int chunk) => (long)chunk * Chunk;

    /// <summary>Positions of a chunk.</summary>
    internal int Size(int chunk) => (int)Math.Min(Chunk, Length - First(chunk));

    /// <summary>The chunks, from the first or from the last.</summary>
    internal IEnumerable<int> Order(bool fromEnd)
    {
        int count = Count;
        return Enumerable.Range(0, count).Select(i => fromEnd ? count - 1 - i : i);
    }
}
