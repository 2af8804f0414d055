using System.Globalization;
using System.Text.Json.Nodes;
using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Training.Checkpoints;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Distributed;
using GenoSeq.Training.Evaluation;
using GenoSeq.Training.Runs;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Engine;

/// <summary>What a pretraining run is asked, besides its configuration.</summary>
public sealed record PretrainRequest
{
    /// <summary>The resolved configuration.</summary>
    public required RunConfig Config { get; init; }

    /// <summary>The run's folder; null: a new one under <see cref="RunsRoot"/>.</summary>
    public string? Out { get; init; }

    /// <summary>Where new runs go.</summary>
    public string RunsRoot { get; init; } = "runs";

    /// <summary>auto: continue if there is something to continue; never: always begin; or the path of a checkpoint or run.</summary>
    public string Resume { get; init; } = "auto";

    /// <summary>The command line, for the record.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>What the user typed over the configuration file, as YAML.</summary>
    public string Overrides { get; init; } = "";

    /// <summary>Version of the program.</summary>
    public string Version { get; init; } = "";

    /// <summary>Threads that compute.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Who this process is among those that train together; null: it trains alone.</summary>
    public DistributedEnvironment? Ranks { get; init; }

    /// <summary>How the ranks watch over each other.</summary>
    public RankWatch Watch { get; init; } = new();
}

/// <summary>How a run ended.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Folder">Its folder.</param>
/// <param name="Table">The final table, if one was asked for.</param>
public sealed record PretrainResult(EndReason Reason, string Folder, ReportTable? Table);

/// <summary>A pretraining run from configuration to summary: folder, data, model, trainer, table.</summary>
public static class PretrainRun
{
    // Tokens at a time in the final table.
    private const long ReportTokens = 16384;

    /// <summary>Runs, or continues; of several ranks the first one writes and speaks.</summary>
    /// <param name="request">What is asked.</param>
    /// <param name="observer">Is told what happens.</param>
    /// <param name="stop">Ends the run after the step at hand, with a checkpoint.</param>
    public static PretrainResult Run(PretrainRequest request, ITrainingObserver observer, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(observer);
        RankDevice.Use(request.Config, request.Ranks);
        using RankMeeting? meeting = request.Ranks is { WorldSize: > 1 } ranks
            ? RankMeeting.Open(ranks, request.Watch, request.Version, request.Config, stop)
            : null;
        using RankGroup group = RankGroup.Join(meeting, RankDevice.Of(request.Config, request.Ranks));
        return group.Watched(() => Run(request, group.IsFirst ? observer : new SilentObserver(), group, stop));
    }

    /// <summary>The same in a group that the ranks have joined.</summary>
    public static PretrainResult Run(PretrainRequest request, ITrainingObserver observer, RankGroup group, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(observer);
        ArgumentNullException.ThrowIfNull(group);
        RunConfig config = request.Config;
        string yaml = ConfigWriter.ToYaml(config, RunConfigJson.Default.RunConfig);
        // Whatever can be refused is refused before there is a folder: a start that fails leaves nothing behind.
        using TrainingData data = group.Together("opening the data", () => new TrainingData(config));
        if (!group.IsAlone)
        {
            group.Agree(("digest of the data", data.Genome.Digest.Sha256),
                ("training bases", data.TrainBases.ToString(CultureInfo.InvariantCulture)),
                ("validation bases", data.ValidationBases.ToString(CultureInfo.InvariantCulture)));
        }

        RequireValidation(config, data);
        RequireRanks(config, group);
        using SequenceModel model = group.Together("building the model", () =>
            CreateModel(config with { Device = RankDevice.Of(config, request.Ranks).ToString() }));
        (RunFolder? folder, string? checkpoint) = group.Together("choosing the run's folder", () =>
            group.IsFirst ? ResumeDecision.Decide(request, yaml) : default((RunFolder?, string?)));
        using RunFolder? owned = folder;
        // Only the first rank looks: the others are told.
        string path = group.Gather(folder?.FullPath ?? "")[0];
        checkpoint = group.Gather(checkpoint ?? "")[0] is { Length: > 0 } named ? named : null;
        var log = folder is null ? null : new RunLogObserver(observer, folder);
        if (checkpoint is null)
        {
            group.Together("writing the run's folder", () => Record(folder, request, yaml, data));
        }

        CheckpointStore? store = folder is null ? null : new CheckpointStore(folder.CheckpointsPath, yaml, config.Checkpoint.Keep);
        long step = checkpoint is null ? 0 : group.Together("reading the checkpoint", () => CheckpointStore.ReadState(checkpoint).Step);
        using MetricsWriter? metrics = folder is null ? null
            : checkpoint is null ? MetricsWriter.Create(folder.MetricsPath)
            : MetricsWriter.Resume(folder.MetricsPath, step);
        using var trainer = new Trainer(config, data, model, store, metrics, log ?? observer, group);
        if (checkpoint is not null)
        {
            group.Together("reading the checkpoint", () => trainer.Restore(checkpoint));
            log?.Say($"continuing {path} behind step {trainer.State.Step}");
        }

        EndReason reason;
        try
        {
            reason = trainer.Run(stop);
        }
        catch (Exception e)
        {
            log?.Ended($"failed: {e.Message}");
            throw;
        }

        ReportTable? table = null;
        if (store is not null && reason != EndReason.Interrupted && WantsTable(config))
        {
            // By this rank alone.
            model.Context = null;
            store.LoadBest(model);
            table = BaselineReport.Run(config, model, data, (int)Math.Max(1, ReportTokens / config.Data.ContextLength));
        }

        log?.Ended(reason.ToString().ToLowerInvariant());
        folder?.WriteSummary(Summary(reason, trainer, table));
        return new PretrainResult(reason, path, table);
    }

