using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Models.Heads;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Evaluation.Metrics;
using GenoSeq.Training.Runs;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>What a fine-tuning run is asked, besides its configuration.</summary>
public sealed record FineTuneRequest
{
    /// <summary>The resolved configuration.</summary>
    public required FineTuneConfig Config { get; init; }

    /// <summary>The run's folder; null: a new one under <see cref="RunsRoot"/>.</summary>
    public string? Out { get; init; }

    /// <summary>Where new runs go.</summary>
    public string RunsRoot { get; init; } = "runs";

    /// <summary>The command line, for the record.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>What the user typed over the configuration file.</summary>
    public IReadOnlyList<string> Overrides { get; init; } = [];

    /// <summary>Version of the program.</summary>
    public string Version { get; init; } = "";

    /// <summary>Threads that compute.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Confidence intervals of validation and test; null: none.</summary>
    public BootstrapOptions? Bootstrap { get; init; } = new();

    /// <summary>The fold of the training and validation rows that validates, as a sweep by cross-validation has it; null: the set's own parts.</summary>
    public SetFold? Fold { get; init; }

    /// <summary>False: the test part is not looked at, as for candidates among which validation chooses.</summary>
    public bool ReadTest { get; init; } = true;
}

/// <summary>One of the folds that cross-validation divides training and validation rows into.</summary>
/// <param name="Count">How many there are, at least 2.</param>
/// <param name="Index">The one that validates, from 0.</param>
public sealed record SetFold(int Count, int Index);

/// <summary>One repetition's results.</summary>
/// <param name="Seed">Its seed.</param>
/// <param name="Validation">Metrics of the validation part with the chosen weights.</param>
/// <param name="Test">Metrics of the test part with the same weights; null where the set has none.</param>
public sealed record FineTuneSeed(long Seed, MetricSet Validation, MetricSet? Test);

/// <summary>A run's results.</summary>
/// <param name="Reason">How it ended.</param>
/// <param name="Folder">Its folder.</param>
/// <param name="Seeds">The repetitions; those finished before an interruption.</param>
/// <param name="Summary">Each metric of the test part (of the validation part where there is no test part) over the seeds.</param>
public sealed record FineTuneResult(EndReason Reason, string Folder, IReadOnlyList<FineTuneSeed> Seeds, IReadOnlyDictionary<string, SeedSummary> Summary);

