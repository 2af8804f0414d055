using System.Security.Cryptography;
using System.Text;

namespace GenoSeq.Data;

/// <summary>Size, digest and contents of one source file, for a data manifest.</summary>
/// <param name="File">The path as the user gave it.</param>
/// <param name="Size">Bytes on disk (compressed if the file is).</param>
/// <param name="Sha256">SHA-256 of the bytes on disk, lower-case hexadecimal.</param>
/// <param name="Sequences">Number of records.</param>
/// <param name="Bases">Sequence bytes over all records.</param>
/// <param name="NCount">How many of them are <c>N</c> or <c>n</c>.</param>
public sealed record GenomeFileDigest(string File, long Size, string Sha256, int Sequences, long Bases, long NCount);

/// <summary>What identifies a genome: the digests and counts of the files it was read from, in order.</summary>
/// <param name="Files">One entry per source file.</param>
public sealed record GenomeDigest(IReadOnlyList<GenomeFileDigest> Files)
{
    /// <summary>Records in all files.</summary>
    public int Sequences => Files.Sum(f => f.Sequences);

    /// <summary>Bases in all files.</summary>
    public long Bases => Files.Sum(f => f.Bases);

    /// <summary>Bases that are <c>N</c> or <c>n</c>, in all files.</summary>
    public long NCount => Files.Sum(f => f.NCount);

    /// <summary>
    /// One digest for the whole: SHA-256 over the files' digests joined by line feeds, in order. It does not depend on
    /// paths, so a copy of the data elsewhere has the same identity.
    /// </summary>
    public string Sha256 =>
        Convert.ToHexStringLower(
            SHA256.HashData(Encoding.ASCII.GetBytes(string.Join('\n', Files.Select(f => f.Sha256)))));
}
