namespace GenoSeq.Data;

/// <summary>The message for a contig name that the genome does not have.</summary>
internal static class MissingContig
{
    internal static InputDataException Error(GenomeSource genome, string name, string where, string? alternative = null)
    {
        IReadOnlyList<string> nearest = NearestNames.Find(name, genome.Contigs.Select(c => c.Name));
        string closest = string.Join(", ", nearest.Select(n => $"'{n}'"));
        string hint = nearest.Any(n => NearestNames.DifferByChrPrefix(n, name))
            ? "use the same naming in both files: they differ by the prefix 'chr'"
            : "check that both files describe the same genome assembly";
        return new InputDataException(
            $"the genome has no contig '{name}'", where,
            $"one of its {genome.Contigs.Count} contigs; closest are {closest}",
            alternative is null ? hint : $"{hint}; or {alternative}");
    }
}
