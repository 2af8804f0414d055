using System.Runtime.InteropServices;

namespace GenoSeq.Data;

/// <summary>
/// Writes an npy array row by row. The number of rows need not be known before if the output is a file: the header is
/// then completed at the end. The file appears under its name with <see cref="Commit"/>; <c>-</c> is standard output.
/// </summary>
public sealed class NpyWriter : IDisposable
{
    private readonly AtomicOutput? _output;
    private readonly Stream _stream;
    private readonly NpyType _type;
    private readonly Type _element;
    private readonly int[] _rowShape;
    private readonly long _rowLength;
    private readonly long _expectedRows;
    private readonly long _start;
    private long _elements;

    private NpyWriter(AtomicOutput? output, Stream stream, NpyType type, int[] rowShape, long? rows)
    {
        _output = output;
        _stream = stream;
        _type = type;
        _element = NpyHeader.ElementType(type);
        _rowShape = rowShape;
        _rowLength = rowShape.Aggregate(1L, (product, n) => checked(product * n));
        _expectedRows = rows ?? -1;
        _start = stream.CanSeek ? stream.Position : 0;
        _stream.Write(NpyHeader.Make(type, rows ?? 0, rowShape));
    }

    /// <summary>Rows written so far.</summary>
    public long Rows => _elements / _rowLength;

    /// <summary>Begins a file.</summary>
    /// <param name="path">Its final name, or <c>-</c>.</param>
    /// <param name="type">The element type.</param>
    /// <param name="rowShape">Dimensions after the first, each at least 1; empty for a vector.</param>
    /// <param name="rows">The first dimension if it is known; it must be for standard output.</param>
    /// <param name="output">What may be replaced; null is the default, nothing.</param>
    /// <exception cref="OutputException">The file exists and may not be replaced, or cannot be made.</exception>
    public static NpyWriter Create(
        string path, NpyType type, int[] rowShape, long? rows = null, OutputOptions? output = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        CheckShape(rowShape, rows);
        AtomicOutput target = AtomicOutput.Create(path, output);
        try
        {
            return Begin(target, target.Stream, type, rowShape, rows);
        }
        catch
        {
            target.Dispose();
            throw;
        }
    }

    /// <summary>Writes to a stream, which stays the caller's to close; it must be able to seek unless the number of rows
    /// is given.</summary>
    public static NpyWriter To(Stream stream, NpyType type, int[] rowShape, long? rows = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        CheckShape(rowShape, rows);
        return Begin(null, stream, type, rowShape, rows);
    }

    /// <summary>Writes elements in C order: whole rows or parts of one.</summary>
    /// <exception cref="ArgumentException"><typeparamref name="T"/> is not the file's element type.</exception>
    public void Write<T>(ReadOnlySpan<T> elements)
        where T : unmanaged
    {
        if (typeof(T) != _element)
        {
            throw new ArgumentException($"{typeof(T).Name} elements for a file of {_element.Name}", nameof(elements));
        }
        if (_expectedRows >= 0 && elements.Length > _expectedRows * _rowLength - _elements)
        {
            throw new InvalidOperationException($"more than the {_expectedRows} rows that were announced");
        }
        _stream.Write(MemoryMarshal.AsBytes(elements));
        _elements += elements.Length;
    }

    /// <summary>Completes the header and makes the file whole under its name.</summary>
    /// <exception cref="InvalidOperationException">The last row is not whole, or rows that were announced are
    /// missing.</exception>
    public void Commit()
    {
        if (_elements % _rowLength != 0 || (_expectedRows >= 0 && Rows != _expectedRows))
        {
            throw new InvalidOperationException(
                $"{_elements} elements are not {(_expectedRows >= 0 ? $"{_expectedRows} " : "")}rows of {_rowLength}");
        }
        if (_expectedRows < 0)
        {
            long end = _stream.Position;
            _stream.Position = _start;
            _stream.Write(NpyHeader.Make(_type, Rows, _rowShape));
            _stream.Position = end;
        }
        if (_output is null)
        {
            _stream.Flush();
        }
        _output?.Commit();
    }

    /// <summary>Removes what was written, unless it was committed.</summary>
    public void Dispose() => _output?.Dispose();

    private static NpyWriter Begin(AtomicOutput? output, Stream stream, NpyType type, int[] rowShape, long? rows) =>
        rows is null && !stream.CanSeek
            ? throw new ArgumentException("the number of rows must be given where the output cannot seek", nameof(rows))
            : new NpyWriter(output, stream, type, [.. rowShape], rows);

    private static void CheckShape(int[] rowShape, long? rows)
    {
        ArgumentNullException.ThrowIfNull(rowShape);
        ArgumentOutOfRangeException.ThrowIfNegative(rows ?? 0, nameof(rows));
        foreach (int dimension in rowShape)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1, nameof(rowShape));
        }
    }
}
