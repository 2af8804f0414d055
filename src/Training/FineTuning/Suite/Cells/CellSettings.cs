using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using GenoSeq.Models.Heads;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>All that a cell's result depends on but its data and its seed.</summary>
internal static class CellSettings
{
    // What a sweep chooses is told by its candidates.
    private static readonly string[] s_chosen = ["learning_rate", "min_learning_rate", "batch_size"];

    /// <summary>A cell as a fine-tuning run.</summary>
    /// <param name="suite">The suite.</param>
    /// <param name="cell">The cell.</param>
    /// <param name="candidate">Learning rate and batch size.</param>
    /// <param name="model">The cell's model, found.</param>
    internal static FineTuneConfig Config(SuiteConfig suite, Cell cell, SweepCandidate candidate, SuiteModel model)
    {
        (SuiteTaskConfig task, SuiteRecipeConfig recipe) = (cell.Task, cell.RecipeOf(candidate));
        FineTuningConfig tuning = recipe.Tuning(candidate);
        return new FineTuneConfig
        {
            Name = task.Name,
            Seed = cell.Seed,
            Checkpoint = model.Checkpoint,
            Model = model.Config ?? new(),
            Data = Data(suite, task),
            Finetune = tuning with
            {
                Mode = model.Checkpoint is null ? TuningMode.Scratch : tuning.Mode,
                Strands = task.Stranded ? HeadStrands.Given : HeadStrands.Both,
                RcAugment = tuning.RcAugment && !task.Stranded,
                RcAverage = tuning.RcAverage && !task.Stranded,
                Pooling = task.Aligned && tuning is { Pooling: Pooling.Mean, Mode: not TuningMode.Probe } ? Pooling.Position : tuning.Pooling,
                MaxLength = task.MaxLength,
                TooLong = task.MaxLength > 0 ? TooLong.Truncate : TooLong.Error,
                SelectBy = recipe.SelectBy.Length > 0 ? recipe.SelectBy : task.Metric,
            },
        };
    }

    /// <summary>Whether training rows that other parts have too are left out: the suite, the task or the recipe says so.</summary>
    internal static bool DropsLeaks(SuiteConfig suite, Cell cell) => suite.DropLeaks || cell.Task.DropLeaks || cell.Recipe.DropLeaks;

    /// <summary>A task's data.</summary>
    internal static LabelledDataConfig Data(SuiteConfig suite, SuiteTaskConfig task) => new()
    {
        Path = Path.Combine(suite.Root, task.Path),
        Task = task.Set,
        TrainFile = task.TrainFile,
        ValidationFile = task.ValidationFile,
        TestFile = task.TestFile,
        Labels = task.Kind switch { "class" => LabelType.Class, "number" => LabelType.Number, _ => LabelType.Auto },
        Classes = task.Classes,
    };

