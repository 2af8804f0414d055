namespace GenoSeq.Data;

/// <summary>The class bits of every ASCII character: the one definition that all classifiers follow.</summary>
internal static class ByteClasses
{
    internal const byte Sequence = 1;
    internal const byte Strong = 2;
    internal const byte Weak = 4;
    internal const byte N = 8;
    internal const byte Lower = 16;
    internal const byte Foreign = 32;
    internal const byte LineFeed = 64;
    internal const byte CarriageReturn = 128;

    /// <summary>128 class bytes; bytes above 127 have no class.</summary>
    internal static byte[] Table(SequenceLetters letters)
    {
        var table = new byte[128];
        for (int b = 0; b < table.Length; b++)
        {
            bool dna = SequenceLetterSets.DnaText.Contains((char)b, StringComparison.Ordinal);
            if (dna || SequenceLetterSets.Of(letters).Contains((byte)b))
            {
                table[b] = (byte)(Sequence | (dna ? 0 : Foreign)
                    | (char.IsAsciiLetterLower((char)b) ? Lower : 0)
                    | (char)(b | 0x20) switch
                    {
                        'g' or 'c' or 's' when b >= 'A' => Strong,
                        'a' or 't' or 'u' or 'w' when b >= 'A' => Weak,
                        'n' when b >= 'A' => N,
                        _ => 0,
                    });
            }
        }
        table['\n'] = LineFeed;
        table['\r'] = CarriageReturn;
        return table;
    }
}
