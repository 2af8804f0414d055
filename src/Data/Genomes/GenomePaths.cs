namespace GenoSeq.Data;

/// <summary>Expands folders and patterns to files.</summary>
internal static class GenomePaths
{
    private static readonly string[] s_suffixes =
        [".fa", ".fasta", ".fna", ".ffn", ".fas", ".fsa", ".fa.gz", ".fasta.gz", ".fna.gz", ".fas.gz", ".fsa.gz", ".fa.bgz", ".fasta.bgz", ".fna.bgz", ".2bit"];

    /// <summary>The files that paths name.</summary>
    /// <param name="paths">Files, folders and patterns.</param>
    internal static IReadOnlyList<string> Expand(IReadOnlyList<string> paths)
    {
        var files = new List<string>();
        foreach (string path in paths)
        {
            if (path == "-" || File.Exists(path))
            {
                files.Add(path);
            }
            else if (Directory.Exists(path))
            {
                files.AddRange(Found(path, Entries(path, "*").Where(IsGenome), $"no genome file in the folder (looked for {string.Join(", ", s_suffixes)})"));
            }
            else if (Path.GetFileName(path).AsSpan().ContainsAny('*', '?'))
            {
                string? folder = Path.GetDirectoryName(path);
                IEnumerable<string> matches = Entries(string.IsNullOrEmpty(folder) ? "." : folder, Path.GetFileName(path))
                    .Where(f => !f.EndsWith(".fai", StringComparison.Ordinal) && !f.EndsWith(".gzi", StringComparison.Ordinal))
                    .Select(f => string.IsNullOrEmpty(folder) ? Path.GetFileName(f) : f);
                files.AddRange(Found(path, matches, "no file matches the pattern"));
            }
            else
            {
                // The one who opens it says that it is missing.
                files.Add(path);
            }
        }
        return files;
    }

    private static IEnumerable<string> Entries(string folder, string pattern) =>
        Directory.Exists(folder) ? Directory.EnumerateFiles(folder, pattern) : [];

    private static bool IsGenome(string path) =>
        s_suffixes.Any(s => path.EndsWith(s, StringComparison.OrdinalIgnoreCase));

    private static string[] Found(string path, IEnumerable<string> files, string otherwise)
    {
        string[] sorted = [.. files.Order(StringComparer.Ordinal)];
        return sorted.Length > 0
            ? sorted
            : throw new InputDataException(otherwise, path, "at least one FASTA or 2bit file", "check the path");
    }
}
