namespace GenoSeq.Data;

/// <summary>
/// Contig names of tables in a genome: the same name, or the same but for the prefix <c>chr</c>. No other names are
/// taken for each other; <c>chrM</c> of hg19 and <c>MT</c> of GRCh37, for one, are different sequences.
/// </summary>
public static class ContigAlias
{
    private const string Prefix = "chr";

    /// <summary>Index of the contig, or -1.</summary>
    public static int IndexOf(GenomeSource genome, string name)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(name);
        int index = genome.IndexOf(name);
        if (index >= 0)
        {
            return index;
        }
        return genome.IndexOf(name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : Prefix + name);
    }
}
