using System.Text;

namespace GenoSeq.Data.Tests;

public class AlphabetTests
{
    public static TheoryData<string> Names => [.. Alphabet.Known.Select(a => a.Name)];

    [Fact]
    public void Caduceus_Table_IsThePublishedOne()
    {
        Alphabet a = Alphabet.Caduceus;
        Assert.Equal(
            ["[CLS]", "[SEP]", "[BOS]", "[MASK]", "[PAD]", "[RESERVED]", "[UNK]", "A", "C", "G", "T", "N"],
            a.Tokens.Take(12));
        Assert.Equal((16, 12), (a.VocabSize, a.TokenCount));
        Assert.Equal((0, 1, 1, 2, 3, 4, 6, 11),
            (a.ClsId, a.SepId, a.EosId, a.BosId, a.MaskId, a.PadId, a.UnkId, a.NId));
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 10, 9, 8, 7, 11, 12, 13, 14, 15], a.ComplementMap.ToArray());
    }

    [Theory]
    [InlineData("ACGTN", new[] { 7, 8, 9, 10, 11 })]
    [InlineData("acgtn", new[] { 7, 8, 9, 10, 11 })]
    [InlineData("Uu", new[] { 10, 10 })]
    [InlineData("RYSWKMBDHVv", new[] { 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11 })]
    [InlineData("-*.XE>\n", new[] { 6, 6, 6, 6, 6, 6, 6 })]
    public void Encode_Caduceus_GivesPublishedIds(string text, int[] expected)
    {
        var ids = new int[text.Length];
        Alphabet.Caduceus.Encode(Encoding.ASCII.GetBytes(text), ids);
        Assert.Equal(expected, ids);
    }

    [Fact]
    public void Bytes_EveryByte_IsItsOwnId()
    {
        Alphabet a = Alphabet.Bytes;
        byte[] all = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        var ids = new int[256];
        a.Encode(all, ids);
        Assert.Equal(Enumerable.Range(0, 256), ids);
        var back = new byte[256];
        a.Decode(ids, back);
        Assert.Equal(all, back);
        Assert.Equal((256, 257, 258, 259, 260), (a.MaskId, a.PadId, a.BosId, a.EosId, a.UnkId));
        Assert.Equal((264, 261, 259, 258), (a.VocabSize, a.TokenCount, a.SepId, a.ClsId));
    }

    [Fact]
    public void Decode_OfEncode_IsTheText()
    {
        using FastaGenome genome = Genomes.RandomOf("ACGTN", 3, 1000);
        string text = Genomes.Text(genome, 0);
        foreach (Alphabet alphabet in Alphabet.Known)
        {
            var ids = new int[text.Length];
            alphabet.Encode(Encoding.ASCII.GetBytes(text), ids);
            var back = new byte[text.Length];
            alphabet.Decode(ids, back);
            Assert.Equal(text, Encoding.ASCII.GetString(back));
            Assert.Equal(text, alphabet.Decode(ids));
        }
    }

    [Fact]
    public void Decode_Specials_AreNamedOrQuestionMarks()
    {
        Assert.Equal("A[MASK]T", Alphabet.Caduceus.Decode([7, 3, 10]));
        var bytes = new byte[3];
        Alphabet.Caduceus.Decode([7, 3, 10], bytes);
        Assert.Equal("A?T", Encoding.ASCII.GetString(bytes));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void ComplementMap_TwiceApplied_IsIdentityAndAgreesWithBytes(string name)
    {
        Alphabet alphabet = Alphabet.Get(name);
        ReadOnlySpan<int> map = alphabet.ComplementMap;
        Assert.Equal(alphabet.VocabSize, map.Length);
        for (int id = 0; id < map.Length; id++)
        {
            Assert.Equal(id, map[map[id]]);
        }
        for (int b = 0; b < 256; b++)
        {
            if (alphabet == Alphabet.Bytes && (b | 0x20) == 'u')
            {
                Assert.Equal(b, map[b]);
                continue;
            }
            Assert.Equal(alphabet.Encode(DnaComplement.Of((byte)b)), map[alphabet.Encode((byte)b)]);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void IsTarget_Ids_OnlyTheFourBases(string name)
    {
        Alphabet alphabet = Alphabet.Get(name);
        for (int id = 0; id < alphabet.VocabSize; id++)
        {
            bool expected = alphabet.Tokens[id].Length == 1
                && "ACGTacgt".Contains(alphabet.Tokens[id], StringComparison.Ordinal);
            Assert.Equal(expected, alphabet.IsTarget(id));
        }
        Assert.False(alphabet.IsTarget(-100));
        Assert.False(alphabet.IsTarget(alphabet.VocabSize));
    }

    [Fact]
    public void RandomReplacementIds_Policies_GiveBasesOrAll()
    {
        Assert.Equal([7, 8, 9, 10], Alphabet.Caduceus.RandomReplacementIds(ReplaceWith.Bases, 7).ToArray());
        Assert.Equal(Enumerable.Range(0, 12), Alphabet.Caduceus.RandomReplacementIds(ReplaceWith.All, 7).ToArray());
        Assert.Equal("acgt"u8.ToArray().Select(b => (int)b),
            Alphabet.Bytes.RandomReplacementIds(ReplaceWith.Bases, 'g').ToArray());
        Assert.Equal("ACGT"u8.ToArray().Select(b => (int)b),
            Alphabet.Bytes.RandomReplacementIds(ReplaceWith.Bases, 'G').ToArray());
        Assert.Equal(261, Alphabet.Bytes.RandomReplacementIds(ReplaceWith.All, 'G').Length);
    }

    [Fact]
    public void Get_UnknownName_SuggestsNearest()
    {
        Assert.Same(Alphabet.Caduceus, Alphabet.Get("Caduceus"));
        var e = Assert.Throws<ArgumentException>(() => Alphabet.Get("byte"));
        Assert.Contains("did you mean 'bytes'?", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Encode_ShortDestination_Throws() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Alphabet.Caduceus.Encode("ACG"u8, new int[2]));
}
