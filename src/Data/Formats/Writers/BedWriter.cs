using System.Globalization;
using System.Text;

namespace GenoSeq.Data;

/// <summary>
/// Writes BED: contig, start (0-based), end (exclusive) and further columns, separated by tabs. The file appears under
/// its name with <see cref="Commit"/>, BGZF if the name ends in <c>.gz</c> or <c>.bgz</c>; <c>-</c> is standard output.
/// </summary>
public sealed class BedWriter : IDisposable
{
    private const int LongestNumber = 20;
    private const int KeptNames = 4096;

    private readonly TextOutput _output;
    private readonly Dictionary<string, byte[]> _names = new(StringComparer.Ordinal);
    private int _columns = -1;

    private BedWriter(TextOutput output) => _output = output;

    /// <summary>Begins a file.</summary>
    /// <exception cref="OutputException">The file exists and may not be replaced, or cannot be made.</exception>
    public static BedWriter Create(string path, OutputOptions? output = null, BgzfWriterOptions? bgzf = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new BedWriter(TextOutput.Create(path, output ?? new OutputOptions(), bgzf ?? new BgzfWriterOptions()));
    }

    /// <summary>Writes plain BED to a stream, which stays the caller's to close.</summary>
    public static BedWriter To(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new BedWriter(TextOutput.To(stream));
    }

    /// <summary>Writes one interval.</summary>
    /// <param name="contig">The contig's name.</param>
    /// <param name="start">First base, 0-based.</param>
    /// <param name="end">One past the last base.</param>
    /// <param name="further">Columns four and on; as many in every call.</param>
    /// <exception cref="ArgumentException">The interval is none, a text has a tab or line end, or the number of columns
    /// changes.</exception>
    public void Write(string contig, long start, long end, params ReadOnlySpan<string> further)
    {
        ArgumentException.ThrowIfNullOrEmpty(contig);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfLessThan(end, start);
        if (_columns >= 0 && _columns != further.Length)
        {
            throw new ArgumentException($"{3 + further.Length} columns after {3 + _columns}", nameof(further));
        }
        foreach (string text in further)
        {
            CheckText(text);
        }
        byte[] name = Name(contig);
        _columns = further.Length;
        _output.Write(name);
        Write(start);
        Write(end);
        foreach (string text in further)
        {
            _output.Write((byte)'\t');
            _output.Write(Encoding.UTF8.GetBytes(text));
        }
        _output.Write((byte)'\n');
    }

    /// <summary>Makes the file whole under its name.</summary>
    public void Commit() => _output.Commit();

    /// <summary>Removes what was written, unless it was committed.</summary>
    public void Dispose() => _output.Dispose();

    private static void CheckText(string text)
    {
        if (text.AsSpan().ContainsAny('\t', '\r', '\n'))
        {
            throw new ArgumentException($"'{text}' has a tab or line end, which BED cannot hold", nameof(text));
        }
    }

    private void Write(long number)
    {
        _output.Write((byte)'\t');
        number.TryFormat(_output.GetSpan(LongestNumber), out int length, default, CultureInfo.InvariantCulture);
        _output.Advance(length);
    }

    private byte[] Name(string contig)
    {
        if (!_names.TryGetValue(contig, out byte[]? bytes))
        {
            CheckText(contig);
            bytes = Encoding.UTF8.GetBytes(contig);
            if (_names.Count < KeptNames)
            {
                _names.Add(contig, bytes);
            }
        }
        return bytes;
    }
}
