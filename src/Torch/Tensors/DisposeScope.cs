namespace GenoSeq.Torch;

/// <summary>Counts of tensors, for tests and for finding leaks.</summary>
/// <param name="Created">Tensor wrappers made since the process started.</param>
/// <param name="Disposed">Of these, disposed by a scope or by hand.</param>
public readonly record struct DisposeStatistics(long Created, long Disposed)
{
    /// <summary>Wrappers not yet disposed.</summary>
    public long Live => Created - Disposed;
}

/// <summary>Keeps the stack of dispose scopes of each thread.</summary>
public static class DisposeScopeManager
{
    [ThreadStatic]
    private static DisposeScope? s_current;

    private static long s_created;
    private static long s_disposed;

    /// <summary>Counts over all threads.</summary>
    public static DisposeStatistics Statistics =>
        new(Interlocked.Read(ref s_created), Interlocked.Read(ref s_disposed));

    /// <summary>The innermost scope of this thread, or null.</summary>
    public static DisposeScope? Current => s_current;

    /// <summary>Opens a scope on this thread.</summary>
    public static DisposeScope NewDisposeScope() => s_current = new DisposeScope(s_current);

    internal static void Created(torch.Tensor tensor)
    {
        Interlocked.Increment(ref s_created);
        s_current?.Attach(tensor);
    }

    internal static void Disposed() => Interlocked.Increment(ref s_disposed);

    internal static void Close(DisposeScope scope)
    {
        if (s_current != scope)
        {
            throw new InvalidOperationException(
                "a dispose scope must be closed on the thread that opened it, and inner ones first");
        }

        s_current = scope.Outer;
    }
}

/// <summary>
/// Owns the tensors that its thread makes while it is the innermost scope, and disposes them when it ends: the garbage
/// collector knows nothing of the memory behind a tensor, so a training step runs inside one.
/// </summary>
public sealed class DisposeScope : IDisposable
{
    private readonly List<torch.Tensor?> _tensors = [];
    private bool _closed;

    internal DisposeScope(DisposeScope? outer) => Outer = outer;

    /// <summary>The scope around this one, or null.</summary>
    public DisposeScope? Outer { get; }

    /// <summary>Tensors that the scope owns now.</summary>
    public int Count
    {
        get
        {
            lock (_tensors)
            {
                int n = 0;
                foreach (torch.Tensor? t in _tensors)
                {
                    n += t is null ? 0 : 1;
                }

                return n;
            }
        }
    }

    // Slots in use, gaps included.
    internal int Slots => _tensors.Count;

    /// <summary>Makes the scope the owner of a tensor, taking it from its present one.</summary>
    public torch.Tensor Attach(torch.Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        ObjectDisposedException.ThrowIf(_closed, this);
        tensor.Scope?.Forget(tensor);
        lock (_tensors)
        {
            tensor.Scope = this;
            tensor.ScopeSlot = _tensors.Count;
            _tensors.Add(tensor);
        }

        return tensor;
    }

    /// <summary>Disposes every tensor that the scope still owns.</summary>
    public void Dispose()
    {
        if (_closed)
        {
            return;
        }

        DisposeScopeManager.Close(this);
        _closed = true;
        // Last made first: what depends on others goes before them. Disposing a tensor takes it off the list.
        while (Last() is { } tensor)
        {
            tensor.Dispose();
            Forget(tensor);
        }
    }

    private torch.Tensor? Last()
    {
        lock (_tensors)
        {
            return _tensors.Count == 0 ? null : _tensors[^1];
        }
    }

    // A tensor may be disposed on another thread than its scope's, which is why the list is locked.
    internal void Forget(torch.Tensor tensor)
    {
        lock (_tensors)
        {
            int slot = tensor.ScopeSlot;
            if (slot < _tensors.Count && ReferenceEquals(_tensors[slot], tensor))
            {
                _tensors[slot] = null;
                // Trailing gaps go, or a scope as long as a run would grow with every tensor disposed in it.
                while (_tensors.Count > 0 && _tensors[^1] is null)
                {
                    _tensors.RemoveAt(_tensors.Count - 1);
                }
            }
        }
    }
}
