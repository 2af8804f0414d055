using System.Globalization;
using System.Text;

namespace GenoSeq.Data;

/// <summary>The different label texts of a set, each once, with where it first stood and which parts have it.</summary>
internal sealed class LabelTexts
{
    private const int OnStack = 256;

    private readonly Dictionary<string, int> _index = new(StringComparer.Ordinal);
    private readonly List<(string Text, int File, long Line)> _texts = [];

    internal int Count => _texts.Count;

    internal string this[int index] => _texts[index].Text;

    /// <summary>Index of a text, added if it is new.</summary>
    internal int Add(ReadOnlySpan<byte> text, int file, long line)
    {
        char[]? large = text.Length > OnStack ? new char[text.Length] : null;
        Span<char> characters = large is null ? stackalloc char[OnStack] : large;
        characters = characters[..Encoding.UTF8.GetChars(text, characters)];
        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup = _index.GetAlternateLookup<ReadOnlySpan<char>>();
        if (!lookup.TryGetValue(characters, out int index))
        {
            index = _texts.Count;
            string made = new(characters);
            _index.Add(made, index);
            _texts.Add((made, file, line));
        }
        return index;
    }

    /// <summary>Where a text first stood, for when its files are not at hand.</summary>
    internal string WhereOf(int index) => string.Create(CultureInfo.InvariantCulture, $"line {_texts[index].Line}");

    internal string Where(int index, IReadOnlyList<string> files) =>
        string.Create(CultureInfo.InvariantCulture, $"{files[_texts[index].File]}, line {_texts[index].Line}");

    internal bool TryNumber(int index, out float value)
    {
        bool parsed = float.TryParse(_texts[index].Text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
        return parsed && float.IsFinite(value);
    }

    internal bool IsWhole(int index) =>
        long.TryParse(_texts[index].Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _);

    /// <summary>Names in the order of their classes: by value if all are whole numbers, else by ordinal comparison.</summary>
    internal static string[] Sorted(IEnumerable<string> names)
    {
        string[] sorted = [.. names];
        bool whole = Array.TrueForAll(sorted, n => long.TryParse(n, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _));
        Array.Sort(sorted, (a, b) =>
        {
            int byValue = whole ? Value(a).CompareTo(Value(b)) : 0;
            return byValue != 0 ? byValue : string.CompareOrdinal(a, b);
        });
        return sorted;

        static long Value(string text) => long.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
    }
}
