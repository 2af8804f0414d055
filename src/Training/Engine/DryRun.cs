using System.Diagnostics;
using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Training.Checkpoints;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Evaluation;
using GenoSeq.Training.Runs;

namespace GenoSeq.Training.Engine;

/// <summary>What a dry run found.</summary>
public sealed record DryRunReport(long Parameters, long TrainBases, long ValidationBases, long WindowsPerEpoch, int WindowsPerStep,
    long TokensPerStep, double Epochs, double BitsPerBase, double StepSeconds, long PeakBytes)
{
    /// <summary>On a GPU: what each layer keeps, and the peak that follows from the model's shape; null on a CPU.</summary>
    public (string Layers, long PeakBytes)? Planned { get; init; }
}

/// <summary>Opens everything a run needs, takes two steps (the second is timed), and writes nothing.</summary>
public static class DryRun
{
    /// <summary>Runs it.</summary>
    public static DryRunReport Run(RunConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        using var data = new TrainingData(config);
        using SequenceModel model = PretrainRun.CreateModel(config);
        string scratch = Directory.CreateTempSubdirectory("genoseq-dry-run-").FullName;
        try
        {
            var seen = new FirstStep();
            using var metrics = MetricsWriter.Create(Path.Combine(scratch, "metrics.jsonl"));
            using var trainer = new Trainer(config, data, model, new CheckpointStore(scratch, "", 1), metrics, seen);
            (string, long)? planned = MemoryPlanning.Apply(config, model, new LengthSchedule(config).Stages[^1]);
            int windows = Trainer.WindowsPerStep(config);
            Batch batch = data.TrainBuilder.CreateBatch(windows);
            data.TrainBuilder.Fill(SampleRange.ForStep(0, windows), batch);
            trainer.Step(batch);
            data.TrainBuilder.Fill(SampleRange.ForStep(1, windows), batch);
            var clock = Stopwatch.StartNew();
            trainer.Step(batch);
            long tokens = (long)windows * config.Data.ContextLength;
            long perEpoch = data.TrainSampler.WindowsPerEpoch(0);
            return new DryRunReport(model.NumParameters, data.TrainBases, data.ValidationBases, perEpoch, windows, tokens,
                (double)windows * config.Train.Steps / perEpoch, seen.Bits, clock.Elapsed.TotalSeconds, MemoryPlanning.PeakBytes(model.Device))
            {
                Planned = planned,
            };
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    private sealed class FirstStep : ITrainingObserver
    {
        internal double Bits { get; private set; } = double.NaN;

        public void Started(SequenceModel model, TrainingData data, long step)
        {
        }

        public void Stepped(in StepReport report) => Bits = report.Step == 1 ? report.BitsPerBase : Bits;

        public void Validated(long step, EvaluationResult result, bool isBest)
        {
        }

        public void Saved(long step, string path)
        {
        }

        public void Say(string text)
        {
        }
    }
}
