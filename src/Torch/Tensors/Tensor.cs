using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using GenoSeq.Torch.Native;

namespace GenoSeq.Torch;

public static partial class torch
{
    /// <summary>
    /// A tensor of libtorch. It belongs to the innermost dispose scope of the thread that made it, and lives until that
    /// scope ends, it is moved or detached from it, or it is disposed.
    /// </summary>
    public unsafe partial class Tensor : IDisposable
    {
        private readonly TensorHandle _handle;
        private int _disposed;
        internal DisposeScope? Scope;
        internal int ScopeSlot;

        internal Tensor(nint handle)
        {
            _handle = new TensorHandle(handle);
            DisposeScopeManager.Created(this);
        }

        internal nint Handle
        {
            get
            {
                ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
                return _handle.DangerousGetHandle();
            }
        }

        /// <summary>True once the tensor has been disposed.</summary>
        public bool IsDisposed => _handle.IsClosed;

        /// <summary>The tensor's shape.</summary>
        public long[] shape
        {
            get
            {
                TensorInfo i = Info();
                long[] sizes = new ReadOnlySpan<long>(i.Sizes, i.Dim).ToArray();
                GC.KeepAlive(this);
                return sizes;
            }
        }

        /// <summary>Elements between neighbours, for each dimension.</summary>
        public long[] stride()
        {
            TensorInfo i = Info();
            long[] strides = new ReadOnlySpan<long>(i.Strides, i.Dim).ToArray();
            GC.KeepAlive(this);
            return strides;
        }

        /// <summary>Elements between neighbours along a dimension (negative counts from the end).</summary>
        public long stride(int dim)
        {
            TensorInfo i = Info();
            long stride = i.Strides[Dimension(dim, i.Dim)];
            GC.KeepAlive(this);
            return stride;
        }

        /// <summary>Size of a dimension (negative counts from the end).</summary>
        public long size(int dim)
        {
            TensorInfo i = Info();
            long size = i.Sizes[Dimension(dim, i.Dim)];
            GC.KeepAlive(this);
            return size;
        }

        /// <summary>Number of dimensions.</summary>
        public int dim() => Info().Dim;

        /// <summary>Number of elements.</summary>
        public long numel() => Info().Numel;

        /// <summary>Element type.</summary>
        public ScalarType dtype => (ScalarType)Info().DType;

        /// <summary>Device.</summary>
        public Device device
        {
            get
            {
                TensorInfo i = Info();
                return new Device((DeviceType)i.DeviceType, i.DeviceIndex);
            }
        }

        /// <summary>Address of the first element, on whatever device the tensor is.</summary>
        public nint data_ptr() => (nint)Info().Data;

        /// <summary>True when the elements lie in row-major order without gaps.</summary>
        public bool is_contiguous() => Info().IsContiguous != 0;

        /// <summary>True for a tensor that no operation made.</summary>
        public bool is_leaf => Info().IsLeaf != 0;

        /// <summary>How often the storage was changed in place.</summary>
        public int _version => Info().Version;

        /// <summary>Whether gradients flow to the tensor.</summary>
        public bool requires_grad
        {
            get => Info().RequiresGrad != 0;
            set
            {
                Status.Check(NativeMethods.gs_tensor_set_requires_grad(Handle, value ? 1 : 0), "requires_grad", this);
                GC.KeepAlive(this);
            }
        }

        /// <summary>Sets <see cref="requires_grad"/> and returns the tensor.</summary>
        public Tensor requires_grad_(bool value = true)
        {
            requires_grad = value;
            return this;
        }

        /// <summary>The accumulated gradient, as a new wrapper of the same storage, or null.</summary>
        public Tensor? grad
        {
            get
            {
                nint g;
                Status.Check(NativeMethods.gs_tensor_grad(Handle, &g), "grad", this);
                GC.KeepAlive(this);
                return g == 0 ? null : new Tensor(g);
            }

            set
            {
                Status.Check(NativeMethods.gs_tensor_set_grad(Handle, value?.Handle ?? 0), "grad", this, value);
                GC.KeepAlive(value);
                GC.KeepAlive(this);
            }
        }

        /// <summary>Points this tensor at another's storage, as assigning <c>.data</c> does in Python.</summary>
        public void set_data(Tensor source)
        {
            Status.Check(NativeMethods.gs_tensor_set_data(Handle, source.Handle), "set_data", this, source);
            GC.KeepAlive(source);
            GC.KeepAlive(this);
        }

        /// <summary>
        /// Tells autograd that the elements were changed through <see cref="AsSpan"/> or <see cref="data_ptr"/>, so that a
        /// graph which saved the old values refuses to use them.
        /// </summary>
        public void bump_version()
        {
            Status.Check(NativeMethods.gs_tensor_bump_version(Handle), "bump_version", this);
            GC.KeepAlive(this);
        }