    /// <summary>The settings as the cell's file has them. Where data and weights lie is not among them.</summary>
    internal static JsonObject Of(SuiteConfig suite, Cell cell, SuiteModel model)
    {
        IReadOnlyList<SweepCandidate> candidates = cell.Candidates;
        FineTuneConfig config = Config(suite, cell, candidates[0], model);
        JsonObject node = ConfigWriter.ToNode(config, FineTuneConfigJson.Default.FineTuneConfig);
        var data = (JsonObject)node["data"]!.DeepClone();
        data.Remove("path");
        var settings = new JsonObject
        {
            ["data"] = data,
            ["drop_leaks"] = DropsLeaks(suite, cell),
            ["resamples"] = suite.Resamples,
            ["upstream_batch_size"] = cell.Recipe.UpstreamBatchSize,
        };
        if (cell.Model.Baseline == SuiteModelConfig.Kmer)
        {
            settings["baseline"] = cell.Model.Baseline;
            settings["both_strands"] = config.Finetune.RcAugment;
            settings["finetune"] = new JsonObject
            {
                ["max_length"] = config.Finetune.MaxLength,
                ["validation_fraction"] = config.Finetune.ValidationFraction,
                ["split_seed"] = config.Finetune.SplitSeed,
            };
            return settings;
        }

        SweepCandidate[] recipes = [.. candidates.DistinctBy(c => c.Recipe)];
        if (recipes.Length > 1)
        {
            settings["recipes"] = new JsonObject(recipes.Select(r => KeyValuePair.Create(r.Recipe!, (JsonNode?)new JsonObject(Recipe(r)))));
        }
        else
        {
            foreach ((string key, JsonNode? value) in Recipe(recipes[0]))
            {
                settings[key] = value;
            }
        }

        settings["candidates"] = new JsonArray([.. candidates.Select(c => (JsonNode?)c.FileName)]);
        if (candidates.Count > 1)
        {
            settings["sweep_seeds"] = new JsonArray([.. SweepSeeds(suite, cell).Select(s => (JsonNode?)s)]);
        }

        if (cell.Recipe.SweepFolds > 0 && (cell.Fold is not null || candidates.Count > 1))
        {
            settings["sweep_folds"] = cell.Recipe.SweepFolds;
        }

        if (cell.Model.Baseline is { } baseline)
        {
            settings["baseline"] = baseline;
        }
        else
        {
            settings["model"] = node["model"]!.DeepClone();
            settings["weights_sha256"] = model.WeightsSha256;
        }

        return settings;

        // What a recipe makes of the task, but for what a sweep chooses.
        IEnumerable<KeyValuePair<string, JsonNode?>> Recipe(SweepCandidate candidate)
        {
            var tuning = (JsonObject)ConfigWriter.ToNode(Config(suite, cell, candidate, model), FineTuneConfigJson.Default.FineTuneConfig)["finetune"]!.DeepClone();
            foreach (string key in s_chosen)
            {
                tuning.Remove(key);
            }

            SuiteRecipeConfig recipe = cell.RecipeOf(candidate);
            return [new("finetune", tuning), new("min_steps", recipe.MinSteps), new("final_share", recipe.FinalShare)];
        }
    }

    /// <summary>The seeds that a cell's sweep is run with.</summary>
    internal static IReadOnlyList<long> SweepSeeds(SuiteConfig suite, Cell cell) =>
        cell.Recipe.SweepSeeds == Suite.SweepSeeds.All ? suite.SeedsOf(cell.Model) : [suite.SeedsOf(cell.Model)[0]];

    /// <summary>Whether two results of a cell have the same settings, those apart that a program of their time had not learnt yet.</summary>
    internal static bool Same(JsonObject was, JsonObject now) => RecordedSettings.Same(was, now, DefaultsFor(now));

    private static readonly Lazy<JsonObject> s_defaults = new(() => ConfigWriter.ToNode(new FineTuneConfig(), FineTuneConfigJson.Default.FineTuneConfig));

    // Of several recipes each has its own settings of fine-tuning.
    private static JsonObject DefaultsFor(JsonObject settings)
    {
        if (settings["recipes"] is not JsonObject recipes)
        {
            return s_defaults.Value;
        }

        JsonNode tuning = s_defaults.Value["finetune"]!;
        var defaults = (JsonObject)s_defaults.Value.DeepClone();
        defaults["recipes"] = new JsonObject(recipes.Select(r => KeyValuePair.Create(r.Key, (JsonNode?)new JsonObject { ["finetune"] = tuning.DeepClone() })));
        return defaults;
    }

    /// <summary>SHA-256 of settings, lower-case hexadecimal.</summary>
    internal static string Digest(JsonObject settings) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(settings.ToJsonString())));

    /// <summary>What differs between two settings, the first few: <c>finetune.epochs 10, now 20</c>.</summary>
    internal static string Differences(JsonObject before, JsonObject now)
    {
        Dictionary<string, string> a = RecordedSettings.Leaves(before), b = RecordedSettings.Leaves(now), untouched = RecordedSettings.Leaves(DefaultsFor(now));
        string[] all =
        [
            .. a.Keys.Union(b.Keys).Where(k => a.GetValueOrDefault(k, untouched.GetValueOrDefault(k)!) != b.GetValueOrDefault(k)).Order(StringComparer.Ordinal)
                .Select(k => $"{k} {a.GetValueOrDefault(k, "absent")}, now {b.GetValueOrDefault(k, "absent")}"),
        ];
        return string.Join("; ", all.Take(3)) + (all.Length > 3 ? $"; and {all.Length - 3} more" : "");
    }
}
