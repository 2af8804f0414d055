using System.Globalization;

namespace GenoSeq.Training.Studies.Report;

/// <summary>Where a number was measured: by name the values of a cell's conditions, and of the measurement's own place.</summary>
internal sealed class StudyPlace
{
    private readonly SortedDictionary<string, string> _values;

    private StudyPlace(SortedDictionary<string, string> values)
    {
        _values = values;
        Key = KeyWithout(_ => false);
    }

    /// <summary>The same for places whose values are equal; see <see cref="Canonical"/>.</summary>
    internal string Key { get; }

    /// <summary>Names of the conditions.</summary>
    internal IEnumerable<string> Names => _values.Keys;

    /// <summary>Names and values.</summary>
    internal IReadOnlyDictionary<string, string> Values => _values;

    /// <summary>The value of a condition, or null.</summary>
    internal string? this[string name] => _values.GetValueOrDefault(name);

    /// <summary>A place; where a name occurs twice, the measurement's own value stands.</summary>
    internal static StudyPlace Of(IReadOnlyDictionary<string, string> conditions, IReadOnlyDictionary<string, string>? at = null)
    {
        var values = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach ((string name, string value) in conditions.Concat(at ?? new Dictionary<string, string>()))
        {
            values[name] = value;
        }

        return new StudyPlace(values);
    }

    /// <summary>A text that equal values share: numbers compare as numbers, whichever way they are written.</summary>
    internal static string Canonical(string value) => Number(value) is { } n ? n.ToString("R", CultureInfo.InvariantCulture) : value;

    /// <summary>The finite number that a value is, or null.</summary>
    internal static double? Number(string value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double n) && double.IsFinite(n) ? n + 0.0 : null;

    /// <summary>Numbers by size, then other values in their order of appearance.</summary>
    internal static IReadOnlyList<string> Sorted(IEnumerable<string> values)
    {
        string[] distinct = [.. values.DistinctBy(Canonical)];
        return [.. distinct.Where(v => Number(v) is not null).OrderBy(v => Number(v)!.Value), .. distinct.Where(v => Number(v) is null)];
    }

    /// <summary>True if every selected condition is there and has the value.</summary>
    internal bool Matches(IReadOnlyDictionary<string, string> at) => at.All(a => this[a.Key] is { } value && Canonical(value) == Canonical(a.Value));

    /// <summary>The key of what is left without some conditions.</summary>
    internal string KeyWithout(Func<string, bool> leaveOut) =>
        string.Join('\u001f', _values.Where(v => !leaveOut(v.Key)).Select(v => v.Key + "\u001e" + Canonical(v.Value)));
}
