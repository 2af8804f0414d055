using GenoSeq.Models.Losses;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

public sealed class SequenceLossTests
{
    private const int Batch = 3;
    private const int Length = 21;
    private const int Vocab = 16;

    [Theory]
    [InlineData(false, 0.3)]
    [InlineData(true, 0.3)]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    public void Compute_BothPaths_AreThePlainSum(bool weighted, double ignoredShare)
    {
        using DisposeScope scope = NewDisposeScope();
        var random = new Random(4);
        float[] values = [.. Enumerable.Range(0, Batch * Length * Vocab).Select(_ => (float)(5 * TestModels.Normal(random)))];
        int[] targets = [.. Enumerable.Range(0, Batch * Length).Select(i => random.NextDouble() < ignoredShare ? (i % 2 == 0 ? -100 : -1) : random.Next(Vocab))];
        float[] weights = [.. targets.Select(_ => weighted ? (float)random.NextDouble() : 1)];
        (double sum, double weightSum, long count, long correct, double[] gradient) = Plain(values, targets, weights);
        foreach (ScalarType type in new[] { float32, float64 })
        {
            foreach (ScalarType targetType in new[] { int32, int64 })
            {
                Tensor logits = tensor(values, Batch, Length, Vocab).to(type).requires_grad_();
                LossTotals totals = SequenceLoss.Compute(logits, tensor(targets, Batch, Length).to(targetType),
                    weighted ? tensor(weights, Batch, Length) : null);
                (totals.Sum * 0.5).backward();
                Assert.Equal(sum, totals.Sum.item(), 1e-5 * Math.Max(sum, 1));
                Assert.Equal(weightSum, totals.WeightSum, 1e-5 * Math.Max(weightSum, 1));
                Assert.Equal(count, totals.Count);
                Assert.Equal(correct, totals.Correct);
                double[] ours = logits.grad!.to(float64).ToArray<double>();
                for (int i = 0; i < ours.Length; i++)
                {
                    Assert.Equal(0.5 * gradient[i], ours[i], 1e-6);
                }
            }
        }
    }

    [Fact]
    public void Compute_SlicedLogits_AreReadInPlaceOrCopied()
    {
        using DisposeScope scope = NewDisposeScope();
        var random = new Random(4);
        Tensor whole = tensor<float>(Enumerable.Range(0, 2 * 9 * Vocab).Select(_ => (float)TestModels.Normal(random)).ToArray(), [2, 9, Vocab]).requires_grad_();
        Tensor ids = TestModels.Ids(TestModels.Sequences(2, 9));
        SequenceLoss.Compute(whole.narrow(1, 0, 8), ids.narrow(1, 1, 8)).Sum.backward();
        Tensor sliced = whole.grad!.clone();
        whole.grad = null;
        int[] shifted = [.. TestModels.Sequences(2, 9).SelectMany(s => s.Skip(1).Append(-1))];
        SequenceLoss.Compute(whole, tensor(shifted, 2, 9)).Sum.backward();
        Closeness.Check(whole.grad!, sliced, 1e-7, "gradient");
    }

    /// <summary>The squared log partition is in the sum and its gradient, and in no other number.</summary>
    [Fact]
    public void Compute_ZLoss_IsInTheSumAlone()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(6);
        Tensor values = randn([2, 9, Vocab], float64);
        Tensor targets = TestModels.Ids(TestModels.Sequences(2, 9)).to(int32);
        targets.select(1, 4).fill_(-1);
        Tensor weights = rand([2, 9]);
        Tensor exact = values.clone().requires_grad_();
        Tensor present = targets.ge(0).to(float64) * weights;
        Tensor nll = -exact.log_softmax(2).gather(2, targets.to(int64).mul(targets.ge(0).to(int64)).unsqueeze(2)).squeeze(2);
        Tensor sum = ((nll + exact.logsumexp(2).square().mul(0.3)) * present).sum();
        sum.backward();
        foreach (Tensor logits in new[] { values.to(float32).requires_grad_(), values.clone().requires_grad_() })
        {
            LossTotals totals = SequenceLoss.Compute(logits, targets, weights, 0.3);
            (totals.Sum * 2).backward();
            Assert.Equal(sum.item(), totals.Sum.item(), 1e-4);
            Assert.Equal((nll * present).sum().item(), totals.LossSum, 1e-4);
            Closeness.Check(exact.grad!.mul(2), logits.grad!, 1e-5, "gradient");
        }
    }

    [Fact]
    public void Compute_FrequencyOfLogits_StaysFinite()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = tensor([1e4f, -1e4f, 0, 0], 1, 1, 4).requires_grad_();
        LossTotals totals = SequenceLoss.Compute(logits, tensor([1], 1, 1));
        totals.Sum.backward();
        Assert.Equal(2e4, totals.Sum.item(), 1);
        Assert.True(logits.grad!.isfinite().all().item() != 0);
    }

    private static (double Sum, double WeightSum, long Count, long Correct, double[] Gradient) Plain(float[] logits, int[] targets, float[] weights)
    {
        (double sum, double weightSum, long count, long correct) = (0, 0, 0, 0);
        double[] gradient = new double[logits.Length];
        for (int t = 0; t < targets.Length; t++)
        {
            if (targets[t] < 0)
            {
                continue;
            }

            double[] row = Array.ConvertAll(logits[(t * Vocab)..((t + 1) * Vocab)], v => (double)v);
            double total = row.Sum(Math.Exp);
            sum -= weights[t] * Math.Log(Math.Exp(row[targets[t]]) / total);
            weightSum += weights[t];
            count++;
            correct += row.Max() == row[targets[t]] ? 1 : 0;
            for (int v = 0; v < Vocab; v++)
            {
                gradient[(t * Vocab) + v] = weights[t] * ((Math.Exp(row[v]) / total) - (v == targets[t] ? 1 : 0));
            }
        }

        return (sum, weightSum, count, correct, gradient);
    }
}
