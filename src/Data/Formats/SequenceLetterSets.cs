using System.Buffers;

namespace GenoSeq.Data;

/// <summary>The bytes of <see cref="SequenceLetters"/>, for searching.</summary>
internal static class SequenceLetterSets
{
    internal const string DnaText = "ACGTUNRYSWKMBDHVacgtunryswkmbdhv-.*";

    private static readonly SearchValues<byte> s_dna =
        SearchValues.Create("ACGTUNRYSWKMBDHVacgtunryswkmbdhv-.*"u8);

    private static readonly SearchValues<byte> s_any = SearchValues.Create(AnyBytes());

    // Without digits, which are right in some places only.
    private static readonly SearchValues<byte> s_anyLetter =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-.*?~"u8);

    private static readonly SearchValues<byte> s_letterOrDigit =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-.*?~0123456789"u8);

    internal static SearchValues<byte> Of(SequenceLetters letters) => letters switch
    {
        SequenceLetters.Any => s_any,
        SequenceLetters.AnyLetter => s_anyLetter,
        _ => s_dna,
    };

    /// <summary>The same where a digit cannot be taken for a position number: in FASTQ, and in lines that an index describes.</summary>
    internal static SearchValues<byte> WithDigits(SequenceLetters letters) =>
        letters == SequenceLetters.AnyLetter ? s_letterOrDigit : Of(letters);

    /// <summary>The set in words, for messages.</summary>
    internal static string Describe(SequenceLetters letters) => letters switch
    {
        SequenceLetters.Any => "printable ASCII characters",
        SequenceLetters.AnyLetter => "letters, '-', '.', '*', '?' or '~'",
        _ => "IUPAC nucleotide codes (ACGTU, N, RYSWKMBDHV), '-', '.' or '*'",
    };

    private static byte[] AnyBytes()
    {
        var bytes = new List<byte>();
        for (int b = '!'; b <= '~'; b++)
        {
            // These begin a header or a comment line.
            if (b is not ('>' or ';' or '#'))
            {
                bytes.Add((byte)b);
            }
        }
        return [.. bytes];
    }
}
