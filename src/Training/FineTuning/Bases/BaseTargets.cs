using GenoSeq.Data;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>Classes of bases as targets of a loss: of a row that is read from the other strand in reversed order.</summary>
internal static class BaseTargets
{
    /// <summary>Targets and shares of rows of one batch.</summary>
    /// <param name="set">The set.</param>
    /// <param name="examples">Stretches of its rows.</param>
    /// <param name="reverse">For each, whether its reverse complement is read.</param>
    /// <param name="length">Positions of the batch; padding stands behind.</param>
    /// <param name="weightOf">Weight of a class.</param>
    /// <param name="total">Sum of the weights of the step.</param>
    /// <param name="device">Where to; copies to a GPU are not waited for.</param>
    /// <returns>
    /// int64 [batch, length, 1] and f32 [batch, length]: bases without a label and padding have the class 0 and no share.
    /// </returns>
    internal static (Tensor Targets, Tensor Shares) Of(LabelledSet set, ReadOnlySpan<Example> examples, ReadOnlySpan<bool> reverse, int length,
        Func<int, double> weightOf, double total, Device device)
    {
        var targets = new long[examples.Length * length];
        var shares = new float[targets.Length];
        int[] classes = new int[length];
        for (int i = 0; i < examples.Length; i++)
        {
            Example e = examples[i];
            Span<int> row = classes.AsSpan(0, e.Length);
            set.CopyBaseClasses(e.Row, e.Start, row);
            if (reverse[i])
            {
                row.Reverse();
            }

            for (int k = 0; k < row.Length; k++)
            {
                if (row[k] >= 0)
                {
                    targets[(i * length) + k] = row[k];
                    shares[(i * length) + k] = (float)(weightOf(row[k]) / total);
                }
            }
        }

        return (tensor_async<long>(targets, [examples.Length, length, 1], device), tensor_async<float>(shares, [examples.Length, length], device));
    }

    /// <summary>Sum of the weights of an example's bases.</summary>
    internal static double WeightOf(LabelledSet set, Example example, Func<int, double> weightOf)
    {
        int[] classes = new int[example.Length];
        set.CopyBaseClasses(example.Row, example.Start, classes);
        return classes.Sum(c => c < 0 ? 0 : weightOf(c));
    }
}
