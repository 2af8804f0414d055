using System.IO.Compression;

namespace GenoSeq.Data;

/// <summary>Undoes deflate for whole blocks whose size is known. Not thread-safe: one for each thread.</summary>
internal abstract class BlockInflater : IDisposable
{
    /// <summary>The fastest that this machine has.</summary>
    internal static BlockInflater Create() => Create(LibDeflate.IsAvailable);

    /// <summary>One kind or the other.</summary>
    internal static BlockInflater Create(bool native) => native ? new NativeInflater() : new ManagedInflater();

    /// <summary>Decompresses one deflate stream.</summary>
    /// <returns>False if the data is damaged, or is not exactly as long as <paramref name="output"/>.</returns>
    internal abstract bool TryInflate(ReadOnlySpan<byte> deflated, Span<byte> output);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }

    private sealed unsafe class NativeInflater : BlockInflater
    {
        private nint _decompressor = LibDeflate.AllocateDecompressor();

        internal NativeInflater()
        {
            if (_decompressor == 0)
            {
                throw new InsufficientMemoryException("libdeflate could not allocate a decompressor");
            }
        }

        ~NativeInflater() => Dispose(disposing: false);

        internal override bool TryInflate(ReadOnlySpan<byte> deflated, Span<byte> output)
        {
            ObjectDisposedException.ThrowIf(_decompressor == 0, this);
            byte none;
            fixed (byte* from = deflated, to = output)
            {
                // Without a place for the actual length, libdeflate fails unless it is exactly the length given.
                return LibDeflate.Decompress(
                    _decompressor, from, (nuint)deflated.Length, to == null ? &none : to, (nuint)output.Length, null) == 0;
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (_decompressor != 0)
            {
                LibDeflate.FreeDecompressor(_decompressor);
                _decompressor = 0;
            }
            base.Dispose(disposing);
        }
    }

    private sealed unsafe class ManagedInflater : BlockInflater
    {
        internal override bool TryInflate(ReadOnlySpan<byte> deflated, Span<byte> output)
        {
            fixed (byte* from = deflated)
            {
                using var feed = new Feed(from, deflated.Length);
                using var inflate = new DeflateStream(feed, CompressionMode.Decompress);
                try
                {
                    Span<byte> more = stackalloc byte[1];
                    return inflate.ReadAtLeast(output, output.Length, throwOnEndOfStream: false) == output.Length
                        && inflate.Read(more) == 0 && !feed.RanDry;
                }
                catch (InvalidDataException)
                {
                    return false;
                }
            }
        }

        // DeflateStream asks for more than there is only if the deflate data has not ended.
        private sealed class Feed(byte* start, int length) : ReadOnlyStream
        {
            private int _taken;

            internal bool RanDry { get; private set; }

            public override int Read(Span<byte> buffer)
            {
                int n = Math.Min(buffer.Length, length - _taken);
                RanDry |= n == 0;
                new ReadOnlySpan<byte>(start + _taken, n).CopyTo(buffer);
                _taken += n;
                return n;
            }
        }
    }
}
