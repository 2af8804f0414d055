namespace GenoSeq.Data;

/// <summary>
/// Several genomes as one, their contigs one genome after the other, each called <c>source/contig</c>. Owns the genomes.
/// </summary>
public sealed class MixtureGenome : GenomeSource
{
    private readonly GenomeSource[] _genomes;
    private readonly int[] _firstContig;
    private readonly Contig[] _contigs;
    private readonly int[] _genomeOf;

    /// <summary>Combines genomes.</summary>
    /// <param name="genomes">Names, which must differ, and genomes.</param>
    public MixtureGenome(IReadOnlyList<(string Name, GenomeSource Genome)> genomes)
    {
        ArgumentNullException.ThrowIfNull(genomes);
        if (genomes.Select(g => g.Name).Distinct(StringComparer.Ordinal).Count() != genomes.Count)
        {
            throw new ArgumentException("two genomes have one name", nameof(genomes));
        }
        _genomes = [.. genomes.Select(g => g.Genome)];
        _firstContig = new int[genomes.Count + 1];
        for (int g = 0; g < genomes.Count; g++)
        {
            _firstContig[g + 1] = checked(_firstContig[g] + _genomes[g].Contigs.Count);
        }
        _contigs = new Contig[_firstContig[^1]];
        _genomeOf = new int[_firstContig[^1]];
        for (int g = 0; g < genomes.Count; g++)
        {
            for (int c = _firstContig[g]; c < _firstContig[g + 1]; c++)
            {
                Contig contig = _genomes[g].Contigs[c - _firstContig[g]];
                _contigs[c] = contig with { Name = $"{genomes[g].Name}/{contig.Name}" };
                _genomeOf[c] = g;
            }
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Contig> Contigs => _contigs;

    /// <inheritdoc/>
    public override GenomeDigest Digest => new([.. _genomes.SelectMany(g => g.Digest.Files)]);

    /// <inheritdoc/>
    public override void Read(int contig, long start, Span<byte> destination)
    {
        CheckRange(contig, start, destination.Length);
        int g = _genomeOf[contig];
        _genomes[g].Read(contig - _firstContig[g], start, destination);
    }

    /// <summary>Intervals of one of the genomes, as intervals of the whole.</summary>
    /// <param name="genome">Which genome, from 0.</param>
    /// <param name="intervals">With contigs of that genome.</param>
    public IReadOnlyList<GenomeInterval> FromPart(int genome, IReadOnlyList<GenomeInterval> intervals)
    {
        ArgumentNullException.ThrowIfNull(intervals);
        var moved = new GenomeInterval[intervals.Count];
        for (int i = 0; i < moved.Length; i++)
        {
            moved[i] = intervals[i] with { Contig = intervals[i].Contig + _firstContig[genome] };
        }
        return moved;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (GenomeSource genome in _genomes)
            {
                genome.Dispose();
            }
        }
        base.Dispose(disposing);
    }
}
