using System.Runtime.InteropServices;

namespace GenoSeq.Data;

/// <summary>Writes bytes to a descriptor that cannot be positioned: a pipe, a socket, a terminal.</summary>
/// <remarks>
/// Another program that shares the descriptor may have made it non-blocking; then a full pipe is no error but a reason to wait, which the
/// runtime's file stream does not. A reader that is gone is an error here, where the runtime's console stream is silent.
/// </remarks>
/// <param name="descriptor">Written to, and never closed.</param>
internal sealed unsafe class PipeOutput(int descriptor) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Writes all of the bytes, waiting while there is no room.</summary>
    /// <exception cref="IOException">The system's error; its number is the HResult.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            nint written;
            fixed (byte* bytes = buffer)
            {
                written = Posix.Write(descriptor, bytes, buffer.Length);
            }

            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }

            int error = Marshal.GetLastPInvokeError();
            if (error == Posix.TryAgain)
            {
                Posix.WaitForRoom(descriptor);
            }
            else if (error != Posix.Interrupted)
            {
                throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        Write(buffer.AsSpan(offset, count));
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
