using System.Globalization;
using System.Text;

namespace GenoSeq.Data;

/// <summary>
/// Writes bedGraph (contig, start, end, value) with a line for every base that has a value. The file appears under its name with
/// <see cref="Commit"/>, BGZF if the name ends in <c>.gz</c>; <c>-</c> is standard output.
/// </summary>
public sealed class BedGraphWriter : IDisposable
{
    private const int LongestNumber = 24;

    private readonly TextOutput _output;

    private BedGraphWriter(TextOutput output) => _output = output;

    /// <summary>Begins a file.</summary>
    /// <exception cref="OutputException">The file exists and may not be replaced, or cannot be made.</exception>
    public static BedGraphWriter Create(string path, OutputOptions? output = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new BedGraphWriter(TextOutput.Create(path, output ?? new OutputOptions(), new BgzfWriterOptions()));
    }

    /// <summary>Writes values of neighbouring bases; NaN: none, the base is left out.</summary>
    /// <param name="contig">The contig's name.</param>
    /// <param name="start">The first base, 0-based.</param>
    /// <param name="values">Six significant digits of each are written.</param>
    public void Write(string contig, long start, ReadOnlySpan<float> values)
    {
        ArgumentException.ThrowIfNullOrEmpty(contig);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        byte[] name = Encoding.UTF8.GetBytes(contig);
        for (int i = 0; i < values.Length; i++)
        {
            if (float.IsNaN(values[i]))
            {
                continue;
            }

            _output.Write(name);
            Number(start + i);
            Number(start + i + 1);
            _output.Write((byte)'\t');
            values[i].TryFormat(_output.GetSpan(LongestNumber), out int length, "G6", CultureInfo.InvariantCulture);
            _output.Advance(length);
            _output.Write((byte)'\n');
        }
    }

    /// <summary>Makes the file whole under its name.</summary>
    public void Commit() => _output.Commit();

    /// <summary>Removes what was written, unless it was committed.</summary>
    public void Dispose() => _output.Dispose();

    private void Number(long value)
    {
        _output.Write((byte)'\t');
        value.TryFormat(_output.GetSpan(LongestNumber), out int length, default, CultureInfo.InvariantCulture);
        _output.Advance(length);
    }
}
