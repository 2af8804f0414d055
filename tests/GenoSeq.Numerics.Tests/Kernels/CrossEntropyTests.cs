using System.Numerics;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Reference;

namespace GenoSeq.Numerics.Tests.Kernels;

public sealed unsafe class CrossEntropyTests
{
    [Theory]
    [InlineData(0, 16)]
    [InlineData(1, 2)]
    [InlineData(7, 5)]
    [InlineData(63, 8)]
    [InlineData(65, 16)]
    [InlineData(600, 16)]
    [InlineData(1029, 17)]
    [InlineData(130, 100)]
    [InlineData(9, 1024)]
    public void ForwardAndBackward_AnyShapeAndOptions_MatchReference(int tokens, int vocab)
    {
        for (int flags = 0; flags < 8; flags++)
        {
            var c = new Case(tokens, vocab, (flags & 1) != 0, (flags & 2) != 0 ? 0.01 : 0, (flags & 4) != 0, flags % 3);
            var data = new Data(c, flags);
            Results truth = Run<double>(c, data, KernelPath.Reference);
            foreach (KernelPath path in (KernelPath[])[KernelPath.Reference, .. KernelPaths.Fast])
            {
                Results actual = Run<float>(c, data, path);
                Numbers.AssertClose(actual, truth, Numbers.Tolerance["loss.backward"], $"{path} {c}");
                Assert.InRange(Numbers.MaxError(actual["losses"], truth["losses"]), 0, Numbers.Tolerance["loss.forward"]);
                Assert.Equal(truth["counts"], actual["counts"]);
            }
        }
    }

    [Fact]
    public void ReferenceBackward_Logits_MatchFiniteDifferences()
    {
        var c = new Case(6, 5, true, 0.1, false, 0);
        var data = new Data(c, 3);
        double[] gradient = Run<double>(c, data, KernelPath.Reference)["dlogits"];
        const double Step = 1e-5;
        for (int i = 0; i < gradient.Length; i++)
        {
            double kept = data.Logits[i];
            data.Logits[i] = kept + Step;
            double up = Run<double>(c, data, KernelPath.Reference)["sums"][0];
            data.Logits[i] = kept - Step;
            double down = Run<double>(c, data, KernelPath.Reference)["sums"][0];
            data.Logits[i] = kept;
            Assert.InRange(((up - down) / (2 * Step) * Data.Scale) - gradient[i], -1e-8, 1e-8);
        }
    }

    [Fact]
    public void Forward_TiedMaximum_CountsFirstAsPrediction()
    {
        float* logits = stackalloc float[] { 1, 3, 3, 0 };
        int target = 1;
        foreach (KernelPath path in KernelPaths.Fast)
        {
            using KernelDispatch.Scope scope = KernelDispatch.Use(path);
            var x = new CrossEntropyInputs<float> { Tokens = 1, Vocab = 4, Logits = logits, LogitsStride = 4, Targets = &target };
            target = 1;
            Assert.Equal(1, CrossEntropy.Forward(x, default).Correct);
            target = 2;
            Assert.Equal(0, CrossEntropy.Forward(x, default).Correct);
        }
    }

    [Fact]
    public void Forward_LargeLogits_StaysFinite()
    {
        float* logits = stackalloc float[] { 5000, -5000, float.NegativeInfinity, 4999 };
        int target = 3;
        foreach (KernelPath path in KernelPaths.Fast)
        {
            using KernelDispatch.Scope scope = KernelDispatch.Use(path);
            var x = new CrossEntropyInputs<float> { Tokens = 1, Vocab = 4, Logits = logits, LogitsStride = 4, Targets = &target };
            Assert.Equal(Math.Log(1 + Math.E), CrossEntropy.Forward(x, default).LossSum, 1e-3);
        }
    }

