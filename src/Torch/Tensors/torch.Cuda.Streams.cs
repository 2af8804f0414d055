using GenoSeq.Torch.Native;

namespace GenoSeq.Torch;

public static unsafe partial class torch
{
    public static partial class cuda
    {
        /// <summary>Makes a stream the current one of its device on this thread until the result is disposed, on the same thread.</summary>
        public static IDisposable stream(Stream stream)
        {
            ArgumentNullException.ThrowIfNull(stream);
            return new StreamScope(stream);
        }

        /// <summary>True while the current stream's work is being captured into a graph instead of being done.</summary>
        public static bool is_current_stream_capturing(int device = 0)
        {
            int capturing;
            Status.Check(NativeMethods.gs_cuda_stream_capturing(device, &capturing));
            return capturing != 0;
        }

        /// <summary>A queue of work of one device, from libtorch's pool of 32.</summary>
#pragma warning disable CA1711 // torch's own name
        public sealed class Stream : IDisposable
#pragma warning restore CA1711
        {
            private nint _stream;

            /// <summary>Takes a stream from the pool.</summary>
            /// <param name="device">Its device.</param>
            /// <param name="high_priority">Its blocks go before those of ordinary streams.</param>
            public Stream(int device = 0, bool high_priority = false)
            {
                nint s;
                Status.Check(NativeMethods.gs_cuda_stream_create(device, high_priority ? 1 : 0, &s));
                _stream = s;
                this.device = device;
            }

            private Stream(nint stream, int device)
            {
                _stream = stream;
                this.device = device;
            }

            /// <summary>The device's index.</summary>
            public int device { get; }

            /// <summary>The <c>CUstream</c>.</summary>
            public nint cuda_stream
            {
                get
                {
                    nint raw;
                    Status.Check(NativeMethods.gs_cuda_stream_raw(Handle, &raw));
                    return raw;
                }
            }

            internal nint Handle
            {
                get
                {
                    ObjectDisposedException.ThrowIf(_stream == 0, this);
                    return _stream;
                }
            }

            /// <summary>The current stream of a device on this thread.</summary>
            public static Stream current(int device = 0)
            {
                nint s;
                Status.Check(NativeMethods.gs_cuda_stream_current(device, &s));
                return new Stream(s, device);
            }

            /// <summary>Waits until all work of the stream is done.</summary>
            public void synchronize() => Status.Check(NativeMethods.gs_cuda_stream_synchronize(Handle));

            /// <summary>What is given to this stream from now on waits for what was given to another one until now.</summary>
            public void wait_stream(Stream other)
            {
                ArgumentNullException.ThrowIfNull(other);
                Status.Check(NativeMethods.gs_cuda_stream_wait(Handle, other.Handle));
            }

            /// <summary>Lets go of the handle; the stream itself goes back to no one, the pool keeps it.</summary>
            public void Dispose()
            {
                if (_stream != 0)
                {
                    NativeMethods.gs_cuda_stream_free(_stream);
                    _stream = 0;
                }
            }
        }

        private sealed class StreamScope : IDisposable
        {
            private readonly Stream _before;
            private bool _ended;

            internal StreamScope(Stream stream)
            {
                _before = Stream.current(stream.device);
                Status.Check(NativeMethods.gs_cuda_stream_set(stream.Handle));
            }

            public void Dispose()
            {
                if (!_ended)
                {
                    _ended = true;
                    Status.Check(NativeMethods.gs_cuda_stream_set(_before.Handle));
                    _before.Dispose();
                }
            }
        }
    }
}
