using System.Buffers.Binary;

namespace GenoSeq.Data;

/// <summary>Tells formats apart by their first bytes; names and suffixes are never asked.</summary>
public static class FormatSniffer
{
    /// <summary>Bytes that are enough to look at.</summary>
    public const int Window = 1 << 16;

    private static readonly (byte[] Magic, FormatKind Kind)[] s_magics =
    [
        ([0x43, 0x27, 0x41, 0x1A], FormatKind.TwoBit),
        ([0x1A, 0x41, 0x27, 0x43], FormatKind.TwoBit),
        ("PAR1"u8.ToArray(), FormatKind.Parquet),
        ("BAM\u0001"u8.ToArray(), FormatKind.Bam),
        ("CRAM"u8.ToArray(), FormatKind.Cram),
        ("BCF\u0002"u8.ToArray(), FormatKind.Bcf),
        ("TBI\u0001"u8.ToArray(), FormatKind.Tabix),
        ([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'], FormatKind.Npy),
        ("BZh"u8.ToArray(), FormatKind.Bzip2),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A], FormatKind.Xz),
        ([0x28, 0xB5, 0x2F, 0xFD], FormatKind.Zstd),
        ([0x50, 0x4B, 0x03, 0x04], FormatKind.Zip),
        ("##fileformat=VCF"u8.ToArray(), FormatKind.Vcf),
        ("##gff-version"u8.ToArray(), FormatKind.Gff),
        ("LOCUS "u8.ToArray(), FormatKind.GenBank),
        ("ID   "u8.ToArray(), FormatKind.Embl),
    ];

    /// <summary>The format of decompressed content.</summary>
    /// <param name="start">Its first bytes, up to <see cref="Window"/>; or all of them.</param>
    public static FormatKind Detect(ReadOnlySpan<byte> start)
    {
        if (start.IsEmpty)
        {
            return FormatKind.Empty;
        }
        foreach ((byte[] magic, FormatKind kind) in s_magics)
        {
            if (start.StartsWith(magic))
            {
                return kind;
            }
        }
        if (LooksLikeSafetensors(start))
        {
            return FormatKind.Safetensors;
        }
        ReadOnlySpan<byte> text = start.StartsWith("\uFEFF"u8) ? start[3..] : start;
        return IsBinary(text) ? DetectBinary(start) : DetectText(text);
    }

    /// <summary>The format of decompressed content that can be read once.</summary>
    /// <param name="content">The content, from its beginning; stays the caller's to close.</param>
    /// <param name="whole">All of the content, also what was looked at.</param>
    public static FormatKind Detect(Stream content, out Stream whole)
    {
        var peeked = new PeekedStream(content);
        whole = peeked;
        return Detect(peeked.Start);
    }

    /// <summary>True where the text begins with a SAM header line.</summary>
    internal static bool IsSam(ReadOnlySpan<byte> start) =>
        start.StartsWith("@HD\t"u8) || start.StartsWith("@SQ\t"u8) || start.StartsWith("@RG\t"u8)
        || start.StartsWith("@PG\t"u8) || start.StartsWith("@CO\t"u8);

    private static FormatKind DetectText(ReadOnlySpan<byte> text)
    {
        while (true)
        {
            text = text.TrimStart(" \t\r\n\v\f"u8);
            if (text.IsEmpty)
            {
                return FormatKind.Text;
            }
            switch (text[0])
            {
                case (byte)'>':
                    return FormatKind.Fasta;
                case (byte)'@':
                    return IsSam(text) ? FormatKind.Sam : FormatKind.Fastq;
                case (byte)'<':
                    return FormatKind.Markup;
                case (byte)'#' or (byte)';':
                    int end = text.IndexOfAny((byte)'\n', (byte)'\r');
                    if (end < 0)
                    {
                        return FormatKind.Text;
                    }
                    text = text[end..];
                    continue;
                default:
                    return TableSniffer.Detect(text);
            }
        }
    }

    private static bool IsBinary(ReadOnlySpan<byte> text)
    {
        // White space from tab to CR, Ctrl-A of merged headers, and everything printable or UTF-8 is text.
        foreach (byte b in text[..Math.Min(text.Length, 4096)])
        {
            if (b < 0x20 && b is not ((>= 9 and <= 13) or 1))
            {
                // Text that is damaged further on is still the format that it began as.
                return text[0] is not ((byte)'>' or (byte)'@') || b == 0 && text.Length > 1 && text[1] == 0;
            }
        }
        return false;
    }

    private static FormatKind DetectBinary(ReadOnlySpan<byte> start)
    {
        if (start.Length >= 8)
        {
            ulong entries = BinaryPrimitives.ReadUInt64LittleEndian(start);
            bool plausible = entries < 1UL << 40 && (start.Length == Window || (ulong)start.Length == 8 + (16 * entries));
            if (plausible && (entries == 0 || (start.Length >= 24 && Ascends(start[8..]))))
            {
                return FormatKind.Gzi;
            }
        }
        return FormatKind.Binary;
    }

    // A .gzi holds pairs of compressed and uncompressed block offsets, both ascending.
    private static bool Ascends(ReadOnlySpan<byte> pairs)
    {
        ulong compressed = 0;
        ulong plain = 0;
        for (; pairs.Length >= 16; pairs = pairs[16..])
        {
            ulong c = BinaryPrimitives.ReadUInt64LittleEndian(pairs);
            ulong p = BinaryPrimitives.ReadUInt64LittleEndian(pairs[8..]);
            if (c <= compressed || p < plain)
            {
                return false;
            }
            (compressed, plain) = (c, p);
        }
        return true;
    }

    private static bool LooksLikeSafetensors(ReadOnlySpan<byte> start) =>
        start.Length >= 10 && start[8] == (byte)'{'
        && BinaryPrimitives.ReadUInt64LittleEndian(start) is > 1 and < 100_000_000
        && start[7] == 0;
}
