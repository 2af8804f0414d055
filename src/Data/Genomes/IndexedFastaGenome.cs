using System.Buffers;

namespace GenoSeq.Data;

/// <summary>
/// A FASTA file, plain or BGZF, that stays on disk: intervals are found through its <c>.fai</c> index (and <c>.gzi</c>)
/// and read straight into the caller's span. Memory does not depend on the genome's size; contigs may be longer than
/// 2^31 bases. Reads are safe from many threads at once.
/// </summary>
/// <remarks>
/// The file is not read through when it is opened. Instead every read checks the bytes it returns, and reports a byte
/// that is no nucleotide code with its contig and position. Records without bases are not listed, as in the index.
/// </remarks>
public sealed class IndexedFastaGenome : GenomeSource
{
    // Raw bytes read at once: a system call costs about as much as reading 20 kB.
    private const int ChunkSize = 1 << 18;

    // Raw bytes stripped of line ends and checked at once: the bases are still in the first-level cache for the check.
    private const int BlockSize = 1 << 14;

    // Lines at least this long are read one by one, straight to where they go.
    private const int LongLine = 1 << 15;

    private readonly RandomBytes _bytes;
    private readonly FastaIndexEntry[] _entries;
    private readonly Contig[] _contigs;
    private readonly Lazy<GenomeDigest> _digest;
    private readonly string _path;
    private readonly SearchValues<byte> _valid;
    private readonly SequenceLetters _letters;

    private IndexedFastaGenome(string path, RandomBytes bytes, FastaIndexEntry[] entries, SequenceLetters letters)
    {
        _path = path;
        _letters = letters;
        _valid = SequenceLetterSets.WithDigits(letters);
        _bytes = bytes;
        _entries = entries;
        _contigs = Array.ConvertAll(entries, e => new Contig(e.Name, e.Length));
        _digest = new Lazy<GenomeDigest>(() => new GenomeDigest([FastaDigest.Take(_path, _entries)]));
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Contig> Contigs => _contigs;

    /// <summary>Size, digest and counts; the file is read once, at the first use.</summary>
    public override GenomeDigest Digest => _digest.Value;

    /// <summary>Opens a FASTA file; its index is loaded, or made and kept (see <see cref="FastaIndexStore"/>).</summary>
    /// <param name="path">A FASTA file, plain or BGZF (told apart by content).</param>
    /// <param name="options">How the index is found or made.</param>
    /// <exception cref="InputDataException">The file is missing, ordinary gzip, no FASTA, cannot be indexed, or does not
    /// fit its index.</exception>
    public static IndexedFastaGenome Open(string path, FastaIndexOptions? options = null) => Open(path, options, SequenceLetters.Dna);

    internal static IndexedFastaGenome Open(string path, FastaIndexOptions? options, SequenceLetters letters)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        RandomBytes bytes = RandomFile.Open(path, options);
        try
        {
            FastaIndexStore.Result index = FastaIndexStore.Get(path, bytes.Length, options);
            return Create(path, bytes, index.Index, index.Path ?? path, letters);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    internal static IndexedFastaGenome Create(
        string path, RandomBytes bytes, FastaIndex index, string indexPath, SequenceLetters letters = SequenceLetters.Dna)
    {
        if (index.IsFastq)
        {
            throw new InputDataException(
                "this is FASTQ, not FASTA", path, "a genome in FASTA", "convert it to FASTA with 'seqkit fq2fa'");
        }
        FastaIndexCheck.Spots(index, bytes, path, indexPath);
        FastaIndexEntry[] entries = [.. index.Entries.Where(e => e.Length > 0)];
        return entries.Length > 0
            ? new IndexedFastaGenome(path, bytes, entries, letters)
            : throw new InputDataException("no record has any bases", indexPath, "sequences of at least one base");
    }

    /// <inheritdoc/>
    /// <exception cref="InputDataException">A byte of the range is no nucleotide code, or the file got
    /// shorter.</exception>
    public override void Read(int contig, long start, Span<byte> destination)
    {
        CheckRange(contig, start, destination.Length);
        if (destination.IsEmpty)
        {
            return;
        }
        ref readonly FastaIndexEntry entry = ref _entries[contig];
        if (entry.LineBases >= LongLine || start % entry.LineBases + destination.Length <= entry.LineBases)
        {
            ReadLines(contig, start, destination);
            return;
        }
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkSize);
        try
        {
            long offset = entry.OffsetOf(start);
            long end = entry.OffsetOf(start + destination.Length - 1) + 1;
            long column = start % entry.LineBases;
            while (offset < end)
            {
                Span<byte> raw = buffer.AsSpan(0, (int)Math.Min(ChunkSize, end - offset));
                _bytes.Read(offset, raw);
                offset += raw.Length;
                while (!raw.IsEmpty)
                {
                    Span<byte> block = raw[..Math.Min(BlockSize, raw.Length)];
                    raw = raw[block.Length..];
                    int copied = FastaLines.Copy(block, ref column, entry.LineBases, entry.LineWidth, destination);
                    Check(contig, start, destination[..copied]);
                    destination = destination[copied..];
                    start += copied;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _bytes.Dispose();
        }
        base.Dispose(disposing);
    }

    private void ReadLines(int contig, long start, Span<byte> destination)
    {
        ref readonly FastaIndexEntry entry = ref _entries[contig];
        while (!destination.IsEmpty)
        {
            int n = (int)Math.Min(Math.Min(destination.Length, ChunkSize), entry.LineBases - (start % entry.LineBases));
            _bytes.Read(entry.OffsetOf(start), destination[..n]);
            Check(contig, start, destination[..n]);
            destination = destination[n..];
            start += n;
        }
    }

    private void Check(int contig, long start, ReadOnlySpan<byte> bases)
    {
        int bad = bases.IndexOfAnyExcept(_valid);
        if (bad >= 0)
        {
            throw FastaIndexCheck.BadByte(_path, _entries[contig], start + bad, bases[bad], _letters);
        }
    }
}
