using System.Text;

namespace GenoSeq.Data;

/// <summary>Strings for names that come again and again in a table (contigs), without an allocation for each line.</summary>
internal sealed class NameCache
{
    // Past this many names the table is not of the kind that repeats them.
    private const int MaxNames = 1 << 16;
    private const int MaxLength = 256;

    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private byte[] _lastBytes = [];
    private string _last = "";

    internal string Get(ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual(_lastBytes))
        {
            return _last;
        }
        _last = Find(name);
        _lastBytes = name.ToArray();
        return _last;
    }

    private string Find(ReadOnlySpan<byte> name)
    {
        if (name.Length > MaxLength)
        {
            return Encoding.UTF8.GetString(name);
        }
        Span<char> characters = stackalloc char[MaxLength];
        characters = characters[..Encoding.UTF8.GetChars(name, characters)];
        HashSet<string>.AlternateLookup<ReadOnlySpan<char>> lookup = _names.GetAlternateLookup<ReadOnlySpan<char>>();
        if (lookup.TryGetValue(characters, out string? known))
        {
            return known;
        }
        string made = new(characters);
        if (_names.Count < MaxNames)
        {
            _names.Add(made);
        }
        return made;
    }
}
