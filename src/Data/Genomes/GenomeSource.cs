namespace GenoSeq.Data;

/// <summary>
/// Random access to the bases of a genome, byte for byte as they stand in the source, by contig and position.
/// Reads are safe from many threads at once.
/// </summary>
public abstract class GenomeSource : IDisposable
{
    private Dictionary<string, int>? _indexByName;

    /// <summary>The contigs in the order of the source; names are unique.</summary>
    public abstract IReadOnlyList<Contig> Contigs { get; }

    /// <summary>Facts and digests of the files behind this genome, for a run's data manifest.</summary>
    public abstract GenomeDigest Digest { get; }

    /// <summary>Sum of all contig lengths, in bases.</summary>
    public long TotalBases
    {
        get
        {
            long total = 0;
            for (int i = 0; i < Contigs.Count; i++)
            {
                total += LengthOf(i);
            }
            return total;
        }
    }

    /// <summary>Length of a contig in bases, without making its name.</summary>
    /// <param name="contig">Index of the contig.</param>
    public virtual long LengthOf(int contig) => Contigs[contig].Length;

    /// <summary>Index of the contig of this name (case matters), or -1.</summary>
    public virtual int IndexOf(string contig)
    {
        ArgumentNullException.ThrowIfNull(contig);
        // A race builds the same dictionary twice, which is harmless.
        _indexByName ??= BuildIndex();
        return _indexByName.TryGetValue(contig, out int index) ? index : -1;
    }

    /// <summary>Copies bases into <paramref name="destination"/>, as many as it holds.</summary>
    /// <param name="contig">Index of the contig.</param>
    /// <param name="start">First base, 0-based.</param>
    /// <param name="destination">Receives ASCII bytes; case and ambiguity codes are those of the source.</param>
    /// <exception cref="ArgumentOutOfRangeException">The contig does not exist, or the range leaves it.</exception>
    public abstract void Read(int contig, long start, Span<byte> destination);

    /// <summary>One interval per contig, covering all of it. Contigs without bases are left out.</summary>
    public IReadOnlyList<GenomeInterval> WholeContigs()
    {
        var intervals = new List<GenomeInterval>(Contigs.Count);
        for (int i = 0; i < Contigs.Count; i++)
        {
            long length = LengthOf(i);
            if (length > 0)
            {
                intervals.Add(new GenomeInterval(i, 0, length));
            }
        }
        return intervals;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases what the source holds open.</summary>
    /// <param name="disposing">True when called from <see cref="Dispose()"/>.</param>
    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>Throws unless the range lies within an existing contig.</summary>
    protected void CheckRange(int contig, long start, int length)
    {
        if ((uint)contig >= (uint)Contigs.Count)
        {
            throw new ArgumentOutOfRangeException(nameof(contig), contig, $"the genome has {Contigs.Count} contigs");
        }
        long bases = LengthOf(contig);
        if (start < 0 || start > bases - length)
        {
            throw new ArgumentOutOfRangeException(
                nameof(start), start, $"[{start}, {start + length}) leaves contig '{Contigs[contig].Name}' of {bases} bases");
        }
    }

    private Dictionary<string, int> BuildIndex()
    {
        var index = new Dictionary<string, int>(Contigs.Count, StringComparer.Ordinal);
        for (int i = 0; i < Contigs.Count; i++)
        {
            index.Add(Contigs[i].Name, i);
        }
        return index;
    }
}
