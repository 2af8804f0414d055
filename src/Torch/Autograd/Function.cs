using System.Runtime.InteropServices;
using GenoSeq.Torch.Native;

namespace GenoSeq.Torch;

public static partial class torch
{
    public static unsafe partial class autograd
    {
        /// <summary>
        /// A differentiable operation whose forward and backward are C#. One instance is one application: what the
        /// operation needs besides tensors (sizes, flags) are fields of the instance.
        /// </summary>
        /// <remarks>
        /// <see cref="forward"/> runs without gradients and returns fresh tensors (not its inputs, nor views of them).
        /// <see cref="backward"/> runs once, without gradients, in a dispose scope of its own, possibly on one of
        /// libtorch's threads; an exception in it comes out of the backward call on the thread that made that call.
        /// There is no double backward.
        /// </remarks>
        public abstract class Function
        {
            private readonly List<(Tensor? Tensor, int Version)> _saved = [];
            private bool[] _needed = [];
            private bool _released;

            /// <summary>Name that the graph shows.</summary>
            protected virtual string Name => GetType().Name;

            /// <summary>Computes the outputs.</summary>
            /// <param name="inputs">The inputs as given to <see cref="apply"/>.</param>
            protected abstract Tensor?[] forward(Tensor?[] inputs);

            /// <summary>Computes the gradients of the inputs, in their order; null where there is none.</summary>
            /// <param name="grad_outputs">Gradients of the outputs; null where none arrived.</param>
            protected abstract Tensor?[] backward(Tensor?[] grad_outputs);

            /// <summary>Which outputs are differentiable; all by default.</summary>
            protected virtual bool IsDifferentiable(int output) => true;

            /// <summary>Runs the operation and puts it into the graph if any input requires a gradient.</summary>
            public Tensor?[] apply(params Tensor?[] inputs)
            {
                bool grad = is_grad_enabled();
                _needed = Array.ConvertAll(inputs, t => grad && t is not null && t.requires_grad);
                WillDifferentiate = Array.Exists(_needed, n => n);
                Tensor?[] outputs;
                try
                {
                    outputs = RunForward(inputs);
                }
                catch
                {
                    Release();
                    throw;
                }

                if (WillDifferentiate)
                {
                    Attach(inputs, outputs);
                }
                else
                {
                    Release();
                }

                return outputs;
            }

            /// <summary>True when a backward pass may follow, so that what it needs must be kept.</summary>
            protected bool WillDifferentiate { get; private set; }

            /// <summary>True when the gradient of an input is wanted; in <see cref="backward"/>, by this very pass.</summary>
            protected bool NeedsInputGrad(int input) => _needed[input];

            /// <summary>
            /// Keeps tensors for <see cref="backward"/>. They are detached aliases, so nothing is copied and no cycle
            /// arises when an output is kept; a change in place before backward is found and refused.
            /// </summary>
            protected void save_for_backward(params ReadOnlySpan<Tensor?> tensors)
            {
                if (!WillDifferentiate)
                {
                    return;
                }

                foreach (Tensor? t in tensors)
                {
                    Tensor? kept = t?.detach().DetachFromDisposeScope();
                    _saved.Add((kept, kept?._version ?? 0));
                }
            }

            /// <summary>A tensor kept by <see cref="save_for_backward"/>, by position.</summary>
            /// <exception cref="TorchException">The graph was freed, or the tensor was changed in place since.</exception>
            protected Tensor? saved(int position)
            {
                if (_released)
                {
                    throw new TorchException($"{Name}: backward ran a second time, but the saved tensors were freed; "
                        + "say retain_graph at the first");
                }

                (Tensor? tensor, int version) = _saved[position];
                if (tensor is not null && tensor._version != version)
                {
                    throw new TorchException($"{Name}: a tensor that backward needs ({tensor.Describe()}) was changed in "
                        + $"place: it is at version {tensor._version}, expected {version}");
                }

                return tensor;
            }

