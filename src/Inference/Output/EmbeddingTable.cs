namespace GenoSeq.Inference.Output;

/// <summary>Where a row is from.</summary>
/// <param name="Id">Name of its sequence.</param>
/// <param name="Contig">Contig or record.</param>
/// <param name="Start">First position there, 0-based.</param>
/// <param name="End">Behind the last position.</param>
/// <param name="Strand">+ or -.</param>
public readonly record struct RowPlace(string Id, string Contig, long Start, long End, char Strand);

/// <summary>Rows of embeddings that lie on disk, in the order of the input.</summary>
/// <param name="Rows">Number of rows.</param>
/// <param name="Width">Numbers of a row.</param>
/// <param name="Metadata">What was computed: model digest, layers, pooling, strands, version.</param>
public abstract record EmbeddingTable(long Rows, int Width, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>Where the rows are from, in order.</summary>
    public abstract IEnumerable<RowPlace> Places();

    /// <summary>All numbers, row by row, as single-precision numbers in the machine's byte order; the caller closes it.</summary>
    public abstract Stream Values();
}
