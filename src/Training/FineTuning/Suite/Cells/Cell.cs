namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>One piece of a suite's work: a model on a task with a seed, for the table or to decide a sweep.</summary>
/// <param name="Task">The task.</param>
/// <param name="Model">The model.</param>
/// <param name="Recipe">The model's recipe.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Trial">The candidate of a sweep that is tried, on validation alone; null: a cell of the table.</param>
internal sealed record Cell(SuiteTaskConfig Task, SuiteModelConfig Model, SuiteRecipeConfig Recipe, long Seed, SweepCandidate? Trial = null)
{
    /// <summary>Path of its files inside the folder's parts, without an ending.</summary>
    internal string File => Path.Combine(SuiteFolder.FileName(Task.Name), SuiteFolder.FileName(Model.Name),
        FormattableString.Invariant($"{(Trial is null ? "" : "trial-")}seed-{Seed}{(Trial is null ? "" : "-" + Trial.FileName)}"));

    /// <summary>For people.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"{Task.Name}, {Model.Name}, seed {Seed}{(Trial is null ? "" : $", learning rate {Trial.LearningRate} and batch {Trial.BatchSize} tried")}");
}
