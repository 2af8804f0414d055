namespace GenoSeq.Data;

/// <summary>The tokens of synthetic tasks: the ids of <see cref="Alphabet.Caduceus"/>, each special in one role.</summary>
internal static class TaskTokens
{
    private static readonly int[] s_bases = [.. "ACGT"u8.ToArray().Select(b => Alphabet.Caduceus.Encode(b))];

    /// <summary>[CLS]: a key follows.</summary>
    internal static int Marker { get; } = Alphabet.Caduceus.ClsId;

    /// <summary>[SEP]: one part ends, another begins.</summary>
    internal static int Separator { get; } = Alphabet.Caduceus.SepId;

    /// <summary>[BOS]: a record begins.</summary>
    internal static int Begin { get; } = Alphabet.Caduceus.BosId;

    /// <summary>N: says nothing.</summary>
    internal static int Filler { get; } = Alphabet.Caduceus.NId;

    /// <summary>[PAD]: the row is over.</summary>
    internal static int Pad { get; } = Alphabet.Caduceus.PadId;

    /// <summary>The base of a two-bit code, as in <see cref="BaseCode"/>.</summary>
    internal static int Base(int code) => s_bases[code];

    /// <summary>Random bases.</summary>
    internal static void Random(ref CounterRandom random, Span<int> ids)
    {
        for (int i = 0; i < ids.Length; i += 16)
        {
            uint word = random.NextUInt32();
            foreach (ref int id in ids.Slice(i, Math.Min(16, ids.Length - i)))
            {
                id = s_bases[word & 3];
                word >>= 2;
            }
        }
    }

    /// <summary>A number in as many bases as there are ids: digits of base four, the most significant first.</summary>
    internal static void Number(long value, Span<int> ids)
    {
        for (int i = ids.Length - 1; i >= 0; i--)
        {
            ids[i] = s_bases[value & 3];
            value >>= 2;
        }
    }
}
