using System.Collections;
using System.Globalization;
using System.Text;

namespace GenoSeq.Data.Parquet;

/// <summary>Rows as contigs: 8 bytes a row for the ends, and the names' bytes if they have some; strings are made when asked for.</summary>
internal sealed class RowContigs : IReadOnlyList<Contig>
{
    private const string Prefix = "row";

    private readonly List<long> _ends = [];
    private readonly List<long>? _nameEnds;
    private readonly SpillStore? _names;

    internal RowContigs(SpillStore? names)
    {
        _names = names;
        _nameEnds = names is null ? null : [];
    }

    public int Count => _ends.Count;

    public Contig this[int index] => new(NameOf(index), LengthOf(index));

    internal long StartOf(int index) => index == 0 ? 0 : _ends[index - 1];

    internal long LengthOf(int index) => _ends[index] - StartOf(index);

    internal void Add(long end, ReadOnlySpan<byte> name)
    {
        _ends.Add(end);
        if (_nameEnds is not null)
        {
            _names!.Append(name);
            _nameEnds.Add(_names.Length);
        }
    }

    /// <summary>Index of a row called by its number, or -1.</summary>
    internal int IndexOfNumbered(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal) && name.Length > Prefix.Length && name[Prefix.Length] != '0'
        && int.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= Count
            ? number - 1
            : -1;

    internal string NameOf(int index)
    {
        if (_nameEnds is null)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{Prefix}{index + 1}");
        }

        long start = index == 0 ? 0 : _nameEnds[index - 1];
        byte[] bytes = new byte[checked((int)(_nameEnds[index] - start))];
        _names!.Read(start, bytes);
        return Encoding.UTF8.GetString(bytes);
    }

    /// <summary>Two rows of one name, or null. Compares 64-bit hashes in order, and names only where hashes agree.</summary>
    internal (int First, int Second)? FindDuplicate()
    {
        if (_nameEnds is null)
        {
            return null;
        }

        ulong[] hashes = new ulong[Count];
        int[] rows = new int[Count];
        byte[] buffer = new byte[256];
        for (int i = 0; i < Count; i++)
        {
            long start = i == 0 ? 0 : _nameEnds[i - 1];
            int length = checked((int)(_nameEnds[i] - start));
            if (buffer.Length < length)
            {
                buffer = new byte[length];
            }

            _names!.Read(start, buffer.AsSpan(0, length));
            hashes[i] = Hash(buffer.AsSpan(0, length));
            rows[i] = i;
        }

        Array.Sort(hashes, rows);
        for (int i = 1; i < rows.Length; i++)
        {
            if (hashes[i] == hashes[i - 1] && NameOf(rows[i]) == NameOf(rows[i - 1]))
            {
                return (Math.Min(rows[i], rows[i - 1]), Math.Max(rows[i], rows[i - 1]));
            }
        }

        return null;
    }

    public IEnumerator<Contig> GetEnumerator()
    {
        for (int i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    // FNV-1a (Fowler, Noll, Vo), 64 bits.
    private static ulong Hash(ReadOnlySpan<byte> bytes)
    {
        ulong hash = 14695981039346656037;
        foreach (byte b in bytes)
        {
            hash = (hash ^ b) * 1099511628211;
        }

        return hash;
    }
}
