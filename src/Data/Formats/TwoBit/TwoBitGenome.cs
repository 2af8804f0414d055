using System.Buffers;

namespace GenoSeq.Data;

/// <summary>
/// A genome in UCSC's 2bit format, left on disk: four bases a byte, stretches of N, and lower case kept. Memory holds
/// only the tables of blocks. Reads are safe from many threads at once.
/// </summary>
/// <remarks>
/// 2bit files of either byte order and of versions 0 and 1 (64-bit offsets) are read. Letters are those of the FASTA the
/// file was made from, save that 2bit has no other codes than A, C, G, T and N.
/// </remarks>
public sealed class TwoBitGenome : GenomeSource
{
    private const int ChunkSize = 1 << 13;

    private readonly RandomBytes _file;
    private readonly string _path;
    private readonly TwoBitSequence[] _sequences;
    private readonly Contig[] _contigs;
    private readonly Lazy<GenomeDigest> _digest;

    private TwoBitGenome(string path, RandomBytes file, TwoBitSequence[] sequences)
    {
        _path = path;
        _file = file;
        _sequences = sequences;
        _contigs = Array.ConvertAll(sequences, s => new Contig(s.Name, s.Bases));
        _digest = new Lazy<GenomeDigest>(TakeDigest);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Contig> Contigs => _contigs;

    /// <summary>Size, digest and counts; the file is read once, at the first use.</summary>
    public override GenomeDigest Digest => _digest.Value;

    /// <summary>Opens a 2bit file and checks all its tables.</summary>
    /// <exception cref="InputDataException">The file is missing, no 2bit file, truncated or damaged.</exception>
    public static TwoBitGenome Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Open(new FileBytes(path), path);
    }

    internal static TwoBitGenome Open(RandomBytes file, string path)
    {
        try
        {
            TwoBitSequence[] sequences = [.. new TwoBitReader(file, path).Read()];
            return new TwoBitGenome(path, file, sequences);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="InputDataException">The file got shorter.</exception>
    public override void Read(int contig, long start, Span<byte> destination)
    {
        CheckRange(contig, start, destination.Length);
        if (destination.IsEmpty)
        {
            return;
        }
        TwoBitSequence sequence = _sequences[contig];
        Unpack(sequence, start, destination);
        foreach (Range range in Blocks(sequence.Unknown, start, destination.Length))
        {
            destination[range].Fill((byte)'N');
        }
        foreach (Range range in Blocks(sequence.Masked, start, destination.Length))
        {
            TwoBitDecoder.ToLower(destination[range]);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _file.Dispose();
        }
        base.Dispose(disposing);
    }

    private void Unpack(TwoBitSequence sequence, long start, Span<byte> destination)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkSize);
        try
        {
            long offset = sequence.PackedOffset + (start / 4);
            int lead = (int)(start % 4);
            while (!destination.IsEmpty)
            {
                Span<byte> packed = buffer.AsSpan(0, (int)Math.Min(ChunkSize, ((long)lead + destination.Length + 3) / 4));
                _file.Read(offset, packed);
                offset += packed.Length;
                if (lead > 0)
                {
                    // Up to the first whole byte.
                    int n = Math.Min(4 - lead, destination.Length);
                    for (int k = 0; k < n; k++)
                    {
                        destination[k] = TwoBitDecoder.Letter(packed[0], lead + k);
                    }
                    destination = destination[n..];
                    packed = packed[1..];
                    lead = 0;
                }
                int whole = Math.Min(packed.Length, destination.Length / 4);
                TwoBitDecoder.Decode(packed[..whole], destination[..(4 * whole)]);
                destination = destination[(4 * whole)..];
                if (whole < packed.Length)
                {
                    for (int k = 0; k < destination.Length; k++)
                    {
                        destination[k] = TwoBitDecoder.Letter(packed[whole], k);
                    }
                    return;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static BlockRanges Blocks(TwoBitBlocks blocks, long start, int length) => new(blocks, start, length);

    private GenomeDigest TakeDigest()
    {
        using InputFile input = InputFile.Open(_path);
        (long size, string sha256) = input.FinishDigest();
        return new GenomeDigest(
            [new GenomeFileDigest(_path, size, sha256, _sequences.Length, TotalBases, _sequences.Sum(s => s.Unknown.Total))]);
    }

    /// <summary>The parts of an interval that blocks cover, relative to its start.</summary>
    private struct BlockRanges(TwoBitBlocks blocks, long start, int length)
    {
        private int _next = blocks.FirstAfter(start);

        public Range Current { get; private set; }

        public readonly BlockRanges GetEnumerator() => this;

        public bool MoveNext()
        {
            if (_next == blocks.Starts.Length || blocks.Starts[_next] >= start + length)
            {
                return false;
            }
            int from = (int)Math.Max(0, blocks.Starts[_next] - start);
            int to = (int)Math.Min(length, blocks.Ends[_next] - start);
            Current = from..to;
            _next++;
            return true;
        }
    }
}
