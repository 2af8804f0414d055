using GenoSeq.Training.Evaluation.Metrics;

namespace GenoSeq.Training.Studies.Report;

/// <summary>The mean of a quantity over seeds.</summary>
/// <param name="Seeds">Seeds with a value.</param>
/// <param name="Mean">Mean over them.</param>
/// <param name="HalfWidth">Half of the 95 % confidence interval of the mean, by Student's t; null with one seed.</param>
/// <param name="Undefined">Seeds whose value is not finite; they are not in the mean.</param>
public sealed record StudyMean(int Seeds, double Mean, double? HalfWidth, int Undefined = 0)
{
    /// <summary>Lower end of the interval, or null.</summary>
    public double? Low => Mean - HalfWidth;

    /// <summary>Upper end of the interval, or null.</summary>
    public double? High => Mean + HalfWidth;

    /// <summary>The mean of one value for each seed; null if none is finite.</summary>
    public static StudyMean? Of(IEnumerable<double> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        double[] all = [.. values];
        double[] finite = [.. all.Where(double.IsFinite)];
        if (finite.Length == 0)
        {
            return null;
        }

        double mean = finite.Average();
        double? half = finite.Length < 2
            ? null
            : StudentT.Quantile975(finite.Length - 1) * Math.Sqrt(finite.Sum(v => (v - mean) * (v - mean)) / (finite.Length - 1) / finite.Length);
        return new StudyMean(finite.Length, mean, half, all.Length - finite.Length);
    }

    /// <summary>
    /// The mean of some values of a model: of each seed first, then over seeds. Where seeds have values at different places, as in a study
    /// that is not complete, those places that all have count; otherwise the interval would be one of the places. Without such places all count.
    /// </summary>
    internal static StudyMean? OfSeeds(IEnumerable<StudyValue> values)
    {
        IGrouping<long, StudyValue>[] seeds = [.. values.GroupBy(v => v.Record.Seed).OrderBy(g => g.Key)];
        var shared = new HashSet<string>(seeds.FirstOrDefault()?.Select(v => v.Place.Key) ?? []);
        foreach (IGrouping<long, StudyValue> seed in seeds)
        {
            shared.IntersectWith(seed.Select(v => v.Place.Key));
        }

        return Of(seeds.Select(s => s.Where(v => shared.Count == 0 || shared.Contains(v.Place.Key)).Average(v => v.Value)));
    }

    /// <summary>True if neither is told from the other: the mean of one lies in the interval of the other. Without intervals only equal means tie.</summary>
    internal bool Ties(StudyMean other) => Math.Abs(Mean - other.Mean) <= Math.Max(HalfWidth ?? 0, other.HalfWidth ?? 0);
}