    [Fact]
    public void Forward_AnyThreadCount_IsBitwiseEqual()
    {
        var c = new Case(5000, 16, true, 0.01, true, 0);
        var data = new Data(c, 2);
        int before = KernelThreads.Count;
        try
        {
            KernelThreads.Count = 1;
            Results one = Run<float>(c, data, KernelDispatch.Widest);
            foreach (int threads in new[] { 2, 3, 5 })
            {
                KernelThreads.Count = threads;
                Numbers.AssertSame(Run<float>(c, data, KernelDispatch.Widest), one, $"{threads} threads");
            }
        }
        finally
        {
            KernelThreads.Count = before;
        }
    }

    [Fact]
    public void Forward_TargetOutsideVocab_NamesToken()
    {
        float* logits = stackalloc float[8];
        int* targets = stackalloc int[] { 0, 4 };
        var x = new CrossEntropyInputs<float> { Tokens = 2, Vocab = 4, Logits = logits, LogitsStride = 4, Targets = targets };
        ArgumentException e = Assert.Throws<ArgumentException>(() => CrossEntropy.Forward(x, default));
        Assert.Contains("token 1", e.Message, StringComparison.Ordinal);
    }

    private static Results Run<T>(Case c, Data data, KernelPath path)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var arena = new Arena<T>(c.Gap);
        double[] tokens = [.. Enumerable.Repeat(0.5, c.Tokens)];
        Rows<T> logits = arena.Rows(data.Logits, 1, c.Tokens, c.Vocab);
        var x = new CrossEntropyInputs<T>
        {
            Tokens = c.Tokens,
            Vocab = c.Vocab,
            Logits = logits.Data,
            LogitsStride = logits.RowStride,
            Targets = arena.Ints(data.Targets),
            Weights = arena.Array(data.Weights),
            ZLoss = T.CreateChecked(c.ZLoss),
        };
        var o = new CrossEntropyOutputs<T> { Losses = arena.Array(tokens), LogPartition = arena.Array(tokens) };
        var g = new CrossEntropyGradients<T>
        {
            // In place over the logits, the common case.
            DLogits = logits.Data,
            DLogitsStride = logits.RowStride,
            Scale = T.CreateChecked(Data.Scale),
            LogPartition = c.SavedPartition ? o.LogPartition : null,
        };
        CrossEntropyTotals totals;
        if (path == KernelPath.Reference)
        {
            totals = CrossEntropyReference.Forward(x, o);
            CrossEntropyReference.Backward(x, g);
        }
        else
        {
            using KernelDispatch.Scope scope = KernelDispatch.Use(path);
            totals = CrossEntropy.Forward((CrossEntropyInputs<float>)(object)x, (CrossEntropyOutputs<float>)(object)o);
            CrossEntropy.Backward((CrossEntropyInputs<float>)(object)x, (CrossEntropyGradients<float>)(object)g);
        }

        var results = new Results();
        results.Put("losses", Arena<T>.Read(o.Losses, tokens));
        results.Put("partition", Arena<T>.Read(o.LogPartition, tokens));
        results.Put("dlogits", Arena<T>.Read(logits, 1, c.Tokens, c.Vocab));
        results.Put("sums", [totals.LossSum, totals.WeightSum]);
        results.Put("counts", [totals.Correct, totals.Count]);
        arena.CheckGaps();
        return results;
    }

    private sealed record Case(int Tokens, int Vocab, bool Weighted, double ZLoss, bool SavedPartition, int Gap);

    private sealed class Data
    {
        public const double Scale = 0.125;

        public Data(Case c, int seed)
        {
            var random = new Random(seed);
            Logits = Numbers.Uniform(random, c.Tokens * c.Vocab, -6, 6);
            Targets = [.. Enumerable.Range(0, c.Tokens).Select(_ => random.Next(5) == 0 ? -100 : random.Next(c.Vocab))];
            Weights = c.Weighted ? Numbers.Uniform(random, c.Tokens, 0, 2) : null;
        }

        public double[] Logits { get; }

        public int[] Targets { get; }

        public double[]? Weights { get; }
    }
}
