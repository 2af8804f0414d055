namespace GenoSeq.Training.Studies.Report;

/// <summary>The tables beside those of metrics: verdicts, costs, learning rates.</summary>
internal static class StudyOtherTables
{
    private static readonly string[] s_verdictHeads = ["verdict", "effect", "95 % interval", "seeds", "expected", "published"];
    private static readonly string[] s_costHeads = ["cells", "parameters", "FLOPs a token", "tokens", "training FLOPs", "state", "training time", "peak memory"];

    /// <summary>The verdicts, a row for each claim.</summary>
    internal static StudyTable Verdicts(StudyResults results, IReadOnlyList<StudyVerdict> verdicts) => new("", "claim",
        [.. s_verdictHeads.Select(StudyColumn.Plain)],
        [.. verdicts.Select(v => new StudyRow(v.Claim.Name,
        [
            new StudyCell(StudySentence.Word(v.Outcome), v.Outcome is StudyOutcome.Supported or StudyOutcome.Contradicted ? StudyMark.Best : StudyMark.None),
            new StudyCell(StudySentence.Effect(v, results.Metric(v.Claim.Metric).Unit)),
            new StudyCell(StudySentence.Interval(v)),
            new StudyCell(StudyFigures.Number(v.Seeds.Count)),
            new StudyCell(StudySentence.Expected(v.Claim)),
            new StudyCell(v.Claim.Published.Length > 0 ? v.Claim.Published : StudyFigures.Empty),
        ]))]) { IsNumeric = false };

    /// <summary>What models cost, trials left out; from the least to the most where cells differ.</summary>
    internal static StudyTable Costs(StudyResults results)
    {
        string[] devices = [.. results.Cells.Select(c => c.Cost.Device).Distinct().Order(StringComparer.Ordinal)];
        var rows = new List<StudyRow>();
        foreach (string model in results.Models)
        {
            StudyRecord[] cells = [.. results.Cells.Where(c => c.Model == model)];
            if (cells.Length == 0)
            {
                continue;
            }

            rows.Add(new StudyRow(model,
            [
                new StudyCell(StudyFigures.Number(cells.Length)),
                Range(cells.Select(c => (double)c.Parameters), StudyFigures.Count),
                Range(cells.Select(c => c.FlopsPerToken), StudyFigures.Count),
                Range(cells.Select(c => (double)c.Tokens), StudyFigures.Count),
                Range(cells.Select(c => c.Flops), StudyFigures.Count),
                Range(cells.Select(c => (double)c.StateBytes), StudyFigures.Bytes),
                Range(cells.Select(c => c.Cost.TrainS), StudyFigures.Seconds),
                Range(cells.Select(c => (double)c.Cost.PeakBytes), StudyFigures.Bytes),
                .. devices.Length > 1 ? [new StudyCell(string.Join(", ", devices.Where(n => cells.Any(c => c.Cost.Device == n))))] : Array.Empty<StudyCell>(),
            ]));
        }

        string where = devices.Length == 1 ? ". Device: " + devices[0] : "";
        IEnumerable<string> heads = devices.Length > 1 ? s_costHeads.Append("device") : s_costHeads;
        return new StudyTable("For each cell; from the least to the most where cells differ" + where, "model", [.. heads.Select(StudyColumn.Plain)], rows);
    }

    /// <summary>The learning rates that were tried, with what validation gave, the chosen one marked; null without a sweep.</summary>
    internal static StudyTable? Sweep(StudyResults results)
    {
        if (results.Trials.Count == 0 || results.Study.Config.Metrics is not [{ } metric, ..])
        {
            return null;
        }

        IReadOnlyList<string> over = results.Study.Config.SweepOver;
        string Where(StudyRecord r) => string.Join(", ", over.Where(r.Conditions.ContainsKey).Select(n => $"{n} {r.Conditions[n]}"));
        double[] rates = [.. results.Trials.Select(t => t.LearningRate).Distinct().Order()];
        var rows = new List<StudyRow>();
        foreach (var group in results.Trials.GroupBy(t => (t.Model, Where: Where(t))).OrderBy(g => results.Models.ToList().IndexOf(g.Key.Model)))
        {
            double[] chosen = [.. results.Cells.Where(c => c.Model == group.Key.Model && Where(c) == group.Key.Where).Select(c => c.LearningRate).Distinct()];
            double[] tried = [.. group.Select(t => t.LearningRate).Distinct().Order()];
            StudyCell Cell(double rate)
            {
                StudyRecord[] trials = [.. group.Where(t => t.LearningRate == rate)];
                bool picked = chosen.Contains(rate);
                string text = trials.Length == 0 ? StudyFigures.Empty
                    : trials.Any(t => t.Diverged is not null) ? "diverged"
                    : StudyMean.Of(trials.Select(t => t.Validated).OfType<double>()) is { } mean ? StudyFigures.Number(mean.Mean) : StudyFigures.Empty;
                bool edge = picked && tried.Length > 1 && (rate == tried[0] || rate == tried[^1]);
                return new StudyCell(picked ? text + (edge ? " (chosen, at the edge)" : " (chosen)") : text, picked ? StudyMark.Best : StudyMark.None);
            }

            rows.Add(new StudyRow(group.Key.Where.Length > 0 ? $"{group.Key.Model}, {group.Key.Where}" : group.Key.Model, [.. rates.Select(Cell)]));
        }

        string name = metric.Title.Length > 0 ? metric.Title : metric.Name;
        return new StudyTable($"{name} in validation, by learning rate", "model", [.. rates.Select(r => StudyColumn.Plain(StudyFigures.Number(r)))], rows);
    }

    private static StudyCell Range(IEnumerable<double> values, Func<double, string> write)
    {
        double[] all = [.. values];
        // A number and its prefix stay on one line.
        (string low, string high) = (write(all.Min()).Replace(' ', '\u00a0'), write(all.Max()).Replace(' ', '\u00a0'));
        return new StudyCell(all.Max() == 0 ? StudyFigures.Empty : low == high ? low : $"{low} – {high}");
    }
}
