using System.Globalization;
using System.Text.Json.Nodes;

namespace GenoSeq.Training.FineTuning;

/// <summary>What a seed's summary says of its choice by validation.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Metric">Name of the metric that chose the weights.</param>
/// <param name="Value">Its value; null where it is undefined.</param>
/// <param name="Loss">Loss of validation.</param>
/// <param name="Step">The step that was chosen; null for the mean of several runs.</param>
internal sealed record SelectedWeights(long Seed, string Metric, double? Value, double Loss, long? Step)
{
    /// <summary>Reads <c>seed-N/summary.json</c> of a run's folder; null where the seed is not finished.</summary>
    internal static SelectedWeights? Read(string run, long seed)
    {
        string file = Path.Combine(run, string.Create(CultureInfo.InvariantCulture, $"seed-{seed}"), "summary.json");
        return File.Exists(file) && JsonNode.Parse(File.ReadAllText(file)) is JsonObject json && json["selected_by"] is { } metric
            ? new SelectedWeights(seed, metric.GetValue<string>(), json["selected_value"]?.GetValue<double>(),
                json["validation_loss"]?.GetValue<double>() ?? double.NaN, json["best_step"]?.GetValue<long>() ?? 0)
            : null;
    }

    /// <summary>The mean of a candidate's runs; a value that is undefined in one of them, as a correlation with the same answer for all rows, counts as 0 there. Null if one has nothing chosen, or there is none.</summary>
    internal static SelectedWeights? Mean(IReadOnlyList<SelectedWeights?> runs)
    {
        if (runs.Count < 2 || runs.Any(r => r is null))
        {
            return runs.Count == 1 ? runs[0] : null;
        }

        double?[] values = [.. runs.Select(r => r!.Value ?? TaskScores.WhereUndefined(r.Metric))];
        return runs[0]! with { Value = values.Contains(null) ? null : values.Average(), Loss = runs.Average(r => r!.Loss), Step = null };
    }

    /// <summary>Whether these weights are better; of equal values the smaller loss decides, as inside a run.</summary>
    internal bool IsBetterThan(SelectedWeights other)
    {
        (double a, double b) = (Rank, other.Rank);
        return a == b ? Loss < other.Loss : a > b;
    }

    private double Rank => Value is { } v && double.IsFinite(v) ? TaskScores.SmallIsGood(Metric) ? -v : v : double.NegativeInfinity;
}

/// <summary>The seed of a fine-tuning run that validation likes best.</summary>
internal static class BestSeed
{
    private const string Prefix = "seed-";

    /// <summary>The best of the finished seeds of a run; null where it has none.</summary>
    internal static (string Folder, SelectedWeights Weights, int Seeds)? Of(string run)
    {
        string checkpoints = Path.Combine(run, "checkpoints");
        if (!Directory.Exists(checkpoints))
        {
            return null;
        }

        SelectedWeights[] seeds =
        [
            .. Directory.GetDirectories(checkpoints, Prefix + "*")
                .Select(d => long.TryParse(Path.GetFileName(d)[Prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out long seed) ? SelectedWeights.Read(run, seed) : null)
                .Where(s => s is not null).Select(s => s!).OrderBy(s => s.Seed),
        ];
        if (seeds.Length == 0)
        {
            return null;
        }

        SelectedWeights best = seeds.Aggregate((a, b) => b.IsBetterThan(a) ? b : a);
        return (Path.Combine(checkpoints, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{best.Seed}")), best, seeds.Length);
    }

    /// <summary>The checkpoint that is meant by a path: itself, or of a run's folder its best seed's, which is told.</summary>
    internal static string Locate(string path, Action<string> say)
    {
        if (Of(path) is not var (folder, best, seeds))
        {
            return path;
        }

        say(string.Create(CultureInfo.InvariantCulture, $"seed {best.Seed}, the best of {seeds} by validation's {best.Metric} ({best.Value:F4})"));
        return folder;
    }
}
