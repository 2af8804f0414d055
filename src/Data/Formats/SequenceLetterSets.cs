using System.Buffers;

namespace GenoSeq.Data;

/// <summary>The bytes of <see cref="SequenceLetters"/>, for searching.</summary>
internal static class SequenceLetterSets
{
    internal const string DnaText = "ACGTUNRYSWKMBDHVacgtunryswkmbdhv-.*";

    private static readonly SearchValues<byte> s_dna =
        SearchValues.Create("ACGTUNRYSWKMBDHVacgtunryswkmbdhv-.*"u8);

    private static readonly SearchValues<byte> s_any = SearchValues.Create(AnyBytes());

    internal static SearchValues<byte> Of(SequenceLetters letters) => letters == SequenceLetters.Any ? s_any : s_dna;

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
