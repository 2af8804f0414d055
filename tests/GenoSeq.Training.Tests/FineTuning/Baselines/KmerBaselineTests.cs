using System.Text;
using GenoSeq.Data;
using GenoSeq.Training.Evaluation.Metrics;
using GenoSeq.Training.FineTuning.Baselines;

namespace GenoSeq.Training.Tests.FineTuning.Baselines;

public sealed class KmerBaselineTests
{
    private static readonly KmerBaselineOptions s_small = new() { Ks = [2, 4], Strengths = [1, 0.1, 0.01] };

    [Fact]
    public void Count_Words_BreaksAtOtherLettersAndMergesStrands()
    {
        var words = new KmerWords(2, bothStrands: false);
        Assert.Equal((4, 20), (words.Features(1), words.Features(2)));
        int[] counts = new int[20];
        Assert.Equal(5, words.Count("acNGTu"u8, counts));
        Assert.Equal([1, 1, 1, 2], counts[..4]);
        Assert.Equal(3, counts[4..].Sum());
        Assert.Equal(1, counts[4 + 1]);
        Assert.Equal(1, counts[4 + 15]);

        // Two bases: 16 words, four of them their own reverse complement, so (16 + 4) / 2 = 10.
        var both = new KmerWords(2, bothStrands: true);
        Assert.Equal((2, 12), (both.Features(1), both.Features(2)));
        int[] forward = new int[12];
        int[] reverse = new int[12];
        byte[] sequence = [.. "ACCGTTAGGA"u8];
        both.Count(sequence, forward);
        DnaComplement.ReverseComplementInPlace(sequence);
        both.Count(sequence, reverse);
        Assert.Equal(forward, reverse);
    }

    [Fact]
    public void Features_SixBasesOnBothStrands_AreTheKnownNumbers()
    {
        var words = new KmerWords(6, bothStrands: true);
        // (4^k + 4^(k/2)) / 2 for even k, 4^k / 2 for odd k.
        Assert.Equal([2, 10, 32, 136, 512, 2080], Enumerable.Range(1, 6).Select(k => words.Features(k) - (k > 1 ? words.Features(k - 1) : 0)));
    }

    [Fact]
    public void Loss_Gradient_IsItsNumericalDerivative()
    {
        (ReadOnlyMemory<byte>[] sequences, int[] labels) = Motifs(40, seed: 4);
        var counts = new KmerCounts(new KmerWords(2, false), sequences);
        var model = new SoftmaxRegression(3, 2, counts);
        double[] x = [.. Enumerable.Range(0, model.Parameters).Select(i => Math.Sin(i) / 4)];
        double[] gradient = new double[x.Length];
        double[] unused = new double[x.Length];
        model.Loss(counts, labels, 0.3, x, gradient);
        for (int i = 0; i < x.Length; i++)
        {
            double[] up = [.. x];
            double[] down = [.. x];
            (up[i], down[i]) = (x[i] + 1e-5, x[i] - 1e-5);
            double slope = (model.Loss(counts, labels, 0.3, up, unused) - model.Loss(counts, labels, 0.3, down, unused)) / 2e-5;
            Assert.Equal(slope, gradient[i], 1e-8);
        }
    }

    [Fact]
    public void Minimize_IllConditionedQuadratic_FindsTheMinimum()
    {
        double[] x = [5, -3, 2];
        new Lbfgs((p, g) =>
        {
            (g[0], g[1], g[2]) = (200 * (p[0] - 1), 2 * (p[1] - 2), 0.02 * (p[2] - 3));
            return (100 * (p[0] - 1) * (p[0] - 1)) + ((p[1] - 2) * (p[1] - 2)) + (0.01 * (p[2] - 3) * (p[2] - 3));
        }).Minimize(x, 200, 1e-10);
        Assert.Equal(1, x[0], 1e-7);
        Assert.Equal(2, x[1], 1e-7);
        Assert.Equal(3, x[2], 1e-6);
    }

