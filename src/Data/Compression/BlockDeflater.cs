using System.Buffers.Binary;
using System.IO.Compression;

namespace GenoSeq.Data;

/// <summary>Compresses whole blocks with deflate. Not thread-safe: one for each thread.</summary>
internal abstract class BlockDeflater : IDisposable
{
    /// <summary>Bytes that <see cref="Store"/> adds to at most 65,535 bytes.</summary>
    internal const int StoredOverhead = 5;

    /// <summary>The fastest that this machine has.</summary>
    /// <param name="level">0 (stored) to 9 (smallest).</param>
    internal static BlockDeflater Create(int level) => Create(level, LibDeflate.IsAvailable);

    /// <summary>One kind or the other.</summary>
    internal static BlockDeflater Create(int level, bool native) =>
        native && level > 0 ? new NativeDeflater(level) : new ManagedDeflater(level);

    /// <summary>Compresses at most 65,535 bytes, or stores them where that is smaller.</summary>
    /// <param name="content">The bytes.</param>
    /// <param name="output">Room for them and <see cref="StoredOverhead"/>.</param>
    /// <returns>Bytes written.</returns>
    internal int Deflate(ReadOnlySpan<byte> content, Span<byte> output)
    {
        int n = TryDeflate(content, output);
        return n > 0 && n <= content.Length + StoredOverhead ? n : Store(content, output);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Bytes written, or 0 if they do not fit.</summary>
    protected abstract int TryDeflate(ReadOnlySpan<byte> content, Span<byte> output);

    protected virtual void Dispose(bool disposing)
    {
    }

    // One final stored block (RFC 1951, section 3.2.4).
    private static int Store(ReadOnlySpan<byte> content, Span<byte> output)
    {
        output[0] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(output[1..], (ushort)content.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(output[3..], (ushort)~content.Length);
        content.CopyTo(output[StoredOverhead..]);
        return StoredOverhead + content.Length;
    }

    private sealed unsafe class NativeDeflater : BlockDeflater
    {
        private nint _compressor;

        internal NativeDeflater(int level)
        {
            _compressor = LibDeflate.AllocateCompressor(level);
            if (_compressor == 0)
            {
                throw new InsufficientMemoryException("libdeflate could not allocate a compressor");
            }
        }

        ~NativeDeflater() => Dispose(disposing: false);

        protected override int TryDeflate(ReadOnlySpan<byte> content, Span<byte> output)
        {
            ObjectDisposedException.ThrowIf(_compressor == 0, this);
            byte none = 0;
            fixed (byte* from = content, to = output)
            {
                return (int)LibDeflate.Compress(
                    _compressor, from == null ? &none : from, (nuint)content.Length, to, (nuint)output.Length);
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (_compressor != 0)
            {
                LibDeflate.FreeCompressor(_compressor);
                _compressor = 0;
            }
            base.Dispose(disposing);
        }
    }

    private sealed class ManagedDeflater(int level) : BlockDeflater
    {
        private readonly MemoryStream _compressed = new();
        private readonly ZLibCompressionOptions _options = new() { CompressionLevel = level };

        protected override int TryDeflate(ReadOnlySpan<byte> content, Span<byte> output)
        {
            if (level == 0)
            {
                return 0;
            }
            _compressed.SetLength(0);
            using (var deflate = new DeflateStream(_compressed, _options, leaveOpen: true))
            {
                deflate.Write(content);
            }
            ReadOnlySpan<byte> bytes = _compressed.GetBuffer().AsSpan(0, (int)_compressed.Length);
            return bytes.TryCopyTo(output) ? bytes.Length : 0;
        }

        protected override void Dispose(bool disposing)
        {
            _compressed.Dispose();
            base.Dispose(disposing);
        }
    }
}
