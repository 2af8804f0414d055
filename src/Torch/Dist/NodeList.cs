namespace GenoSeq.Torch;

/// <summary>SLURM's short form of host names: <c>gpu[01-03,07],login,rack[1-2]n[0-9]</c>.</summary>
public static class NodeList
{
    // A list that is longer is a mistake, and would take the memory of a small machine.
    private const int Most = 1_000_000;

    /// <summary>The hosts, in the list's order.</summary>
    /// <param name="text">The list.</param>
    /// <exception cref="FormatException">It is no such list; the message says where.</exception>
    public static IReadOnlyList<string> Expand(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var hosts = new List<string>();
        foreach (string part in Split(text, text))
        {
            hosts.AddRange(Hosts(part, text));
        }

        return hosts.Count > 0 ? hosts : throw Wrong(text, "names no host");
    }

    // At the commas outside brackets.
    private static List<string> Split(string part, string whole)
    {
        var parts = new List<string>();
        int depth = 0, from = 0;
        for (int i = 0; i <= part.Length; i++)
        {
            if (i == part.Length || (part[i] == ',' && depth == 0))
            {
                parts.Add(i > from ? part[from..i] : throw Wrong(whole, "has an empty name"));
                from = i + 1;
                continue;
            }

            depth += part[i] switch { '[' => 1, ']' => -1, _ => 0 };
            if (depth is < 0 or > 1)
            {
                throw Wrong(whole, "has brackets that do not match");
            }
        }

        return depth == 0 ? parts : throw Wrong(whole, "has a bracket that is not closed");
    }

    // One name with any number of brackets; the last bracket runs fastest.
    private static List<string> Hosts(string name, string whole)
    {
        int open = name.IndexOf('[', StringComparison.Ordinal);
        if (open < 0)
        {
            return [name];
        }

        int close = name.IndexOf(']', open);
        List<string> rest = close + 1 < name.Length ? Hosts(name[(close + 1)..], whole) : [""];
        var hosts = new List<string>();
        foreach (string number in Numbers(name[(open + 1)..close], whole))
        {
            hosts.AddRange(rest.Select(r => name[..open] + number + r));
            if (hosts.Count > Most)
            {
                throw Wrong(whole, $"names more than {Most} hosts");
            }
        }

        return hosts;
    }

    // "01-03,07": leading zeros are kept.
    private static IEnumerable<string> Numbers(string ranges, string whole)
    {
        foreach (string range in ranges.Split(','))
        {
            string[] ends = range.Split('-');
            string last = ends[^1];
            if (ends.Length > 2 || !TryNumber(ends[0], out int a) || !TryNumber(last, out int b) || b < a)
            {
                throw Wrong(whole, $"has the range '{range}', which is none");
            }

            for (int n = a; n <= b; n++)
            {
                yield return n.ToString(System.Globalization.CultureInfo.InvariantCulture).PadLeft(ends[0].Length, '0');
            }
        }
    }

    private static bool TryNumber(string text, out int number) => int.TryParse(text, System.Globalization.NumberStyles.None,
        System.Globalization.CultureInfo.InvariantCulture, out number) && number < int.MaxValue;

    private static FormatException Wrong(string text, string what) => new($"the node list '{text}' {what}");
}
