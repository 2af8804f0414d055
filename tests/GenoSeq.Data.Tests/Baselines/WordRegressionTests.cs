using System.Text;

namespace GenoSeq.Data.Tests.Baselines;

public sealed class WordRegressionTests
{
    [Fact]
    public void Features_OfWords_AreSharesByLength()
    {
        var features = new WordFeatures(2, bothStrands: false);
        Assert.Equal(20, features.Count);
        (int[] index, double[] value) = features.Of("AACNGg"u8);
        // A, C, G of five bases; AA, AC, GG of three words.
        Assert.Equal([0, 1, 2, 4, 5, 14], index);
        Assert.Equal([0.4, 0.2, 0.4, 1 / 3.0, 1 / 3.0, 1 / 3.0], value);
        Assert.Empty(features.Of("NNN"u8).Index);
    }

    [Fact]
    public void Features_OfBothStrands_AreTheSame()
    {
        var features = new WordFeatures(4, bothStrands: true);
        // 2, 10, 32 and 136 words that are not each other's reverse complement.
        Assert.Equal(180, features.Count);
        (int[] a, double[] x) = features.Of("GATTACACCGTA"u8);
        (int[] b, double[] y) = features.Of("TACGGTGTAATC"u8);
        Assert.Equal(a, b);
        Assert.Equal(x, y);
    }

    [Fact]
    public void Loss_Gradient_IsItsSlope()
    {
        var random = new Random(3);
        (int[] Index, double[] Value)[] rows = [.. Enumerable.Range(0, 9).Select(_ => (new[] { 0, 2, 3 }, new[] { random.NextDouble(), random.NextDouble(), 1.0 }))];
        int[] classes = [.. Enumerable.Range(0, 9).Select(i => i % 3)];
        double[] w = [.. Enumerable.Range(0, 15).Select(_ => random.NextDouble() - 0.5)];
        var gradient = new double[15];
        WordRegression.Loss(rows, classes, 4, 3, 0.1, w, gradient);
        for (int i = 0; i < w.Length; i++)
        {
            double[] up = [.. w], down = [.. w];
            up[i] += 1e-5;
            down[i] -= 1e-5;
            double slope = (WordRegression.Loss(rows, classes, 4, 3, 0.1, up, new double[15]) - WordRegression.Loss(rows, classes, 4, 3, 0.1, down, new double[15])) / 2e-5;
            Assert.Equal(slope, gradient[i], 8);
        }
    }

    /// <summary>The minimum of the Rosenbrock valley is at ones.</summary>
    [Fact]
    public void Minimizer_CurvedValley_EndsAtItsBottom()
    {
        double[] x = [-1.2, 1, -1.2, 1];
        int steps = Minimizer.Run(x, (p, g) =>
        {
            double f = 0;
            Array.Clear(g);
            for (int i = 0; i < 4; i += 2)
            {
                double a = p[i + 1] - (p[i] * p[i]), b = 1 - p[i];
                f += (100 * a * a) + (b * b);
                g[i] += (-400 * a * p[i]) - (2 * b);
                g[i + 1] += 200 * a;
            }
            return f;
        }, 200, 1e-9);
        Assert.InRange(steps, 1, 100);
        Assert.All(x, v => Assert.Equal(1, v, 7));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fit_ClassesByMotif_AreToldApart(bool bothStrands)
    {
        using LabelledSet set = Motifs(400);
        var options = new WordRegressionOptions { Words = 4, BothStrands = bothStrands };
        WordRegression model = WordRegression.Fit(set, options);
        IReadOnlyList<int> test = set.Rows(LabelledPart.Test);
        double right = test.Average(r => Array.IndexOf(model.Predict(set.GetSequence(r)), model.Predict(set.GetSequence(r)).Max()) == set.GetClass(r) ? 1.0 : 0.0);
        Assert.InRange(right, 0.95, 1);
        Assert.All(test, r => Assert.Equal(1, model.Predict(set.GetSequence(r)).Sum(), 9));
        Assert.Equal(model.Predict("ACGTACGT"u8), WordRegression.Fit(set, options).Predict("ACGTACGT"u8));
        Assert.InRange(model.Iterations, 1, 499);
    }

    [Fact]
    public void Fit_WhatCannotBeLearnt_IsRefused()
    {
        using LabelledSet one = Read("sequence,label\nACGT,0\nAC,0\n");
        Assert.Throws<InputDataException>(() => WordRegression.Fit(one));
        using LabelledSet numbers = Read("sequence,label\nACGT,0.5\nAC,1.5\n");
        Assert.Throws<ArgumentException>(() => WordRegression.Fit(numbers));
        using LabelledSet two = Read("sequence,label\nACGT,0\nAC,1\n");
        Assert.Throws<ArgumentException>(() => WordRegression.Fit(two, new WordRegressionOptions { Words = 9 }));
    }

    /// <summary>Promoters of E. coli against other sequences, of equal numbers: chance is one half.</summary>
    [SharedFact]
    public void Fit_PublishedSet_BeatsChance()
    {
        using LabelledSet set = LabelledSets.Open(Repository.SharedPath("data", "benchmarks", "ecoli_sigma_promoters"), new LabelledSetOptions { Task = "promoter" });
        WordRegression model = WordRegression.Fit(set, new WordRegressionOptions { Words = 4, Penalty = 1e-2 });
        double right = set.Rows(LabelledPart.Test).Average(r => model.Predict(set.GetSequence(r))[1] > 0.5 == (set.GetClass(r) == 1) ? 1.0 : 0.0);
        Assert.InRange(right, 0.65, 0.95);
    }

    private static LabelledSet Motifs(int rows)
    {
        var random = new Random(5);
        string[] motifs = ["GATA", "CCCG", "TTTT"];
        var text = new StringBuilder("sequence,label,split\n");
        for (int r = 0; r < rows; r++)
        {
            string around = random.GetString("ACGT", 20);
            string motif = string.Concat(Enumerable.Repeat(motifs[r % 3], 3));
            text.Append(around).Append(motif).Append(random.GetString("ACGT", 20)).Append(',').Append(r % 3).Append(r % 5 == 0 ? ",test\n" : ",train\n");
        }
        return Read(text.ToString());
    }

    private static LabelledSet Read(string text) => LabelledSets.Read(new MemoryStream(Encoding.ASCII.GetBytes(text)), "set");
}
