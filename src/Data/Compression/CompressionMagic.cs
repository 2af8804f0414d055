namespace GenoSeq.Data;

/// <summary>Compressed formats that are recognised only to be refused by name.</summary>
internal static class CompressionMagic
{
    /// <summary>Bytes that <see cref="Refusal"/> wants to see.</summary>
    internal const int Length = 10;

    private static readonly (byte[] Magic, string Kind, string Tool)[] s_refused =
    [
        ([0x28, 0xB5, 0x2F, 0xFD], "zstd data", "zstd -dc FILE | gzip > FILE.gz"),
        ([0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0x00], "xz data", "xz -dc FILE | gzip > FILE.gz"),
        ([0x04, 0x22, 0x4D, 0x18], "lz4 data", "lz4 -dc FILE | gzip > FILE.gz"),
        ([0x1F, 0x9D], "data of compress", "uncompress -c FILE | gzip > FILE.gz"),
        ([(byte)'P', (byte)'K', 3, 4], "a zip archive", "unzip -p FILE | gzip > FILE.gz"),
        ([(byte)'P', (byte)'K', 5, 6], "an empty zip archive", "give the file that should have been inside"),
        ([(byte)'7', (byte)'z', 0xBC, 0xAF, 0x27, 0x1C], "a 7z archive", "7z x -so FILE | gzip > FILE.gz"),
    ];

    /// <summary>The error for a compression that is not read, or null for anything else.</summary>
    internal static InputDataException? Refusal(ReadOnlySpan<byte> start, string name)
    {
        foreach ((byte[] magic, string kind, string tool) in s_refused)
        {
            if (start.StartsWith(magic))
            {
                return Refused(kind, tool, name);
            }
        }
        // "BZh" alone could begin a text. A level and then pi (a block) or its square root (an empty file) cannot.
        ReadOnlySpan<byte> block = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
        ReadOnlySpan<byte> end = [0x17, 0x72, 0x45, 0x38, 0x50, 0x90];
        if (start.Length >= Length && start.StartsWith("BZh"u8) && start[3] is >= (byte)'1' and <= (byte)'9'
            && (start[4..].StartsWith(block) || start[4..].StartsWith(end)))
        {
            return Refused("bzip2 data", "bzip2 -dc FILE | gzip > FILE.gz", name);
        }
        return null;
    }

    private static InputDataException Refused(string kind, string tool, string name) => new(
        $"this is {kind}, which is not read", name, "plain, gzip or BGZF bytes",
        tool.Replace("FILE", name, StringComparison.Ordinal));
}
