using System.Text;

namespace GenoSeq.Data;

/// <summary>
/// Writes a VCF file that repeats another one line by line, with further INFO fields. The file appears under its name with
/// <see cref="Commit"/>, BGZF if the name ends in <c>.gz</c>; <c>-</c> is standard output.
/// </summary>
public sealed class VcfWriter : IDisposable
{
    private const int InfoColumn = 7;

    private readonly TextOutput _output;

    private VcfWriter(TextOutput output) => _output = output;

    /// <summary>Begins a file.</summary>
    /// <param name="path">Its name, or <c>-</c>.</param>
    /// <param name="header">The header to repeat.</param>
    /// <param name="lines">Further header lines, each beginning with <c>##</c>; those that the header has already are left out.</param>
    /// <param name="options">What may be replaced; null: nothing.</param>
    /// <exception cref="OutputException">The file exists and may not be replaced, or cannot be made.</exception>
    public static VcfWriter Create(string path, VcfHeader header, IReadOnlyList<string> lines, OutputOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(header);
        ArgumentNullException.ThrowIfNull(lines);
        var writer = new VcfWriter(TextOutput.Create(path, options ?? new OutputOptions(), new BgzfWriterOptions()));
        foreach (string line in header.Lines.Concat(lines.Except(header.Lines, StringComparer.Ordinal)))
        {
            writer.Line(line);
        }

        string[] columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", .. header.Columns > 8 ? ["FORMAT"] : Array.Empty<string>(), .. header.Samples];
        writer.Line(string.Join('\t', columns));
        return writer;
    }

    /// <summary>Repeats a record with more in its INFO column; everything else stays as it is.</summary>
    /// <param name="line">The record's line (<see cref="VcfReader.Line"/>).</param>
    /// <param name="info">Fields joined by semicolons; empty: none.</param>
    public void Write(ReadOnlySpan<byte> line, string info)
    {
        ArgumentNullException.ThrowIfNull(info);
        if (info.Length == 0)
        {
            _output.Write(line);
            _output.Write((byte)'\n');
            return;
        }

        int start = 0;
        for (int column = 0; column < InfoColumn; column++)
        {
            start += line[start..].IndexOf((byte)'\t') + 1;
        }

        int length = line[start..].IndexOf((byte)'\t');
        int end = length < 0 ? line.Length : start + length;
        ReadOnlySpan<byte> before = line[start..end];
        _output.Write(line[..start]);
        if (!before.SequenceEqual("."u8))
        {
            _output.Write(before);
            _output.Write((byte)';');
        }

        _output.Write(Encoding.UTF8.GetBytes(info));
        _output.Write(line[end..]);
        _output.Write((byte)'\n');
    }

    /// <summary>Makes the file whole under its name.</summary>
    public void Commit() => _output.Commit();

    /// <summary>Removes what was written, unless it was committed.</summary>
    public void Dispose() => _output.Dispose();

    private void Line(string text)
    {
        _output.Write(Encoding.UTF8.GetBytes(text));
        _output.Write((byte)'\n');
    }
}
