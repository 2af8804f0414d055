using System.Text;

namespace GenoSeq.Data.Tests.Labelled;

public sealed class StratifiedSplitsTests
{
    private static readonly double[] s_shares = [0.8, 0.1, 0.1];

    [Fact]
    public void ByClass_EveryPart_HasItsShareOfEveryClass()
    {
        var random = new Random(1);
        int[] classes = [.. Enumerable.Range(0, 1237).Select(_ => (int)(random.NextDouble() * random.NextDouble() * 7))];
        int[] parts = StratifiedSplits.ByClass(classes, s_shares, 3);
        for (int c = 0; c < 7; c++)
        {
            int all = classes.Count(x => x == c);
            for (int p = 0; p < 3; p++)
            {
                Assert.InRange(Enumerable.Range(0, classes.Length).Count(r => classes[r] == c && parts[r] == p), (s_shares[p] * all) - 1, (s_shares[p] * all) + 1);
            }
        }
        Assert.InRange(parts.Count(p => p == 1), 122, 125);
        Assert.Equal(parts, StratifiedSplits.ByClass(classes, s_shares, 3));
        Assert.NotEqual(parts, StratifiedSplits.ByClass(classes, s_shares, 4));
    }

    [Fact]
    public void ByClass_SmallClasses_AreTrainedOn()
    {
        int[] parts = StratifiedSplits.ByClass([0, 1, 1, 2, 2, 2], [0.2, 0.4, 0.4], 1);
        Assert.Equal(0, parts[0]);
        Assert.Contains(0, parts[1..3]);
        Assert.Contains(0, parts[3..]);
    }

    [Fact]
    public void ByClass_OneOfTenEach_TenClassesOfFive_AddUp() => Assert.Equal(
        [40, 5, 5],
        StratifiedSplits.ByClass([.. Enumerable.Range(0, 50).Select(i => i % 10)], s_shares, 2).CountBy(p => p).OrderBy(p => p.Key).Select(p => p.Value));

    [Fact]
    public void ByQuantile_EveryTenth_IsInEveryPart()
    {
        var random = new Random(2);
        float[] values = [.. Enumerable.Range(0, 1000).Select(_ => (float)Math.Exp(3 * random.NextDouble()))];
        int[] parts = StratifiedSplits.ByQuantile(values, s_shares, 5);
        int[] order = [.. Enumerable.Range(0, 1000).OrderBy(r => values[r])];
        foreach (int[] bin in order.Chunk(100))
        {
            Assert.Equal([80, 10, 10], Enumerable.Range(0, 3).Select(p => bin.Count(r => parts[r] == p)));
        }
    }

    [Fact]
    public void ByQuantile_EqualValues_AreOneBin()
    {
        int[] parts = StratifiedSplits.ByQuantile(new float[100], s_shares, 5);
        Assert.Equal([80, 10, 10], Enumerable.Range(0, 3).Select(p => parts.Count(q => q == p)));
        Assert.Throws<ArgumentException>(() => StratifiedSplits.ByQuantile([1, float.NaN], s_shares, 1));
    }

    /// <summary>Rare labels come out closer to their shares than with a division that does not look at them.</summary>
    [Fact]
    public void ByLabels_RareLabels_AreInEveryPart()
    {
        const int rows = 2000, labels = 12;
        var random = new Random(7);
        var values = new float[rows * labels];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = random.NextDouble() < 0.4 / (1 << (i % labels / 2)) ? 1 : 0;
        }
        int[] parts = StratifiedSplits.ByLabels(values, labels, s_shares, 11);
        Assert.All([0, 1, 2], p => Assert.InRange(parts.Count(q => q == p), (s_shares[p] * rows) - 12, (s_shares[p] * rows) + 12));
        for (int l = 0; l < labels; l++)
        {
            int all = Enumerable.Range(0, rows).Count(r => values[(r * labels) + l] != 0);
            for (int p = 0; p < 3; p++)
            {
                int n = Enumerable.Range(0, rows).Count(r => parts[r] == p && values[(r * labels) + l] != 0);
                Assert.InRange(n, (s_shares[p] * all) - 3, (s_shares[p] * all) + 3);
            }
        }
        Assert.Equal(parts, StratifiedSplits.ByLabels(values, labels, s_shares, 11));
        Assert.NotEqual(parts, StratifiedSplits.ByLabels(values, labels, s_shares, 12));
    }

    /// <summary>Worked by hand from the paper's algorithm: the one row of the rarest label goes to the part that wants most of it.</summary>
    [Fact]
    public void ByLabels_RarestLabel_GoesToTheLargestPart()
    {
        float[] values = [1, 0, 1, 0, 1, 0, 1, 1];
        int[] parts = StratifiedSplits.ByLabels(values, 2, [0.75, 0.25], 1);
        Assert.Equal(0, parts[3]);
        Assert.Equal([3, 1], Enumerable.Range(0, 2).Select(p => parts.Count(q => q == p)));
    }

    [Theory]
    [InlineData(0.5, 0.6)]
    [InlineData(1.0, 0.0)]
    public void Split_BadShares_AreRefused(double a, double b)
    {
        Assert.Throws<ArgumentException>(() => StratifiedSplits.ByClass([0, 1], [a, b], 1));
        Assert.Throws<ArgumentException>(() => StratifiedSplits.ByLabels([0, 1], 1, [a, b], 1));
    }

    [Theory]
    [InlineData("class")]
    [InlineData("number")]
    [InlineData("labels")]
    public void Split_OfSet_DividesByItsKind(string kind)
    {
        var text = new StringBuilder(kind == "labels" ? "sequence,a,b\n" : "sequence,label\n");
        for (int r = 0; r < 200; r++)
        {
            text.Append("ACGT,").Append(kind switch { "class" => r % 2 == 0 ? "x" : "y", "number" => $"{r}.5", _ => $"{r % 2},{r / 2 % 2}" }).Append('\n');
        }
        using LabelledSet set = LabelledSets.Read(new MemoryStream(Encoding.ASCII.GetBytes(text.ToString())), "set",
            kind == "labels" ? new LabelledSetOptions { LabelColumns = ["a", "b"] } : null);
        LabelledSet divided = set.Split(0.1, 0.2, 3);
        int slack = kind == "labels" ? 2 : 0;
        Assert.All([140, 20, 40], (n, p) => Assert.InRange(divided.Rows((LabelledPart)p).Count, n - slack, n + slack));
        Assert.All(Enum.GetValues<LabelledPart>(), p => Assert.All(divided.ClassCounts(p), n => Assert.InRange(n, (divided.Rows(p).Count / 2) - slack, (divided.Rows(p).Count / 2) + slack)));
        Assert.InRange(set.HoldOut(0.1, 1).Rows(LabelledPart.Dev).Count, 20 - slack, 20 + slack);
        Assert.Throws<InvalidOperationException>(() => divided.Split(0.1, 0.1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Split(0.5, 0.5, 1));
    }
}
