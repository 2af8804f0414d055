using System.Globalization;

namespace GenoSeq.Inference.Variants;

/// <summary>How many variants were scored, and why others were not.</summary>
public sealed class VariantCounts
{
    private readonly SortedDictionary<VariantStatus, long> _counts = [];

    /// <summary>All alternatives.</summary>
    public long Total => _counts.Values.Sum();

    /// <summary>How many have a status.</summary>
    public long this[VariantStatus status] => _counts.GetValueOrDefault(status);

    /// <summary>Counts one.</summary>
    public void Add(VariantStatus status) => _counts[status] = this[status] + 1;

    /// <summary>One line: how many were scored, and the others by their status.</summary>
    public override string ToString()
    {
        string others = string.Join(", ", _counts.Where(c => c.Key != VariantStatus.Scored)
            .Select(c => string.Create(CultureInfo.InvariantCulture, $"{new VariantScore(c.Key).StatusText} {c.Value:N0}")));
        return string.Create(CultureInfo.InvariantCulture, $"{this[VariantStatus.Scored]:N0} of {Total:N0} alternatives scored{(others.Length > 0 ? $"; not scored: {others}" : "")}");
    }
}
