using System.Diagnostics;
using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Models.Losses;
using GenoSeq.Torch;
using GenoSeq.Training.Distributed;
using GenoSeq.Training.Engine;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Evaluation;

/// <summary>What an evaluation found.</summary>
/// <param name="BitsPerBase">Mean negative log2-likelihood of the targets.</param>
/// <param name="Accuracy">Share of targets whose base had the largest logit.</param>
/// <param name="Targets">Number of targets.</param>
/// <param name="Tokens">Tokens read.</param>
/// <param name="Seconds">Time it took.</param>
public sealed record EvaluationResult(double BitsPerBase, double Accuracy, long Targets, long Tokens, double Seconds);

/// <summary>Evaluates a model on held-out windows: always the same ones, corrupted the same way.</summary>
public static class Evaluator
{
    /// <summary>Runs over the first windows of a builder's sampler.</summary>
    /// <param name="model">The model.</param>
    /// <param name="builder">Makes the batches, in a fixed order.</param>
    /// <param name="windows">How many windows.</param>
    /// <param name="batchSize">Windows at a time; the result does not depend on it but for rounding.</param>
    /// <param name="visit">Called for each batch with the model's logits [batch, length, vocab], or null.</param>
    /// <param name="group">Ranks that share the windows and all get the result of all; null: this process alone.</param>
    /// <param name="stop">Ends the evaluation between two batches.</param>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for it, on this rank or another.</exception>
    public static EvaluationResult Run(SequenceModel model, IBatchSource builder, long windows, int batchSize,
        Action<Batch, Tensor>? visit = null, RankGroup? group = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(builder);
        var clock = Stopwatch.StartNew();
        using IDisposable mode = no_grad();
        Batch batch = builder.CreateBatch(batchSize);
        double sum = 0;
        double weight = 0;
        long correct = 0;
        long targets = 0;
        bool stopped = false;
        group ??= RankGroup.Alone;
        if (!group.IsAlone)
        {
            group.Doing = $"validation behind {group.Doing}";
        }

        int parts = model.Context?.Size ?? 1;
        (int shard, int shards) = (group.Rank / parts, group.WorldSize / parts);
        (long begin, long end) = (windows * shard / shards, windows * (shard + 1) / shards);
        for (long first = begin; first < end; first += batchSize)
        {
            if (stop.IsCancellationRequested)
            {
                stopped = true;
                break;
            }

            using DisposeScope scope = NewDisposeScope();
            builder.Fill(new SampleRange(first, (int)Math.Min(batchSize, end - first)), batch);
            BatchTensors t = BatchTensors.Of(batch, 0, batch.Count, model.Device, model.Context);
            Tensor? logits = visit is null ? null : model.forward(t.Inputs, t.SequenceIds);
            LossTotals totals = logits is null
                ? model.Loss(t.Inputs, t.Labels, t.Weights, t.SequenceIds)
                : SequenceLoss.Compute(logits, t.Labels, t.Weights);
            sum += totals.LossSum;
            weight += totals.WeightSum;
            correct += totals.Correct;
            targets += totals.Count;
            visit?.Invoke(batch, logits!);
            group.Working();
        }

        // Sums and counts, not means of means. Who was stopped says so here, where the others wait.
        double[] sums = group.Sum(sum, weight, correct, targets, stopped ? 1 : 0);
        if (sums[4] > 0)
        {
            throw new OperationCanceledException(stop);
        }

        (sum, weight, correct, targets) = (sums[0], sums[1], (long)sums[2], (long)sums[3]);
        double bits = weight > 0 ? sum / weight / Math.Log(2) : double.NaN;
        return new EvaluationResult(bits, targets > 0 ? (double)correct / targets : double.NaN, targets,
            windows * builder.Length, clock.Elapsed.TotalSeconds);
    }
}
