namespace GenoSeq.Data;

/// <summary>How the bytes of a file are compressed, as its first bytes say.</summary>
public enum CompressionKind
{
    /// <summary>Not compressed.</summary>
    None,

    /// <summary>gzip (RFC 1952), any number of members.</summary>
    Gzip,

    /// <summary>BGZF, the gzip of blocks of at most 64 KiB that samtools, bgzip and tabix write (SAM specification,
    /// section 4.1).</summary>
    Bgzf,
}
