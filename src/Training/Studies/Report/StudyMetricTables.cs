namespace GenoSeq.Training.Studies.Report;

/// <summary>A metric's tables: a row for each model, a column for each combination of conditions and places of measurement.</summary>
internal static class StudyMetricTables
{
    private const int MostColumns = 6;

    /// <summary>
    /// The tables of a metric. Conditions with one value are named in the caption; a table that would be too wide is divided by the
    /// outermost condition, and again.
    /// </summary>
    internal static IReadOnlyList<StudyTable> Of(StudyMetricConfig metric, StudyResults results)
    {
        StudyValue[] values = [.. results.Values(metric.Name)];
        return values.Length == 0 ? [] : [.. Divide(metric, results, values, [])];
    }

    /// <summary>Which way a metric is better, in words.</summary>
    internal static string Better(StudyMetricConfig metric) => metric.Higher switch
    {
        true => "higher is better",
        false => "lower is better",
        _ => "neither higher nor lower is better",
    };

    private static IEnumerable<StudyTable> Divide(StudyMetricConfig metric, StudyResults results, StudyValue[] values, IReadOnlyList<string> caption)
    {
        IReadOnlyList<string> names = results.Names(values.Select(v => v.Place));
        IReadOnlyList<string> fixedNames = [.. names.Where(n => values.Select(v => StudyPlace.Canonical(v.Place[n] ?? "")).Distinct().Count() == 1)];
        string[] varied = [.. names.Except(fixedNames)];
        string[] words = [.. caption, .. fixedNames.Select(n => $"{n} {values[0].Place[n]}").Except(caption)];
        int columns = values.Select(v => v.Place.Key).Distinct().Count();
        if (varied.Length < 2 || columns <= MostColumns)
        {
            yield return Table(metric, results, values, varied, string.Join(", ", words));
            yield break;
        }

        string outer = varied[0];
        foreach (string value in results.Ordered(outer, values.Select(v => v.Place[outer] ?? "")))
        {
            StudyValue[] part = [.. values.Where(v => StudyPlace.Canonical(v.Place[outer] ?? "") == StudyPlace.Canonical(value))];
            foreach (StudyTable table in Divide(metric, results, part, [.. words, $"{outer} {(value.Length > 0 ? value : StudyFigures.Empty)}"]))
            {
                yield return table;
            }
        }
    }

    private static StudyTable Table(StudyMetricConfig metric, StudyResults results, StudyValue[] values, string[] varied, string caption)
    {
        var places = values.Select(v => v.Place).DistinctBy(p => p.Key).ToList();
        foreach (string name in varied.Reverse())
        {
            List<string> order = [.. results.Ordered(name, places.Select(p => p[name] ?? "")).Select(StudyPlace.Canonical)];
            places = [.. places.OrderBy(p => order.IndexOf(StudyPlace.Canonical(p[name] ?? "")))];
        }

        string[] models = [.. results.Models.Where(m => values.Any(v => v.Record.Model == m))];
        ILookup<(string, string), StudyValue> cells = values.ToLookup(v => (v.Record.Model, v.Place.Key));
        StudyMean?[][] means = [.. models.Select(m => places.Select(p => StudyMean.OfSeeds(cells[(m, p.Key)])).ToArray())];
        StudyRow[] rows = [.. models.Select((m, r) => new StudyRow(results.IsReference(m) ? m + " (reference)" : m,
            [.. places.Select((p, c) => Cell(metric, means, r, c, cells[(m, p.Key)].Any()))]))];
        StudyColumn[] heads = varied.Length == 0
            ? [StudyColumn.Plain(metric.Title.Length > 0 ? metric.Title : metric.Name)]
            : [.. places.Select(p => new StudyColumn([.. varied.Select(n => (n, p[n] ?? StudyFigures.Empty))]))];
        return new StudyTable(caption, "model", heads, rows);
    }

    private static StudyCell Cell(StudyMetricConfig metric, StudyMean?[][] means, int row, int column, bool measured)
    {
        if (means[row][column] is not { } mean)
        {
            return new StudyCell(measured ? "not a number" : StudyFigures.Empty);
        }

        string undefined = mean.Undefined > 0 ? $" ({mean.Undefined} of {mean.Undefined + mean.Seeds} seeds not a number)" : "";
        string hint = mean.HalfWidth is { } half
            ? $"95 %: {StudyFigures.Number(mean.Low!.Value, half)} to {StudyFigures.Number(mean.High!.Value, half)}, {mean.Seeds} seeds"
            : "one value, no interval";
        return new StudyCell(StudyFigures.Mean(mean.Mean, mean.HalfWidth) + undefined, Mark(metric, means, row, column), hint);
    }

    private static StudyMark Mark(StudyMetricConfig metric, StudyMean?[][] means, int row, int column)
    {
        StudyMean[] all = [.. means.Select(m => m[column]).OfType<StudyMean>()];
        if (metric.Higher is not { } higher || all.Length < 2)
        {
            return StudyMark.None;
        }

        StudyMean best = higher ? all.MaxBy(m => m.Mean)! : all.MinBy(m => m.Mean)!;
        StudyMean one = means[row][column]!;
        return one.Mean == best.Mean ? StudyMark.Best : one.Ties(best) ? StudyMark.Tie : StudyMark.None;
    }
}
