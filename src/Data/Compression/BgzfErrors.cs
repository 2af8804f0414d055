namespace GenoSeq.Data;

/// <summary>The checks that every reader of BGZF blocks makes, and what they say.</summary>
internal static class BgzfErrors
{
    private const string Advice = "check the file with 'bgzip -t', and fetch or compress it again";

    internal static void CheckHeader(BgzfHeader header, string name, long offset)
    {
        if (!header.IsPossible)
        {
            throw new InputDataException(
                $"the BGZF block is said to have {header.BlockLength} bytes, and its header alone {header.HeaderLength}",
                GzipFormat.At(name, offset), "a length (BSIZE) that holds header, data and trailer", Advice);
        }
    }

    internal static void CheckContentLength(uint length, string name, long offset)
    {
        if (length > BgzfHeader.MaxLength)
        {
            throw new InputDataException(
                $"the BGZF block is said to hold {length} bytes", GzipFormat.At(name, offset),
                $"at most {BgzfHeader.MaxLength} (ISIZE)", Advice);
        }
    }

    /// <summary>Decompresses a block and checks its length and checksum.</summary>
    internal static void Inflate(
        BlockInflater inflater, ReadOnlySpan<byte> payload, Span<byte> content, uint crc, string name, long offset)
    {
        if (!inflater.TryInflate(payload, content))
        {
            throw new InputDataException(
                "the BGZF block is damaged: it does not decompress to the length that it names",
                GzipFormat.At(name, offset), $"{content.Length} bytes (ISIZE)", Advice);
        }
        uint actual = Crc32.Append(0, content);
        if (actual != crc)
        {
            throw new InputDataException(
                "the BGZF block is damaged: the checksum of its content does not match",
                GzipFormat.At(name, offset), $"CRC-32 0x{crc:X8}, found 0x{actual:X8}", Advice);
        }
    }

    internal static InputDataException NoEndOfFile(string name, long offset) => new(
        "the BGZF data is truncated: the empty block that ends every BGZF file is missing",
        GzipFormat.At(name, offset), "an end-of-file block (28 bytes) after the last block with data",
        "fetch the file again; if it is known to be whole, append the block: " +
        "bgzip -dc FILE | bgzip > FIXED".Replace("FILE", name, StringComparison.Ordinal));

    internal static InputDataException NotABlock(string name, long offset) => new(
        "there is no BGZF block here", GzipFormat.At(name, offset), "a BGZF block header",
        "check the file with 'bgzip -t'; random access needs BGZF throughout: gzip -dc FILE | bgzip > FIXED"
            .Replace("FILE", name, StringComparison.Ordinal));
}
