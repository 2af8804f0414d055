namespace GenoSeq.Inference.Embedding;

/// <summary>A sequence to be embedded, and where it is from.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Contig">Contig or record that it is a part of.</param>
/// <param name="Start">First position there, 0-based.</param>
/// <param name="Strand">+ or -: of the contig's strands the one that the bases are of.</param>
/// <param name="Bases">ASCII letters, 5' to 3'.</param>
public sealed record SequenceItem(string Id, string Contig, long Start, char Strand, ReadOnlyMemory<byte> Bases)
{
    /// <summary>A sequence that is all of its record.</summary>
    public SequenceItem(string id, ReadOnlyMemory<byte> bases) : this(id, id, 0, '+', bases)
    {
    }

    /// <summary>Number of bases.</summary>
    public int Length => Bases.Length;

    /// <summary>Number of rows at so many positions a row; 0: one row.</summary>
    internal int Rows(int rowBases) => rowBases == 0 ? 1 : (int)(((long)Length + rowBases - 1) / rowBases);

    /// <summary>Where a row lies on the contig, 0-based, half-open.</summary>
    internal (long Start, long End) Place(int row, int rowBases)
    {
        if (rowBases == 0)
        {
            return (Start, Start + Length);
        }

        long from = (long)row * rowBases;
        long to = Math.Min(Length, from + rowBases);
        return Strand == '-' ? (Start + Length - to, Start + Length - from) : (Start + from, Start + to);
    }
}
