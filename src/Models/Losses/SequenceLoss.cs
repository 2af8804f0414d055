using GenoSeq.Models.Kernels;
using GenoSeq.Models.Mixers;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Losses;

/// <summary>The loss of every objective: cross-entropy with targets below 0 ignored and optional weights per position.</summary>
public static class SequenceLoss
{
    /// <summary>Sums the loss over a batch.</summary>
    /// <param name="logits">[batch, length, vocab].</param>
    /// <param name="targets">int32 [batch, length]; negative: no target.</param>
    /// <param name="weights">f32 [batch, length], or null for 1 everywhere.</param>
    /// <param name="zLoss">Factor of the squared log partition that the differentiable sum adds; the other numbers are without it.</param>
    /// <returns>The differentiable sum and what it is over; divide by the global weight sum for the mean.</returns>
    public static LossTotals Compute(Tensor logits, Tensor targets, Tensor? weights = null, double zLoss = 0)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(targets);
        return TensorRows.OnKernels(logits) ? OnKernels(logits, targets, weights, zLoss) : Portable(logits, targets, weights, zLoss);
    }

    private static LossTotals OnKernels(Tensor logits, Tensor targets, Tensor? weights, double zLoss)
    {
        var function = new CrossEntropyFunction(zLoss);
        Tensor sum = function.apply(logits, targets, weights)[0]!;
        CrossEntropyTotals t = function.Totals;
        return new LossTotals(sum, t.LossSum, t.WeightSum, t.Count, t.Correct);
    }

    private static LossTotals Portable(Tensor logits, Tensor targets, Tensor? weights, double zLoss)
    {
        long vocab = logits.size(-1);
        Tensor flat = logits.reshape(-1, vocab).to(float32);
        Tensor t = targets.reshape(-1).to(int64);
        Tensor present = t.ge(0);
        Tensor valid = present.to(float32);
        Tensor w = weights is null ? valid : valid * weights.reshape(-1);
        Tensor nll = -flat.log_softmax(1).gather(1, (t * present.to(int64)).unsqueeze(1)).squeeze(1);
        Tensor hits = flat.argmax(1).eq(t).to(float32) * valid;
        Tensor sum = (nll * w).sum();
        Tensor whole = zLoss == 0 ? sum : sum + (flat.logsumexp(1).square() * w).sum().mul(zLoss);
        using (no_grad())
        {
            return new LossTotals(whole, stack(Array.ConvertAll([sum.detach(), w.sum(), valid.sum(), hits.sum()], v => v.to(float64))));
        }
    }

    private sealed unsafe class CrossEntropyFunction(double zLoss) : autograd.Function
    {
        protected override string Name => "CrossEntropy";

        internal CrossEntropyTotals Totals { get; private set; }

        protected override Tensor?[] forward(Tensor?[] inputs)
        {
            Tensor logits = inputs[0]!.contiguous();
            Tensor targets = inputs[1]!.to(int32).contiguous();
            Tensor? weights = inputs[2]?.contiguous();
            Tensor partition = empty([logits.numel() / logits.size(-1)]);
            Totals = CrossEntropy.Forward(Arguments(logits, targets, weights, 0),
                new CrossEntropyOutputs<float> { LogPartition = TensorRows.Dense(partition) });
            save_for_backward(logits, targets, weights, partition);
            if (zLoss == 0)
            {
                return [scalar(Totals.LossSum)];
            }

            // The partition is 0 where there is no target.
            Tensor squares = partition.to(float64).square();
            squares = weights is null ? squares : squares * weights.reshape(-1);
            return [scalar(Totals.LossSum + (zLoss * squares.sum().item()))];
        }

        protected override Tensor?[] backward(Tensor?[] grad_outputs)
        {
            Tensor logits = saved(0)!;
            Tensor gradient = empty_like(logits);
            CrossEntropy.Backward(Arguments(logits, saved(1)!, saved(2), (float)zLoss), new CrossEntropyGradients<float>
            {
                DLogits = TensorRows.Dense(gradient),
                DLogitsStride = logits.size(-1),
                Scale = grad_outputs[0]!.ToSingle(),
                LogPartition = TensorRows.Dense(saved(3)),
            });
            return [gradient, null, null];
        }

        private static CrossEntropyInputs<float> Arguments(Tensor logits, Tensor targets, Tensor? weights, float z) => new()
        {
            Tokens = (int)targets.numel(),
            Vocab = (int)logits.size(-1),
            Logits = TensorRows.Dense(logits),
            LogitsStride = logits.size(-1),
            Targets = (int*)targets.data_ptr(),
            Weights = TensorRows.Dense(weights),
            ZLoss = z,
        };
    }
}
