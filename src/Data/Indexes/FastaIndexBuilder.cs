using System.Buffers;
using System.Globalization;
using System.Text;

namespace GenoSeq.Data;

/// <summary>Makes the index of a FASTA or FASTQ file in one pass over fixed-size blocks.</summary>
/// <remarks>
/// The rules are those of <c>samtools faidx</c>, whose files the result equals byte for byte: within a record every
/// line but the last has the same number of bases and the same number of bytes; a blank line ends a FASTA record; a
/// record without bases is not listed; a name ends at the first white space. Stricter than samtools: a repeated or empty
/// name is refused (samtools drops all but the first), white space before or between the bases of a line is refused
/// (samtools then reads wrong bases), comment lines that begin with <c>;</c> are refused (samtools takes them for bases).
/// More lenient: a byte order mark, a last record without bases, and white space in blank lines are accepted.
/// </remarks>
public static class FastaIndexBuilder
{
    private const int BlockSize = 1 << 18;

    /// <summary>Indexes a stream.</summary>
    /// <param name="stream">Decompressed bytes.</param>
    /// <param name="file">What to call the input in messages.</param>
    /// <exception cref="InputDataException">The input is not FASTA or FASTQ, or its lines cannot be indexed; the
    /// message names the line.</exception>
    public static FastaIndex Build(Stream stream, string file)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var scanner = new FastaIndexScanner(file);
        byte[] block = ArrayPool<byte>.Shared.Rent(BlockSize);
        try
        {
            int filled = stream.ReadAtLeast(block, 3, throwOnEndOfStream: false);
            if (filled == 0)
            {
                throw new InputDataException("the file is empty", file, "at least one FASTA or FASTQ record");
            }
            int skip = block.AsSpan(0, filled).StartsWith("\uFEFF"u8) ? 3 : 0;
            scanner.Skip(skip);
            scanner.Consume(block.AsSpan(skip, filled - skip));
            while ((filled = stream.Read(block)) > 0)
            {
                scanner.Consume(block.AsSpan(0, filled));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
        return scanner.Finish();
    }

    /// <summary>Indexes a file, plain or compressed; offsets count decompressed bytes.</summary>
    /// <exception cref="InputDataException">As <see cref="Build(Stream, string)"/>, or the file cannot be
    /// read.</exception>
    public static FastaIndex Build(string path)
    {
        using InputFile input = InputFile.Open(path);
        return Build(input.Content, path);
    }

    internal static string Show(byte value) => value is > 0x20 and < 0x7F
        ? $"'{(char)value}'"
        : string.Create(CultureInfo.InvariantCulture, $"byte 0x{value:X2}");

    internal static string NameOf(List<byte> bytes, string file, long line)
    {
        if (bytes.Count == 0)
        {
            throw new InputDataException(
                "a record has an empty name", $"{file}, line {line}", "a name after '>' or '@'", "name the record or remove it");
        }
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes.ToArray());
        }
        catch (DecoderFallbackException)
        {
            throw new InputDataException("a record's name is not UTF-8", $"{file}, line {line}", "ASCII or UTF-8", "rename the record");
        }
    }
}
