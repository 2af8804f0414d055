namespace GenoSeq.Data.Parquet.DuckDb;

/// <summary>What DuckDB says went wrong, in one line; readers and writers turn it into an <see cref="InputDataException"/>.</summary>
internal sealed class DuckDbException(string text) : Exception(FirstLine(text))
{
    /// <summary>The memory limit was reached, or the machine has no more.</summary>
    internal bool OutOfMemory { get; } = text.StartsWith("Out of Memory Error", StringComparison.Ordinal)
        || text.Contains("Allocation failure", StringComparison.Ordinal)
        || text.Contains("bad_alloc", StringComparison.Ordinal);

    /// <summary>The database may be unusable from here on.</summary>
    internal bool Fatal { get; } = text.StartsWith("INTERNAL", StringComparison.OrdinalIgnoreCase) || text.StartsWith("FATAL", StringComparison.OrdinalIgnoreCase);

    /// <summary>The words of the query are at fault (a filter expression, a column's name), not the file.</summary>
    internal bool InQuery { get; } = text.StartsWith("Parser Error", StringComparison.Ordinal)
        || text.StartsWith("Binder Error", StringComparison.Ordinal)
        || text.StartsWith("Catalog Error", StringComparison.Ordinal)
        || text.StartsWith("Conversion Error", StringComparison.Ordinal)
        || text.StartsWith("Permission Error", StringComparison.Ordinal);

    // "Invalid Input Error: what happened\nLINE 1: the query ..." without the class and the query.
    private static string FirstLine(string text)
    {
        int end = text.AsSpan().IndexOfAny('\r', '\n');
        string line = (end < 0 ? text : text[..end]).Trim();
        int colon = line.IndexOf(" Error: ", StringComparison.Ordinal);
        line = colon is > 0 and < 30 ? line[(colon + " Error: ".Length)..].Trim() : line;
        return line.Length == 0 ? "unknown error" : line.TrimEnd('.', '!');
    }
}
