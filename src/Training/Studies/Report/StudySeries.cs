namespace GenoSeq.Training.Studies.Report;

/// <summary>A point of a plot.</summary>
/// <param name="X">Where; of conditions that are no numbers, their number in <see cref="StudyPlotData.Categories"/>.</param>
/// <param name="Mean">Mean over seeds.</param>
/// <param name="HalfWidth">Half of its 95 % interval; null with one seed.</param>
/// <param name="Seeds">Seeds in it.</param>
public sealed record StudyPoint(double X, double Mean, double? HalfWidth, int Seeds);

/// <summary>A model's line in a plot.</summary>
/// <param name="Model">The model.</param>
/// <param name="Index">Its number in the study, which its colour, dashes and marker follow.</param>
/// <param name="Points">Points in order of x; all are finite.</param>
public sealed record StudySeries(string Model, int Index, IReadOnlyList<StudyPoint> Points)
{
    /// <summary>A reference without an x of its own: a level all across the plot.</summary>
    public double? Level { get; init; }
}

/// <summary>What a plot shows.</summary>
/// <param name="Plot">The plot.</param>
/// <param name="XTitle">Below the x axis.</param>
/// <param name="YTitle">Above the y axis.</param>
/// <param name="Categories">Values of x that are no numbers; empty: x is a number.</param>
/// <param name="Series">Lines with anything to show.</param>
/// <param name="Without">Models that have no value here.</param>
public sealed record StudyPlotData(
    StudyPlotConfig Plot, string XTitle, string YTitle, IReadOnlyList<string> Categories, IReadOnlyList<StudySeries> Series, IReadOnlyList<string> Without)
{
    /// <summary>One bar for each model.</summary>
    public bool IsBars => Plot.X == "model";

    /// <summary>Lines are learning curves.</summary>
    public bool IsCurve => StudyPlotConfig.CurveAxes.Contains(Plot.X);

    /// <summary>The lines of a plot.</summary>
    public static StudyPlotData Of(StudyPlotConfig plot, StudyResults results)
    {
        ArgumentNullException.ThrowIfNull(plot);
        ArgumentNullException.ThrowIfNull(results);
        StudyMetricConfig metric = results.Metric(plot.Metric);
        string[] models = [.. results.Models.Where(m => plot.Models.Count == 0 || plot.Models.Contains(m))];
        StudyValue[] values = [.. results.Values(plot.Metric).Where(v => models.Contains(v.Record.Model) && v.Place.Matches(plot.At))];
        IReadOnlyList<string> categories = plot.X == "model" ? models
            : StudyPlotConfig.CurveAxes.Contains(plot.X) || StudyPlotConfig.RecordAxes.Contains(plot.X) ? []
            : Words(results.Ordered(plot.X, values.Select(v => v.Place[plot.X]).OfType<string>()));
        var series = new List<StudySeries>();
        foreach (string model in models)
        {
            StudySeries one = Line(plot, results, model, categories, [.. values.Where(v => v.Record.Model == model)]);
            if (one.Points.Count > 0 || one.Level is not null)
            {
                series.Add(one);
            }
        }

        string title = metric.Title.Length > 0 ? metric.Title : metric.Name;
        return new StudyPlotData(plot, XName(plot.X), metric.Unit.Length > 0 ? $"{title} ({metric.Unit})" : title, categories, series,
            [.. models.Except(series.Select(s => s.Model))]);
    }

    private static StudySeries Line(StudyPlotConfig plot, StudyResults results, string model, IReadOnlyList<string> categories, IReadOnlyList<StudyValue> values)
    {
        int index = results.Models.ToList().IndexOf(model);
        bool reference = results.IsReference(model);
        if (StudyPlotConfig.CurveAxes.Contains(plot.X))
        {
            StudyRecord[] cells = [.. results.Cells.Where(r => r.Model == model && StudyPlace.Of(r.Conditions).Matches(plot.At))];
            return reference
                ? new StudySeries(model, index, []) { Level = StudyMean.Of(cells.Where(c => c.Curve.Count > 0).Select(c => c.Curve[^1].Value))?.Mean }
                : new StudySeries(model, index, StudyCurves.Mean(plot.X, cells));
        }

        if (StudyPlotConfig.RecordAxes.Contains(plot.X) && reference)
        {
            return new StudySeries(model, index, []) { Level = StudyMean.OfSeeds(values)?.Mean };
        }

        Func<StudyValue, double?> x = plot.X switch
        {
            "model" => _ => Index(categories, model),
            "parameters" => v => v.Record.Parameters,
            "training_flops" => v => v.Record.Flops,
            "state_bytes" => v => v.Record.StateBytes,
            _ => v => v.Place[plot.X] is not { } text ? null : categories.Count > 0 ? Index(categories, text) : StudyPlace.Number(text),
        };
        return new StudySeries(model, index, [.. values.Select(v => (X: x(v), Value: v)).Where(v => v.X is not null).GroupBy(v => v.X!.Value).OrderBy(g => g.Key)
            .Select(g => (g.Key, Mean: StudyMean.OfSeeds(g.Select(v => v.Value)))).Where(p => p.Mean is not null)
            .Select(p => new StudyPoint(p.Key, p.Mean!.Mean, p.Mean.HalfWidth, p.Mean.Seeds))]);
    }

    // Values of a condition are numbers all together or not at all.
    private static IReadOnlyList<string> Words(IReadOnlyList<string> values) => values.All(v => StudyPlace.Number(v) is not null) ? [] : values;

    private static double Index(IReadOnlyList<string> categories, string text) => categories.Select(StudyPlace.Canonical).ToList().IndexOf(StudyPlace.Canonical(text));

    private static string XName(string x) => x switch
    {
        "model" => "",
        "tokens" => "training tokens",
        "flops" or "training_flops" => "training FLOPs",
        "seconds" => "training seconds",
        "state_bytes" => "bytes of state",
        _ => x,
    };
}
