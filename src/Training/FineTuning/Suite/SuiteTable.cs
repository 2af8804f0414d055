namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>The table of a suite: what was reached on every task, beside what others have published.</summary>
/// <param name="Suite">The suite.</param>
/// <param name="Rows">One for each task, in the suite's order.</param>
/// <param name="Duels">Every two models compared, task by task.</param>
public sealed record SuiteTable(SuiteConfig Suite, IReadOnlyList<SuiteTable.Row> Rows, IReadOnlyList<SuiteTable.Duel> Duels)
{
    /// <summary>What the table was made of.</summary>
    public required SuiteStatus Status { get; init; }

    /// <summary>One task.</summary>
    /// <param name="Task">The task.</param>
    /// <param name="Cells">One for each model, in the suite's order; null where there is no result.</param>
    /// <param name="Others">Means of other metrics, by name, one for each model: those that published values of the task are in.</param>
    /// <param name="Averaged">Means of batch-averaged metrics, by name, one for each model; of the metrics above, where runs have them.</param>
    public sealed record Row(
        SuiteTaskConfig Task, IReadOnlyList<SuiteCell?> Cells, IReadOnlyDictionary<string, IReadOnlyList<SuiteCell?>> Others,
        IReadOnlyDictionary<string, IReadOnlyList<SuiteCell?>> Averaged);

    /// <summary>Two models over the tasks that both have results on.</summary>
    /// <param name="A">One model.</param>
    /// <param name="B">The other.</param>
    /// <param name="Wins">Tasks on which A is better, by more than the intervals explain.</param>
    /// <param name="Ties">Tasks on which they are within the confidence interval.</param>
    /// <param name="Losses">Tasks on which B is better.</param>
    /// <param name="Higher">Tasks on which A has the higher mean, ties or not.</param>
    /// <param name="Difference">A's mean less B's, on average over the tasks; 0 without any.</param>
    public sealed record Duel(string A, string B, int Wins, int Ties, int Losses, int Higher, double Difference)
    {
        /// <summary>Tasks compared.</summary>
        public int Tasks => Wins + Ties + Losses;
    }

    /// <summary>A cell as the table shows it: its mean and deviation, or why there is none.</summary>
    /// <param name="row">The row.</param>
    /// <param name="model">Place of the model in the suite.</param>
    public string TextOf(Row row, int model) => SuiteText.Cell(this, row, model);

    /// <summary>Puts the table together.</summary>
    /// <param name="suite">The suite.</param>
    /// <param name="results">Any results of it so far; those that are missing leave their cells empty.</param>
    /// <exception cref="ArgumentException">A result is of a task or model that the suite lacks, or is there twice.</exception>
    public static SuiteTable Of(SuiteConfig suite, IReadOnlyList<SuiteResult> results) => Of(suite, new SuiteStatus { Results = results });

    /// <summary>Puts the table together, with what is known of runs beside their results.</summary>
    /// <inheritdoc cref="Of(SuiteConfig, IReadOnlyList{SuiteResult})" path="/exception"/>
    public static SuiteTable Of(SuiteConfig suite, SuiteStatus status)
    {
        ArgumentNullException.ThrowIfNull(suite);
        ArgumentNullException.ThrowIfNull(status);
        IReadOnlyList<SuiteResult> results = status.Results;
        Check(suite, results);
        Row[] rows = [.. suite.Tasks.Select(t => RowOf(suite, t, results))];
        var duels = new List<Duel>();
        for (int a = 0; a < suite.Models.Count; a++)
        {
            for (int b = a + 1; b < suite.Models.Count; b++)
            {
                duels.Add(DuelOf(suite, rows, a, b));
            }
        }

        return new SuiteTable(suite, rows, duels) { Status = status };
    }

    private static Row RowOf(SuiteConfig suite, SuiteTaskConfig task, IReadOnlyList<SuiteResult> results)
    {
        SuiteCell?[] cells = Cells(suite, task.Metric, task.Name, results);
        SuiteCell? best = cells.OfType<SuiteCell>().MaxBy(c => c.Mean);
        for (int m = 0; m < cells.Length; m++)
        {
            if (cells[m] is { } cell)
            {
                cells[m] = cell with
                {
                    Standing = cell.Mean == best!.Mean ? Standing.Best : cell.CompareWith(best) == 0 ? Standing.Tie : Standing.Below,
                };
            }
        }

        string[] others = [.. suite.Published.Where(p => p.Values.ContainsKey(task.Name)).Select(p => p.Metric ?? task.Metric).Where(m => m != task.Metric).Distinct()];
        return new Row(task, cells, others.ToDictionary(m => m, IReadOnlyList<SuiteCell?> (m) => Cells(suite, m, task.Name, results)),
            others.Prepend(task.Metric).Select(m => (Metric: m, Cells: Cells(suite, m, task.Name, results, averaged: true)))
                .Where(a => a.Cells.Any(c => c is not null)).ToDictionary(a => a.Metric, IReadOnlyList<SuiteCell?> (a) => a.Cells));
    }

    private static SuiteCell?[] Cells(SuiteConfig suite, string metric, string task, IReadOnlyList<SuiteResult> results, bool averaged = false) =>
    [
        .. suite.Models.Select(model => SuiteCell.Of(results
            .Where(r => r.Task == task && r.Model == model.Name && r.Metrics.ContainsKey(metric)).OrderBy(r => r.Seed)
            .Select(r => averaged ? new SuiteMetric(r.Metrics[metric].BatchAveraged) : r.Metrics[metric]))),
    ];

    private static Duel DuelOf(SuiteConfig suite, Row[] rows, int a, int b)
    {
        (SuiteCell A, SuiteCell B)[] both = [.. rows.Where(r => r.Cells[a] is not null && r.Cells[b] is not null).Select(r => (r.Cells[a]!, r.Cells[b]!))];
        int[] outcomes = [.. both.Select(c => c.A.CompareWith(c.B))];
        return new Duel(suite.Models[a].Name, suite.Models[b].Name, outcomes.Count(o => o > 0), outcomes.Count(o => o == 0),
            outcomes.Count(o => o < 0), both.Count(c => c.A.Mean > c.B.Mean), both.Length == 0 ? 0 : both.Average(c => c.A.Mean - c.B.Mean));
    }

    private static void Check(SuiteConfig suite, IReadOnlyList<SuiteResult> results)
    {
        foreach (SuiteResult r in results)
        {
            if (suite.Tasks.All(t => t.Name != r.Task) || suite.Models.All(m => m.Name != r.Model))
            {
                throw new ArgumentException($"the suite '{suite.Name}' has no task '{r.Task}' with a model '{r.Model}'", nameof(results));
            }
        }

        if (results.GroupBy(r => (r.Task, r.Model, r.Seed)).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new ArgumentException(
                FormattableString.Invariant($"the result of '{twice.Key.Model}' on '{twice.Key.Task}' with seed {twice.Key.Seed} is there twice"), nameof(results));
        }
    }
}
