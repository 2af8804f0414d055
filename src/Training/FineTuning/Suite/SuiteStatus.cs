namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>A run that failed.</summary>
/// <param name="Task">Name of the task.</param>
/// <param name="Model">Name of the model.</param>
/// <param name="Seed">Seed of the run.</param>
/// <param name="Error">What was wrong.</param>
public sealed record SuiteFailure(string Task, string Model, long Seed, string Error)
{
    /// <summary>One sentence.</summary>
    public override string ToString() => FormattableString.Invariant($"{Task}, {Model}, seed {Seed}: {Error.ReplaceLineEndings(" ")}");
}

/// <summary>The data of a task, as its runs saw them.</summary>
/// <param name="Task">Name of the task.</param>
/// <param name="Train">Training rows.</param>
/// <param name="Validation">Validation rows.</param>
/// <param name="Test">Test rows.</param>
/// <param name="Repeated">Training rows whose sequence, on either strand, stands above them already.</param>
/// <param name="TrainTest">Test rows whose sequence, on either strand, training has.</param>
/// <param name="TrainValidation">Validation rows that training has.</param>
/// <param name="ValidationTest">Test rows that validation has.</param>
/// <param name="Dropped">Training rows that were left out for it.</param>
/// <param name="Notes">What is allowed but may be a mistake.</param>
public sealed record SuiteTaskData(
    string Task, int Train, int Validation, int Test, int Repeated, int TrainTest, int TrainValidation, int ValidationTest, int Dropped, IReadOnlyList<string> Notes);

/// <summary>What the runs of a model took.</summary>
/// <param name="Model">Name of the model.</param>
/// <param name="Runs">Number of runs, those of sweeps left out.</param>
/// <param name="Seconds">All of them together.</param>
/// <param name="Trained">Values that were trained, on average.</param>
/// <param name="Parameters">Values of the model and its head, on average.</param>
public sealed record SuiteCost(string Model, int Runs, double Seconds, double Trained, double Parameters);

/// <summary>All that is known of a suite's runs.</summary>
public sealed record SuiteStatus
{
    /// <summary>Finished runs.</summary>
    public IReadOnlyList<SuiteResult> Results { get; init; } = [];

    /// <summary>Failed runs.</summary>
    public IReadOnlyList<SuiteFailure> Failures { get; init; } = [];

    /// <summary>Tasks whose data are not there.</summary>
    public IReadOnlyList<string> Absent { get; init; } = [];

    /// <summary>Tasks and models that nobody has run.</summary>
    public IReadOnlyList<string> NotRun { get; init; } = [];

    /// <summary>Data of the tasks that were run.</summary>
    public IReadOnlyList<SuiteTaskData> Data { get; init; } = [];

    /// <summary>Costs of the models that were run.</summary>
    public IReadOnlyList<SuiteCost> Costs { get; init; } = [];

    /// <summary>Reads what a folder holds.</summary>
    internal static SuiteStatus Of(SuiteConfig suite, SuiteFolder folder, IReadOnlyList<string> absent)
    {
        IReadOnlyList<CellRecord> records = folder.Records(suite);
        SuiteFailure[] failures = [.. folder.Failures(suite).Select(f => new SuiteFailure(f.Task, f.Model, f.Seed, f.Error))];
        string[] tasks = [.. suite.Tasks.Select(t => t.Name).Where(t => !absent.Contains(t) && records.All(r => r.Task != t) && failures.All(f => f.Task != t))];
        string[] models = [.. suite.Models.Select(m => m.Name).Where(m => records.All(r => r.Model != m) && failures.All(f => f.Model != m))];
        return new SuiteStatus
        {
            Results = [.. records.Select(ResultOf)],
            Failures = failures,
            Absent = absent,
            NotRun = [.. tasks, .. models],
            Data = [.. suite.Tasks.Select(t => records.FirstOrDefault(r => r.Task == t.Name)).OfType<CellRecord>().Select(DataOf)],
            Costs = [.. suite.Models.Select(m => CostOf(m.Name, [.. records.Where(r => r.Model == m.Name)])).OfType<SuiteCost>()],
        };
    }

    // A model that says one class, or one number, of all rows has no correlation with the truth: it counts as 0, as in scikit-learn.
    // Left out it would make the mean of the other seeds the model's.
    private static SuiteResult ResultOf(CellRecord r) => new(r.Task, r.Model, r.Seed, r.Test!.Metrics.ToDictionary(
        m => m.Key, m => new SuiteMetric(m.Value.Value ?? 0, m.Value.Interval?.Low, m.Value.Interval?.High, m.Value.BatchAveraged)))
    {
        Chosen = r.Chosen.Length > 0 || r.Settings["sweep_seeds"] is null || r.Candidate is null ? r.Chosen
            : r.Candidate.ToString(),
    };

    private static SuiteTaskData DataOf(CellRecord r) => new(r.Task, r.Data.Train, r.Data.Validation, r.Data.Test, r.Data.Leaks.InTrain,
        r.Data.Leaks.TrainTest, r.Data.Leaks.TrainValidation, r.Data.Leaks.ValidationTest, r.Data.Dropped, r.Data.Notes);

    private static SuiteCost? CostOf(string model, CellRecord[] records) => records.Length == 0
        ? null
        : new SuiteCost(model, records.Length, records.Sum(r => r.Cost.WallS), records.Average(r => (double)r.TrainedParameters), records.Average(r => (double)r.Parameters));
}
