using System.Buffers;
using System.Text;

namespace GenoSeq.Data;

/// <summary>
/// Writes FASTA record by record, bases in pieces of any size. The file appears under its name with
/// <see cref="Commit"/>, BGZF if the name ends in <c>.gz</c> or <c>.bgz</c>; <c>-</c> is standard output.
/// </summary>
public sealed class FastaWriter : IDisposable
{
    private static readonly SearchValues<char> s_whiteSpace = SearchValues.Create(" \t\r\n\v\f");

    private readonly TextOutput _output;
    private readonly string? _indexPath;
    private readonly FastaWriterOptions _options;
    private readonly int _width;
    private int _column;
    private bool _inRecord;

    private FastaWriter(TextOutput output, string? indexPath, FastaWriterOptions options)
    {
        _output = output;
        _indexPath = indexPath;
        _options = options;
        _width = options.LineWidth == 0 ? int.MaxValue : options.LineWidth;
    }

    /// <summary>Begins a file.</summary>
    /// <exception cref="OutputException">The file exists and may not be replaced, or cannot be made.</exception>
    public static FastaWriter Create(string path, FastaWriterOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options = Checked(options);
        bool index = options.WriteIndex && path != AtomicOutput.StandardOutput && TextOutput.IsCompressed(path);
        return new FastaWriter(
            TextOutput.Create(path, options.Output, options.Bgzf), index ? BgzfIndex.PathFor(path) : null, options);
    }

    /// <summary>Writes plain FASTA to a stream, which stays the caller's to close.</summary>
    public static FastaWriter To(Stream stream, FastaWriterOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new FastaWriter(TextOutput.To(stream), null, Checked(options));
    }

    /// <summary>Begins a record.</summary>
    /// <param name="name">The contig's name: not empty, no white space.</param>
    /// <param name="description">What follows the name in the header, if anything: one line.</param>
    /// <exception cref="ArgumentException">The name or description would not be read back as it is.</exception>
    public void BeginRecord(string name, string? description = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.AsSpan().ContainsAny(s_whiteSpace))
        {
            throw new ArgumentException($"the name '{name}' has white space", nameof(name));
        }
        if (description is not null && description.AsSpan().ContainsAny('\r', '\n'))
        {
            throw new ArgumentException($"the description of '{name}' has a line end", nameof(description));
        }
        EndRecord();
        _output.Write((byte)'>');
        _output.Write(Encoding.UTF8.GetBytes(name));
        if (!string.IsNullOrEmpty(description))
        {
            _output.Write((byte)' ');
            _output.Write(Encoding.UTF8.GetBytes(description));
        }
        _output.Write((byte)'\n');
        _inRecord = true;
        _column = 0;
    }

    /// <summary>Appends bases to the record, as they are.</summary>
    public void Append(ReadOnlySpan<byte> bases)
    {
        if (!_inRecord)
        {
            throw new InvalidOperationException("bases without a record");
        }
        while (!bases.IsEmpty)
        {
            if (_column == _width)
            {
                _output.Write((byte)'\n');
                _column = 0;
            }
            int n = Math.Min(bases.Length, _width - _column);
            _output.Write(bases[..n]);
            // On one line the column never matters again.
            _column = _width == int.MaxValue ? 1 : _column + n;
            bases = bases[n..];
        }
    }

    /// <summary>Writes a whole record.</summary>
    public void WriteRecord(string name, ReadOnlySpan<byte> bases, string? description = null)
    {
        BeginRecord(name, description);
        Append(bases);
        EndRecord();
    }

    /// <summary>Ends the last record and makes the file whole under its name.</summary>
    public void Commit()
    {
        EndRecord();
        _output.Commit();
        if (_indexPath is not null)
        {
            _output.Index!.Write(_indexPath, _options.Output with { Force = true });
        }
    }

    /// <summary>Removes what was written, unless it was committed.</summary>
    public void Dispose() => _output.Dispose();

    private static FastaWriterOptions Checked(FastaWriterOptions? options)
    {
        options ??= new FastaWriterOptions();
        return options.Validate() is [var problem, ..]
            ? throw new ArgumentOutOfRangeException(nameof(options), problem)
            : options;
    }

    private void EndRecord()
    {
        if (_inRecord && _column > 0)
        {
            _output.Write((byte)'\n');
        }
        _inRecord = false;
    }
}
