using System.Runtime.InteropServices;

namespace GenoSeq.Data.Parquet.DuckDb;

/// <summary>A handle of the library's, released once, by the finalizer at the latest.</summary>
internal abstract unsafe class DuckDbHandle() : SafeHandle(0, ownsHandle: true)
{
    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>The raw handle, for a call made while this object is known to live.</summary>
    internal nint Value => !IsClosed ? handle : throw new ObjectDisposedException(GetType().Name);

    internal void Attach(nint value) => SetHandle(value);

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        nint value = handle;
        Release(DuckDbApi.Instance, &value);
        return true;
    }

    private protected abstract void Release(DuckDbApi api, nint* value);
}

internal sealed unsafe class DatabaseHandle : DuckDbHandle
{
    private protected override void Release(DuckDbApi api, nint* value) => api.Close(value);
}

internal sealed unsafe class ConnectionHandle : DuckDbHandle
{
    private protected override void Release(DuckDbApi api, nint* value) => api.Disconnect(value);
}

internal sealed unsafe class ConfigHandle : DuckDbHandle
{
    private protected override void Release(DuckDbApi api, nint* value) => api.DestroyConfig(value);
}

internal sealed unsafe class StatementsHandle : DuckDbHandle
{
    private protected override void Release(DuckDbApi api, nint* value) => api.DestroyExtracted(value);
}

internal sealed unsafe class PreparedHandle : DuckDbHandle
{
    private protected override void Release(DuckDbApi api, nint* value) => api.DestroyPrepare(value);
}

internal sealed unsafe class PendingHandle : DuckDbHandle
{
    private protected override void Release(DuckDbApi api, nint* value) => api.DestroyPending(value);
}

internal sealed unsafe class LogicalTypeHandle : DuckDbHandle
{
    private protected override void Release(DuckDbApi api, nint* value) => api.DestroyLogicalType(value);
}

/// <summary>A result struct in memory of its own.</summary>
internal sealed unsafe class ResultHandle : DuckDbHandle
{
    internal ResultHandle() => SetHandle((nint)NativeMemory.AllocZeroed((nuint)sizeof(DuckDbResult)));

    internal DuckDbResult* Result => (DuckDbResult*)Value;

    private protected override void Release(DuckDbApi api, nint* value)
    {
        api.DestroyResult((DuckDbResult*)*value);
        NativeMemory.Free((void*)*value);
    }
}