/// <summary>A fine-tuning run from configuration to summary. In the folder of an interrupted run, finished seeds are not repeated.</summary>
public static class FineTuneRun
{
    /// <summary>Runs all seeds.</summary>
    /// <param name="request">What is asked.</param>
    /// <param name="say">Is told what happens, in sentences.</param>
    /// <param name="stop">Ends the run after the step at hand; the seed at hand is lost.</param>
    /// <exception cref="InputDataException">The set cannot be read, learnt or judged.</exception>
    /// <exception cref="CheckpointException">The checkpoint holds no model.</exception>
    /// <exception cref="TrainingDivergedException">The loss or a gradient is not finite.</exception>
    public static FineTuneResult Run(FineTuneRequest request, Action<string> say, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(say);
        FineTuneConfig config = WithModel(request.Config);
        Device device = ComputeDevice.Require(config.Device);
        // Whatever can be refused is refused before there is a folder.
        if (StartingWeights.Problem(config.Finetune, config.Model) is { } problem)
        {
            throw new ConfigException(problem);
        }

        using GenomeSource? genome = config.Data.Genome.Count > 0 ? GenomeFiles.Open(config.Data.Genome) : null;
        using LabelledSet read = LabelledSets.Open(config.Data.Path, config.Data.Options(genome));
        LabelledSet set = request.Fold is { } fold ? read.Fold(fold.Count, fold.Index, config.Finetune.SplitSeed)
            : read.Rows(LabelledPart.Dev).Count == 0 && read.Rows(LabelledPart.Train).Count > 0
            ? read.HoldOut(config.Finetune.ValidationFraction, config.Finetune.SplitSeed)
            : read;
        LabelledLeaks leaks = LabelledLeaks.Find(set);
        set = config.Data.DropLeaks ? set.DropLeaks(leaks) : set;
        var labels = new LabelledTask(set, config.Finetune.ClassWeights);
        TaskDescription task = Describe(config, set, labels);
        RequireHead(config.Finetune, task);
        _ = Example.Of(set, Enumerable.Range(0, set.Count), task.MaxLength, task.TooLong);
        using RunFolder folder = FineTuneFolder.Open(request, config);
        FineTuneFolder.Record(folder, request, config, set, leaks);
        foreach (string warning in set.Warnings)
        {
            Say($"note: {warning}");
        }

        Say(string.Create(CultureInfo.InvariantCulture, $"data: {set.Name}, {set.Rows(LabelledPart.Train).Count:N0} training, {set.Rows(LabelledPart.Dev).Count:N0} validation and {set.Rows(LabelledPart.Test).Count:N0} test rows, {labels.Outputs} {(labels.Kind switch { TaskKind.Number => "targets", TaskKind.PerBase => "classes of bases", _ => "classes" })}"));
        if (FineTuneLeaks.Sentence(leaks, config.Data.DropLeaks) is { } sentence)
        {
            Say(sentence);
        }

        var seeds = new List<FineTuneSeed>();
        var reason = EndReason.Completed;
        for (int i = 0; i < config.Seeds && reason != EndReason.Interrupted; i++)
        {
            var seed = new SeedFolder(folder, config.Seed + i);
            if (seed.Finished() is { } finished)
            {
                Say($"seed {finished.Seed}: finished before");
                seeds.Add(finished);
                continue;
            }

            try
            {
                seeds.Add(RunSeed(request, config, set, labels, task, device, seed, Say, stop));
            }
            catch (OperationCanceledException)
            {
                reason = EndReason.Interrupted;
            }
            catch (Exception e)
            {
                folder.Log($"failed: {e.Message}");
                throw;
            }
        }

        IReadOnlyDictionary<string, SeedSummary> summary = FineTuneFolder.Summarise(seeds);
        if (reason == EndReason.Completed)
        {
            folder.WriteSummary(FineTuneFolder.Summary(reason, seeds, summary));
        }

        folder.Log(reason.ToString().ToLowerInvariant());
        return new FineTuneResult(reason, folder.FullPath, seeds, summary);

        void Say(string text)
        {
            folder.Log(text);
            say(text);
        }
    }

