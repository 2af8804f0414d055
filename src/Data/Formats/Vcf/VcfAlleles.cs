using System.Buffers;

namespace GenoSeq.Data;

/// <summary>The grammar of REF and ALT.</summary>
internal static class VcfAlleles
{
    // The specification allows ACGTN in REF and in bases of ALT; real files hold the other IUPAC codes too.
    private static readonly SearchValues<byte> s_bases = SearchValues.Create("ACGTNRYSWKMBDHVacgtnryswkmbdhv"u8);

    internal static bool AreBases(ReadOnlySpan<byte> text) => !text.IsEmpty && !text.ContainsAnyExcept(s_bases);

    /// <summary>Where the first entry of the list ends; a comma inside angle brackets does not end it.</summary>
    internal static int End(ReadOnlySpan<byte> list)
    {
        int depth = 0;
        for (int i = 0; i < list.Length; i++)
        {
            switch (list[i])
            {
                case (byte)'<':
                    depth++;
                    break;
                case (byte)'>':
                    depth--;
                    break;
                case (byte)',' when depth <= 0:
                    return i;
                default:
                    break;
            }
        }
        return list.Length;
    }

    /// <summary>The kind of an entry that was checked.</summary>
    internal static VcfAlleleKind KindOf(ReadOnlySpan<byte> entry) => entry[0] switch
    {
        (byte)'.' when entry.Length == 1 => VcfAlleleKind.Missing,
        (byte)'*' when entry.Length == 1 => VcfAlleleKind.Overlap,
        (byte)'<' => VcfAlleleKind.Symbolic,
        _ => AreBases(entry) ? VcfAlleleKind.Bases : VcfAlleleKind.Breakend,
    };

    /// <summary>True if the entry is one of the five kinds and well formed.</summary>
    internal static bool IsWellFormed(ReadOnlySpan<byte> entry)
    {
        if (AreBases(entry) || entry.SequenceEqual("."u8) || entry.SequenceEqual("*"u8))
        {
            return true;
        }
        if (entry.Length > 2 && entry[0] == '<' && entry[^1] == '>')
        {
            return !entry[1..^1].ContainsAny(" <>\t"u8);
        }
        return IsBreakend(entry);
    }

    // Bases and a place between two equal brackets, in either order; or bases and a dot, in either order.
    private static bool IsBreakend(ReadOnlySpan<byte> entry)
    {
        if (entry.Length < 2)
        {
            return false;
        }
        if (entry[0] == '.' || entry[^1] == '.')
        {
            return AreBases(entry[0] == '.' ? entry[1..] : entry[..^1]);
        }
        int first = entry.IndexOfAny((byte)'[', (byte)']');
        int last = entry.LastIndexOfAny((byte)'[', (byte)']');
        if (first < 0 || first == last || entry[first] != entry[last] || (first > 0) == (last < entry.Length - 1))
        {
            return false;
        }
        ReadOnlySpan<byte> bases = first > 0 ? entry[..first] : entry[(last + 1)..];
        ReadOnlySpan<byte> mate = entry[(first + 1)..last];
        int colon = mate.LastIndexOf((byte)':');
        return AreBases(bases) && colon > 0 && AsciiText.TryParseWhole(mate[(colon + 1)..], out _);
    }
}
