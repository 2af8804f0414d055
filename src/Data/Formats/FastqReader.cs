using System.Buffers;

namespace GenoSeq.Data;

/// <summary>Reads FASTQ in one pass over fixed-size blocks; lines and records may be of any length.</summary>
/// <remarks>
/// The format is that of Cock et al., Nucleic Acids Research 2010: <c>@</c> and a title, sequence lines, <c>+</c> with or
/// without the title again, quality lines with as many characters as the sequence. Sequence and quality may be wrapped;
/// where the quality ends is known by counting, so that its lines may begin with <c>@</c> or <c>+</c>. Accepted besides:
/// LF, CRLF or CR line ends, no final line end, blank lines between records, white space around lines, empty records,
/// a repeated title cut after its first word, a UTF-8 byte order mark. A blank line inside a record that is not empty is
/// refused: it is where text was lost or a record cut. Every refusal is an <see cref="InputDataException"/> that names
/// file, line, record number and name.
/// </remarks>
public static class FastqReader
{
    private const int BlockSize = 1 << 17;

    /// <summary>Reads all records.</summary>
    /// <param name="stream">Decompressed bytes.</param>
    /// <param name="file">What to call the input in messages.</param>
    /// <param name="visitor">Receives the records.</param>
    /// <param name="letters">What sequence lines may hold.</param>
    /// <exception cref="InputDataException">The input is not FASTQ.</exception>
    public static void Read(
        Stream stream, string file, IFastqVisitor visitor, SequenceLetters letters = SequenceLetters.Dna)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(visitor);
        byte[] block = ArrayPool<byte>.Shared.Rent(BlockSize);
        try
        {
            int filled = stream.ReadAtLeast(block, 4096, throwOnEndOfStream: false);
            if (filled == 0)
            {
                throw new InputDataException("the file is empty", file, "at least one FASTQ record");
            }
            var parser = new FastqParser(file, visitor, letters);
            ReadOnlySpan<byte> start = block.AsSpan(0, filled);
            start = start.StartsWith("\uFEFF"u8) ? start[3..] : start;
            while (filled > 0)
            {
                parser.Consume(start);
                filled = stream.Read(block);
                start = block.AsSpan(0, filled);
            }
            parser.Finish();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }
}
