using System.Text;

namespace GenoSeq.Data;

/// <summary>Cheap checks that an index belongs to a file, and the words for bytes that show it does not.</summary>
internal static class FastaIndexCheck
{
    private const int MaxSpots = 64;
    private const int MaxHeader = 1 << 16;
    private const string Remake = "remake the index with 'genoseq data index --force'";

    /// <summary>
    /// Looks at the header lines of up to 64 records spread over the file, and at what follows the last record.
    /// </summary>
    internal static void Spots(FastaIndex index, RandomBytes bytes, string path, string indexPath)
    {
        IReadOnlyList<FastaIndexEntry> entries = index.Entries;
        int spots = Math.Min(entries.Count, MaxSpots);
        for (int i = 0; i < spots; i++)
        {
            CheckHeader(entries[(int)((long)i * (entries.Count - 1) / Math.Max(1, spots - 1))], bytes, path, indexPath);
        }
        if (entries.Count > 0)
        {
            CheckEnd(entries[^1].EndOffset, bytes, path, indexPath);
        }
    }

    internal static InputDataException BadByte(string path, in FastaIndexEntry entry, long position, byte value, SequenceLetters letters)
    {
        string where = $"{path}, contig '{entry.Name}', position {position + 1} (byte {entry.OffsetOf(position)} of the file)";
        return value is (byte)'\n' or (byte)'\r' or (byte)'>'
            ? new InputDataException(
                $"{(value == '>' ? "a header" : "a line end")} where the index has a base", where, "an index that fits the file", Remake)
            : new InputDataException(
                $"{FastaIndexBuilder.Show(value)} is no {(letters == SequenceLetters.Dna ? "nucleotide code" : "sequence character")}", where,
                SequenceLetterSets.Describe(letters), "check that the file is DNA and not damaged");
    }

    private static void CheckHeader(in FastaIndexEntry entry, RandomBytes bytes, string path, string indexPath)
    {
        // The header is the line before the first base; it may be long, so look a little back first.
        for (int size = 256; ; size = MaxHeader)
        {
            int n = (int)Math.Min(size, entry.Offset);
            var before = new byte[n];
            bytes.Read(entry.Offset - n, before);
            ReadOnlySpan<byte> line = before;
            if (line.EndsWith("\n"u8))
            {
                line = line[..^1];
                int begin = line.LastIndexOf((byte)'\n') + 1;
                if (begin == 0 && n < entry.Offset && size < MaxHeader)
                {
                    continue;
                }
                if (begin == 0 && n < entry.Offset)
                {
                    return;
                }
                line = line[begin..];
                line = line.StartsWith("\uFEFF>"u8) ? line[3..] : line;
                if (line.StartsWith(">"u8))
                {
                    line = line[1..].TrimStart(" \t\r\v\f"u8);
                    int end = line.IndexOfAny(" \t\r\v\f"u8);
                    if (Encoding.UTF8.GetString(end < 0 ? line : line[..end]) == entry.Name)
                    {
                        return;
                    }
                }
            }
            throw new InputDataException(
                $"no header of record '{entry.Name}' before byte {entry.Offset}, where its index has the first base",
                $"{path} and {indexPath}", "an index that fits the file", Remake);
        }
    }

    private static void CheckEnd(long end, RandomBytes bytes, string path, string indexPath)
    {
        // What may follow: line ends, and records without bases, which no index lists.
        long rest = bytes.Length - end;
        var tail = new byte[(int)Math.Min(rest, MaxHeader)];
        bytes.Read(end, tail);
        foreach (Range line in tail.AsSpan().Split((byte)'\n'))
        {
            ReadOnlySpan<byte> text = tail.AsSpan(line).Trim(" \t\r\v\f"u8);
            if (!text.IsEmpty && text[0] != '>' && line.Start.Value > 0)
            {
                throw new InputDataException(
                    $"bases follow the last record of the index, after byte {end} of {bytes.Length}",
                    $"{path} and {indexPath}", "an index of the whole file", Remake);
            }
            if (!text.IsEmpty && line.Start.Value == 0)
            {
                throw new InputDataException(
                    $"the last record of the index goes on after byte {end}",
                    $"{path} and {indexPath}", "an index of the whole file", Remake);
            }
        }
    }
}