    /// <summary>Builds the model of a configuration with fresh weights from its seed, on its device.</summary>
    /// <exception cref="MissingLibraryException">The device is not there.</exception>
    public static SequenceModel CreateModel(RunConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        Device device = ComputeDevice.Require(config.Device);
        manual_seed(config.Seed);
        SequenceModel model = config.Train.Init is { } init ? InitialWeights.Load(init, config.Model) : ModelFile.Create(config.Model);
        if (device.Type != DeviceType.CPU)
        {
            model.to(device);
        }

        return model;
    }

    private static bool WantsTable(RunConfig config) => config.Report.Baselines.Count > 0 || config.Report.MustBeat is not null;

    private static void RequireValidation(RunConfig config, TrainingData data)
    {
        if (data.ValidationBuilder is not null)
        {
            return;
        }

        var problems = new List<ConfigProblem>();
        if (WantsTable(config))
        {
            problems.Add(new ConfigProblem("report", "compares on held-out bases, but no base is held out", null,
                "a validation part", "data.validation_fraction=0.05, or report.baselines=[] and no report.must_beat"));
        }

        if (config.Train.Patience > 0)
        {
            problems.Add(new ConfigProblem("train.patience", "waits for validations, but no base is held out", null,
                "a validation part", "data.validation_fraction=0.05, or train.patience=0"));
        }

        if (problems.Count > 0)
        {
            throw new ConfigException(problems);
        }
    }

    private static void RequireRanks(RunConfig config, RankGroup group)
    {
        if (group.WorldSize % config.Train.ContextParallel != 0)
        {
            throw new ConfigException(new ConfigProblem("train.context_parallel",
                $"is {config.Train.ContextParallel}, and the number of processes, {group.WorldSize}, is no multiple of it", null,
                "as many processes for every window", $"genoseq launch --nproc {config.Train.ContextParallel}, or train.context_parallel=1"));
        }
    }

    private static void Record(RunFolder? folder, PretrainRequest request, string yaml, TrainingData data)
    {
        if (folder is null)
        {
            return;
        }

        folder.WriteConfig(yaml);
        folder.WriteText("overrides.yaml", request.Overrides);
        folder.WriteCommand(request.Command);
        folder.WriteEnvironment(EnvironmentInfo.Collect(request.Version, request.Threads,
            new Dictionary<string, string> { ["libtorch"] = __version__ }));
        folder.WriteDataManifest(data.Manifest());
    }

    private static JsonObject Summary(EndReason reason, Trainer trainer, ReportTable? table)
    {
        TrainerState s = trainer.State;
        var summary = new JsonObject
        {
            ["exit_reason"] = reason.ToString().ToLowerInvariant(),
            ["step"] = s.Step,
            ["world_size"] = s.WorldSize,
            ["tokens"] = s.Tokens,
            ["wall_s"] = s.WallSeconds,
            ["data_wait_s"] = s.DataWaitSeconds,
            ["data_wait_share"] = s.WallSeconds > 0 ? s.DataWaitSeconds / s.WallSeconds : 0,
            ["parameters"] = trainer.Model.NumParameters,
            ["best_val_bits_per_base"] = s.BestValidation,
            ["peak_gib"] = ProcessUsage.Read().PeakBytes / (double)(1L << 30),
        };
        if (table is not null)
        {
            var rows = new JsonObject();
            foreach (ReportRow row in table.Rows)
            {
                rows[row.Name] = row.BitsPerBase;
            }

            summary["report_bits_per_base"] = rows;
            summary["report_positions"] = table.Positions;
        }

        return summary;
    }
}
