using System.Buffers;
using System.Security.Cryptography;
using GenoSeq.Data.Parquet;

namespace GenoSeq.Data;

/// <summary>
/// Sequences of Parquet files as a genome: every selected row is a contig, so that windows are drawn from Parquet exactly
/// as from FASTA.
/// </summary>
/// <remarks>
/// The rows are decoded once, in the files' order, into a store with random access: memory up to a budget, beyond it an
/// unnamed temporary file. Offsets take 8 bytes a row; contigs without an id column have no strings until they are asked for.
/// </remarks>
public sealed class ParquetGenome : GenomeSource
{
    /// <summary>Bytes of sequence that are kept in memory unless the caller says otherwise: 128 MiB.</summary>
    public const long DefaultMemoryBudget = 128L << 20;

    private static readonly SearchValues<byte> s_letters = SearchValues.Create("ACGTUNRYSWKMBDHVacgtunryswkmbdhv-.*"u8);

    private readonly SpillStore _bases;
    private readonly SpillStore? _names;
    private readonly RowContigs _contigs;

    private ParquetGenome(SpillStore bases, SpillStore? names, RowContigs contigs, GenomeDigest digest)
    {
        _bases = bases;
        _names = names;
        _contigs = contigs;
        Digest = digest;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Contig> Contigs => _contigs;

    /// <inheritdoc/>
    public override GenomeDigest Digest { get; }

    /// <summary>True if the sequences did not fit in the memory budget.</summary>
    public bool OnDisk => _bases.OnDisk;

    /// <summary>Decodes the selected rows of files, folders or patterns.</summary>
    /// <param name="paths">As in <see cref="ParquetReader.Open"/>.</param>
    /// <param name="options">Columns and rows; null for the defaults.</param>
    /// <param name="memoryBudget">Bytes of sequence to keep in memory.</param>
    /// <param name="temporaryFolder">Where the rest goes; null for the system's temporary folder.</param>
    /// <param name="stop">Ends the decoding.</param>
    /// <exception cref="InputDataException">A file cannot be used, a sequence is not nucleotides, or two rows have one id.</exception>
    /// <exception cref="MissingNativeLibraryException">DuckDB is not installed.</exception>
    public static ParquetGenome Open(
        IReadOnlyList<string> paths, ParquetSequenceOptions? options = null, long memoryBudget = DefaultMemoryBudget,
        string? temporaryFolder = null, CancellationToken stop = default)
    {
        options ??= new ParquetSequenceOptions();
        string folder = temporaryFolder ?? Path.GetTempPath();
        using ParquetReader reader = ParquetReader.Open(paths, options);
        var bases = new SpillStore(memoryBudget, folder);
        SpillStore? names = options.IdColumn is null ? null : new SpillStore(memoryBudget, folder);
        try
        {
            var contigs = new RowContigs(names);
            var counts = new (int Sequences, long Bases, long N)[reader.Files.Count];
            using (ParquetSequenceRows rows = reader.Rows(withFile: true))
            {
                while (rows.MoveNext())
                {
                    stop.ThrowIfCancellationRequested();
                    Add(rows, reader, bases, contigs, counts);
                }
            }

            bases.Seal();
            names?.Seal();
            if (contigs.FindDuplicate() is (int first, int second))
            {
                throw new InputDataException($"two rows have the id '{contigs.NameOf(first)}'", $"{reader.Files[0]}, sequences {first + 1} and {second + 1}",
                    "ids that are unique", "another id column, or none: rows are then called row1, row2, ...");
            }

            return new ParquetGenome(bases, names, contigs, Summarize(reader.Files, counts, stop));
        }
        catch
        {
            bases.Dispose();
            names?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override long LengthOf(int contig) => _contigs.LengthOf(contig);

    /// <inheritdoc/>
    public override int IndexOf(string contig)
    {
        ArgumentNullException.ThrowIfNull(contig);
        return _names is null ? _contigs.IndexOfNumbered(contig) : base.IndexOf(contig);
    }

    /// <inheritdoc/>
    public override void Read(int contig, long start, Span<byte> destination)
    {
        CheckRange(contig, start, destination.Length);
        _bases.Read(_contigs.StartOf(contig) + start, destination);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _bases.Dispose();
            _names?.Dispose();
        }

        base.Dispose(disposing);
    }

    private static void Add(
        ParquetSequenceRows rows, ParquetReader reader, SpillStore bases, RowContigs contigs, (int Sequences, long Bases, long N)[] counts)
    {
        ReadOnlySpan<byte> sequence = rows.Sequence;
        int bad = sequence.IndexOfAnyExcept(s_letters);
        if (bad >= 0)
        {
            byte value = sequence[bad];
            string letter = value is > 0x20 and < 0x7F ? $"'{(char)value}'" : $"byte 0x{value:X2}";
            throw new InputDataException($"column '{reader.SequenceColumn}' has {letter} at letter {bad + 1}, which is no nucleotide",
                $"{reader.Files[rows.File]}, selected row {rows.Number}", "IUPAC nucleotide codes (ACGTU, N, RYSWKMBDHV), '-', '.' or '*'",
                "another sequence column, or a filter that leaves such rows out");
        }

        if (contigs.Count == Array.MaxLength)
        {
            throw new InputDataException($"more than {Array.MaxLength:N0} rows", reader.Files[0], "fewer rows", "a filter, or fewer files at once");
        }

        bases.Append(sequence);
        ReadOnlySpan<byte> id = rows.Id;
        contigs.Add(bases.Length, id);
        ref (int Sequences, long Bases, long N) count = ref counts[rows.File];
        count.Sequences++;
        count.Bases += sequence.Length;
        count.N += sequence.Count((byte)'N') + sequence.Count((byte)'n');
    }

    private static GenomeDigest Summarize(IReadOnlyList<string> files, (int Sequences, long Bases, long N)[] counts, CancellationToken stop)
    {
        var digests = new GenomeFileDigest[files.Count];
        byte[] buffer = new byte[1 << 20];
        for (int i = 0; i < digests.Length; i++)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            using var file = new FileStream(files[i], FileMode.Open, FileAccess.Read, FileShare.Read, 0);
            long size = 0;
            for (int n; (n = file.Read(buffer)) > 0; size += n)
            {
                stop.ThrowIfCancellationRequested();
                hash.AppendData(buffer, 0, n);
            }

            digests[i] = new GenomeFileDigest(files[i], size, Convert.ToHexStringLower(hash.GetHashAndReset()), counts[i].Sequences, counts[i].Bases, counts[i].N);
        }

        return new GenomeDigest(digests);
    }
}
