namespace GenoSeq.Data;

/// <summary>The bases of a sampler's windows, forward, without the padding that a sampler may want on their left.</summary>
internal sealed class GenomeWindows
{
    private readonly GenomeSource _genome;
    private readonly IWindowSampler _sampler;

    internal GenomeWindows(GenomeSource genome, IWindowSampler sampler)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(sampler);
        if (sampler.Packs)
        {
            throw new ArgumentException("these rows are windows of one interval each, and the sampler packs several into one; turn packing off", nameof(sampler));
        }
        _genome = genome;
        _sampler = sampler;
    }

    /// <summary>Bases in a full window.</summary>
    internal int Length => _sampler.Length;

    /// <summary>Windows in the first epoch.</summary>
    internal long Count => _sampler.WindowsPerEpoch(0);

    internal SampleWindow At(long sample) => _sampler.At(sample);

    /// <summary>The window's bases, and the one after it where the window's interval goes on.</summary>
    internal ReadOnlySpan<byte> ReadWithNext(in SampleWindow window, RowScratch scratch)
    {
        Span<byte> bases = scratch.Bases(window.Length + (window.HasNext ? 1 : 0));
        Read(window, 0, bases);
        return bases;
    }

    /// <summary>Bases from a place in the window on.</summary>
    internal void Read(in SampleWindow window, int start, Span<byte> bases) => _genome.Read(window.Contig, window.Start + start, bases);
}
