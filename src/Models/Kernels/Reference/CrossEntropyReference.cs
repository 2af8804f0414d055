using System.Numerics;

namespace GenoSeq.Models.Kernels.Reference;

/// <summary>The softmax cross-entropy as plain loops.</summary>
internal static unsafe class CrossEntropyReference
{
    public static CrossEntropyTotals Forward<T>(in CrossEntropyInputs<T> x, in CrossEntropyOutputs<T> o)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        double lossSum = 0;
        double weightSum = 0;
        long correct = 0;
        long count = 0;
        for (int i = 0; i < x.Tokens; i++)
        {
            if (o.Losses != null) o.Losses[i] = T.Zero;
            if (o.LogPartition != null) o.LogPartition[i] = T.Zero;
            int target = x.Targets[i];
            if (target < 0) continue;
            T* row = x.Logits + (i * x.LogitsStride);
            T lse = LogPartition(row, x.Vocab);
            T loss = lse - row[target] + (x.ZLoss * lse * lse);
            if (o.Losses != null) o.Losses[i] = loss;
            if (o.LogPartition != null) o.LogPartition[i] = lse;
            T weight = x.Weights == null ? T.One : x.Weights[i];
            lossSum += double.CreateChecked(weight * loss);
            weightSum += double.CreateChecked(weight);
            count++;
            int best = 0;
            for (int v = 1; v < x.Vocab; v++)
            {
                if (row[v] > row[best]) best = v;
            }

            if (best == target) correct++;
        }

        return new CrossEntropyTotals(lossSum, weightSum, correct, count);
    }

    public static void Backward<T>(in CrossEntropyInputs<T> x, in CrossEntropyGradients<T> g)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T two = T.One + T.One;
        for (int i = 0; i < x.Tokens; i++)
        {
            T* row = x.Logits + (i * x.LogitsStride);
            T* target = g.DLogits + (i * g.DLogitsStride);
            if (x.Targets[i] < 0)
            {
                new Span<T>(target, x.Vocab).Clear();
                continue;
            }

            T lse = g.LogPartition == null ? LogPartition(row, x.Vocab) : g.LogPartition[i];
            T scale = g.Scale * (x.Weights == null ? T.One : x.Weights[i]);
            T soft = scale * (T.One + (two * x.ZLoss * lse));
            for (int v = 0; v < x.Vocab; v++)
                target[v] = (soft * T.Exp(row[v] - lse)) - (v == x.Targets[i] ? scale : T.Zero);
        }
    }

    private static T LogPartition<T>(T* row, int vocab)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T max = row[0];
        for (int v = 1; v < vocab; v++) max = T.Max(max, row[v]);
        T sum = T.Zero;
        for (int v = 0; v < vocab; v++) sum += T.Exp(row[v] - max);
        return max + T.Log(sum);
    }
}