        /// <summary>Name of the autograd node that made the tensor; empty for a leaf.</summary>
        public string grad_fn_name
        {
            get
            {
                byte* buffer = stackalloc byte[256];
                Status.Check(NativeMethods.gs_tensor_grad_fn_name(Handle, buffer, 256));
                GC.KeepAlive(this);
                return Marshal.PtrToStringUTF8((nint)buffer) ?? "";
            }
        }

        /// <summary>A second wrapper of the same tensor, with a lifetime of its own.</summary>
        public Tensor alias()
        {
            var second = new Tensor(NativeMethods.gs_tensor_alias(Handle));
            GC.KeepAlive(this);
            return second;
        }

        /// <summary>
        /// The elements in place, without a copy. The tensor must be on the CPU and contiguous, and must outlive the span.
        /// </summary>
        /// <exception cref="InvalidOperationException">Wrong device, layout or element type, or over 2^31 elements.</exception>
        public Span<T> AsSpan<T>() where T : unmanaged
        {
            TensorInfo i = Info();
            if (i.DeviceType != (int)DeviceType.CPU || i.IsContiguous == 0)
            {
                throw new InvalidOperationException($"a span needs a contiguous tensor on the CPU, not {Describe()}");
            }

            bool bits = typeof(T) == typeof(ushort) && ((ScalarType)i.DType).ElementSize() == 2;
            if (!bits && (typeof(T) == typeof(ushort) || ScalarTypes.Of<T>() != (ScalarType)i.DType))
            {
                throw new InvalidOperationException($"a span of {typeof(T).Name} cannot show {Describe()}");
            }

            return i.Numel <= int.MaxValue
                ? new Span<T>(i.Data, (int)i.Numel)
                : throw new InvalidOperationException($"a span shows at most {int.MaxValue} elements, not {Describe()}");
        }

        /// <summary>A copy of the elements in row-major order, from any device.</summary>
        public T[] ToArray<T>() where T : unmanaged
        {
            using Tensor c = cpu();
            using Tensor p = c.contiguous();
            T[] result = p.AsSpan<T>().ToArray();
            GC.KeepAlive(p);
            return result;
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                Scope?.Forget(this);
                Scope = null;
                _handle.Dispose();
                DisposeScopeManager.Disposed();
            }

            GC.SuppressFinalize(this);
        }

        /// <summary>Moves the tensor to the scope around its own (to none, when there is none) and returns it.</summary>
        public Tensor MoveToOuterDisposeScope()
        {
            DisposeScope? scope = Scope;
            if (scope is not null)
            {
                scope.Forget(this);
                Scope = null;
                scope.Outer?.Attach(this);
            }

            return this;
        }

        /// <summary>Takes the tensor out of its scope: whoever holds it disposes it.</summary>
        public Tensor DetachFromDisposeScope()
        {
            Scope?.Forget(this);
            Scope = null;
            return this;
        }

        /// <summary>Element type, shape and device in words: <c>f32[2, 3]</c>.</summary>
        public string Describe()
        {
            if (IsDisposed)
            {
                return "a disposed tensor";
            }

            TensorInfo i = Info();
            string type = (ScalarType)i.DType switch
            {
                ScalarType.Float32 => "f32",
                ScalarType.Float64 => "f64",
                ScalarType.Float16 => "f16",
                ScalarType.BFloat16 => "bf16",
                ScalarType.Int64 => "i64",
                ScalarType.Int32 => "i32",
                ScalarType t => t.ToString().ToLowerInvariant(),
            };
            string place = i.DeviceType == 0 ? "" : $"@{device}";
            return $"{type}[{string.Join(", ", shape)}]{place}";
        }

        /// <inheritdoc/>
        public override string ToString() => Describe();

        private static int Dimension(int dim, int dims)
        {
            int d = dim < 0 ? dim + dims : dim;
            return (uint)d < (uint)dims
                ? d
                : throw new ArgumentOutOfRangeException(nameof(dim), dim, $"the tensor has {dims} dimensions");
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private TensorInfo Info()
        {
            TensorInfo info;
            Status.Check(NativeMethods.gs_tensor_info(Handle, &info));
            GC.KeepAlive(this);
            return info;
        }

        private sealed class TensorHandle : SafeHandle
        {
            internal TensorHandle(nint handle) : base(0, true) => SetHandle(handle);

            public override bool IsInvalid => handle == 0;

            protected override bool ReleaseHandle()
            {
                NativeMethods.gs_tensor_free(handle);
                return true;
            }
        }
    }
}
