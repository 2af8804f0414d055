using GenoSeq.Data;
using GenoSeq.Training.Engine;

namespace GenoSeq.Training.FineTuning;

/// <summary>Predictions of a fine-tuned checkpoint for new sequences.</summary>
public static class PredictRun
{
    /// <summary>Reads sequences and writes a table of predictions, as <see cref="TaskOutputs.Write"/> lays it out.</summary>
    /// <param name="checkpoint">A checkpoint that fine-tuning wrote, or its run: then the seed that validation likes best.</param>
    /// <param name="data">The sequences; labels are not looked at.</param>
    /// <param name="device">cpu, cuda or cuda:N.</param>
    /// <param name="batch">Sequences at a time; results do not depend on it but for rounding.</param>
    /// <param name="output">The table.</param>
    /// <param name="format">Of the table; null: as its name says.</param>
    /// <param name="say">Is told which seed of a run was taken.</param>
    /// <param name="stop">Ends the work between two batches; nothing is written then.</param>
    /// <returns>Number of rows.</returns>
    /// <exception cref="InputDataException">The sequences cannot be read, or are too long for the task.</exception>
    /// <exception cref="Models.CheckpointException">The folder holds no fine-tuned model.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for it.</exception>
    public static int Run(string checkpoint, LabelledDataConfig data, string device, int batch, string output, TableFormat? format = null,
        Action<string>? say = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        string folder = BestSeed.Locate(checkpoint, say ?? (_ => { }));
        using TaskModel model = TaskCheckpoint.Load(folder, ComputeDevice.Require(device));
        using GenomeSource? genome = data.Genome.Count > 0 ? GenomeFiles.Open(data.Genome) : null;
        using LabelledSet set = LabelledSets.Open(data.Path, data.Options(genome) with { Kind = LabelKind.None, Classes = null, LabelColumns = [], MultiLabelSeparator = null, Tracks = [] });
        Example[] examples = model.Examples(set, Enumerable.Range(0, set.Count));
        (int[] rows, double[][] raw) = model.Task.Kind == TaskKind.PerBase
            ? BaseOutputs.Of(model, set, examples, batch, stop)
            : model.Outputs((e, reverse) => model.Pooled(set, e, reverse), examples, batch, stop);
        TaskOutputs.Write(output, set, model.Task, rows, Array.ConvertAll(raw, r => TaskOutputs.Of(model.Task, r)), truth: false, format);
        return rows.Length;
    }
}