    [Fact]
    public void Fit_PlantedMotifs_AreFoundAndTwiceTheSame()
    {
        (ReadOnlyMemory<byte>[] train, int[] labels) = Motifs(600, seed: 1);
        (ReadOnlyMemory<byte>[] validation, int[] validationLabels) = Motifs(150, seed: 2);
        (ReadOnlyMemory<byte>[] test, int[] testLabels) = Motifs(300, seed: 3);
        var baseline = KmerBaseline.Fit(3, train, labels, validation, validationLabels, s_small);
        double[] p = baseline.Predict(test);
        MetricSet set = MetricSet.Of(new ClassPredictions(3, testLabels, p));
        Assert.True(set.Value("mcc") > 0.85, $"mcc {set.Value("mcc")}");
        // The motifs have four bases; pairs alone say less.
        Assert.Equal(4, baseline.Chosen.K);
        Assert.InRange(baseline.Trials.Count, 2, 6);
        Assert.Equal(baseline.Trials.Min(t => t.ValidationLogLoss), baseline.Chosen.ValidationLogLoss);
        Assert.Equal(p, KmerBaseline.Fit(3, train, labels, validation, validationLabels, s_small).Predict(test));
    }

    [Fact]
    public void Predict_BothStrands_DoesNotDependOnTheStrand()
    {
        (ReadOnlyMemory<byte>[] train, int[] labels) = Motifs(90, seed: 1);
        var baseline = KmerBaseline.Fit(3, train, labels, train, labels, s_small with { BothStrands = true, Ks = [3] });
        ReadOnlyMemory<byte>[] other = [.. train.Select(s =>
        {
            byte[] copy = s.ToArray();
            DnaComplement.ReverseComplementInPlace(copy);
            return (ReadOnlyMemory<byte>)copy;
        })];
        Assert.Equal(baseline.Predict(train), baseline.Predict(other));
        // Nothing to count is no error: the bias speaks.
        double[] p = baseline.Predict([ReadOnlyMemory<byte>.Empty, "NN"u8.ToArray()]);
        Assert.Equal(1, p[..3].Sum(), 12);
        Assert.Equal(p[..3], p[3..]);
    }

    [Fact]
    public void Fit_BadInput_SaysWhat()
    {
        (ReadOnlyMemory<byte>[] s, int[] labels) = Motifs(6, seed: 1);
        Assert.Contains("all training labels are 0", Assert.Throws<ArgumentException>(
            () => KmerBaseline.Fit(2, s, new int[6], s, new int[6])).Message, StringComparison.Ordinal);
        Assert.Contains("expected 0 to 1", Assert.Throws<ArgumentException>(
            () => KmerBaseline.Fit(2, s, labels, s, labels)).Message, StringComparison.Ordinal);
        Assert.Contains("the validation part has 0 sequences", Assert.Throws<ArgumentException>(
            () => KmerBaseline.Fit(3, s, labels, [], [])).Message, StringComparison.Ordinal);
        Assert.Equal(4, new KmerBaselineOptions { Ks = [7], Strengths = [-1], MaxIterations = 0, Tolerance = 0 }.Validate().Count);
    }

    // Random sequences of 60 to 80 bases; each class has its own motif planted three times.
    private static (ReadOnlyMemory<byte>[] Sequences, int[] Labels) Motifs(int n, int seed)
    {
        string[] motifs = ["ACGT", "GGCC", "TATA"];
        var sequences = new ReadOnlyMemory<byte>[n];
        int[] labels = new int[n];
        for (int i = 0; i < n; i++)
        {
            var random = new CounterRandom(seed, "motifs", i);
            labels[i] = i % 3;
            byte[] s = new byte[60 + (int)random.NextInt64(21)];
            for (int j = 0; j < s.Length; j++)
            {
                s[j] = (byte)"ACGT"[(int)random.NextInt64(4)];
            }

            for (int planted = 0; planted < 3; planted++)
            {
                Encoding.ASCII.GetBytes(motifs[labels[i]]).CopyTo(s, (int)random.NextInt64(s.Length - 4));
            }

            sequences[i] = s;
        }

        return (sequences, labels);
    }
}
