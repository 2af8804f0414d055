using System.Buffers;

namespace GenoSeq.Data;

/// <summary>Reads a FASTA file once for its SHA-256 and, through its index, its count of N.</summary>
internal static class FastaDigest
{
    private const int BlockSize = 1 << 18;

    internal static GenomeFileDigest Take(string path, FastaIndexEntry[] entries)
    {
        using InputFile input = InputFile.Open(path);
        byte[] block = ArrayPool<byte>.Shared.Rent(BlockSize);
        try
        {
            long offset = 0;
            long n = 0;
            int record = 0;
            for (int filled; (filled = input.Content.Read(block)) > 0; offset += filled)
            {
                n += Count(block.AsSpan(0, filled), offset, entries, ref record);
            }
            (long size, string sha256) = input.FinishDigest();
            return new GenomeFileDigest(path, size, sha256, entries.Length, entries.Sum(e => e.Length), n);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    // Counts N and n between the first and last base of each record; record is the first that may reach the block.
    private static long Count(ReadOnlySpan<byte> block, long offset, FastaIndexEntry[] entries, ref int record)
    {
        long count = 0;
        for (int i = record; i < entries.Length && entries[i].Offset < offset + block.Length; i++)
        {
            long end = entries[i].EndOffset;
            if (end <= offset)
            {
                record = i + 1;
                continue;
            }
            int from = (int)Math.Max(0, entries[i].Offset - offset);
            int to = (int)Math.Min(block.Length, end - offset);
            ReadOnlySpan<byte> bases = block[from..to];
            count += bases.Count((byte)'N') + bases.Count((byte)'n');
        }
        return count;
    }
}
