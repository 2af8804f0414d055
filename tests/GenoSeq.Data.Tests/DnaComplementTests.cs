using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace GenoSeq.Data.Tests;

public class DnaComplementTests
{
    [Theory]
    [InlineData("ACGTN", "NACGT")]
    [InlineData("acgtRYkmBvdH", "DhbVkmRYacgt")]
    [InlineData("SWswUu-*.", ".*-aAwsWS")]
    public void ReverseComplementInPlace_IupacCodes_AreComplemented(string text, string expected)
    {
        byte[] bases = Encoding.ASCII.GetBytes(text);
        DnaComplement.ReverseComplementInPlace(bases);
        Assert.Equal(expected, Encoding.ASCII.GetString(bases));
    }

    [Fact]
    public void ComplementInPlace_AnyBytesOfAnyLength_EqualsTheTable()
    {
        var random = new Random(4);
        for (int length = 0; length < 200; length++)
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            byte[] expected = [.. bytes.Select(DnaComplement.Of)];
            DnaComplement.ComplementInPlace(bytes);
            Assert.Equal(expected, bytes);
        }
    }

    [Fact]
    public void ComplementInPlace_All256Values_EqualTheTable()
    {
        byte[] all = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        DnaComplement.ComplementInPlace(all);
        Assert.Equal(DnaComplement.Table.ToArray(), all);
    }

    [Fact]
    public void ReverseComplementInPlace_Twice_IsIdentity()
    {
        Gen<byte[]> dna = Gen.Elements("ACGTNRYSWKMBDHVacgtnryswkmbdhv-*."u8.ToArray()).ArrayOf();
        Prop.ForAll(dna.ToArbitrary(), bases =>
        {
            byte[] twice = [.. bases];
            DnaComplement.ReverseComplementInPlace(twice);
            DnaComplement.ReverseComplementInPlace(twice);
            return twice.AsSpan().SequenceEqual(bases);
        }).Check(Config.QuickThrowOnFailure.WithReplay(2403, 3235).WithMaxTest(500));
    }
}
