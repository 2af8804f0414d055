namespace GenoSeq.Data;

/// <summary>
/// An input file opened for one pass: gzip and BGZF are recognised by their first bytes and undone, other compressions
/// are refused by name, and the SHA-256 of the bytes on disk is taken on the way if wanted, so that the digest belongs
/// to exactly what was parsed.
/// </summary>
public sealed class InputFile : IDisposable
{
    /// <summary>The name that stands for standard input.</summary>
    public const string StandardInput = "-";

    // Smaller files are decompressed before another thread would have begun.
    private const long ReadAheadLength = 1 << 20;

    private readonly RawInputStream _raw;
    private readonly ReadAheadStream? _readAhead;

    private InputFile(Stream stream, string name, bool leaveOpen, InputFileOptions options, bool interactive)
    {
        if (options.Validate() is [var problem, ..])
        {
            throw new ArgumentOutOfRangeException(nameof(options), problem);
        }
        Name = name;
        long length = LengthOf(stream);
        int threads = options.EffectiveThreads;
        _raw = new RawInputStream(stream, name, leaveOpen, options.Digest, threads > 1 ? length : 0);
        try
        {
            var source = new CompressedSource(_raw, name, length);
            Compression = Recognise(source);
            Content = Compression switch
            {
                CompressionKind.Bgzf => new BgzfInputStream(source, threads),
                CompressionKind.Gzip => new GzipInputStream(source),
                _ => new PlainInputStream(source),
            };
            if (Compression == CompressionKind.Gzip && threads > 1 && length is < 0 or >= ReadAheadLength)
            {
                Content = _readAhead = new ReadAheadStream(Content, mayBlock: interactive);
            }
        }
        catch
        {
            _raw.Dispose();
            throw;
        }
    }

    /// <summary>The decompressed bytes. Reading throws <see cref="InputDataException"/> on truncated or damaged
    /// data.</summary>
    public Stream Content { get; }

    /// <summary>How the bytes on disk are compressed.</summary>
    public CompressionKind Compression { get; }

    /// <summary>What messages call the input.</summary>
    public string Name { get; }

    /// <summary>Opens a file for reading with the digest on.</summary>
    /// <exception cref="InputDataException">The file does not exist, is a folder, or may not be read.</exception>
    public static InputFile Open(string path) => Open(path, new InputFileOptions { Digest = true });

    /// <summary>Opens a file for reading; <c>-</c> is standard input.</summary>
    /// <exception cref="InputDataException">The file does not exist, is a folder, may not be read, or is compressed in a
    /// way that is not read.</exception>
    public static InputFile Open(string path, InputFileOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(options);
        if (path == StandardInput)
        {
            return new InputFile(
                Console.OpenStandardInput(), "standard input", leaveOpen: false, options, interactive: true);
        }
        FileStream stream = InputFileOpening.OpenStream(path);
        return new InputFile(stream, path, leaveOpen: false, options, interactive: !stream.CanSeek);
    }

    /// <summary>Wraps a stream that stays the caller's to close, with the digest on.</summary>
    /// <param name="stream">The bytes, compressed or not.</param>
    /// <param name="name">What to call it in messages.</param>
    public static InputFile FromStream(Stream stream, string name) =>
        FromStream(stream, name, new InputFileOptions { Digest = true });

    /// <summary>Wraps a stream that stays the caller's to close.</summary>
    /// <param name="stream">The bytes, compressed or not.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <param name="options">How to read it.</param>
    public static InputFile FromStream(Stream stream, string name, InputFileOptions options)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(options);
        return new InputFile(stream, name, leaveOpen: true, options, interactive: false);
    }

    /// <summary>
    /// Reads what is left and returns the size in bytes and the SHA-256 (lower-case hexadecimal) of the raw bytes.
    /// </summary>
    /// <exception cref="InvalidOperationException">The file was opened without a digest.</exception>
    public (long Size, string Sha256) FinishDigest()
    {
        _readAhead?.Stop();
        return _raw.Finish();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Content.Dispose();
        _raw.Dispose();
    }

    private static CompressionKind Recognise(CompressedSource source)
    {
        source.Ensure(CompressionMagic.Length);
        if (CompressionMagic.Refusal(source.Buffered, source.Name) is { } refusal)
        {
            throw refusal;
        }
        if (!source.Buffered.StartsWith([GzipFormat.Magic0, GzipFormat.Magic1]))
        {
            return CompressionKind.None;
        }
        return GzipFormat.Next(source, out _) == GzipNext.BgzfBlock ? CompressionKind.Bgzf : CompressionKind.Gzip;
    }

    private static long LengthOf(Stream stream)
    {
        if (!stream.CanSeek)
        {
            return -1;
        }
        // Files of /proc say that they are empty, and are not.
        long length = stream.Length - stream.Position;
        return length > 0 || stream is MemoryStream ? length : -1;
    }

    private sealed class PlainInputStream(CompressedSource source) : ReadOnlyStream
    {
        public override int Read(Span<byte> buffer) => source.Read(buffer);
    }
}
