namespace GenoSeq.Data.Tests;

public class CounterRandomTests
{
    // Known answers published with the authors' Random123 library (philox4x32, 10 rounds).
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(
        0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu,
        0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(
        0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u,
        0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Philox_PublishedInputs_GivePublishedOutputs(
        uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint w0, uint w1, uint w2, uint w3) =>
        Assert.Equal((w0, w1, w2, w3), CounterRandom.Philox(c0, c1, c2, c3, k0, k1));

    [Fact]
    public void Fill_AnyLength_EqualsNextAndWordAt()
    {
        for (int length = 0; length < 100; length++)
        {
            var random = new CounterRandom(7, "test", 123456789012);
            var filled = new uint[length];
            random.Fill(filled, 8);
            for (ulong i = 0; i < 8; i++)
            {
                Assert.Equal(random.WordAt(i), random.NextUInt32());
            }
            foreach (uint word in filled)
            {
                Assert.Equal(word, random.NextUInt32());
            }
        }
    }

    [Fact]
    public void Fill_AcrossThe32BitBlockBorder_EqualsWordAt()
    {
        var random = new CounterRandom(7, "test", long.MaxValue);
        ulong start = (4UL << 32) - 32;
        var filled = new uint[64];
        random.Fill(filled, start);
        Assert.Equal(Enumerable.Range(0, 64).Select(i => random.WordAt(start + (ulong)i)), filled);
    }

    [Fact]
    public void Streams_DifferentSeedNameOrIndex_Differ()
    {
        ulong[] words =
        [
            new CounterRandom(1, "a", 0).NextUInt64(), new CounterRandom(2, "a", 0).NextUInt64(),
            new CounterRandom(1, "b", 0).NextUInt64(), new CounterRandom(1, "a", 1).NextUInt64(),
            new CounterRandom(1, "a", 1L << 40).NextUInt64(),
        ];
        Assert.Equal(words.Length, words.Distinct().Count());
    }

    [Fact]
    public void NextInt64_SmallBound_IsUniform()
    {
        var random = new CounterRandom(3, "uniform", 0);
        var counts = new int[7];
        const int draws = 70_000;
        for (int i = 0; i < draws; i++)
        {
            counts[random.NextInt64(7)]++;
        }
        double chiSquare = counts.Sum(c => Math.Pow(c - draws / 7.0, 2) / (draws / 7.0));
        Assert.InRange(chiSquare, 0.1, 22.5); // 99.9 % of chi-square with 6 degrees of freedom
        Assert.Throws<ArgumentOutOfRangeException>(() => random.NextInt64(0));
    }

    [Fact]
    public void NextDouble_Many_AreInRangeWithMeanAHalf()
    {
        var random = new CounterRandom(3, "double", 0);
        double sum = 0;
        for (int i = 0; i < 100_000; i++)
        {
            double x = random.NextDouble();
            Assert.InRange(x, 0, 0.9999999999999999);
            sum += x;
        }
        Assert.InRange(sum / 100_000, 0.496, 0.504);
    }
}
