namespace GenoSeq.Data;

/// <summary>What a file's first bytes say it is.</summary>
public enum FormatKind
{
    /// <summary>Nothing known.</summary>
    Unknown,

    /// <summary>No bytes.</summary>
    Empty,

    /// <summary>FASTA.</summary>
    Fasta,

    /// <summary>FASTQ.</summary>
    Fastq,

    /// <summary>UCSC 2bit, either byte order.</summary>
    TwoBit,

    /// <summary>BED, or another table of contig, start, end.</summary>
    Bed,

    /// <summary>VCF.</summary>
    Vcf,

    /// <summary>SAM.</summary>
    Sam,

    /// <summary>BAM.</summary>
    Bam,

    /// <summary>CRAM.</summary>
    Cram,

    /// <summary>BCF.</summary>
    Bcf,

    /// <summary>GFF or GTF.</summary>
    Gff,

    /// <summary>Parquet.</summary>
    Parquet,

    /// <summary>A FASTA or FASTQ index.</summary>
    Fai,

    /// <summary>A BGZF index.</summary>
    Gzi,

    /// <summary>A tabix index.</summary>
    Tabix,

    /// <summary>Comma-separated values.</summary>
    Csv,

    /// <summary>Tab-separated values.</summary>
    Tsv,

    /// <summary>safetensors.</summary>
    Safetensors,

    /// <summary>NumPy's array file.</summary>
    Npy,

    /// <summary>GenBank.</summary>
    GenBank,

    /// <summary>EMBL.</summary>
    Embl,

    /// <summary>bzip2.</summary>
    Bzip2,

    /// <summary>xz.</summary>
    Xz,

    /// <summary>zstd.</summary>
    Zstd,

    /// <summary>A zip archive.</summary>
    Zip,

    /// <summary>HTML or XML.</summary>
    Markup,

    /// <summary>Other text.</summary>
    Text,

    /// <summary>Other binary data.</summary>
    Binary,
}
