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

/// <summary>
/// Opens everything a run needs, takes two steps (the second is timed), and writes nothing. On a CPU steps of a few windows stand for whole
/// ones, and their time is scaled: a whole step may take minutes there.
/// </summary>
public static class DryRun
{
    // On a CPU: tokens of a step, of at least one window; and seconds of a first step beyond which there is no second.
    private const int HostTokens = 8192;
    private const double LongStep = 10;

    /// <summary>Runs it.</summary>
    /// <param name="config">The run.</param>
    /// <param name="stop">Ends it between two steps.</param>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for it.</exception>
    public static DryRunReport Run(RunConfig config, CancellationToken stop = default)
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
            bool onHost = model.Device.Type == Torch.DeviceType.CPU;
            int taken = onHost ? Math.Clamp(HostTokens / config.Data.ContextLength, 1, windows) : windows;
            Batch batch = data.TrainBuilder.CreateBatch(taken);
            double seconds = 0;
            for (int step = 0; step < 2 && (step == 0 || !onHost || seconds < LongStep); step++)
            {
                stop.ThrowIfCancellationRequested();
                data.TrainBuilder.Fill(SampleRange.ForStep(step, taken), batch);
                var clock = Stopwatch.StartNew();
                trainer.Step(batch);
                seconds = clock.Elapsed.TotalSeconds;
            }

            seconds *= (double)windows / taken;
            long tokens = (long)windows * config.Data.ContextLength;
            long perEpoch = data.TrainSampler.WindowsPerEpoch(0);
            return new DryRunReport(model.NumParameters, data.TrainBases, data.ValidationBases, perEpoch, windows, tokens,
                (double)windows * config.Train.Steps / perEpoch, seen.Bits, seconds, MemoryPlanning.PeakBytes(model.Device))
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
