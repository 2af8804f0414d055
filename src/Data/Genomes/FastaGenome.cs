namespace GenoSeq.Data;

/// <summary>
/// A genome read from one or more FASTA files and held in memory, one byte per base, exactly as in the files.
/// </summary>
/// <remarks>
/// Several files make one genome. A contig name must be unique within its file. A name that occurs in more than one
/// file is prefixed with the file's stem and a slash (<c>ecoli/chr</c>) in every file that has it; other names stay as
/// they are.
/// </remarks>
public sealed class FastaGenome : GenomeSource
{
    private readonly byte[][] _bases;
    private readonly Contig[] _contigs;

    private FastaGenome(byte[][] bases, Contig[] contigs, GenomeDigest digest)
    {
        _bases = bases;
        _contigs = contigs;
        Digest = digest;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Contig> Contigs => _contigs;

    /// <inheritdoc/>
    public override GenomeDigest Digest { get; }

    /// <summary>Reads FASTA files (plain or gzip, told apart by content) into memory.</summary>
    /// <exception cref="InputDataException">A file is missing, truncated, not nucleotide FASTA, or names
    /// clash.</exception>
    public static FastaGenome Load(params IReadOnlyList<string> paths) => Load(paths, SequenceLetters.Dna);

    internal static FastaGenome Load(IReadOnlyList<string> paths, SequenceLetters letters)
    {
        ArgumentNullException.ThrowIfNull(paths);
        if (paths.Count == 0)
        {
            throw new InputDataException("no genome file given", expected: "at least one FASTA file");
        }
        var collectors = new List<FastaCollector>(paths.Count);
        foreach (string path in paths)
        {
            using InputFile file = InputFile.Open(path);
            collectors.Add(Collect(file.Content, path, letters, file.FinishDigest));
        }
        return Assemble(collectors);
    }

    /// <summary>Reads one FASTA stream, plain or gzip. The stream is left open.</summary>
    /// <param name="stream">The bytes of a FASTA file.</param>
    /// <param name="name">What to call the stream in messages and in the digest.</param>
    /// <exception cref="InputDataException">The content is not nucleotide FASTA.</exception>
    public static FastaGenome Read(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(name);
        using InputFile file = InputFile.FromStream(stream, name);
        return Assemble([Collect(file.Content, name, SequenceLetters.Dna, file.FinishDigest)]);
    }

    /// <inheritdoc/>
    public override void Read(int contig, long start, Span<byte> destination)
    {
        CheckRange(contig, start, destination.Length);
        _bases[contig].AsSpan((int)start, destination.Length).CopyTo(destination);
    }

    /// <summary>All bases of a contig, without copying.</summary>
    public ReadOnlyMemory<byte> Bases(int contig)
    {
        CheckRange(contig, 0, 0);
        return _bases[contig];
    }

    private static FastaCollector Collect(Stream content, string path, SequenceLetters letters, Func<(long Size, string Sha256)> finish)
    {
        var collector = new FastaCollector(path);
        FastaReader.Read(content, path, collector, new FastaReaderOptions { Letters = letters });
        (long size, string sha256) = finish();
        collector.Complete(size, sha256);
        return collector;
    }

    private static FastaGenome Assemble(List<FastaCollector> files)
    {
        List<string> names = ContigNames.Unique([.. files.Select(f => (f.Path, (IReadOnlyList<string>)f.Names))]);
        byte[][] bases = [.. files.SelectMany(f => f.Sequences)];
        Contig[] contigs = [.. names.Select((name, i) => new Contig(name, bases[i].Length))];
        return new FastaGenome(bases, contigs, new GenomeDigest([.. files.Select(f => f.Digest)]));
    }
}
