namespace GenoSeq.Data;

/// <summary>Gathers the records of one FASTA file into arrays and counts what the manifest needs.</summary>
internal sealed class FastaCollector : IFastaVisitor
{
    private readonly Dictionary<string, long> _lineOfName = new(StringComparer.Ordinal);
    private readonly long _maxContigLength;
    private byte[] _buffer = [];
    private int _length;
    private long _bases;
    private long _nCount;
    private GenomeFileDigest? _digest;

    internal FastaCollector(string path, long maxContigLength = int.MaxValue)
    {
        Path = path;
        _maxContigLength = Math.Min(maxContigLength, Array.MaxLength);
    }

    internal string Path { get; }

    internal List<string> Names { get; } = [];

    internal List<byte[]> Sequences { get; } = [];

    internal GenomeFileDigest Digest => _digest ?? throw new InvalidOperationException("the file is not complete");

    public void BeginRecord(string name, long line)
    {
        if (!_lineOfName.TryAdd(name, line))
        {
            throw new InputDataException(
                $"two records are named '{name}'", $"{Path}, lines {_lineOfName[name]} and {line}",
                "a different first word in every header line", "rename or remove one of the two records");
        }
        Names.Add(name);
        _length = 0;
    }

    public void Append(ReadOnlySpan<byte> bases)
    {
        long needed = (long)_length + bases.Length;
        if (needed > _maxContigLength)
        {
            throw new InputDataException(
                $"contig '{Names[^1]}' is longer than {_maxContigLength} bases", Path,
                "contigs that fit one array each", "split the contig into several records");
        }
        if (needed > _buffer.Length)
        {
            long capacity = Math.Min(Math.Max(needed, Math.Max(1 << 16, 2L * _buffer.Length)), Array.MaxLength);
            var larger = GC.AllocateUninitializedArray<byte>((int)capacity);
            _buffer.AsSpan(0, _length).CopyTo(larger);
            _buffer = larger;
        }
        bases.CopyTo(_buffer.AsSpan(_length));
        _length = (int)needed;
        _nCount += bases.Count((byte)'N') + bases.Count((byte)'n');
    }

    public void EndRecord()
    {
        // The buffer is kept for the next record; only the exact copy stays with the genome.
        Sequences.Add(_buffer.AsSpan(0, _length).ToArray());
        _bases += _length;
    }

    internal void Complete(long size, string sha256)
    {
        if (_bases == 0)
        {
            throw new InputDataException(
                $"none of the {Names.Count} records has any bases", Path, "sequence lines after the header lines");
        }
        _buffer = [];
        _digest = new GenomeFileDigest(Path, size, sha256, Names.Count, _bases, _nCount);
    }
}
