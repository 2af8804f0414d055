using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Models.Heads;
using GenoSeq.Models.Losses;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>A model with the head of a task.</summary>
internal sealed class TaskModel : IDisposable
{
    // On a GPU lengths of batches are multiples of this, so that memory and captured passes are used again.
    private const int LengthBucket = 32;

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

    /// <summary>Lengths of batches are multiples of this; 0: as long as the longest row (see <see cref="RowTensors.Of"/>).</summary>
    internal int Bucket { get; set; }

    /// <summary>Sets <see cref="Bucket"/> for training on such examples.</summary>
    internal void BucketFor(Example[] examples) =>
        Bucket = Model.Device.Type != DeviceType.CUDA || examples.All(e => e.Length == examples[0].Length) ? 0 : LengthBucket;

    /// <summary>Pooled states [batch, d_model], in single precision.</summary>
    internal Tensor Pooled(LabelledSet set, ReadOnlySpan<Example> examples, ReadOnlySpan<bool> reverse) => Pooled(Rows(set, examples, reverse));

    /// <summary>
    /// States that the head judges, of rows that are on the model's device: pooled [batch, d_model], or of each base
    /// [batch, length, d_model].
    /// </summary>
    internal Tensor Pooled(RowTensors rows) => Pooled(Model.ForwardHidden(rows.Ids, rows.SequenceIds), rows);

    /// <summary>The same, and the loss of the bases that rows say the model is to predict, a differentiable scalar.</summary>
    internal (Tensor Pooled, Tensor Loss) PooledAndLoss(RowTensors rows)
    {
        (Tensor hidden, LossTotals loss) = Model.HiddenAndLoss(rows.Ids, rows.Targets!, rows.TargetShares, rows.SequenceIds);
        return (Pooled(hidden, rows), loss.Sum);
    }

    private Tensor Pooled(Tensor hidden, RowTensors rows)
    {
        return Task.Kind == TaskKind.PerBase
            ? TaskHead.States(hidden, Model.Config.RcEquivariant)
            : Head.Pool(hidden, rows.Mask, Model.Config.RcEquivariant);
    }

    /// <summary>Examples as the model reads them.</summary>
    internal RowTensors Rows(LabelledSet set, ReadOnlySpan<Example> examples, ReadOnlySpan<bool> reverse, RowMasks? masks = null, double share = 0) =>
        RowTensors.Of(set, examples, reverse, Alphabet, Task.Head.Pooling == Pooling.Parity ? Task.MaxLength : 0, Model.Device, Bucket, masks, share);

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
        using DisposeScope all = NewDisposeScope();
        int n = Task.Head.Outputs;
        int[] order = [.. Enumerable.Range(0, examples.Length).OrderBy(i => examples[i].Length)];
        var scores = new List<Tensor>();
        foreach (int[] chunk in order.Chunk(batch))
        {
            stop.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            Example[] some = Array.ConvertAll(chunk, i => examples[i]);
            Tensor forward = Scores(false);
            scores.Add((ReadsBothStrands ? cat([forward, Scores(true)], 1) : forward).MoveToOuterDisposeScope());

            Tensor Scores(bool reverse)
            {
                bool[] strands = new bool[some.Length];
                Array.Fill(strands, reverse);
                return Head.Score(pooled(some, strands));
            }
        }

        // Everything is queued before anything is read: the one wait.
        float[] values = scores.Count == 0 ? [] : cat([.. scores]).cpu().ToArray<float>();
        var outputs = new double[examples.Length][];
        int width = ReadsBothStrands ? 2 * n : n;
        for (int k = 0; k < order.Length; k++)
        {
            ReadOnlySpan<float> row = values.AsSpan(k * width, width);
            double[] output = outputs[order[k]] = new double[n];
            for (int o = 0; o < n; o++)
            {
                output[o] = ReadsBothStrands ? 0.5 * ((double)row[o] + row[n + o]) : row[o];
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
