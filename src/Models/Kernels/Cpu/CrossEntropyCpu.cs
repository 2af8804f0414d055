using System.Runtime.CompilerServices;

namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>
/// Softmax cross-entropy: lanes are classes, work items are blocks of tokens. Logarithms are taken for many tokens at once.
/// </summary>
internal static unsafe class CrossEntropyCpu<TOps, TVec>
    where TOps : ISimd<TVec>
    where TVec : unmanaged
{
    private const int MinRows = 512;
    private const int Batch = 64;

    public static CrossEntropyTotals Forward(in CrossEntropyInputs<float> inputs, in CrossEntropyOutputs<float> outputs)
    {
        CrossEntropyInputs<float> x = inputs;
        CrossEntropyOutputs<float> o = outputs;
        var blocks = new RowBlocks(1, x.Tokens, MinRows);
        var partial = new CrossEntropyTotals[blocks.Items];
        KernelThreads.For(blocks.Items, item => partial[item] = ForwardBlock(x, o, (int)blocks.Start(item), (int)blocks.End(item)));
        var total = default(CrossEntropyTotals);
        foreach (CrossEntropyTotals part in partial)
        {
            total = new CrossEntropyTotals(
                total.LossSum + part.LossSum, total.WeightSum + part.WeightSum, total.Correct + part.Correct, total.Count + part.Count);
        }

        return total;
    }

    public static void Backward(in CrossEntropyInputs<float> inputs, in CrossEntropyGradients<float> gradients)
    {
        CrossEntropyInputs<float> x = inputs;
        CrossEntropyGradients<float> g = gradients;
        var blocks = new RowBlocks(1, x.Tokens, MinRows);
        KernelThreads.For(blocks.Items, item => BackwardBlock(x, g, (int)blocks.Start(item), (int)blocks.End(item)));
    }

    private static CrossEntropyTotals ForwardBlock(
        in CrossEntropyInputs<float> x, in CrossEntropyOutputs<float> o, int start, int end)
    {
        double lossSum = 0;
        double weightSum = 0;
        long correct = 0;
        long count = 0;
        float* lse = stackalloc float[Batch];
        float* max = stackalloc float[Batch];
        for (int first = start; first < end; first += Batch)
        {
            int rows = Math.Min(Batch, end - first);
            LogPartitions(x.Logits + (first * x.LogitsStride), x.LogitsStride, x.Targets + first, rows, x.Vocab, max, lse);
            for (int i = 0; i < rows; i++)
            {
                int target = x.Targets[first + i];
                bool ignored = target < 0;
                if (o.LogPartition != null) o.LogPartition[first + i] = ignored ? 0f : lse[i];
                if (ignored)
                {
                    if (o.Losses != null) o.Losses[first + i] = 0f;
                    continue;
                }

                float* row = x.Logits + ((first + i) * x.LogitsStride);
                float logit = row[target];
                float loss = lse[i] - logit + (x.ZLoss * lse[i] * lse[i]);
                if (o.Losses != null) o.Losses[first + i] = loss;
                float weight = x.Weights == null ? 1f : x.Weights[first + i];
                lossSum += weight * loss;
                weightSum += weight;
                count++;
                if (logit == max[i] && new ReadOnlySpan<float>(row, target).IndexOf(logit) < 0) correct++;
            }
        }

        return new CrossEntropyTotals(lossSum, weightSum, correct, count);
    }

    private static void BackwardBlock(in CrossEntropyInputs<float> x, in CrossEntropyGradients<float> g, int start, int end)
    {
        float* lse = stackalloc float[Batch];
        float* max = stackalloc float[Batch];
        for (int first = start; first < end; first += Batch)
        {
            int rows = Math.Min(Batch, end - first);
            if (g.LogPartition != null) new ReadOnlySpan<float>(g.LogPartition + first, rows).CopyTo(new Span<float>(lse, rows));
            else LogPartitions(x.Logits + (first * x.LogitsStride), x.LogitsStride, x.Targets + first, rows, x.Vocab, max, lse);
            for (int i = 0; i < rows; i++)
            {
                float* target = g.DLogits + ((first + i) * g.DLogitsStride);
                int label = x.Targets[first + i];
                if (label < 0)
                {
                    new Span<float>(target, x.Vocab).Clear();
                    continue;
                }

                float scale = g.Scale * (x.Weights == null ? 1f : x.Weights[first + i]);
                float soft = scale * (1f + (2f * x.ZLoss * lse[i]));
                Softmax(x.Logits + ((first + i) * x.LogitsStride), lse[i], soft, target, x.Vocab);
                target[label] -= scale;
            }
        }
    }

    // Row maxima and log sum exp of a batch of rows; rows with negative targets are skipped.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void LogPartitions(float* logits, long stride, int* targets, int rows, int vocab, float* max, float* lse)
    {
        int whole = vocab / TOps.Width * TOps.Width;
        for (int i = 0; i < rows; i++, logits += stride)
        {
            lse[i] = 1f;
            max[i] = 0f;
            if (targets[i] < 0) continue;
            if (whole == vocab && vocab == TOps.Width)
            {
                TVec only = TOps.Load(logits);
                float top = TOps.MaxAcross(only);
                max[i] = top;
                lse[i] = TOps.Sum(VectorMath<TOps, TVec>.Exp(TOps.Sub(only, TOps.Broadcast(top))));
                continue;
            }

            float highest = float.NegativeInfinity;
            if (whole > 0)
            {
                TVec top = TOps.Load(logits);
                for (int v = TOps.Width; v < whole; v += TOps.Width) top = TOps.Max(top, TOps.Load(logits + v));
                highest = TOps.MaxAcross(top);
            }

            for (int v = whole; v < vocab; v++) highest = MathF.Max(highest, logits[v]);
            TVec shift = TOps.Broadcast(highest);
            TVec sum = TOps.Broadcast(0f);
            for (int v = 0; v < whole; v += TOps.Width)
                sum = TOps.Add(sum, VectorMath<TOps, TVec>.Exp(TOps.Sub(TOps.Load(logits + v), shift)));
            float total = TOps.Sum(sum);
            if (whole < vocab) total += TailSum(logits + whole, vocab - whole, highest);
            max[i] = highest;
            lse[i] = total;
        }

        for (int i = 0; i < rows; i += TOps.Width)
        {
            int lanes = Math.Min(TOps.Width, rows - i);
            TVec log = TOps.Log(Lanes<TOps, TVec>.Load(lse + i, lanes));
            Lanes<TOps, TVec>.Store(lse + i, TOps.Add(log, Lanes<TOps, TVec>.Load(max + i, lanes)), lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float TailSum(float* tail, int count, float shift)
    {
        TVec e = VectorMath<TOps, TVec>.Exp(TOps.Sub(Lanes<TOps, TVec>.Load(tail, count), TOps.Broadcast(shift)));
        float sum = 0f;
        for (int i = 0; i < count; i++) sum += ((float*)&e)[i];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Softmax(float* logits, float lse, float soft, float* target, int vocab)
    {
        TVec shift = TOps.Broadcast(lse);
        TVec scale = TOps.Broadcast(soft);
        for (int v = 0; v < vocab; v += TOps.Width)
        {
            int lanes = Math.Min(TOps.Width, vocab - v);
            TVec e = VectorMath<TOps, TVec>.Exp(TOps.Sub(Lanes<TOps, TVec>.Load(logits + v, lanes), shift));
            Lanes<TOps, TVec>.Store(target + v, TOps.Mul(e, scale), lanes);
        }
    }
}
