using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Models.Heads;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>A model with the head of a task.</summary>
internal sealed class TaskModel : IDisposable
{
    internal TaskModel(SequenceModel model, TaskHead head, TaskDescription task, Precision precision = Precision.Fp32)
    {
        Model = model;
        Head = head;
        Task = task;
        Alphabet = Alphabet.Get(model.Config.Alphabet);
        model.SetComputeType(precision == Precision.Bf16 ? bfloat16 : float32);
    }

    internal SequenceModel Model { get; }

    internal TaskHead Head { get; }

    internal TaskDescription Task { get; }

    internal Alphabet Alphabet { get; }

    /// <summary>Whether outputs are means over a forward and a reverse-complement reading.</summary>
    internal bool ReadsBothStrands => Task.RcAverage && !Model.Config.RcEquivariant;

    /// <summary>The stretches of rows that the model reads.</summary>
    internal Example[] Examples(LabelledSet set, IEnumerable<int> rows) => Example.Of(set, rows, Task.MaxLength, Task.TooLong);

    /// <summary>Pooled states [batch, d_model], in single precision.</summary>
    internal Tensor Pooled(LabelledSet set, ReadOnlySpan<Example> examples, ReadOnlySpan<bool> reverse)
    {
        int padTo = Task.Head.Pooling == Pooling.Parity ? Task.MaxLength : 0;
        RowTensors rows = RowTensors.Of(set, examples, reverse, Alphabet, padTo, Model.Device);
        return Head.Pool(Model.ForwardHidden(rows.Ids, rows.SequenceIds), rows.Mask, Model.Config.RcEquivariant);
    }

    /// <summary>
    /// Outputs of rows before the softmax: means over the strands that are read and the windows of a row. Examples of like
    /// length go together; a row's outputs do not depend on what else is in its batch but for rounding.
    /// </summary>
    /// <param name="pooled">Pooled states of examples and their orientations.</param>
    /// <param name="examples">The examples, those of one row side by side.</param>
    /// <param name="batch">Examples at a time.</param>
    /// <param name="stop">Ends the work between two batches.</param>
    /// <returns>Rows and their outputs, in the order of the examples.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for it.</exception>
    internal (int[] Rows, double[][] Outputs) Outputs(Func<Example[], bool[], Tensor> pooled, Example[] examples, int batch, CancellationToken stop)
    {
        using IDisposable mode = no_grad();
        var outputs = new double[examples.Length][];
        int[] order = [.. Enumerable.Range(0, examples.Length).OrderBy(i => examples[i].Length)];
        foreach (int[] chunk in order.Chunk(batch))
        {
            stop.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            Example[] some = Array.ConvertAll(chunk, i => examples[i]);
            float[] values = Scores(false);
            float[]? other = ReadsBothStrands ? Scores(true) : null;
            int n = Task.Head.Outputs;
            for (int k = 0; k < chunk.Length; k++)
            {
                double[] row = outputs[chunk[k]] = new double[n];
                for (int o = 0; o < n; o++)
                {
                    float value = values[(k * n) + o];
                    row[o] = other is null ? value : 0.5 * ((double)value + other[(k * n) + o]);
                }
            }

            float[] Scores(bool reverse)
            {
                bool[] strands = new bool[some.Length];
                Array.Fill(strands, reverse);
                return Head.Score(pooled(some, strands)).cpu().ToArray<float>();
            }
        }

        return Joined(examples, outputs);
    }

    private static (int[] Rows, double[][] Outputs) Joined(Example[] examples, double[][] outputs)
    {
        var rows = new List<int>();
        var joined = new List<double[]>();
        for (int first = 0, next; first < examples.Length; first = next)
        {
            for (next = first + 1; next < examples.Length && examples[next].Row == examples[first].Row;)
            {
                next++;
            }

            (int from, int to) = (first, next);
            rows.Add(examples[first].Row);
            joined.Add(to - from == 1 ? outputs[from]
                : [.. Enumerable.Range(0, outputs[from].Length).Select(o => Enumerable.Range(from, to - from).Average(i => outputs[i][o]))]);
        }

        return ([.. rows], [.. joined]);
    }

    public void Dispose()
    {
        Model.Dispose();
        Head.Dispose();
    }
}
