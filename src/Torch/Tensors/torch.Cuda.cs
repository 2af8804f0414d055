using System.Text;
using GenoSeq.Torch.Native;

namespace GenoSeq.Torch;

public static unsafe partial class torch
{
    /// <summary>CUDA devices. Without CUDA everything but the questions throws <see cref="MissingLibraryException"/>.</summary>
    public static partial class cuda
    {
        /// <summary>True when the native library was built against a libtorch with CUDA and a device can be used.</summary>
        public static bool is_available() => device_count() > 0;

        /// <summary>True when the native library was built against a libtorch with CUDA.</summary>
        public static bool is_compiled() => NativeMethods.gs_cuda_compiled() != 0;

        /// <summary>Number of usable devices.</summary>
        public static int device_count() => NativeMethods.gs_cuda_device_count();

        /// <summary>Facts about a device.</summary>
        public static CudaDeviceProperties get_device_properties(int device = 0)
        {
            CudaProperties p;
            Status.Check(NativeMethods.gs_cuda_device_properties(device, &p));
            ReadOnlySpan<byte> name = p.Name;
            int end = name.IndexOf((byte)0);
            return new CudaDeviceProperties(Encoding.UTF8.GetString(end < 0 ? name : name[..end]), p.TotalMemory, p.Major,
                p.Minor, p.Multiprocessors, p.MaxSharedMemoryOptin);
        }

        /// <summary>Makes a device the current one of this thread.</summary>
        public static void set_device(int device) => Status.Check(NativeMethods.gs_cuda_set_device(device));

        /// <summary>Waits until a device has done all its work.</summary>
        public static void synchronize(int device = 0) => Status.Check(NativeMethods.gs_cuda_synchronize(device));

        /// <summary>Handle of libtorch's current stream (a <c>CUstream</c>), for kernels of our own.</summary>
        public static nint current_stream(int device = 0)
        {
            nint stream;
            Status.Check(NativeMethods.gs_cuda_current_stream(device, &stream));
            return stream;
        }

        /// <summary>The caching allocator's counters.</summary>
        public static CudaMemoryStatistics memory_stats(int device = 0)
        {
            CudaMemory m;
            Status.Check(NativeMethods.gs_cuda_memory_stats(device, &m));
            return new CudaMemoryStatistics(m.Allocated, m.PeakAllocated, m.Reserved, m.PeakReserved, m.Free, m.Total);
        }

        /// <summary>Bytes free and in all on a device, as its driver counts them.</summary>
        public static (long Free, long Total) mem_get_info(int device = 0)
        {
            long free, total;
            Status.Check(NativeMethods.gs_cuda_mem_info(device, &free, &total));
            return (free, total);
        }

        /// <summary>Starts the peaks of <see cref="memory_stats"/> anew.</summary>
        public static void reset_peak_memory_stats(int device = 0) =>
            Status.Check(NativeMethods.gs_cuda_reset_peak_memory(device));

        /// <summary>Gives the allocator's unused blocks back to the driver.</summary>
        public static void empty_cache() => Status.Check(NativeMethods.gs_cuda_empty_cache());

        /// <summary>A point in the work of a device's current stream.</summary>
        public sealed class Event : IDisposable
        {
            private readonly int _device;
            private nint _event;

            /// <summary>Creates the event.</summary>
            /// <param name="device">Its device, whatever the current one.</param>
            public Event(int device = 0)
            {
                nint e;
                Status.Check(NativeMethods.gs_cuda_event_create(device, &e));
                (_device, _event) = (device, e);
            }

            /// <summary>Marks where the device's current stream is.</summary>
            public void record() =>
                Status.Check(NativeMethods.gs_cuda_event_record(_event, _device, current_stream(_device)));

            /// <summary>Waits until the stream has come to the mark.</summary>
            public void synchronize() => Status.Check(NativeMethods.gs_cuda_event_synchronize(_event));

            /// <summary>Milliseconds from this event to a later one.</summary>
            public float elapsed_time(Event end)
            {
                float ms;
                Status.Check(NativeMethods.gs_cuda_event_elapsed(_event, end._event, &ms));
                return ms;
            }

            /// <inheritdoc/>
            public void Dispose()
            {
                if (_event != 0)
                {
                    _ = NativeMethods.gs_cuda_event_destroy(_event);
                    _event = 0;
                }
            }
        }
    }
}

/// <summary>Facts about a CUDA device.</summary>
/// <param name="Name">Its name.</param>
/// <param name="TotalMemory">Bytes of memory.</param>
/// <param name="Major">Compute capability, major.</param>
/// <param name="Minor">Compute capability, minor.</param>
/// <param name="Multiprocessors">Streaming multiprocessors.</param>
/// <param name="MaxSharedMemoryPerBlock">Bytes of shared memory that a block can opt in to.</param>
public sealed record CudaDeviceProperties(
    string Name, long TotalMemory, int Major, int Minor, int Multiprocessors, int MaxSharedMemoryPerBlock);

/// <summary>The caching allocator's counters, in bytes.</summary>
/// <param name="Allocated">In tensors now.</param>
/// <param name="PeakAllocated">In tensors at most.</param>
/// <param name="Reserved">Taken from the driver now.</param>
/// <param name="PeakReserved">Taken from the driver at most.</param>
/// <param name="Free">Free on the device.</param>
/// <param name="Total">On the device.</param>
public sealed record CudaMemoryStatistics(
    long Allocated, long PeakAllocated, long Reserved, long PeakReserved, long Free, long Total);
