using System.Buffers.Text;
using System.Text;

namespace GenoSeq.Data;

/// <summary>
/// The index of a FASTA or FASTQ file that <c>samtools faidx</c> defines: tab-separated name, length, offset, bases a
/// line, bytes a line, and for FASTQ the offset of the quality values.
/// </summary>
/// <remarks>Nothing in an index file is trusted: every number is checked when it is read; see <see cref="Parse"/>.</remarks>
public sealed class FastaIndex
{
    internal FastaIndex(FastaIndexEntry[] entries, bool isFastq)
    {
        Entries = entries;
        IsFastq = isFastq;
    }

    /// <summary>The records in the order of the file. Records without bases are not listed.</summary>
    public IReadOnlyList<FastaIndexEntry> Entries { get; }

    /// <summary>True for the six-column form of FASTQ files.</summary>
    public bool IsFastq { get; }

    /// <summary>Reads an index file.</summary>
    /// <param name="path">The <c>.fai</c> file.</param>
    /// <param name="dataLength">Bytes of the indexed file, decompressed.</param>
    /// <exception cref="InputDataException">The index is missing, malformed, or does not fit a file of that
    /// length.</exception>
    public static FastaIndex Load(string path, long dataLength)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Parse(SmallFile.ReadAll(path), path, dataLength);
    }

    /// <summary>Reads the text of an index.</summary>
    /// <param name="text">The bytes of a <c>.fai</c> file.</param>
    /// <param name="file">What to call it in messages.</param>
    /// <param name="dataLength">Bytes of the indexed file, decompressed.</param>
    /// <remarks>
    /// Checked: five columns in every line, or six in every line; decimal numbers without sign; a line end after the
    /// last line (its absence shows truncation); lines wider than their bases; every record inside the file; records in
    /// the order of the file and not overlapping; names neither empty nor repeated.
    /// </remarks>
    /// <exception cref="InputDataException">One of these does not hold.</exception>
    public static FastaIndex Parse(ReadOnlySpan<byte> text, string file, long dataLength) =>
        new FastaIndexParser(file, dataLength).Parse(text);

    /// <summary>The bytes of the index file; equal to what <c>samtools faidx</c> writes.</summary>
    public byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        WriteTo(stream);
        return stream.ToArray();
    }

    /// <summary>Writes the index under a temporary name beside <paramref name="path"/>, then renames it.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    public void Write(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string temporary = $"{path}.{Environment.ProcessId}-{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
            {
                WriteTo(stream);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private void WriteTo(Stream stream)
    {
        Span<byte> number = stackalloc byte[20];
        foreach (FastaIndexEntry e in Entries)
        {
            stream.Write(Encoding.UTF8.GetBytes(e.Name));
            Column(e.Length, number, stream);
            Column(e.Offset, number, stream);
            Column(e.LineBases, number, stream);
            Column(e.LineWidth, number, stream);
            if (IsFastq)
            {
                Column(e.QualityOffset, number, stream);
            }
            stream.WriteByte((byte)'\n');
        }
    }

    private static void Column(long value, Span<byte> number, Stream stream)
    {
        stream.WriteByte((byte)'\t');
        Utf8Formatter.TryFormat(value, number, out int written);
        stream.Write(number[..written]);
    }
}
