using System.Buffers;

namespace GenoSeq.Data;

/// <summary>The bytes that may stand in a nucleotide sequence: IUPAC codes, U, and the placeholders - . *</summary>
internal static class NucleotideBytes
{
    private static readonly SearchValues<byte> s_valid = SearchValues.Create("ACGTUNRYSWKMBDHVacgtunryswkmbdhv-.*"u8);

    /// <summary>Index of the first byte that is none of them, or -1.</summary>
    internal static int IndexOfInvalid(ReadOnlySpan<byte> bytes) => bytes.IndexOfAnyExcept(s_valid);
}
