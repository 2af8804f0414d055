using System.Globalization;

namespace GenoSeq.Data;

/// <summary>The tables an <see cref="Alphabet"/> is made of.</summary>
internal sealed record AlphabetDefinition
{
    internal required string Name { get; init; }

    internal required string[] Tokens { get; init; }

    internal required int TokenCount { get; init; }

    /// <summary>[256]</summary>
    internal required int[] IdOfByte { get; init; }

    /// <summary>[vocab]</summary>
    internal required byte[] ByteOfId { get; init; }

    /// <summary>[vocab], an involution.</summary>
    internal required int[] ComplementMap { get; init; }

    internal static AlphabetDefinition Caduceus()
    {
        const int vocabSize = 16;
        const int unk = 6;
        const int a = 7;
        const int c = 8;
        const int g = 9;
        const int t = 10;
        const int n = 11;
        var ids = new int[256];
        Array.Fill(ids, unk);
        Map("A", a);
        Map("C", c);
        Map("G", g);
        Map("TU", t);
        Map("NRYSWKMBDHV", n);
        var bytes = new byte[vocabSize];
        Array.Fill(bytes, (byte)'?');
        "ACGTN"u8.CopyTo(bytes.AsSpan(a));
        int[] complement = Identity(vocabSize);
        (complement[a], complement[t], complement[c], complement[g]) = (t, a, g, c);
        string[] named = ["[CLS]", "[SEP]", "[BOS]", "[MASK]", "[PAD]", "[RESERVED]", "[UNK]", "A", "C", "G", "T", "N"];
        return new AlphabetDefinition
        {
            Name = "caduceus",
            Tokens = Padded(named, vocabSize),
            TokenCount = named.Length,
            IdOfByte = ids,
            ByteOfId = bytes,
            ComplementMap = complement,
        };

        void Map(string letters, int id)
        {
            foreach (char letter in letters)
            {
                ids[letter] = id;
                ids[char.ToLowerInvariant(letter)] = id;
            }
        }
    }

    internal static AlphabetDefinition AllBytes()
    {
        const int vocabSize = 264;
        var bytes = new byte[vocabSize];
        Array.Fill(bytes, (byte)'?');
        var named = new List<string>(vocabSize);
        int[] complement = Identity(vocabSize);
        for (int i = 0; i < 256; i++)
        {
            bytes[i] = (byte)i;
            named.Add(i is > 0x20 and < 0x7F
                ? ((char)i).ToString()
                : string.Create(CultureInfo.InvariantCulture, $"<0x{i:X2}>"));
            int partner = DnaComplement.Of((byte)i);
            // U pairs with A, but A's partner is T: leaving U to itself keeps the map a bijection.
            complement[i] = DnaComplement.Of((byte)partner) == i ? partner : i;
        }
        named.AddRange(["[MASK]", "[PAD]", "[BOS]", "[EOS]", "[UNK]"]);
        return new AlphabetDefinition
        {
            Name = "bytes",
            Tokens = Padded(named, vocabSize),
            TokenCount = named.Count,
            IdOfByte = Identity(256),
            ByteOfId = bytes,
            ComplementMap = complement,
        };
    }

    private static int[] Identity(int count) => [.. Enumerable.Range(0, count)];

    private static string[] Padded(IReadOnlyList<string> named, int vocabSize) =>
        [.. named, .. Enumerable.Range(named.Count, vocabSize - named.Count)
            .Select(i => string.Create(CultureInfo.InvariantCulture, $"[UNUSED{i}]"))];
}
