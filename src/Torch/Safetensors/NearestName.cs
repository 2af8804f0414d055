namespace GenoSeq.Torch.Safetensors;

/// <summary>Finds the name that was probably meant.</summary>
internal static class NearestName
{
    /// <summary>What to expect in place of an unknown name: the closest known one, if it is close.</summary>
    public static string Describe(string name, IEnumerable<string> known)
    {
        string? nearest = null;
        var best = int.MaxValue;
        foreach (var candidate in known)
        {
            // Parameter names are short; a hostile header's need not be compared.
            if (candidate.Length > 256 || name.Length > 256) continue;
            var distance = Distance(name, candidate);
            if (distance < best) (nearest, best) = (candidate, distance);
        }

        return nearest is null ? "a tensor of the file"
            : $"a tensor of the file, such as '{SafetensorsException.Printable(nearest)}'";
    }

    /// <summary>Levenshtein distance with one row of memory.</summary>
    private static int Distance(ReadOnlySpan<char> from, ReadOnlySpan<char> to)
    {
        Span<int> row = stackalloc int[to.Length + 1];
        for (var j = 0; j < row.Length; j++) row[j] = j;
        for (var i = 1; i <= from.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j < row.Length; j++)
            {
                var substituted = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
