namespace GenoSeq.Data;

/// <summary>A file or standard input whose first raw bytes are known before it is read.</summary>
internal sealed class PeekedFile : IDisposable
{
    private readonly Stream _inner;
    private readonly byte[] _start = new byte[18];
    private readonly int _filled;

    internal PeekedFile(string path)
    {
        if (path == "-")
        {
            Name = SequenceStatistics.StandardInput;
            _inner = Console.OpenStandardInput();
        }
        else
        {
            // Opens and closes it for the messages of what may be wrong with a path.
            InputFile.Open(path).Dispose();
            Name = path;
            _inner = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        }
        _filled = _inner.ReadAtLeast(_start, _start.Length, throwOnEndOfStream: false);
        Stream = new PrefixedStream(_start.AsMemory(0, _filled), _inner);
    }

    internal string Name { get; }

    internal ReadOnlySpan<byte> Start => _start.AsSpan(0, _filled);

    internal Stream Stream { get; }

    public void Dispose()
    {
        Stream.Dispose();
        _inner.Dispose();
    }
}
