using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace GenoSeq.Data.Parquet.DuckDb;

/// <summary>Fills chunks of a table for DuckDB: the source of a COPY.</summary>
internal interface IChunkSource
{
    /// <summary>Names and types of the columns.</summary>
    public IReadOnlyList<(string Name, DuckDbType Type)> Columns { get; }

    /// <summary>Writes up to <paramref name="capacity"/> rows into a chunk and returns how many; 0 ends the table.</summary>
    public int Fill(in ChunkWriter chunk, int capacity);
}

/// <summary>The columns of a chunk to be filled.</summary>
internal readonly unsafe ref struct ChunkWriter(DuckDbApi api, ReadOnlySpan<nint> vectors)
{
    private readonly ReadOnlySpan<nint> _vectors = vectors;

    internal void Set(int column, int row, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* p = bytes)
        {
            // An empty span has no address, and none is read.
            byte none = 0;
            api.VectorAssignStringElementLen(_vectors[column], (ulong)row, p == null ? &none : p, (ulong)bytes.Length);
        }
    }

    internal void Set(int column, int row, float value) => ((float*)api.VectorGetData(_vectors[column]))[row] = value;

    internal void Set(int column, int row, double value) => ((double*)api.VectorGetData(_vectors[column]))[row] = value;

    internal void Set(int column, int row, long value) => ((long*)api.VectorGetData(_vectors[column]))[row] = value;

    internal void SetNull(int column, int row)
    {
        api.VectorEnsureValidityWritable(_vectors[column]);
        api.VectorGetValidity(_vectors[column])[row >> 6] &= ~(1UL << (row & 63));
    }
}

/// <summary>A table function of one connection that reads from managed code.</summary>
internal sealed unsafe class WindowTableFunction : IDisposable
{
    internal const string Name = "genoseq_rows";

    private readonly DuckDbApi _api = DuckDbApi.Instance;
    private readonly IChunkSource _source;
    private readonly nint[] _vectors;
    private GCHandle _self;

    internal WindowTableFunction(DuckDbSession session, IChunkSource source)
    {
        _source = source;
        _vectors = new nint[source.Columns.Count];
        _self = GCHandle.Alloc(this);
        nint function = _api.CreateTableFunction();
        try
        {
            fixed (byte* name = Encoding.UTF8.GetBytes(Name + '\0'))
            {
                _api.TableFunctionSetName(function, name);
            }

            _api.TableFunctionSetExtraInfo(function, (void*)GCHandle.ToIntPtr(_self), 0);
            _api.TableFunctionSetBind(function, (nint)(delegate* unmanaged[Cdecl]<nint, void>)&Bind);
            _api.TableFunctionSetInit(function, (nint)(delegate* unmanaged[Cdecl]<nint, void>)&Init);
            _api.TableFunctionSetFunction(function, (nint)(delegate* unmanaged[Cdecl]<nint, nint, void>)&Fill);
            if (_api.RegisterTableFunction(session.Connection, function) != 0)
            {
                throw new DuckDbException("the table function could not be registered");
            }
        }
        finally
        {
            _api.DestroyTableFunction(&function);
        }
    }

    /// <summary>What the source threw; it cannot pass through native frames and is thrown again outside.</summary>
    internal Exception? Error { get; private set; }

    /// <summary>Frees the handle; the session must not run the function any more.</summary>
    public void Dispose()
    {
        if (_self.IsAllocated)
        {
            _self.Free();
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Bind(nint info)
    {
        DuckDbApi api = DuckDbApi.Instance;
        var self = (WindowTableFunction)GCHandle.FromIntPtr((nint)api.BindGetExtraInfo(info)).Target!;
        foreach ((string name, DuckDbType type) in self._source.Columns)
        {
            using var logical = new LogicalTypeHandle();
            logical.Attach(api.CreateLogicalType((int)type));
            fixed (byte* text = Encoding.UTF8.GetBytes(name + '\0'))
            {
                api.BindAddResultColumn(info, text, logical.Value);
            }
        }
    }

    // One thread, so that rows keep their order.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Init(nint info) => DuckDbApi.Instance.InitSetMaxThreads(info, 1);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Fill(nint info, nint chunk)
    {
        DuckDbApi api = DuckDbApi.Instance;
        var self = (WindowTableFunction)GCHandle.FromIntPtr((nint)api.FunctionGetExtraInfo(info)).Target!;
#pragma warning disable CA1031 // Nothing may pass through native frames.
        try
        {
            for (int i = 0; i < self._vectors.Length; i++)
            {
                self._vectors[i] = api.DataChunkGetVector(chunk, (ulong)i);
            }

            int rows = self._source.Fill(new ChunkWriter(api, self._vectors), api.VectorRows);
            api.DataChunkSetSize(chunk, (ulong)rows);
        }
        catch (Exception e)
        {
            self.Error = e;
            fixed (byte* text = "the source of the rows failed\0"u8)
            {
                api.FunctionSetError(info, text);
            }
        }
#pragma warning restore CA1031
    }
}
