namespace GenoSeq.Data;

/// <summary>Several genome sources as one, their contigs in order; it owns them.</summary>
/// <remarks>
/// A contig name that occurs in more than one source is prefixed with the stem of its file's name and a slash, as
/// <see cref="FastaGenome"/> does for several files.
/// </remarks>
public sealed class CombinedGenome : GenomeSource
{
    private readonly GenomeSource[] _parts;
    private readonly (GenomeSource Part, int Contig)[] _places;
    private readonly Contig[] _contigs;
    private readonly Lazy<GenomeDigest> _digest;

    /// <summary>Joins sources.</summary>
    /// <param name="parts">Each source with the path that it was read from.</param>
    /// <exception cref="InputDataException">Two contigs would have the same name.</exception>
    public CombinedGenome(IReadOnlyList<(string Path, GenomeSource Genome)> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        _parts = [.. parts.Select(p => p.Genome)];
        List<string> names = ContigNames.Unique(
            [.. parts.Select(p => (p.Path, (IReadOnlyList<string>)[.. p.Genome.Contigs.Select(c => c.Name)]))]);
        _places = [.. _parts.SelectMany(p => Enumerable.Range(0, p.Contigs.Count).Select(i => (p, i)))];
        _contigs = [.. _places.Select((p, i) => new Contig(names[i], p.Part.Contigs[p.Contig].Length))];
        _digest = new Lazy<GenomeDigest>(TakeDigest);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Contig> Contigs => _contigs;

    /// <summary>The digests of all parts; those not taken yet are taken at the same time.</summary>
    public override GenomeDigest Digest => _digest.Value;

    /// <inheritdoc/>
    public override void Read(int contig, long start, Span<byte> destination)
    {
        CheckRange(contig, start, destination.Length);
        (GenomeSource part, int index) = _places[contig];
        part.Read(index, start, destination);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (GenomeSource part in _parts)
            {
                part.Dispose();
            }
        }
        base.Dispose(disposing);
    }

    private GenomeDigest TakeDigest()
    {
        var digests = new GenomeDigest[_parts.Length];
        try
        {
            Parallel.For(0, _parts.Length, i => digests[i] = _parts[i].Digest);
        }
        catch (AggregateException e) when (e.InnerException is InputDataException bad)
        {
            throw bad;
        }
        return new GenomeDigest([.. digests.SelectMany(d => d.Files)]);
    }
}
