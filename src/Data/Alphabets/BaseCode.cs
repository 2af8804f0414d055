namespace GenoSeq.Data;

/// <summary>
/// The two-bit code of bases used by the count models: A 0, C 1, G 2, T and U 3, so that 3 − code is the complement.
/// </summary>
public static class BaseCode
{
    /// <summary>The code of everything that is not a, c, g, t or u.</summary>
    public const byte None = 4;

    private static readonly byte[] s_codes = Build();

    /// <summary>256 codes, indexed by the ASCII byte; case does not matter.</summary>
    public static ReadOnlySpan<byte> Table => s_codes;

    /// <summary>The code of one byte: 0 to 3, or <see cref="None"/>.</summary>
    public static byte Of(byte value) => s_codes[value];

    private static byte[] Build()
    {
        var codes = new byte[256];
        Array.Fill(codes, None);
        const string letters = "ACGTU";
        for (int i = 0; i < letters.Length; i++)
        {
            byte code = (byte)Math.Min(i, 3);
            codes[letters[i]] = code;
            codes[char.ToLowerInvariant(letters[i])] = code;
        }
        return codes;
    }
}
