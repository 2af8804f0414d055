using GenoSeq.Data;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>Labels of a set as targets of a loss: kind, standard units of numbers, weights of rows.</summary>
internal sealed class LabelledTask
{
    private readonly LabelledSet _set;
    private readonly double[] _classWeights;

    /// <summary>Looks at the labels; refuses a set that cannot be learnt or judged.</summary>
    /// <exception cref="InputDataException">No labels, pairs, no training rows, or a part with one class only.</exception>
    internal LabelledTask(LabelledSet set, ClassWeights weights)
    {
        _set = set;
        LabelledChecks.RequireTrainable(set);
        if (set.HasPairs)
        {
            throw new InputDataException("the rows are pairs of sequences", set.Name, "one sequence in every row",
                "name the column of one: data.sequence_column=NAME");
        }

        if (set.Rows(LabelledPart.Dev).Count == 0)
        {
            throw new InputDataException("the validation part has no rows", set.Name, "rows to validate on", "more training rows, of which some can be held out");
        }

        Kind = set.Kind switch
        {
            LabelKind.Class => TaskKind.Class,
            LabelKind.MultiLabel => TaskKind.MultiLabel,
            LabelKind.PerBase => TaskKind.PerBase,
            _ => TaskKind.Number,
        };
        (Mean, Scale) = Kind == TaskKind.Number ? Standardise() : ([], []);
        bool classes = Kind is TaskKind.Class or TaskKind.PerBase;
        _classWeights = classes && weights == ClassWeights.Balanced ? Balanced() : [];
        if (weights == ClassWeights.Balanced && !classes)
        {
            throw new InputDataException("class weights for labels that are no classes", set.Name, "one class in every row", "finetune.class_weights=none");
        }
    }

    internal TaskKind Kind { get; }

    internal int Outputs => _set.LabelNames.Count;

    internal double[] Mean { get; }

    internal double[] Scale { get; }

    /// <summary>Weight of a row in the training loss.</summary>
    internal double WeightOf(int row) => _classWeights.Length == 0 ? 1 : _classWeights[_set.GetClass(row)];

    /// <summary>Weight of an example in the training loss: its row's, or that of its labelled bases together.</summary>
    internal double WeightOf(Example example) => Kind == TaskKind.PerBase ? BaseTargets.WeightOf(_set, example, WeightOfClass) : WeightOf(example.Row);

    /// <summary>Targets and shares of the examples of a batch.</summary>
    /// <param name="examples">The examples.</param>
    /// <param name="reverse">For each, whether its reverse complement is read.</param>
    /// <param name="length">Positions of the batch, which matter to labels of bases alone.</param>
    /// <param name="total">Sum of the weights of the step.</param>
    /// <param name="device">Where to; copies to a GPU are not waited for.</param>
    internal (Tensor Targets, Tensor Shares) Of(Example[] examples, bool[] reverse, int length, double total, Device device)
    {
        if (Kind == TaskKind.PerBase)
        {
            return BaseTargets.Of(_set, examples, reverse, length, WeightOfClass, total, device);
        }

        int[] rows = Array.ConvertAll(examples, e => e.Row);
        return (Targets(rows, device), Shares(rows, total, device));
    }

    /// <summary>What a loss compares outputs with: int64 [rows, 1], classes; or f32 [rows, outputs].</summary>
    /// <param name="rows">Rows of the set.</param>
    /// <param name="device">Where to; a copy to a GPU is not waited for.</param>
    private Tensor Targets(ReadOnlySpan<int> rows, Device device)
    {
        if (Kind == TaskKind.Class)
        {
            var classes = new long[rows.Length];
            for (int i = 0; i < classes.Length; i++)
            {
                classes[i] = _set.GetClass(rows[i]);
            }

            return tensor_async<long>(classes, [classes.Length, 1], device);
        }

        var values = new float[rows.Length * Outputs];
        for (int i = 0; i < values.Length; i++)
        {
            (int r, int o) = Math.DivRem(i, Outputs);
            float value = _set.GetValues(rows[r])[o];
            values[i] = Kind == TaskKind.Number ? (float)((value - Mean[o]) / Scale[o]) : value;
        }

        return tensor_async<float>(values, [rows.Length, Outputs], device);
    }

    /// <summary>The rows' shares of a step's loss, f32 [rows]: weight over the sum of the weights of the step.</summary>
    private Tensor Shares(ReadOnlySpan<int> rows, double total, Device device)
    {
        var shares = new float[rows.Length];
        for (int i = 0; i < shares.Length; i++)
        {
            shares[i] = (float)(WeightOf(rows[i]) / total);
        }

        return tensor_async<float>(shares, [shares.Length], device);
    }

    /// <summary>Sum over rows (or bases) of share times loss, as a differentiable scalar in single precision.</summary>
    /// <param name="logits">f32 [rows, outputs], or [rows, length, outputs].</param>
    /// <param name="targets">From <see cref="Of"/>.</param>
    /// <param name="shares">From <see cref="Of"/>.</param>
    internal Tensor Loss(Tensor logits, Tensor targets, Tensor shares)
    {
        Tensor each = Kind switch
        {
            TaskKind.Class or TaskKind.PerBase => logits.log_softmax(-1).gather(-1, targets).squeeze(-1).neg(),
            // -log sigmoid(x) = softplus(x) - x, and -log(1 - sigmoid(x)) = softplus(x).
            TaskKind.MultiLabel => (nn.functional.softplus(logits) - (logits * targets)).mean([1]),
            _ => (logits - targets).square().mean([1]),
        };
        return (each * shares).sum();
    }

    private (double[] Mean, double[] Scale) Standardise()
    {
        IReadOnlyList<int> rows = _set.Rows(LabelledPart.Train);
        var mean = new double[Outputs];
        var scale = new double[Outputs];
        for (int o = 0; o < Outputs; o++)
        {
            int output = o;
            mean[o] = rows.Average(r => (double)_set.GetValues(r)[output]);
            scale[o] = Math.Sqrt(rows.Average(r => Math.Pow(_set.GetValues(r)[output] - mean[output], 2)));
            if (!(scale[o] > 0))
            {
                throw new InputDataException($"the target '{_set.LabelNames[o]}' is the same in all training rows", _set.Name, "targets that differ");
            }
        }

        return (mean, scale);
    }

    private double[] Balanced()
    {
        IReadOnlyList<long> counts = Kind == TaskKind.PerBase
            ? _set.BaseCounts(LabelledPart.Train)
            : [.. _set.ClassCounts(LabelledPart.Train).Select(c => (long)c)];
        int present = counts.Count(c => c > 0);
        return [.. counts.Select(c => c == 0 ? 0 : (double)counts.Sum() / present / c)];
    }

    private double WeightOfClass(int c) => _classWeights.Length == 0 ? 1 : _classWeights[c];

    internal static string NameOf(LabelledPart part) => part switch
    {
        LabelledPart.Train => "training",
        LabelledPart.Dev => "validation",
        _ => "test",
    };
}
