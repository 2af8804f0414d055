namespace GenoSeq.Training.Studies.Report;

/// <summary>A study and what its cells have left behind so far.</summary>
/// <param name="study">The study.</param>
/// <param name="records">Cells that ended, trials of learning rates among them; in any order.</param>
/// <param name="failures">Cells that failed.</param>
/// <param name="missing">Names of cells that were not run yet.</param>
public sealed class StudyResults(Study study, IReadOnlyList<StudyRecord> records, IReadOnlyList<StudyFailure> failures, IReadOnlyList<string> missing)
{
    /// <summary>The study.</summary>
    public Study Study { get; } = study;

    /// <summary>Cells that ended.</summary>
    public IReadOnlyList<StudyRecord> Records { get; } = records;

    /// <summary>Cells that failed.</summary>
    public IReadOnlyList<StudyFailure> Failures { get; } = failures;

    /// <summary>Names of cells that were not run yet.</summary>
    public IReadOnlyList<string> Missing { get; } = missing;

    /// <summary>Cells that results are made of, trials left out; ordered, so that a report does not depend on the order of files.</summary>
    internal IReadOnlyList<StudyRecord> Cells { get; } = [.. Sorted(records.Where(r => !r.Trial))];

    /// <summary>Cells that only decide learning rates.</summary>
    internal IReadOnlyList<StudyRecord> Trials { get; } = [.. Sorted(records.Where(r => r.Trial))];

    /// <summary>Models in the order of the study, then those that only records know.</summary>
    internal IReadOnlyList<string> Models { get; } =
        [.. study.Models.Select(m => m.Name).Concat(records.Select(r => r.Model).Order(StringComparer.Ordinal)).Distinct()];

    /// <summary>The values of a metric.</summary>
    internal IEnumerable<StudyValue> Values(string metric) => Cells.SelectMany(r => r.Measurements.Where(m => m.Metric == metric)
        .Select(m => new StudyValue(r, StudyPlace.Of(r.Conditions, m.At), m.Value)));

    /// <summary>What the study says of a metric; of one that it does not know, its name.</summary>
    internal StudyMetricConfig Metric(string name) => Study.Config.Metrics.FirstOrDefault(m => m.Name == name) ?? new StudyMetricConfig { Name = name };

    /// <summary>True for what models are compared with.</summary>
    internal bool IsReference(string model) => Study.Models.Any(m => m.Name == model && m.Reference is not null) || Cells.Any(r => r.Model == model && r.IsReference);

    /// <summary>Distinct values of a condition: in the order of the study's axis, then numbers by size, then other words.</summary>
    internal IReadOnlyList<string> Ordered(string name, IEnumerable<string> values)
    {
        IReadOnlyList<string> sorted = StudyPlace.Sorted(values);
        string[] axis = [.. Study.Axes.Where(a => a.Name == name).SelectMany(a => a.Values).Select(v => StudyPlace.Canonical(v.Value))];
        return [.. sorted.OrderBy(v => Array.IndexOf(axis, StudyPlace.Canonical(v)) is >= 0 and var at ? at : axis.Length)];
    }

    /// <summary>Names of conditions and places: the study's axes first.</summary>
    internal IReadOnlyList<string> Names(IEnumerable<StudyPlace> places)
    {
        string[] names = [.. places.SelectMany(p => p.Names).Distinct().Order(StringComparer.Ordinal)];
        string[] axes = [.. Study.Axes.Select(a => a.Name)];
        return [.. names.OrderBy(n => Array.IndexOf(axes, n) is >= 0 and var at ? at : axes.Length)];
    }

    private static IEnumerable<StudyRecord> Sorted(IEnumerable<StudyRecord> records) => records.OrderBy(r => r.Model, StringComparer.Ordinal)
        .ThenBy(r => StudyPlace.Of(r.Conditions).Key, StringComparer.Ordinal).ThenBy(r => r.Seed).ThenBy(r => r.LearningRate);
}

/// <summary>A measured number with where it belongs.</summary>
/// <param name="Record">Its cell.</param>
/// <param name="Place">The cell's conditions and the measurement's own place.</param>
/// <param name="Value">The number; maybe not finite.</param>
internal sealed record StudyValue(StudyRecord Record, StudyPlace Place, double Value);
