using System.Diagnostics;
using GenoSeq.Torch.Native;

namespace GenoSeq.Torch;

public static unsafe partial class torch
{
    public static partial class distributed
    {
        /// <summary>
        /// Ranks that exchange tensors. All ranks make the same calls in the same order. Tensors are contiguous, of the
        /// same type and size on every rank, and on the CPU for Gloo, on the rank's GPU for NCCL.
        /// </summary>
        public sealed partial class ProcessGroup : IDisposable
        {
            private readonly GroupHandle _handle;

            /// <summary>Joins a group; returns when every rank has.</summary>
            /// <param name="store">Where the ranks meet; need not outlive the call.</param>
            /// <param name="backend"><c>gloo</c> or <c>nccl</c>.</param>
            /// <param name="rank">Position of this process.</param>
            /// <param name="size">Number of processes.</param>
            /// <param name="timeout">For joining and for every collective; <see cref="default_timeout"/> when null.</param>
            /// <param name="name">Name of the group, its own among the groups made over the store.</param>
            /// <param name="interface_host">
            /// Address that Gloo binds to and the others connect to; null for what the host's name resolves to.
            /// </param>
            /// <param name="device">Where the group's tensors are; the CPU for Gloo, <c>cuda:0</c> for NCCL when null.</param>
            /// <exception cref="DistributedException">A rank did not come in time.</exception>
            /// <exception cref="MissingLibraryException">The native library was built without the backend.</exception>
            public ProcessGroup(TCPStore store, string backend, int rank, int size, TimeSpan? timeout = null,
                string name = "world", string? interface_host = null, Device? device = null)
            {
                ArgumentNullException.ThrowIfNull(store);
                ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
                ArgumentOutOfRangeException.ThrowIfNegative(rank);
                ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, size);
                (Backend, Rank, Size, Timeout) = (backend, rank, size, timeout ?? default_timeout);
                Device = device ?? (backend == "nccl" ? new Device(DeviceType.CUDA, 0) : Device.CPU);
                nint handle;
                long began = Stopwatch.GetTimestamp();
                int status = NativeMethods.gs_group_create(store.Handle, name + "/", backend, interface_host, rank, size,
                    Milliseconds(Timeout), &handle);
                DistributedException.Check(status, rank, $"joining the group '{name}' of {size}", began, Timeout);
                _handle = new GroupHandle(handle);
            }

            /// <summary><c>gloo</c> or <c>nccl</c>.</summary>
            public string Backend { get; }

            /// <summary>Position of this process.</summary>
            public int Rank { get; }

            /// <summary>Number of processes.</summary>
            public int Size { get; }

            /// <summary>What joining or a collective may take.</summary>
            public TimeSpan Timeout { get; }

            /// <summary>Where the group's tensors are.</summary>
            public Device Device { get; }

            private bool IsGloo => Backend == "gloo";

            /// <summary>Leaves the group, waiting for collectives under way (at most their timeout).</summary>
            public void Dispose() => _handle.Dispose();

            // `finish` runs when the work is waited for. The aliases in `kept` keep storage alive until then.
            private Work Start(string operation, Kind kind, Tensor[] outputs, Tensor[] inputs, ReduceOp op, int root,
                bool async_op, Tensor[] kept, Action? finish)
            {
                var handles = new nint[outputs.Length + inputs.Length + 1];
                for (int k = 0; k < outputs.Length; k++)
                {
                    handles[k] = outputs[k].Handle;
                }

                for (int k = 0; k < inputs.Length; k++)
                {
                    handles[outputs.Length + k] = inputs[k].Handle;
                }

                nint work;
                int status;
                long began = Stopwatch.GetTimestamp();
                fixed (nint* p = handles)
                {
                    status = NativeMethods.gs_collective_start(_handle, (int)kind, p, outputs.Length, p + outputs.Length,
                        inputs.Length, (int)op, root, 0, &work);
                }

                GC.KeepAlive(outputs);
                GC.KeepAlive(inputs);
                if (status != 0)
                {
                    Array.ForEach(kept, t => t.Dispose());
                }

                DistributedException.Check(status, Rank, operation, began, Timeout);
                var result = new Work(work, Rank, operation, Timeout, kept, finish);
                if (!async_op)
                {
                    try
                    {
                        result.Wait();
                    }
                    catch
                    {
                        result.Dispose();
                        throw;
                    }
                }

                return result;
            }

            private void Require(string operation, Tensor tensor)
            {
                ArgumentNullException.ThrowIfNull(tensor);
                if (!tensor.is_contiguous() || tensor.device.Type != Device.Type)
                {
                    throw new ArgumentException($"rank {Rank}: {operation} over {Backend} takes contiguous tensors on "
                        + $"{Device}, not {tensor.Describe()} with strides [{string.Join(", ", tensor.stride())}]");
                }
            }

            private static void RequireSame(string operation, Tensor a, Tensor b, long times)
            {
                if (a.dtype != b.dtype || a.numel() != b.numel() * times)
                {
                    throw new ArgumentException(
                        $"{operation}: {a.Describe()} and {b.Describe()} do not fit, expected {times} times the elements");
                }
            }

            private enum Kind
            {
                AllReduce, Broadcast, AllGather, ReduceScatter, Barrier, Reduce, AllGatherInto, ReduceScatterTensor,
            }
        }
    }
}
