namespace GenoSeq.Data.Tests;

public sealed class WindowTilingTests
{
    [Theory]
    [InlineData(10, 4, 4, false, 2, 4)]
    [InlineData(10, 4, 3, false, 3, 4)]
    [InlineData(10, 4, 4, true, 3, 2)]
    [InlineData(8, 4, 4, true, 2, 4)]
    [InlineData(3, 4, 4, true, 1, 3)]
    [InlineData(3, 4, 4, false, 0, 0)]
    [InlineData(10, 4, 20, true, 1, 4)]
    public void Create_OneContig_GivesTheWindows(int bases, int length, int stride, bool keepShort, int count, int lastLength)
    {
        using FastaGenome genome = Genomes.Random(1, bases);
        WindowTiling windows = WindowTiling.Create(genome, new WindowTilingOptions { Length = length, Stride = stride, KeepShort = keepShort });
        Assert.Equal(count, windows.Count);
        if (count > 0)
        {
            GenomeInterval last = windows[count - 1].Interval;
            Assert.Equal((count - 1) * stride, last.Start);
            Assert.Equal(lastLength, last.Length);
        }
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.05)]
    [InlineData(0.5)]
    public void Create_MaxN_KeepsWhatPlainCountingKeeps(double maxN)
    {
        // Long runs of N leave whole blocks of the directory empty.
        var random = new Random(4);
        var text = new System.Text.StringBuilder(">a\n");
        for (int i = 0; i < 60; i++)
        {
            text.Append(i % 3 == 1 ? new string('N', random.Next(1, 40_000)) : string.Concat(Enumerable.Range(0, random.Next(1, 3000)).Select(_ => "ACGTn"[random.Next(5) % (random.Next(9) == 0 ? 5 : 4)])));
        }
        using FastaGenome genome = Genomes.Parse(text.ToString() + "\n");
        string bases = Genomes.Text(genome, 0);
        const int length = 20, stride = 7;
        WindowTiling windows = WindowTiling.Create(genome, new WindowTilingOptions { Length = length, Stride = stride, MaxN = maxN });
        var expected = new List<long>();
        for (int start = 0; start + length <= bases.Length; start += stride)
        {
            if (bases.AsSpan(start, length).ToString().Count(c => "ACGTacgt".IndexOf(c, StringComparison.Ordinal) < 0) <= maxN * length)
            {
                expected.Add(start);
            }
        }
        Assert.Equal(expected.Count, windows.Count);
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.Equal(expected[i], windows[i].Interval.Start);
        }
    }

    [Fact]
    public void Validate_EveryMistake_IsReported() =>
        Assert.Equal(3, new WindowTilingOptions { Length = 0, Stride = 0, MaxN = double.NaN }.Validate().Count);
}
