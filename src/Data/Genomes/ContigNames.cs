namespace GenoSeq.Data;

/// <summary>
/// Names of contigs where several files make one genome: a name that occurs in more than one file is prefixed with the
/// file's stem and a slash (<c>ecoli/chr</c>) in every file that has it; other names stay as they are.
/// </summary>
internal static class ContigNames
{
    /// <summary>The names of all files' contigs, in order.</summary>
    /// <param name="files">Every file's path and the names of its contigs, which are unique within the file.</param>
    /// <exception cref="InputDataException">Two contigs would have the same name.</exception>
    internal static List<string> Unique(IReadOnlyList<(string Path, IReadOnlyList<string> Names)> files)
    {
        var filesWithName = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach ((_, IReadOnlyList<string> names) in files)
        {
            foreach (string name in names)
            {
                filesWithName[name] = filesWithName.GetValueOrDefault(name) + 1;
            }
        }
        var taken = new Dictionary<string, string>(StringComparer.Ordinal);
        var all = new List<string>();
        foreach ((string path, IReadOnlyList<string> names) in files)
        {
            foreach (string name in names)
            {
                string unique = filesWithName[name] > 1 ? $"{Stem(path)}/{name}" : name;
                if (!taken.TryAdd(unique, path))
                {
                    throw new InputDataException(
                        $"two contigs would be called '{unique}'", $"{taken[unique]} and {path}",
                        "contig names that are unique, or files whose names tell them apart",
                        "give each file once, and rename one file if two share a name");
                }
                all.Add(unique);
            }
        }
        return all;
    }

    private static string Stem(string path)
    {
        string name = Path.GetFileName(path);
        if (name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
        {
            name = name[..^3];
        }
        return Path.GetFileNameWithoutExtension(name);
    }
}
