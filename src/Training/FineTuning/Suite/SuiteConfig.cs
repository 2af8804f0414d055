using System.Text.Json.Serialization;
using GenoSeq.Models.Heads;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>A benchmark suite: tasks, how models are tuned on them, which models, and what others have published.</summary>
public sealed record SuiteConfig : IValidated
{
    /// <summary>Name of the suite; part of its folder's name.</summary>
    public string Name { get; init; } = "suite";

    /// <summary>Headline of its table.</summary>
    public string Title { get; init; } = "";

    /// <summary>Where its data come from.</summary>
    public string Source { get; init; } = "";

    /// <summary>Folder that the paths of the tasks begin at.</summary>
    public string Root { get; init; } = ".";

    /// <summary>Seeds that every model is tuned with on every task.</summary>
    public IReadOnlyList<long> Seeds { get; init; } = [1, 2, 3];

    /// <summary>Training rows that validation or test have too are left out, whatever the recipes say; leaks are counted in any case.</summary>
    public bool DropLeaks { get; init; }

    /// <summary>Resamples of the bootstrap intervals.</summary>
    public int Resamples { get; init; } = 1000;

    /// <summary>The tasks, in the order of the table.</summary>
    public IReadOnlyList<SuiteTaskConfig> Tasks { get; init; } = [];

    /// <summary>The recipes.</summary>
    public IReadOnlyList<SuiteRecipeConfig> Recipes { get; init; } = [];

    /// <summary>The models, in the order of the table.</summary>
    public IReadOnlyList<SuiteModelConfig> Models { get; init; } = [];

    /// <summary>Published results, in the order of the table.</summary>
    public IReadOnlyList<PublishedConfig> Published { get; init; } = [];

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (string.IsNullOrWhiteSpace(Name)) yield return "name: is empty";
        if (Seeds.Count == 0) yield return "seeds: name at least one";
        if (Repeated(Seeds.Select(s => FormattableString.Invariant($"{s}"))) is { } seed) yield return $"seeds: {seed} appears twice";
        if (Seeds.Any(s => s < 0)) yield return "seeds: must not be negative";
        if (Resamples < 2) yield return $"resamples: must be at least 2, not {Resamples}";
        if (Tasks.Count == 0) yield return "tasks: name at least one";
        if (Repeated(Tasks.Select(t => t.Name)) is { } task) yield return $"tasks: the name '{task}' appears twice";
        if (Repeated(Tasks.Select(t => SuiteFolder.FileName(t.Name))) is { } taskFile) yield return $"tasks: two names are '{taskFile}' as a folder";
        if (Repeated(Models.Select(m => SuiteFolder.FileName(m.Name))) is { } file) yield return $"models: two names are '{file}' as a folder";
        if (Repeated(Recipes.Select(r => r.Name)) is { } recipe) yield return $"recipes: the name '{recipe}' appears twice";
        if (Repeated(Models.Select(m => m.Name).Concat(Published.Select(p => p.System))) is { } model)
        {
            yield return $"models: the name '{model}' appears twice among models and published systems";
        }

        foreach (SuiteModelConfig m in Models)
        {
            foreach (string name in m.TaskRecipes.Keys.Where(IsUnknown)) yield return $"models: '{m.Name}' has a recipe of the unknown task '{name}'";
            foreach (string name in m.AllRecipes)
            {
                SuiteRecipeConfig? r = Recipes.FirstOrDefault(r => r.Name == name);
                if (r is null)
                {
                    yield return $"models: the recipe '{name}' of '{m.Name}' is none of {string.Join(", ", Recipes.Select(r => r.Name))}";
                }
                else if (m.Checkpoint is null && m.Baseline is null && r.Mode != TuningMode.Full)
                {
                    yield return $"models: '{m.Name}' starts from fresh weights, and its recipe '{name}' does not train all of them; use one with mode: full";
                }
                else if (m.Baseline is not null && (r.AdaptSteps > 0 || r.LanguageWeight > 0 || r.AverageDecay > 0 || r.Soup > 1))
                {
                    yield return $"models: the baseline '{m.Name}' predicts no bases and averages no weights, and its recipe '{name}' asks for it; use one without adapt_steps, language_weight, average_decay and soup";
                }
                else if (m.Checkpoint is null && (r.FreshLayers > 0 || r.FreshNorm || r.FreshShare > 0))
                {
                    yield return $"models: '{m.Name}' has no weights of a checkpoint, and its recipe '{name}' replaces some by fresh ones; use one without fresh_layers, fresh_norm and fresh_share";
                }
            }
        }

