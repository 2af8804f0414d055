namespace GenoSeq.Data;

/// <summary>Bases to plant a task in: a pure function of the sample, called from many threads at once.</summary>
public interface IBackground
{
    /// <summary>Writes the bases of a sample.</summary>
    /// <param name="sample">Index of the sample.</param>
    /// <param name="bases">Receives ASCII.</param>
    public void Fill(long sample, Span<byte> bases);
}

/// <summary>Windows of a genome as a background: sample i has window i, and N behind a window that is too short.</summary>
public sealed class GenomeBackground : IBackground
{
    private readonly GenomeWindows _windows;

    /// <summary>Takes windows as they come.</summary>
    /// <param name="genome">Where bases come from.</param>
    /// <param name="sampler">Which windows; as long as the rows of the task.</param>
    /// <exception cref="ArgumentException">The sampler packs.</exception>
    public GenomeBackground(GenomeSource genome, IWindowSampler sampler) => _windows = new GenomeWindows(genome, sampler);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">More bases are asked for than the sampler's windows have.</exception>
    public void Fill(long sample, Span<byte> bases)
    {
        if (bases.Length > _windows.Length)
        {
            throw new ArgumentException(
                $"a background of {bases.Length} bases is needed, and the sampler's windows have {_windows.Length}; use windows as long as the task's rows", nameof(bases));
        }
        int count = Math.Min(_windows.At(sample).Length, bases.Length);
        _windows.Read(_windows.At(sample), 0, bases[..count]);
        bases[count..].Fill((byte)'N');
    }
}
