namespace GenoSeq.Data.Tests;

public class CausalTargetsTests
{
    [Theory]
    [InlineData("caduceus", true)]
    [InlineData("caduceus", false)]
    [InlineData("bytes", true)]
    [InlineData("bytes", false)]
    public void Apply_RandomBases_EqualsNaiveLoop(string name, bool oneMore)
    {
        Alphabet alphabet = Alphabet.Get(name);
        var random = new Random(2);
        for (int length = 1; length < 100; length++)
        {
            byte[] bases = [.. Enumerable.Range(0, length + (oneMore ? 1 : 0)).Select(_ =>
                "ACGTNacgtn-R"u8[random.Next(12)])];
            var ids = new int[bases.Length];
            alphabet.Encode(bases, ids);
            var inputs = new int[length];
            var labels = new int[length];
            CausalTargets.Apply(alphabet, ids, inputs, labels);
            for (int t = 0; t < length; t++)
            {
                Assert.Equal(ids[t], inputs[t]);
                bool counts = t + 1 < bases.Length && "ACGTacgt".Contains((char)bases[t + 1], StringComparison.Ordinal);
                Assert.Equal(counts ? ids[t + 1] : -100, labels[t]);
            }
        }
    }

    [Fact]
    public void Apply_LengthsThatDoNotFit_Throws()
    {
        Assert.Throws<ArgumentException>(() => CausalTargets.Apply(Alphabet.Bytes, new int[5], new int[3], new int[3]));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            CausalTargets.Apply(Alphabet.Bytes, new int[3], new int[3], new int[2]));
    }
}
