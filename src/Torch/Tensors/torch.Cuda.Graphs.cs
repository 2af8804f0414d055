using GenoSeq.Torch.Native;

namespace GenoSeq.Torch;

public static unsafe partial class torch
{
    public static partial class cuda
    {
        /// <summary>A fresh memory pool for graphs: those that are always replayed in the order of their capture may share one.</summary>
        public static GraphPool graph_pool_handle()
        {
            ulong first, second;
            Status.Check(NativeMethods.gs_cuda_graph_pool(&first, &second));
            return new GraphPool(first, second);
        }

        /// <summary>
        /// Captures what <paramref name="work"/> gives to the device, on a stream of its own, without doing it;
        /// <see cref="CUDAGraph.replay"/> does it. As Python's <c>with torch.cuda.graph(g)</c>.
        /// </summary>
        /// <param name="graph">A new or reset graph.</param>
        /// <param name="work">
        /// Must have run a few times before (kernels compiled, libraries initialised), and must neither wait for the device nor
        /// read results. Tensors that it makes live in the graph's pool: every replay writes them at the same place.
        /// </param>
        /// <param name="pool">A pool to share; null: one of its own.</param>
        /// <param name="capture_error_mode">Which threads' calls of the kind that may not happen meanwhile spoil the capture.</param>
        public static void graph(CUDAGraph graph, Action work, GraphPool? pool = null, CaptureErrorMode capture_error_mode = CaptureErrorMode.Global)
        {
            ArgumentNullException.ThrowIfNull(graph);
            ArgumentNullException.ThrowIfNull(work);
            // Tensors that wait for their finalizer would free their memory in the middle of the capture.
            synchronize(graph.device);
            GC.Collect();
            GC.WaitForPendingFinalizers();
            empty_cache();
            using var side = new Stream(graph.device);
            using IDisposable scope = stream(side);
            graph.capture_begin(pool, capture_error_mode);
            try
            {
                work();
            }
            catch
            {
                try
                {
                    graph.capture_end();
                }
                catch (TorchException)
                {
                    // The capture broke together with the work, whose exception says why.
                }

                throw;
            }

            graph.capture_end();
        }

        /// <summary>Work of one device, captured once and replayed by one launch (<c>torch.cuda.CUDAGraph</c>).</summary>
        public sealed class CUDAGraph : IDisposable
        {
            private nint _graph;

            /// <summary>An empty graph.</summary>
            /// <param name="device">The device whose work it will hold.</param>
            public CUDAGraph(int device = 0)
            {
                nint g;
                Status.Check(NativeMethods.gs_cuda_graph_create(device, &g));
                _graph = g;
                this.device = device;
            }

            /// <summary>The device's index.</summary>
            public int device { get; }

            private nint Handle
            {
                get
                {
                    ObjectDisposedException.ThrowIf(_graph == 0, this);
                    return _graph;
                }
            }

            /// <summary>From now on the current stream's work is captured instead of being done. The current stream must not be the default one.</summary>
            /// <param name="pool">A pool to share; null: one of its own.</param>
            /// <param name="capture_error_mode">Which threads' calls of the kind that may not happen meanwhile spoil the capture.</param>
            public void capture_begin(GraphPool? pool = null, CaptureErrorMode capture_error_mode = CaptureErrorMode.Global) => Status.Check(
                NativeMethods.gs_cuda_graph_capture_begin(Handle, device, pool?.First ?? 0, pool?.Second ?? 0, (int)capture_error_mode));

            /// <summary>Ends the capture, on the stream where it began.</summary>
            public void capture_end() => Status.Check(NativeMethods.gs_cuda_graph_capture_end(Handle, device));

            /// <summary>Does the captured work on the current stream.</summary>
            public void replay() => Status.Check(NativeMethods.gs_cuda_graph_replay(Handle));

            /// <summary>Forgets the captured work and gives its memory back.</summary>
            public void reset() => Status.Check(NativeMethods.gs_cuda_graph_reset(Handle));

            /// <summary>The pool that holds the graph's tensors, for graphs that share it.</summary>
            public GraphPool pool()
            {
                ulong first, second;
                Status.Check(NativeMethods.gs_cuda_graph_get_pool(Handle, &first, &second));
                return new GraphPool(first, second);
            }

            /// <inheritdoc/>
            public void Dispose()
            {
                if (_graph != 0)
                {
                    _ = NativeMethods.gs_cuda_graph_free(_graph);
                    _graph = 0;
                }
            }
        }
    }
}

/// <summary>Names a memory pool of CUDA graphs.</summary>
/// <param name="First">Its first number.</param>
/// <param name="Second">Its second number.</param>
public readonly record struct GraphPool(ulong First, ulong Second);

/// <summary>Whose calls that must not happen during a capture (such as allocating memory behind libtorch's back) make it fail.</summary>
public enum CaptureErrorMode
{
    /// <summary>Those of all threads.</summary>
    Global = 0,

    /// <summary>Those of the capturing thread.</summary>
    ThreadLocal = 1,

    /// <summary>Nobody's.</summary>
    Relaxed = 2,
}
