using System.Runtime.InteropServices;
using GenoSeq.Torch.Native;

namespace GenoSeq.Torch;

public static unsafe partial class torch
{
    /// <summary>Process groups: libtorch's c10d, over Gloo on the CPU and NCCL on GPUs.</summary>
    public static partial class distributed
    {
        /// <summary>How the values of the ranks become one.</summary>
        public enum ReduceOp
        {
            /// <summary>Sum.</summary>
            SUM = 0,

            /// <summary>Mean; floating-point types only.</summary>
            AVG = 1,

            /// <summary>Product.</summary>
            PRODUCT = 2,

            /// <summary>Least.</summary>
            MIN = 3,

            /// <summary>Greatest.</summary>
            MAX = 4,
        }

        /// <summary>What a rendezvous or a collective may take when nothing is said.</summary>
        public static TimeSpan default_timeout { get; } = TimeSpan.FromMinutes(30);

        /// <summary>True when the native library was built with Gloo.</summary>
        public static bool is_gloo_available() => (NativeMethods.gs_dist_backends() & 1) != 0;

        /// <summary>True when the native library was built with NCCL.</summary>
        public static bool is_nccl_available() => (NativeMethods.gs_dist_backends() & 2) != 0;

        /// <summary>Version of the NCCL that libtorch has loaded or is linked with, or null where there is none or it cannot be asked.</summary>
        public static unsafe Version? nccl_version()
        {
            foreach (string name in new[] { "libnccl.so", "libtorch_cuda.so" })
            {
                int v = 0;
                if (LoadedLibraries.Find(name) is { } file && NativeLibrary.TryLoad(file, out nint library)
                    && NativeLibrary.TryGetExport(library, "ncclGetVersion", out nint ask)
                    && ((delegate* unmanaged[Cdecl]<int*, int>)ask)(&v) == 0)
                {
                    // 22803 is 2.28.3; before 2.9, 2804 was 2.8.4.
                    return v >= 10_000 ? new Version(v / 10_000, v / 100 % 100, v % 100) : new Version(v / 1000, v / 100 % 10, v % 100);
                }
            }

            return null;
        }

        /// <summary>
        /// Meets the other processes and makes the group of all of them. With NCCL the device of this process becomes
        /// <c>cuda:LOCAL_RANK</c>.
        /// </summary>
        /// <param name="backend"><c>gloo</c> or <c>nccl</c>; null: NCCL where there is a GPU and NCCL, else Gloo.</param>
        /// <param name="timeout">For the rendezvous and for every collective; <see cref="default_timeout"/> when null.</param>
        /// <param name="environment">Who this process is; read from the environment's variables when null.</param>
        /// <exception cref="ArgumentException">The environment says nothing, or something wrong.</exception>
        /// <exception cref="DistributedException">The others did not come in time.</exception>
        public static ProcessGroup init_process_group(string? backend = null, TimeSpan? timeout = null,
            DistributedEnvironment? environment = null)
        {
            DistributedEnvironment e = environment ?? DistributedEnvironment.Read() ?? throw new ArgumentException(
                "RANK and WORLD_SIZE are not set\n  try: start the processes with a launcher that sets them");
            IReadOnlyList<string> problems = e.Validate();
            if (problems.Count > 0)
            {
                throw new ArgumentException(string.Join("\n  ", problems), nameof(environment));
            }

            string name = backend ?? (is_nccl_available() && cuda.is_available() ? "nccl" : "gloo");
            if (name == "nccl" && cuda.is_available())
            {
                cuda.set_device(e.LocalRank);
            }

            // The group keeps what it needs of the store.
            using var store = new TCPStore(e.MasterAddr, e.MasterPort, e.WorldSize, e.Rank == 0, timeout);
            return new ProcessGroup(store, name, e.Rank, e.WorldSize, timeout, "world", e.IsLoopback ? "127.0.0.1" : null,
                name == "nccl" ? new Device(DeviceType.CUDA, e.LocalRank) : Device.CPU);
        }
    }
}
