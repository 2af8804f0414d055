namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>What a run of a suite is asked.</summary>
public sealed record SuiteRequest
{
    /// <summary>The suite.</summary>
    public required SuiteConfig Suite { get; init; }

    /// <summary>The folder of its cells and tables; that of an earlier run goes on.</summary>
    public required string Out { get; init; }

    /// <summary>Names of the tasks to run; empty: all.</summary>
    public IReadOnlyList<string> Tasks { get; init; } = [];

    /// <summary>Names of the models to run; empty: all.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>Seeds to run; empty: the suite's, or the model's own.</summary>
    public IReadOnlyList<long> Seeds { get; init; } = [];

    /// <summary>Where to compute: cpu, cuda or cuda:N.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Version of the program.</summary>
    public string Version { get; init; } = "";
}

/// <summary>How far a suite is.</summary>
/// <param name="Folder">Its folder.</param>
/// <param name="Done">Finished cells of those that were asked for.</param>
/// <param name="Cells">Cells that were asked for.</param>
/// <param name="Failures">Those that failed, each in one sentence.</param>
/// <param name="Absent">Tasks that were asked for and whose data are not there.</param>
/// <param name="Table">The table of all that is in the folder.</param>
public sealed record SuiteOutcome(
    string Folder, int Done, int Cells, IReadOnlyList<string> Failures, IReadOnlyList<string> Absent, SuiteTable Table);
