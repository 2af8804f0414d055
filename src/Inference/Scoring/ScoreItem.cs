using GenoSeq.Data;

namespace GenoSeq.Inference.Scoring;

/// <summary>A sequence with a name: bases in memory, or an interval of a genome that is read piece by piece.</summary>
public sealed class ScoreItem
{
    private readonly ReadOnlyMemory<byte> _bases;
    private readonly GenomeSource? _genome;
    private readonly GenomeInterval _interval;

    /// <summary>A sequence in memory.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="bases">ASCII.</param>
    public ScoreItem(string id, ReadOnlyMemory<byte> bases)
    {
        Id = id;
        Contig = id;
        _bases = bases;
        Length = bases.Length;
    }

    /// <summary>An interval of a genome, which must stay open.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="genome">The genome.</param>
    /// <param name="interval">Which part of it.</param>
    public ScoreItem(string id, GenomeSource genome, GenomeInterval interval)
    {
        ArgumentNullException.ThrowIfNull(genome);
        Id = id;
        _genome = genome;
        _interval = interval;
        Contig = genome.Contigs[interval.Contig].Name;
        Start = interval.Start;
        Length = interval.Length;
    }

    /// <summary>Its name.</summary>
    public string Id { get; }

    /// <summary>The contig that it lies on; for a sequence of its own, its name.</summary>
    public string Contig { get; }

    /// <summary>Place of its first base on the contig, 0-based.</summary>
    public long Start { get; }

    /// <summary>Number of bases.</summary>
    public long Length { get; }

    /// <summary>Copies bases, as many as the destination holds.</summary>
    /// <param name="start">Index of the first one within this sequence.</param>
    /// <param name="destination">Receives ASCII.</param>
    public void Read(long start, Span<byte> destination)
    {
        if (_genome is null)
        {
            _bases.Span.Slice((int)start, destination.Length).CopyTo(destination);
        }
        else
        {
            _genome.Read(_interval.Contig, _interval.Start + start, destination);
        }
    }

    /// <summary>All bases; for sequences of ordinary length.</summary>
    internal ReadOnlyMemory<byte> ReadAll()
    {
        if (_genome is null)
        {
            return _bases;
        }

        byte[] bases = new byte[Length];
        Read(0, bases);
        return bases;
    }
}
