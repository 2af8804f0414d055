namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>One piece of a suite's work: a model on a task with a seed, for the table or to decide a sweep.</summary>
/// <param name="Task">The task.</param>
/// <param name="Model">The model.</param>
/// <param name="Recipes">The model's recipes, at least one. A sweep is over all of them; they agree in what is read and judged.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Trial">The candidate of a sweep that is tried, on validation alone; null: a cell of the table.</param>
/// <param name="Fold">The fold that validates, from 0, of a trial by cross-validation; null: the validation part does.</param>
internal sealed record Cell(SuiteTaskConfig Task, SuiteModelConfig Model, IReadOnlyList<SuiteRecipeConfig> Recipes, long Seed, SweepCandidate? Trial = null,
    int? Fold = null)
{
    /// <summary>The recipe of a trial; of a cell of the table the first.</summary>
    internal SuiteRecipeConfig Recipe => Trial is null ? Recipes[0] : RecipeOf(Trial);

    /// <summary>What its sweep chooses from; one candidate is no sweep.</summary>
    internal IReadOnlyList<SweepCandidate> Candidates => Trial is not null ? [Trial]
        : [.. Recipes.SelectMany(r => r.CandidatesOf(Task.Name), (r, c) => Recipes.Count > 1 ? c with { Recipe = r.Name } : c)];

    /// <summary>Path of its files inside the folder's parts, without an ending.</summary>
    internal string File => Path.Combine(SuiteFolder.FileName(Task.Name), SuiteFolder.FileName(Model.Name),
        FormattableString.Invariant($"{(Trial is null ? "" : "trial-")}seed-{Seed}{(Fold is null ? "" : $"-fold-{Fold}")}{(Trial is null ? "" : "-" + Trial.FileName)}"));

    /// <summary>The recipe of a candidate.</summary>
    internal SuiteRecipeConfig RecipeOf(SweepCandidate candidate) => candidate.Recipe is { } name ? Recipes.First(r => r.Name == name) : Recipes[0];

    /// <summary>What is tried, for people; empty for a cell of the table.</summary>
    internal string TrialText => Trial is null ? "" : FormattableString.Invariant($"{Trial} tried{(Fold is null ? "" : $" on fold {Fold + 1} of {Recipe.SweepFolds}")}");

    /// <summary>For people.</summary>
    public override string ToString() => FormattableString.Invariant($"{Task.Name}, {Model.Name}, seed {Seed}{(Trial is null ? "" : $", {TrialText}")}");
}