            // Temporaries go at once: a wrapper that outlived the call would keep memory that the graph does not need.
            private Tensor?[] RunForward(Tensor?[] inputs)
            {
                using IDisposable mode = no_grad();
                using DisposeScope scope = NewDisposeScope();
                Tensor?[] outputs = forward(inputs);
                foreach (Tensor? t in outputs)
                {
                    if (ReferenceEquals(t?.Scope, scope))
                    {
                        t!.MoveToOuterDisposeScope();
                    }
                }

                return outputs;
            }

            private void Attach(Tensor?[] inputs, Tensor?[] outputs)
            {
                nint* handles = stackalloc nint[inputs.Length + outputs.Length + 1];
                byte* differentiable = stackalloc byte[outputs.Length + 1];
                for (int k = 0; k < inputs.Length; k++)
                {
                    handles[k] = inputs[k]?.Handle ?? 0;
                }

                for (int k = 0; k < outputs.Length; k++)
                {
                    handles[inputs.Length + k] = outputs[k]?.Handle ?? 0;
                    differentiable[k] = IsDifferentiable(k) ? (byte)1 : (byte)0;
                }

                var callbacks = new FunctionCallbacks
                {
                    Backward = &BackwardCallback,
                    Release = &ReleaseCallback,
                    Destroy = &DestroyCallback,
                };
                nint context = GCHandle.ToIntPtr(GCHandle.Alloc(this));
                int attached;
                int status = NativeMethods.gs_custom_function(Name, handles, inputs.Length, handles + inputs.Length,
                    outputs.Length, differentiable, callbacks, context, &attached);
                GC.KeepAlive(inputs);
                GC.KeepAlive(outputs);
                if (attached == 0)
                {
                    GCHandle.FromIntPtr(context).Free();
                    Release();
                }

                Status.Check(status, Name, inputs);
            }

            /// <summary>
            /// Called when the saved tensors are freed, possibly more than once: the place to free what the operation kept besides.
            /// </summary>
            protected virtual void OnRelease()
            {
            }

            private void Release()
            {
                _released = true;
                OnRelease();
                foreach ((Tensor? tensor, _) in _saved)
                {
                    tensor?.Dispose();
                }

                _saved.Clear();
            }

            [UnmanagedCallersOnly]
            private static long BackwardCallback(nint context, nint* grads, int n, byte* needed, nint* results, int m)
            {
                // Everything is caught: an exception must not cross the native frames between here and the caller.
                try
                {
                    using DisposeScope scope = NewDisposeScope();
                    using IDisposable mode = no_grad();
                    var function = (Function)GCHandle.FromIntPtr(context).Target!;
                    var incoming = new Tensor?[n];
                    for (int k = 0; k < n; k++)
                    {
                        incoming[k] = grads[k] == 0 ? null : new Tensor(grads[k]);
                    }

                    for (int k = 0; k < m; k++)
                    {
                        function._needed[k] = needed[k] != 0;
                    }

                    Tensor?[] outgoing = function.backward(incoming);
                    if (outgoing.Length != m)
                    {
                        throw new TorchException($"{function.Name}: backward returned {outgoing.Length} gradients for {m} inputs");
                    }

                    for (int k = 0; k < m; k++)
                    {
                        if (needed[k] != 0 && outgoing[k] is { } g)
                        {
                            results[k] = NativeMethods.gs_tensor_alias(g.Handle);
                        }
                    }

                    return 0;
                }
#pragma warning disable CA1031
                catch (Exception e)
                {
                    return ManagedErrors.Store(e);
                }
#pragma warning restore CA1031
            }

            [UnmanagedCallersOnly]
            private static void ReleaseCallback(nint context) =>
                ((Function)GCHandle.FromIntPtr(context).Target!).Release();

            [UnmanagedCallersOnly]
            private static void DestroyCallback(nint context)
            {
                GCHandle handle = GCHandle.FromIntPtr(context);
                ((Function)handle.Target!).Release();
                handle.Free();
            }
        }
    }
}
