using System.Globalization;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>A table below the main one, as text.</summary>
/// <param name="Title">Its headline.</param>
/// <param name="Left">Number of columns of words, which come first; the others are of figures.</param>
/// <param name="Heads">Names of the columns.</param>
/// <param name="Rows">Its rows.</param>
internal sealed record SuiteSection(string Title, int Left, IReadOnlyList<string> Heads, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    /// <summary>All sections that have something to say.</summary>
    internal static IEnumerable<SuiteSection> Of(SuiteTable table)
    {
        SuiteSection[] all = [Others(table), Averaged(table), Duels(table), Costs(table), Choices(table), Data(table), Failures(table)];
        return all.Where(s => s.Rows.Count > 0);
    }

    // Our values in the metrics of published ones, where those are others than the rows'.
    private static SuiteSection Others(SuiteTable table) => new("In the metrics of published values", 2, ["task", "metric", .. Models(table)],
    [
        .. table.Rows.SelectMany(r => r.Others.Where(o => o.Value.Any(c => c is not null))
            .Select(IReadOnlyList<string> (o) => [r.Task.Name, o.Key, .. o.Value.Select(SuiteText.Cell)])),
    ]);

    private static SuiteSection Averaged(SuiteTable table) => new("Averaged over batches, as published tables are", 2, ["task", "metric", .. Models(table)],
    [
        .. table.Rows.SelectMany(r => r.Averaged.Select(IReadOnlyList<string> (o) => [r.Task.Name, o.Key, .. o.Value.Select(SuiteText.Cell)])),
    ]);

    private static SuiteSection Duels(SuiteTable table) => new("Models compared", 2, ["model", "against", "wins / ties / losses", "higher mean", "mean difference"],
    [
        .. table.Duels.Where(d => d.Tasks > 0).Select(IReadOnlyList<string> (d) => [d.A, d.B, SuiteText.Duel(d), SuiteText.Higher(d), SuiteText.Signed(d.Difference)]),
    ]);

    private static SuiteSection Costs(SuiteTable table) => new("Cost", 1, ["model", "trained values", "of all", "runs", "seconds a run", "hours in all"],
    [
        .. table.Status.Costs.Select(IReadOnlyList<string> (c) =>
        [
            c.Model, Text($"{c.Trained:N0}"), Text($"{100 * c.Trained / Math.Max(1, c.Parameters):0.##} %"), Text($"{c.Runs}"),
            Text($"{c.Seconds / c.Runs:0.0}"), Text($"{c.Seconds / 3600:0.00}"),
        ]),
    ]);

    // The k-mer regression and sweeps; the same for all seeds.
    private static SuiteSection Choices(SuiteTable table) => new("Chosen by validation", 3, ["task", "model", "choice"],
    [
        .. from row in table.Rows
           from model in table.Suite.Models
           let result = table.Status.Results.FirstOrDefault(r => r.Task == row.Task.Name && r.Model == model.Name && r.Chosen.Length > 0)
           where result is not null
           select (IReadOnlyList<string>)[row.Task.Name, model.Name, result.Chosen],
    ]);

    private static SuiteSection Data(SuiteTable table) => new("Rows, and test and validation rows that are elsewhere too (either strand)", 1,
        ["task", "training", "validation", "test", "repeated in training", "test in training", "validation in training", "test in validation", "dropped from training"],
    [
        .. table.Status.Data.Select(IReadOnlyList<string> (d) =>
        [
            d.Task, .. new[] { d.Train, d.Validation, d.Test, d.Repeated, d.TrainTest, d.TrainValidation, d.ValidationTest, d.Dropped }.Select(n => Text($"{n:N0}")),
        ]),
    ]);

    private static SuiteSection Failures(SuiteTable table) => new("Failed", 4, ["task", "model", "seed", "error"],
    [
        .. table.Status.Failures.Select(IReadOnlyList<string> (f) => [f.Task, f.Model, Text($"{f.Seed}"), f.Error.ReplaceLineEndings(" ")]),
    ]);

    private static IEnumerable<string> Models(SuiteTable table) => table.Suite.Models.Select(m => m.Name);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
