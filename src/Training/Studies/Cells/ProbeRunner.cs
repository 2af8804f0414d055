using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Training.Evaluation;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Studies;

/// <summary>Measures a model with a probe.</summary>
internal static class ProbeRunner
{
    /// <summary>What is measured.</summary>
    /// <param name="model">On its device; is left in training mode.</param>
    /// <param name="probe">The samples.</param>
    /// <param name="rows">Samples at a time.</param>
    /// <param name="stop">Ends it between two batches.</param>
    internal static IEnumerable<StudyMeasurement> Run(SequenceModel model, StudyProbe probe, int rows, CancellationToken stop)
    {
        (EvaluationResult result, double exact) = Measure(model, probe, rows, stop);
        if (probe.Names.Bits is { } bits)
        {
            yield return new StudyMeasurement(bits, result.BitsPerBase / probe.BasesPerTarget) { At = probe.At };
        }

        if (probe.Names.Accuracy is { } accuracy)
        {
            yield return new StudyMeasurement(accuracy, result.Accuracy) { At = probe.At };
        }

        if (probe.Names.Exact is { } name && probe.AnswerLength > 1)
        {
            yield return new StudyMeasurement(name, exact) { At = probe.At };
        }
    }

    /// <summary>The first metric of a probe, as learning curves have it: accuracy of tasks, bits of genomes.</summary>
    internal static double First(SequenceModel model, StudyProbe probe, int rows, CancellationToken stop)
    {
        EvaluationResult result = Measure(model, probe with { AnswerLength = 1 }, rows, stop).Result;
        return probe.Names == ProbeNames.Task ? result.Accuracy : result.BitsPerBase / probe.BasesPerTarget;
    }

    private static (EvaluationResult Result, double Exact) Measure(SequenceModel model, StudyProbe probe, int rows, CancellationToken stop)
    {
        (long answers, long right) = (0, 0);
        model.eval();
        try
        {
            EvaluationResult result = Evaluator.Run(model, probe.Source, probe.Samples, (int)Math.Min(rows, probe.Samples), probe.AnswerLength > 1 ? Count : null, stop: stop);
            return (result, answers > 0 ? (double)right / answers : double.NaN);
        }
        finally
        {
            model.train();
        }

        void Count(Batch batch, Tensor logits)
        {
            using DisposeScope scope = NewDisposeScope();
            int[] best = logits.argmax(-1).to(int32).cpu().ToArray<int>();
            for (int row = 0; row < batch.Count; row++)
            {
                (int seen, bool all) = (0, true);
                for (int t = row * batch.Length; t < (row + 1) * batch.Length; t++)
                {
                    if (batch.Labels[t] < 0)
                    {
                        continue;
                    }

                    all &= best[t] == batch.Labels[t];
                    if (++seen == probe.AnswerLength)
                    {
                        answers++;
                        right += all ? 1 : 0;
                        (seen, all) = (0, true);
                    }
                }
            }
        }
    }
}