    private static FineTuneSeed RunSeed(FineTuneRequest request, FineTuneConfig config, LabelledSet set, LabelledTask labels,
        TaskDescription task, Device device, SeedFolder folder, Action<string> say, CancellationToken stop)
    {
        manual_seed(folder.Seed);
        using var model = new TaskModel(
            StartingWeights.Of(config.Finetune, config.Model, config.Finetune.Mode == TuningMode.Scratch ? null : TaskCheckpoint.Locate(config.Checkpoint!)),
            new TaskHead(task.Head, config.Model.DModel), task, config.Finetune.Precision);
        model.Model.to(device);
        model.Head.to(device);
        folder.Begin();
        using MetricsWriter metrics = MetricsWriter.Create(folder.Metrics);
        var clock = Stopwatch.StartNew();
        RowAdaptation.Run(config.Finetune, set, model, folder.Seed, say, stop);
        using var tuner = new WeightSoup(config.Finetune, set, labels, model, folder.Seed, metrics, say);
        long all = model.Model.NumParameters + model.Head.NumParameters;
        say(string.Create(CultureInfo.InvariantCulture, $"seed {folder.Seed}: {tuner.TrainedParameters:N0} parameters are trained, {100.0 * tuner.TrainedParameters / all:F2} % of the model's {all:N0}"));
        EndReason reason = tuner.Run(stop);
        var options = new MetricSetOptions
        {
            // Bases of a row are no independent examples: intervals over them would promise too much.
            Bootstrap = task.Kind == TaskKind.PerBase ? null : request.Bootstrap,
            BatchAverage = config.Finetune.UpstreamBatchSize > 0 ? new BatchAverageOptions { BatchSize = config.Finetune.UpstreamBatchSize } : null,
        };
        TaskScores validation = tuner.Evaluate(LabelledPart.Dev, options, stop);
        TaskScores? test = request.ReadTest && set.Rows(LabelledPart.Test).Count > 0 ? tuner.Evaluate(LabelledPart.Test, options, stop) : null;
        TaskCheckpoint.Save(model, folder.Checkpoint);
        TaskOutputs.Write(folder["predictions_validation.tsv"], set, task, validation.Rows, validation.Outputs, truth: true);
        if (test is not null)
        {
            TaskOutputs.Write(folder["predictions_test.tsv"], set, task, test.Rows, test.Outputs, truth: true);
        }

        FineTunePlots.Write(folder, set, task, test ?? validation, test is null ? LabelledPart.Dev : LabelledPart.Test, tuner.Metric);
        folder.WriteSummary(new JsonObject
        {
            ["seed"] = folder.Seed,
            ["exit_reason"] = ConfigNames.Policy.ConvertName(reason.ToString()),
            ["step"] = tuner.Step,
            ["best_step"] = tuner.BestStep,
            ["selected_by"] = tuner.Metric,
            ["selected_value"] = double.IsFinite(tuner.Best!.ValueOf(tuner.Metric)) ? tuner.Best.ValueOf(tuner.Metric) : null,
            ["soup"] = tuner.Result is { } soup
                ? new JsonObject
                {
                    ["members"] = new JsonArray([.. soup.Members.Select(v => (JsonNode?)v)]),
                    ["mean"] = soup.Mean,
                    ["taken"] = soup.Taken,
                }
                : null,
            ["trained_parameters"] = tuner.TrainedParameters,
            ["parameters"] = all,
            ["trained_share"] = (double)tuner.TrainedParameters / all,
            ["wall_s"] = clock.Elapsed.TotalSeconds,
            ["validation_loss"] = validation.Loss,
            ["test_loss"] = test?.Loss,
            ["validation"] = JsonSerializer.SerializeToNode(validation.Metrics, MetricJson.Default.MetricSet),
            ["test"] = test is null ? null : JsonSerializer.SerializeToNode(test.Metrics, MetricJson.Default.MetricSet),
        });
        return new FineTuneSeed(folder.Seed, validation.Metrics, test?.Metrics);
    }

    private static void RequireHead(FineTuningConfig config, TaskDescription task)
    {
        if (task.Kind != TaskKind.PerBase)
        {
            return;
        }

        if (config.Mode == TuningMode.Probe)
        {
            throw new ConfigException(new ConfigProblem("finetune.mode", "a probe keeps one vector a row, and the labels are of bases", null, "full, lora or scratch",
                "finetune.mode=lora"));
        }

        if (config.Pooling != Pooling.Mean)
        {
            throw new ConfigException(new ConfigProblem("finetune.pooling", "nothing is pooled where the labels are of bases", null, "the default", "leave it out"));
        }
    }

    // A checkpoint's model is what the record shows, whatever the configuration says.
    internal static FineTuneConfig WithModel(FineTuneConfig config) => config.Checkpoint is { } path
        ? config with { Model = ModelFile.ReadConfig(Path.Combine(TaskCheckpoint.Locate(path), ModelFile.Configuration)).Config }
        : config;

    /// <summary>What a configuration makes of a set.</summary>
    internal static TaskDescription Describe(FineTuneConfig config, LabelledSet set, LabelledTask labels)
    {
        FineTuningConfig f = config.Finetune;
        int hidden = f.Head == HeadKind.Linear ? 0 : f.HeadHidden > 0 ? f.HeadHidden : config.Model.DModel;
        int longest = Enumerable.Range(0, set.Count).Max(set.GetLength);
        return new TaskDescription
        {
            Kind = labels.Kind,
            LabelNames = set.LabelNames,
            Mean = labels.Mean,
            Scale = labels.Scale,
            Head = new HeadConfig
            {
                Pooling = f.Pooling,
                Positions = f.Pooling != Pooling.Position ? 0 : f.MaxLength > 0 ? Math.Min(f.MaxLength, longest) : longest,
                Strands = f.Strands,
                Hidden = hidden,
                Outputs = labels.Outputs,
                Bias = f.HeadBias,
            },
            MaxLength = f.Pooling == Pooling.Parity && f.MaxLength == 0 ? longest : f.MaxLength,
            TooLong = f.TooLong,
            RcAverage = f.RcAverage,
        };
    }
}
