namespace GenoSeq.Data.Tests.Fuzz;

/// <summary>A reader under test, and the valid files that its inputs are made from.</summary>
/// <param name="Name">The format.</param>
/// <param name="Run">Reads all of an input; only InputDataException may escape.</param>
/// <param name="Seeds">Small valid inputs that are always there.</param>
/// <param name="Suffixes">Files of ../shared/data that join them where it is present.</param>
/// <param name="PerRun">Inputs of one default run.</param>
/// <param name="MaxLength">Longest input in bytes.</param>
/// <param name="LongRun">Inputs of <c>make fuzz</c>.</param>
internal sealed record FuzzTarget(
    string Name, FuzzTarget.Reader Run, IReadOnlyList<byte[]> Seeds, string[] Suffixes, int PerRun = 200_000, int MaxLength = 1 << 16,
    int LongRun = 2_000_000)
{
    private List<byte[]>? _corpus;

    internal delegate void Reader(ReadOnlySpan<byte> data);

    /// <summary>Seeds and peer files, in a fixed order.</summary>
    internal IReadOnlyList<byte[]> Corpus() => _corpus ??= Collect();

    private List<byte[]> Collect()
    {
        var corpus = new List<byte[]>(Seeds);
        if (Repository.Shared is not null)
        {
            foreach (string file in Directory.EnumerateFiles(Repository.SharedPath("data"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            {
                // Small inputs go through a reader thousands of times a second, and a mutation hits something that matters more often.
                if (Suffixes.Any(s => file.EndsWith(s, StringComparison.OrdinalIgnoreCase)) && new FileInfo(file).Length is > 0 and <= 8192)
                {
                    corpus.Add(File.ReadAllBytes(file));
                }
            }
        }
        return corpus;
    }
}
