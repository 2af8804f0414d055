namespace GenoSeq.Data;

/// <summary>Receives the records of a FASTQ file as they are read, piece by piece.</summary>
public interface IFastqVisitor
{
    /// <summary>A header line was read.</summary>
    /// <param name="name">Its first word, UTF-8; valid during the call only. May be empty.</param>
    /// <param name="line">Its line number, 1-based.</param>
    public void BeginRecord(ReadOnlySpan<byte> name, long line);

    /// <summary>More bases of the current record: any number of calls, pieces of any length.</summary>
    public void AppendBases(ReadOnlySpan<byte> bases);

    /// <summary>
    /// More quality characters (<c>'!'</c> to <c>'~'</c>), after all bases; in the end exactly as many as bases.
    /// </summary>
    public void AppendQualities(ReadOnlySpan<byte> qualities);

    /// <summary>The current record is complete.</summary>
    public void EndRecord();
}
