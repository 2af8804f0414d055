using GenoSeq.Data;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>Outputs of a model for every base of rows.</summary>
internal static class BaseOutputs
{
    // Values that wait on the device before they are read.
    private const long Most = 1 << 26;

    /// <summary>
    /// Outputs before the softmax: means over the strands that are read, and over the windows that share a base.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="set">The set.</param>
    /// <param name="examples">Stretches of rows, those of one row side by side.</param>
    /// <param name="batch">Examples at a time.</param>
    /// <param name="stop">Ends the work between two batches.</param>
    /// <returns>Rows and their outputs [bases * classes], base by base; NaN where a truncated row was not read.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for it.</exception>
    internal static (int[] Rows, double[][] Outputs) Of(TaskModel model, LabelledSet set, Example[] examples, int batch, CancellationToken stop)
    {
        using IDisposable mode = no_grad();
        using DisposeScope all = NewDisposeScope();
        var sums = new Sums(model.Task.Head.Outputs, set);
        var waiting = new List<(Example[] Examples, bool Reverse, int Length, Tensor Scores)>();
        int[] order = [.. Enumerable.Range(0, examples.Length).OrderBy(i => examples[i].Length)];
        long values = 0;
        foreach (int[] chunk in order.Chunk(batch))
        {
            stop.ThrowIfCancellationRequested();
            Example[] some = Array.ConvertAll(chunk, i => examples[i]);
            foreach (bool reverse in model.ReadsBothStrands ? (bool[])[false, true] : [false])
            {
                using DisposeScope scope = NewDisposeScope();
                bool[] strands = new bool[some.Length];
                Array.Fill(strands, reverse);
                RowTensors rows = model.Rows(set, some, strands);
                Tensor scores = model.Head.Score(model.Pooled(rows)).reshape(-1).MoveToOuterDisposeScope();
                waiting.Add((some, reverse, (int)rows.Ids.size(1), scores));
                values += scores.numel();
            }

            if (values > Most)
            {
                sums.Take(waiting);
                values = 0;
            }
        }

        sums.Take(waiting);
        return sums.Means([.. examples.Select(e => e.Row).Distinct()]);
    }

    private sealed class Sums(int classes, LabelledSet set)
    {
        private readonly Dictionary<int, (double[] Sum, int[] Count)> _rows = [];

        internal void Take(List<(Example[] Examples, bool Reverse, int Length, Tensor Scores)> waiting)
        {
            if (waiting.Count == 0)
            {
                return;
            }

            using Tensor joined = cat([.. waiting.Select(w => w.Scores)]);
            ReadOnlySpan<float> values = joined.cpu().ToArray<float>();
            foreach ((Example[] some, bool reverse, int length, Tensor scores) in waiting)
            {
                for (int i = 0; i < some.Length; i++)
                {
                    Add(some[i], reverse, values.Slice(i * length * classes, some[i].Length * classes));
                }

                values = values[(some.Length * length * classes)..];
                scores.Dispose();
            }

            waiting.Clear();
        }

        internal (int[] Rows, double[][] Outputs) Means(int[] rows) => (rows, Array.ConvertAll(rows, r =>
        {
            (double[] sum, int[] count) = _rows[r];
            return sum.Select((s, i) => s / count[i / classes]).ToArray();
        }));

        private void Add(Example e, bool reverse, ReadOnlySpan<float> scores)
        {
            if (!_rows.TryGetValue(e.Row, out (double[] Sum, int[] Count) row))
            {
                int length = set.GetLength(e.Row);
                _rows.Add(e.Row, row = (new double[length * classes], new int[length]));
            }

            for (int k = 0; k < e.Length; k++)
            {
                int at = e.Start + (reverse ? e.Length - 1 - k : k);
                row.Count[at]++;
                for (int c = 0; c < classes; c++)
                {
                    row.Sum[(at * classes) + c] += scores[(k * classes) + c];
                }
            }
        }
    }
}
