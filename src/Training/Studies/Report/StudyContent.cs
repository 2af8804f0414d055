using System.Globalization;

namespace GenoSeq.Training.Studies.Report;

/// <summary>All that a report says, in the order that it says it; its written forms differ only in how.</summary>
internal sealed class StudyContent
{
    internal StudyContent(StudyResults results)
    {
        Results = results;
        StudyConfig config = results.Study.Config;
        Title = config.Title.Length > 0 ? config.Title : config.Name;
        Verdicts = [.. config.Claims.Select(c => StudyVerdict.Of(c, results))];
        Plots = [.. config.Plots.Select(p => StudyPlotData.Of(p, results))];
        Metrics = [.. config.Metrics.Select(m => (m, StudyMetricTables.Of(m, results))).Where(m => m.Item2.Count > 0)];
        Costs = StudyOtherTables.Costs(results);
        Sweep = StudyOtherTables.Sweep(results);
        Diverged = [.. results.Records.Where(r => r.Diverged is not null).OrderBy(r => r.Trial).Select(r => (Cell(r), r.Diverged!)).Order()];
        Failed = [.. results.Failures.Select(f => (Cell(f.Model, f.Conditions, f.Seed), f.Error)).Order()];
        Provenance = [.. Origin(results)];
    }

    internal const string TableLegend =
        "Mean over seeds ± half of its 95 % confidence interval (Student's t). Best: the best mean of a column. "
        + "≈: not told from the best, as the mean of one lies in the interval of the other.";

    internal StudyResults Results { get; }

    internal string Title { get; }

    internal IReadOnlyList<StudyVerdict> Verdicts { get; }

    internal IReadOnlyList<StudyPlotData> Plots { get; }

    internal IReadOnlyList<(StudyMetricConfig Metric, IReadOnlyList<StudyTable> Tables)> Metrics { get; }

    internal StudyTable Costs { get; }

    internal StudyTable? Sweep { get; }

    internal IReadOnlyList<(string Cell, string Why)> Diverged { get; }

    internal IReadOnlyList<(string Cell, string Error)> Failed { get; }

    internal IReadOnlyList<(string Name, string Text)> Provenance { get; }

    /// <summary>A metric as a heading.</summary>
    internal static string Heading(StudyMetricConfig metric) =>
        (metric.Title.Length > 0 ? metric.Title : metric.Name) + (metric.Unit.Length > 0 ? $" ({metric.Unit})" : "") + ": " + StudyMetricTables.Better(metric);

    /// <summary>How many claims have which verdict: <c>2 supported, 1 undecided</c>.</summary>
    internal static string Counts(IEnumerable<StudyOutcome> outcomes)
    {
        string text = string.Join(", ", outcomes.GroupBy(o => o).OrderBy(g => g.Key).Select(g => string.Create(CultureInfo.InvariantCulture, $"{g.Count()} {StudySentence.Word(g.Key)}")));
        return text.Length > 0 ? text : "no claims";
    }

    private static string Cell(StudyRecord r) => Cell(r.Model, r.Conditions, r.Seed) + (r.Trial ? $", trial of learning rate {StudyFigures.Number(r.LearningRate)}" : "");

    private static string Cell(string model, IReadOnlyDictionary<string, string> conditions, long seed) => string.Create(CultureInfo.InvariantCulture,
        $"{model}, {string.Concat(conditions.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Key} {c.Value}, "))}seed {seed}");

    private static IEnumerable<(string, string)> Origin(StudyResults results)
    {
        StudyRecord[] all = [.. results.Cells, .. results.Trials];
        string Distinct(Func<StudyRecord, string> of) => string.Join(", ", all.Select(of).Where(t => t.Length > 0).Distinct().Order(StringComparer.Ordinal));
        yield return ("Study", results.Study.Config.Name);
        yield return ("Seeds", string.Join(", ", results.Study.Config.Seeds));
        yield return ("Cells", string.Create(CultureInfo.InvariantCulture,
            $"{results.Cells.Count} done, {results.Trials.Count} trials of learning rates, {results.Failures.Count} failed, {results.Missing.Count} not run"));
        if (all.Length > 0)
        {
            string[] dates = [.. all.Select(r => r.Cost.Finished).Order(StringComparer.Ordinal)];
            yield return ("Version", Distinct(r => r.Cost.Version));
            yield return ("Device", Distinct(r => r.Cost.Device));
            yield return ("Finished", dates[0] == dates[^1] ? dates[0] : $"{dates[0]} to {dates[^1]}");
            yield return ("Time of all cells", StudyFigures.Seconds(all.Sum(r => r.Cost.WallS)));
            yield return ("Settings", string.Create(CultureInfo.InvariantCulture, $"{all.Select(r => r.SettingsSha256).Distinct().Count()} different ones, in the files of the cells with their SHA-256"));
        }
    }
}
