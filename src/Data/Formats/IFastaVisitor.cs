using System.Text;

namespace GenoSeq.Data;

/// <summary>
/// Receives the records of a FASTA file as they are read, piece by piece, without whole-line buffers.
/// </summary>
public interface IFastaVisitor
{
    /// <summary>A header line was read.</summary>
    /// <param name="name">Its first word.</param>
    /// <param name="line">Its line number, 1-based.</param>
    public void BeginRecord(string name, long line);

    /// <summary>
    /// A header line was read; a visitor that needs no text overrides this one, and no string is made for each record.
    /// </summary>
    /// <param name="name">Its first word, UTF-8; valid during the call only.</param>
    /// <param name="line">Its line number, 1-based.</param>
    public void BeginRecord(ReadOnlySpan<byte> name, long line) => BeginRecord(Encoding.UTF8.GetString(name), line);

    /// <summary>
    /// More bases of the current record: any number of calls, pieces of any length, white space removed.
    /// </summary>
    public void Append(ReadOnlySpan<byte> bases);

    /// <summary>The current record is complete.</summary>
    public void EndRecord();
}