        foreach ((SuiteModelConfig m, IReadOnlyList<string> names) in Models.SelectMany(m => new[] { m.Recipes, m.AlignedRecipes }, (m, names) => (m, names)).Where(p => p.names.Count > 1))
        {
            // Values of validation can be compared if they are of the same rows, seeds and metric.
            if (Recipes.Where(r => names.Contains(r.Name)).Select(r => (r.ValidationFraction, r.SplitSeed, r.DropLeaks, r.SweepSeeds, r.SweepFolds, r.SelectBy, r.UpstreamBatchSize)).Distinct().Count() > 1)
            {
                yield return $"models: the recipes of '{m.Name}' differ in validation_fraction, split_seed, drop_leaks, sweep_seeds, sweep_folds, select_by or upstream_batch_size, so that validation could not choose among them; give them the same";
            }
        }

        foreach (SuiteRecipeConfig r in Recipes)
        {
            foreach (string name in r.TaskLearningRates.Keys.Where(IsUnknown)) yield return $"recipes: '{r.Name}' has a learning rate of the unknown task '{name}'";
        }

        foreach (PublishedConfig p in Published)
        {
            foreach (string name in p.Values.Keys.Where(IsUnknown)) yield return $"published: '{p.System}' has a value of the unknown task '{name}'";
            foreach ((string name, double value) in p.Values.Where(v => !IsUnknown(v.Key)))
            {
                string metric = p.Metric ?? Task(name).Metric;
                if (!SuiteMetrics.Holds(metric, value)) yield return $"published: {value} of '{p.System}' on '{name}' is no {metric}";
            }
        }
    }

    /// <summary>The task of a name.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public SuiteTaskConfig Task(string name) =>
        Tasks.FirstOrDefault(t => t.Name == name) ?? throw new KeyNotFoundException($"the suite '{Name}' has no task '{name}'");

    /// <summary>The recipes of a model on a task, among which validation chooses.</summary>
    public IReadOnlyList<SuiteRecipeConfig> RecipesOf(SuiteModelConfig model, string task)
    {
        ArgumentNullException.ThrowIfNull(model);
        IReadOnlyList<string> names = model.TaskRecipes.TryGetValue(task, out string? own) ? [own]
            : model.AlignedRecipes.Count > 0 && Tasks.Any(t => t.Name == task && t.Aligned) ? model.AlignedRecipes
            : model.Recipes.Count > 0 ? model.Recipes : [model.Recipe];
        return [.. names.Select(n => Recipes.First(r => r.Name == n))];
    }

    /// <summary>The seeds of a model: its own, or the suite's.</summary>
    public IReadOnlyList<long> SeedsOf(SuiteModelConfig model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Seeds.Count > 0 ? model.Seeds : Seeds;
    }

    /// <summary>
    /// Reads a suite from a YAML or JSON file. Paths of checkpoints in it begin at its folder, those of overrides at the current one.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="overrides">
    /// Arguments <c>path=value</c>; elements of <c>tasks</c>, <c>recipes</c> and <c>models</c> by their names, as in
    /// <c>models.NAME.checkpoint=DIR</c>, or their places.
    /// </param>
    /// <exception cref="ConfigException">Every problem at once.</exception>
    public static SuiteConfig Load(string path, IEnumerable<string>? overrides = null)
    {
        ConfigTree file = ConfigTree.Load(path);
        ConfigTree tree = file.WithOverrides(SuiteOverrides.ByPlace(file, overrides ?? []));
        SuiteConfig suite = ConfigBinder.Bind(tree, SuiteJson.Default.SuiteConfig);
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        return suite with { Models = [.. suite.Models.Select(Located)] };

        SuiteModelConfig Located(SuiteModelConfig model, int i) => model with
        {
            Checkpoint = model.Checkpoint is null or SuiteModelConfig.Given ? model.Checkpoint : From($"models[{i}].checkpoint", model.Checkpoint),
            ScratchOf = model.ScratchOf is { } of && suite.Models.All(m => m.Name != of) ? From($"models[{i}].scratch_of", of) : model.ScratchOf,
        };

        string From(string key, string value) => tree.LocationOf(key)?.Source == path ? Path.Combine(folder, value) : value;
    }

    private bool IsUnknown(string task) => Tasks.All(t => t.Name != task);

    private static string? Repeated(IEnumerable<string> names) =>
        names.GroupBy(n => n, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1)?.Key;
}

/// <summary>Source-generated metadata of suites.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    Converters =
    [
        typeof(SnakeCaseEnumConverter<TuningMode>), typeof(SnakeCaseEnumConverter<ClassWeights>), typeof(SnakeCaseEnumConverter<HeadKind>),
        typeof(SnakeCaseEnumConverter<Pooling>), typeof(SnakeCaseEnumConverter<Precision>), typeof(SnakeCaseEnumConverter<SweepSeeds>),
    ])]
[JsonSerializable(typeof(SuiteConfig))]
public sealed partial class SuiteJson : JsonSerializerContext;
