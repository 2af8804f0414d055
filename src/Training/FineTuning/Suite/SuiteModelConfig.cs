using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>A model of a suite: a checkpoint, an architecture with fresh weights, or a baseline.</summary>
public sealed record SuiteModelConfig : IValidated
{
    /// <summary>A <see cref="Checkpoint"/> that only the command line names.</summary>
    public const string Given = "given";

    /// <summary>The convolutional baseline.</summary>
    public const string Cnn = "cnn";

    /// <summary>The k-mer baseline.</summary>
    public const string Kmer = "kmer";

    internal static readonly string[] Baselines = [Cnn, Kmer];

    /// <summary>Its name in the table.</summary>
    public string Name { get; init; } = "";

    /// <summary>
    /// Folder of a checkpoint, or of a run, of which the best one is taken; relative to the suite's file. <c>given</c>: the command
    /// line names it.
    /// </summary>
    public string? Checkpoint { get; init; }

    /// <summary>Fresh weights in the architecture of another model of the suite (its name), of a checkpoint, or of a <c>config.json</c>.</summary>
    public string? ScratchOf { get; init; }

    /// <summary>Preset of a model with fresh weights.</summary>
    public string? Preset { get; init; }

    /// <summary>cnn, or kmer: logistic regression of k-mer counts.</summary>
    public string? Baseline { get; init; }

    /// <summary>Name of its recipe.</summary>
    public string Recipe { get; init; } = "";

    /// <summary>Names of several, in place of <see cref="Recipe"/>: validation chooses one for each task, as it chooses learning rates.</summary>
    public IReadOnlyList<string> Recipes { get; init; } = [];

    /// <summary>Names of the recipes that validation chooses from on tasks whose windows are cut about a landmark (`aligned`), where they are others; empty: the same.</summary>
    public IReadOnlyList<string> AlignedRecipes { get; init; } = [];

    /// <summary>Its seeds, in place of the suite's; empty: those.</summary>
    public IReadOnlyList<long> Seeds { get; init; } = [];

    /// <summary>Recipes of single tasks, by their names, in place of <see cref="Recipe"/>, <see cref="Recipes"/> and <see cref="AlignedRecipes"/>.</summary>
    public IReadOnlyDictionary<string, string> TaskRecipes { get; init; } = new Dictionary<string, string>();

    /// <summary>Names of all recipes that it may have on some task.</summary>
    internal IEnumerable<string> AllRecipes => (Recipes.Count > 0 ? Recipes : [Recipe]).Concat(AlignedRecipes).Concat(TaskRecipes.Values).Distinct(StringComparer.Ordinal);

    /// <summary>Whether its results depend on the seed.</summary>
    internal bool IsRandom => Baseline != Kmer;

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (string.IsNullOrWhiteSpace(Name)) yield return "name: is empty";
        if (new[] { Checkpoint, ScratchOf, Preset, Baseline }.Count(s => s is not null) != 1) yield return "give one of checkpoint, scratch_of, preset and baseline";
        if (Recipe.Length > 0 && Recipes.Count > 0) yield return "recipes: give recipe or recipes, not both";
        foreach ((string list, IReadOnlyList<string> names) in new[] { ("recipes", Recipes), ("aligned_recipes", AlignedRecipes) })
        {
            if (names.Select(SuiteFolder.FileName).Distinct(StringComparer.Ordinal).Count() < names.Count) yield return $"{list}: must be different, as parts of file names too";
        }

        if (Seeds.Any(s => s < 0) || Seeds.Distinct().Count() < Seeds.Count) yield return "seeds: must be different, and none negative";
        if (Baseline == Kmer && (Recipes.Count > 1 || AlignedRecipes.Count > 1)) yield return "recipes: the k-mer regression has nothing that they could change; give one recipe";
        if (Preset is not null && GenoSeq.Models.ModelPresets.Find(Preset) is null) yield return $"preset: there is no '{Preset}'; see genoseq models";
        if (Baseline is not null && !Baselines.Contains(Baseline)) yield return $"baseline: must be one of {string.Join(", ", Baselines)}, not '{Baseline}'";
    }
}
