using System.Globalization;

namespace GenoSeq.Data;

/// <summary>Lines of a text file as bytes, numbered from 1; LF, CRLF and CR end a line, the last may have no end.</summary>
internal sealed class LineReader(Stream content, string name, int maxLine) : IDisposable
{
    internal const int DefaultMaxLine = 1 << 28;

    // One byte more than a line may have, so that its end can be seen.
    private readonly ByteWindow _window = new(content, (int)Math.Min(Array.MaxLength, maxLine + 2L));
    private int _used;
    private int _length;

    /// <summary>What the input is called in messages.</summary>
    internal string Name => name;

    /// <summary>Number of the current line.</summary>
    internal long Number { get; private set; }

    /// <summary>The current line without its end. Valid until the next call of <see cref="Read"/>.</summary>
    internal ReadOnlySpan<byte> Line => _window.Content[.._length];

    /// <summary>File and line, for messages.</summary>
    internal string Where => string.Create(CultureInfo.InvariantCulture, $"{name}, line {Number}");

    /// <summary>Moves to the next line; false at the end.</summary>
    /// <exception cref="InputDataException">The line is too long, or holds a zero byte.</exception>
    internal bool Read()
    {
        _window.Consume(_used);
        _used = _length = 0;
        int scanned = 0;
        while (true)
        {
            ReadOnlySpan<byte> held = _window.Content;
            int i = held[scanned..].IndexOfAny((byte)'\n', (byte)'\r');
            if (i >= 0)
            {
                i += scanned;
                if (held[i] == '\r' && i + 1 == held.Length && !_window.IsFull && _window.Fill())
                {
                    // The line feed of a CRLF may only just have arrived.
                    scanned = i;
                    continue;
                }
                bool pair = held[i] == '\r' && i + 1 < held.Length && held[i + 1] == '\n';
                return Take(i, i + (pair ? 2 : 1));
            }
            scanned = held.Length;
            if (scanned > maxLine)
            {
                Number++;
                throw new InputDataException($"the line is longer than {maxLine} bytes", Where, "lines of ordinary length",
                    "check that this is the right kind of text file");
            }
            if (!_window.Fill())
            {
                return scanned > 0 && Take(scanned, scanned);
            }
        }
    }

    public void Dispose() => _window.Dispose();

    private bool Take(int length, int used)
    {
        Number++;
        _length = length;
        _used = used;
        if (Line.Contains((byte)0))
        {
            throw new InputDataException("this looks like binary data, not text", Where, "a text file",
                "check the file's kind");
        }
        return true;
    }
}
