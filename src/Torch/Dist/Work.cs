using System.Diagnostics;
using GenoSeq.Torch.Native;

namespace GenoSeq.Torch;

public static unsafe partial class torch
{
    public static partial class distributed
    {
        /// <summary>
        /// A collective under way. Its tensors are kept alive here until it has been waited for, and hold their results only
        /// then. Disposing it unwaited gives the results up; the backend still finishes the exchange.
        /// </summary>
        public sealed class Work : IDisposable
        {
            private readonly WorkHandle _handle;
            private readonly int _rank;
            private readonly string _operation;
            private readonly TimeSpan _timeout;
            private readonly long _began = Stopwatch.GetTimestamp();
            private readonly Action? _finish;
            private readonly Tensor[] _kept;
            private bool _waited;

            internal Work(nint handle, int rank, string operation, TimeSpan timeout, Tensor[] kept, Action? finish)
            {
                _handle = new WorkHandle(handle);
                (_rank, _operation, _timeout, _kept, _finish) = (rank, operation, timeout, kept, finish);
            }

            /// <summary>True when waiting would not block (with NCCL: when the GPU is done).</summary>
            public bool IsCompleted
            {
                get
                {
                    int completed = 1;
                    if (!_waited)
                    {
                        Status.Check(NativeMethods.gs_work_is_completed(_handle, &completed), _operation);
                    }

                    return completed != 0;
                }
            }

            /// <summary>
            /// Waits for the end (with NCCL: makes the current stream wait). Waiting again does nothing; after a timeout it
            /// waits further.
            /// </summary>
            /// <param name="timeout">How long from now; the group's timeout when null.</param>
            /// <exception cref="DistributedException">It failed or did not end in time.</exception>
            public void Wait(TimeSpan? timeout = null)
            {
                if (_waited)
                {
                    return;
                }

                int status = NativeMethods.gs_work_wait(_handle, timeout is { } t ? Milliseconds(t) : 0);
                DistributedException.Check(status, _rank, _operation, _began, timeout ?? _timeout);
                _waited = true;
                using (no_grad())
                using (NewDisposeScope())
                {
                    _finish?.Invoke();
                }

                Dispose();
            }

            /// <inheritdoc/>
            public void Dispose()
            {
                _handle.Dispose();
                Array.ForEach(_kept, t => t.Dispose());
            }
        }
    }
}
