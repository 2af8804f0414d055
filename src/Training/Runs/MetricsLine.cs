namespace GenoSeq.Training.Runs;

/// <summary>One line of <c>metrics.jsonl</c>.</summary>
/// <param name="Step">Optimizer steps finished.</param>
/// <param name="Tokens">Tokens seen, padding left out.</param>
/// <param name="WallSeconds">Seconds since the run began, earlier sessions included.</param>
/// <param name="Values">The other fields by name; NaN where the file says null.</param>
public sealed record MetricsLine(long Step, long Tokens, double WallSeconds, IReadOnlyDictionary<string, double> Values)
{
    /// <summary>True for fields that measure time or memory, in which two runs of one seed may differ: <c>wall_s</c>, <c>data/wait_ms</c>, <c>perf/…</c>, <c>mem/…</c>.</summary>
    public static bool IsMeasured(string key) =>
        key is "wall_s" or "data/wait_ms" || key.StartsWith("perf/", StringComparison.Ordinal) || key.StartsWith("mem/", StringComparison.Ordinal);

    /// <summary>True when both lines say the same apart from time and memory.</summary>
    public bool EqualsApartFromTime(MetricsLine other) =>
        Step == other.Step && Tokens == other.Tokens && Learned(this).SequenceEqual(Learned(other));

    private static IEnumerable<KeyValuePair<string, double>> Learned(MetricsLine line) =>
        line.Values.Where(v => !IsMeasured(v.Key)).OrderBy(v => v.Key, StringComparer.Ordinal);
}
