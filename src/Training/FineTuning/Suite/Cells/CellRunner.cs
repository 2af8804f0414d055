using System.Diagnostics;
using System.Globalization;
using GenoSeq.Data;
using GenoSeq.Models.Heads;
using GenoSeq.Torch;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Evaluation.Metrics;
using GenoSeq.Training.FineTuning.Baselines;
using GenoSeq.Training.Runs;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>Runs cells: one after another, on one device.</summary>
internal sealed class CellRunner(SuitePlan plan, Device device, string version, Action<string> detail) : IDisposable
{
    private readonly SuiteData _data = new(plan);

    /// <summary>Runs a cell. A cell that decides a sweep does not look at the test part.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="candidate">Recipe, learning rate and batch size; the k-mer regression has none.</param>
    /// <param name="stop">Ends the work after the step at hand.</param>
    /// <exception cref="InputDataException">The set cannot be read, learnt or judged.</exception>
    /// <exception cref="TrainingDivergedException">The loss or a gradient is not finite; of a trial that is a result.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for it.</exception>
    internal CellRecord Run(Cell cell, SweepCandidate candidate, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        (LabelledSet set, CellData about) = _data.Of(cell);
        bool trained = cell.Model.Baseline != SuiteModelConfig.Kmer;
        CellRecord empty = new()
        {
            Task = cell.Task.Name,
            Model = cell.Model.Name,
            Seed = cell.Seed,
            Trial = cell.Trial is not null,
            Fold = cell.Fold,
            Settings = plan.SettingsOf(cell).Settings,
            SettingsSha256 = plan.SettingsOf(cell).Sha256,
            Candidate = trained ? candidate : null,
            Data = about,
            Cost = new CellCost(0, "", "", ""),
        };
        CellRecord record = trained ? Train(cell, candidate, set, empty, stop) : Regress(cell, set, empty, stop);
        return record with
        {
            Cost = new CellCost(Math.Round(clock.Elapsed.TotalSeconds, 3), trained ? device.ToString() : "cpu", version,
                DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)),
        };
    }

    /// <summary>
    /// Between two cells: gives memory back that other processes on the same GPU may want, and throws if the device does not compute any
    /// more, as after a fault of one of its kernels.
    /// </summary>
    internal void Settle()
    {
        if (device.Type == DeviceType.CUDA)
        {
            using DisposeScope scope = NewDisposeScope();
            _ = ones([1], device: device).add(1).item();
            cuda.empty_cache();
        }
    }

    public void Dispose() => _data.Dispose();

    private CellRecord Train(Cell cell, SweepCandidate candidate, LabelledSet set, CellRecord record, CancellationToken stop)
    {
        SuiteModel found = plan.ModelOf(cell);
        FineTuneConfig config = CellSettings.Config(plan.Suite, cell, candidate, found);
        FineTuningConfig tuning = Stretched(config.Finetune, cell.RecipeOf(candidate).MinSteps, set.Rows(LabelledPart.Train).Count);
        config = config with { Finetune = tuning };
        var labels = new LabelledTask(set, tuning.ClassWeights);
        TaskDescription task = FineTuneRun.Describe(config, set, labels);
        MetricSetOptions options = Options(cell);
        using MetricsWriter curve = plan.Folder.Curve(cell);
        manual_seed(cell.Seed);
        record = record with { SelectedBy = tuning.SelectBy };
        if (cell.Model.Baseline == SuiteModelConfig.Cnn)
        {
            using var cnn = new CnnTuner(tuning, set, labels, task, cell.Seed, device, curve);
            record = record with { TrainedParameters = cnn.Parameters, Parameters = cnn.Parameters };
            return Judged(record, () => cnn.Run(stop), part => cnn.Evaluate(part, options, stop), () => (cnn.Step, cnn.BestStep));
        }

        using var model = new TaskModel(StartingWeights.Of(tuning, config.Model, found.Checkpoint),
            new TaskHead(task.Head, config.Model.DModel), task, tuning.Precision);
        model.Model.to(device);
        model.Head.to(device);
        try
        {
            RowAdaptation.Run(tuning, set, model, cell.Seed, detail, stop);
        }
        catch (TrainingDivergedException e) when (record.Trial)
        {
            return record with { Diverged = e.Message };
        }

        using var tuner = new WeightSoup(tuning, set, labels, model, cell.Seed, curve, detail);
        record = record with
        {
            TrainedParameters = tuner.TrainedParameters,
            Parameters = model.Model.NumParameters + model.Head.NumParameters,
        };
        record = Judged(record, () => tuner.Run(stop), part => tuner.Evaluate(part, options, stop), () => (tuner.Step, tuner.BestStep));
        return record with { Soup = tuner.Result };
    }

    private static CellRecord Judged(CellRecord record, Action train, Func<LabelledPart, TaskScores> judge, Func<(long Taken, long Best)> steps)
    {
        try
        {
            train();
        }
        catch (TrainingDivergedException e) when (record.Trial)
        {
            return record with { Diverged = e.Message, Steps = steps().Taken };
        }

        TaskScores validation = judge(LabelledPart.Dev);
        double selected = validation.ValueOf(record.SelectedBy);
        return record with
        {
            Steps = steps().Taken,
            BestStep = steps().Best,
            Selected = double.IsFinite(selected) ? selected : null,
            ValidationLoss = double.IsFinite(validation.Loss) ? validation.Loss : null,
            Validation = validation.Metrics,
            Test = record.Trial ? null : judge(LabelledPart.Test).Metrics,
        };
    }

    // A set of few rows is passed over more often, and its validations are as far apart as if it were larger.
    private static FineTuningConfig Stretched(FineTuningConfig tuning, long minSteps, int rows)
    {
        long pass = (rows + tuning.BatchSize - 1) / tuning.BatchSize;
        if (pass * tuning.Epochs >= minSteps)
        {
            return tuning;
        }

        return tuning with
        {
            Epochs = (int)((minSteps + pass - 1) / pass),
            MaxSteps = minSteps,
            ValidateEvery = Math.Max(1, minSteps / tuning.Epochs),
        };
    }

    private CellRecord Regress(Cell cell, LabelledSet set, CellRecord record, CancellationToken stop)
    {
        FineTuningConfig tuning = CellSettings.Config(plan.Suite, cell, cell.Candidates[0], plan.ModelOf(cell)).Finetune;
        int classes = set.LabelNames.Count;
        (ReadOnlyMemory<byte>[] train, int[] trainLabels) = Rows(set, LabelledPart.Train, tuning.MaxLength);
        (ReadOnlyMemory<byte>[] dev, int[] devLabels) = Rows(set, LabelledPart.Dev, tuning.MaxLength);
        (ReadOnlyMemory<byte>[] test, int[] testLabels) = Rows(set, LabelledPart.Test, tuning.MaxLength);
        KmerBaseline model = KmerBaseline.Fit(classes, train, trainLabels, dev, devLabels, new KmerBaselineOptions { BothStrands = tuning.RcAugment }, stop);
        MetricSetOptions options = Options(cell);
        return record with
        {
            SelectedBy = "loss",
            Selected = model.Chosen.ValidationLogLoss,
            Chosen = string.Create(CultureInfo.InvariantCulture, $"k {model.Chosen.K}, strength {model.Chosen.Strength:R} of {model.Trials.Count} fits"),
            Steps = model.Chosen.Iterations,
            BestStep = model.Chosen.Iterations,
            TrainedParameters = model.Parameters,
            Parameters = model.Parameters,
            Validation = Judged(dev, devLabels),
            Test = Judged(test, testLabels),
        };

        MetricSet Judged(ReadOnlyMemory<byte>[] sequences, int[] labels) =>
            MetricSet.Of(new ClassPredictions(classes, labels, model.Predict(sequences)) { ClassNames = set.LabelNames }, options);
    }

    private static (ReadOnlyMemory<byte>[] Sequences, int[] Labels) Rows(LabelledSet set, LabelledPart part, int maxLength)
    {
        int[] rows = [.. set.Rows(part)];
        return (Array.ConvertAll(rows, Sequence), Array.ConvertAll(rows, set.GetClass));

        ReadOnlyMemory<byte> Sequence(int row)
        {
            ReadOnlySpan<byte> all = set.GetSequence(row);
            return (maxLength > 0 && all.Length > maxLength ? all[..maxLength] : all).ToArray();
        }
    }

    private MetricSetOptions Options(Cell cell) => new()
    {
        Bootstrap = new BootstrapOptions { Resamples = plan.Suite.Resamples },
        BatchAverage = cell.Recipe.UpstreamBatchSize > 0 ? new BatchAverageOptions { BatchSize = cell.Recipe.UpstreamBatchSize } : null,
    };
}
