using System.Security.Cryptography;

namespace GenoSeq.Data;

/// <summary>
/// An input file opened for one pass: gzip is recognised by its magic bytes and undone, and the SHA-256 of the bytes on
/// disk is taken on the way, so that the digest belongs to exactly what was parsed.
/// </summary>
public sealed class InputFile : IDisposable
{
    private readonly DigestingStream _raw;

    private InputFile(Stream stream, string name, bool leaveOpen)
    {
        _raw = new DigestingStream(stream, name, leaveOpen);
        try
        {
            Content = _raw.StartsWith([0x1F, 0x8B]) ? new GzipInputStream(_raw, name) : _raw;
        }
        catch
        {
            _raw.Dispose();
            throw;
        }
    }

    /// <summary>The decompressed bytes.</summary>
    public Stream Content { get; }

    /// <summary>Opens a file for reading.</summary>
    /// <exception cref="InputDataException">The file does not exist, is a folder, or may not be read.</exception>
    public static InputFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
        {
            throw new InputDataException("a folder was given where a file is needed", path, "a file",
                "name the files inside it");
        }
        try
        {
            var options = new FileStreamOptions { Options = FileOptions.SequentialScan, BufferSize = 0 };
            return new InputFile(new FileStream(path, options), path, leaveOpen: false);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputDataException(
                "file not found", path, "an existing file",
                "check the path; relative paths start at the current folder", e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new InputDataException($"the file cannot be read: {e.Message}", path, "a readable file", inner: e);
        }
    }

    /// <summary>Wraps a stream that stays the caller's to close.</summary>
    /// <param name="stream">The bytes, compressed or not.</param>
    /// <param name="name">What to call it in messages.</param>
    public static InputFile FromStream(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new InputFile(stream, name, leaveOpen: true);
    }

    /// <summary>
    /// Reads what is left and returns the size in bytes and the SHA-256 (lower-case hexadecimal) of the raw bytes.
    /// </summary>
    public (long Size, string Sha256) FinishDigest() => _raw.Finish();

    /// <inheritdoc/>
    public void Dispose()
    {
        Content.Dispose();
        _raw.Dispose();
    }

    /// <summary>
    /// Hashes and counts what passes through, and lets the first bytes be looked at before they are read.
    /// </summary>
    private sealed class DigestingStream(Stream inner, string name, bool leaveOpen) : ReadOnlyStream
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private byte[] _peeked = [];
        private int _peekedRead;
        private long _size;

        public override int Read(Span<byte> buffer)
        {
            if (_peekedRead < _peeked.Length)
            {
                int n = Math.Min(buffer.Length, _peeked.Length - _peekedRead);
                _peeked.AsSpan(_peekedRead, n).CopyTo(buffer);
                _peekedRead += n;
                return n;
            }
            return ReadRaw(buffer);
        }

        internal bool StartsWith(ReadOnlySpan<byte> magic)
        {
            var start = new byte[magic.Length];
            int filled = 0;
            while (filled < start.Length)
            {
                int n = ReadRaw(start.AsSpan(filled));
                if (n == 0)
                {
                    break;
                }
                filled += n;
            }
            _peeked = start[..filled];
            return magic.SequenceEqual(_peeked);
        }

        internal (long Size, string Sha256) Finish()
        {
            Span<byte> rest = new byte[1 << 16];
            while (ReadRaw(rest) > 0)
            {
            }
            return (_size, Convert.ToHexStringLower(_hash.GetCurrentHash()));
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _hash.Dispose();
                if (!leaveOpen)
                {
                    inner.Dispose();
                }
            }
            base.Dispose(disposing);
        }

        private int ReadRaw(Span<byte> buffer)
        {
            int n;
            try
            {
                n = inner.Read(buffer);
            }
            catch (IOException e)
            {
                throw new InputDataException(
                    $"the file cannot be read to its end: {e.Message}", name, "a readable file", inner: e);
            }
            _hash.AppendData(buffer[..n]);
            _size += n;
            return n;
        }
    }
}
