using System.Runtime.InteropServices;

namespace GenoSeq.Data.Parquet.DuckDb;

/// <summary>The entry points of DuckDB's C API that GenoSeq calls, resolved once.</summary>
/// <remarks>
/// Function pointers instead of <c>DllImport</c>: the library's place is found at run time, its absence is an error that
/// names the cure, and the assembly's one import resolver stays free.
/// </remarks>
internal sealed unsafe class DuckDbApi
{
    // Publication-only: a missing library is looked for again on the next call, and its exception is not cached.
    private static readonly Lazy<DuckDbApi> s_instance =
        new(() => new DuckDbApi(DuckDbLibrary.Load()), LazyThreadSafetyMode.PublicationOnly);

    internal readonly delegate* unmanaged[Cdecl]<byte*, nint*, nint, byte**, int> OpenExt;
    internal readonly delegate* unmanaged[Cdecl]<nint*, void> Close;
    internal readonly delegate* unmanaged[Cdecl]<nint, nint*, int> Connect;
    internal readonly delegate* unmanaged[Cdecl]<nint*, void> Disconnect;
    internal readonly delegate* unmanaged[Cdecl]<nint*, int> CreateConfig;
    internal readonly delegate* unmanaged[Cdecl]<nint, byte*, byte*, int> SetConfig;
    internal readonly delegate* unmanaged[Cdecl]<nint*, void> DestroyConfig;
    internal readonly delegate* unmanaged[Cdecl]<byte*> LibraryVersion;
    internal readonly delegate* unmanaged[Cdecl]<void*, void> Free;
    internal readonly delegate* unmanaged[Cdecl]<nint, byte*, nint*, ulong> ExtractStatements;
    internal readonly delegate* unmanaged[Cdecl]<nint, byte*> ExtractStatementsError;
    internal readonly delegate* unmanaged[Cdecl]<nint, nint, ulong, nint*, int> PrepareExtractedStatement;
    internal readonly delegate* unmanaged[Cdecl]<nint*, void> DestroyExtracted;
    internal readonly delegate* unmanaged[Cdecl]<nint, byte*> PrepareError;
    internal readonly delegate* unmanaged[Cdecl]<nint*, void> DestroyPrepare;
    internal readonly delegate* unmanaged[Cdecl]<nint, int> PreparedStatementType;
    internal readonly delegate* unmanaged[Cdecl]<nint, nint*, int> PendingPreparedStreaming;
    internal readonly delegate* unmanaged[Cdecl]<nint, DuckDbResult*, int> ExecutePending;
    internal readonly delegate* unmanaged[Cdecl]<nint, byte*> PendingError;
    internal readonly delegate* unmanaged[Cdecl]<nint*, void> DestroyPending;
    internal readonly delegate* unmanaged[Cdecl]<DuckDbResult, nint> FetchChunk;
    internal readonly delegate* unmanaged[Cdecl]<DuckDbResult*, byte*> ResultError;
    internal readonly delegate* unmanaged[Cdecl]<DuckDbResult*, void> DestroyResult;
    internal readonly delegate* unmanaged[Cdecl]<DuckDbResult*, ulong> ColumnCount;
    internal readonly delegate* unmanaged[Cdecl]<DuckDbResult*, ulong, byte*> ColumnName;
    internal readonly delegate* unmanaged[Cdecl]<DuckDbResult*, ulong, nint> ColumnLogicalType;
    internal readonly delegate* unmanaged[Cdecl]<nint, void> Interrupt;
    internal readonly delegate* unmanaged[Cdecl]<nint, int> GetTypeId;
    internal readonly delegate* unmanaged[Cdecl]<int, nint> CreateLogicalType;
    internal readonly delegate* unmanaged[Cdecl]<nint*, void> DestroyLogicalType;
    internal readonly delegate* unmanaged[Cdecl]<nint, nint> ListTypeChildType;
    internal readonly delegate* unmanaged[Cdecl]<nint, nint> ArrayTypeChildType;
    internal readonly delegate* unmanaged[Cdecl]<nint, nint> MapTypeKeyType;
    internal readonly delegate* unmanaged[Cdecl]<nint, nint> MapTypeValueType;
    internal readonly delegate* unmanaged[Cdecl]<nint, ulong> StructTypeChildCount;
    internal readonly delegate* unmanaged[Cdecl]<nint, ulong, byte*> StructTypeChildName;
    internal readonly delegate* unmanaged[Cdecl]<nint, ulong, nint> StructTypeChildType;
    internal readonly delegate* unmanaged[Cdecl]<ulong> VectorSize;
    internal readonly delegate* unmanaged[Cdecl]<nint, ulong> DataChunkGetSize;
    internal readonly delegate* unmanaged[Cdecl]<nint, ulong, void> DataChunkSetSize;
    internal readonly delegate* unmanaged[Cdecl]<nint, ulong, nint> DataChunkGetVector;
    internal readonly delegate* unmanaged[Cdecl]<nint*, void> DestroyDataChunk;
    internal readonly delegate* unmanaged[Cdecl]<nint, void*> VectorGetData;
    internal readonly delegate* unmanaged[Cdecl]<nint, ulong*> VectorGetValidity;
    internal readonly delegate* unmanaged[Cdecl]<nint, void> VectorEnsureValidityWritable;
    internal readonly delegate* unmanaged[Cdecl]<nint, ulong, byte*, ulong, void> VectorAssignStringElementLen;
    internal readonly delegate* unmanaged[Cdecl]<nint> CreateTableFunction;
    internal readonly delegate* unmanaged[Cdecl]<nint*, void> DestroyTableFunction;
    internal readonly delegate* unmanaged[Cdecl]<nint, byte*, void> TableFunctionSetName;
    internal readonly delegate* unmanaged[Cdecl]<nint, void*, nint, void> TableFunctionSetExtraInfo;
    internal readonly delegate* unmanaged[Cdecl]<nint, nint, void> TableFunctionSetBind;
    internal readonly delegate* unmanaged[Cdecl]<nint, nint, void> TableFunctionSetInit;
    internal readonly delegate* unmanaged[Cdecl]<nint, nint, void> TableFunctionSetFunction;
    internal readonly delegate* unmanaged[Cdecl]<nint, nint, int> RegisterTableFunction;
    internal readonly delegate* unmanaged[Cdecl]<nint, byte*, nint, void> BindAddResultColumn;
    internal readonly delegate* unmanaged[Cdecl]<nint, void*> BindGetExtraInfo;
    internal readonly delegate* unmanaged[Cdecl]<nint, byte*, void> BindSetError;
    internal readonly delegate* unmanaged[Cdecl]<nint, ulong, void> InitSetMaxThreads;
    internal readonly delegate* unmanaged[Cdecl]<nint, void*> FunctionGetExtraInfo;
    internal readonly delegate* unmanaged[Cdecl]<nint, byte*, void> FunctionSetError;

    private readonly delegate* unmanaged[Cdecl]<byte*, nuint, byte*, nuint, nuint> _zstd;

    private DuckDbApi(nint library)
    {
        OpenExt = (delegate* unmanaged[Cdecl]<byte*, nint*, nint, byte**, int>)NativeLibrary.GetExport(library, "duckdb_open_ext");
        Close = (delegate* unmanaged[Cdecl]<nint*, void>)NativeLibrary.GetExport(library, "duckdb_close");
        Connect = (delegate* unmanaged[Cdecl]<nint, nint*, int>)NativeLibrary.GetExport(library, "duckdb_connect");
        Disconnect = (delegate* unmanaged[Cdecl]<nint*, void>)NativeLibrary.GetExport(library, "duckdb_disconnect");
        CreateConfig = (delegate* unmanaged[Cdecl]<nint*, int>)NativeLibrary.GetExport(library, "duckdb_create_config");
        SetConfig = (delegate* unmanaged[Cdecl]<nint, byte*, byte*, int>)NativeLibrary.GetExport(library, "duckdb_set_config");
        DestroyConfig = (delegate* unmanaged[Cdecl]<nint*, void>)NativeLibrary.GetExport(library, "duckdb_destroy_config");
        LibraryVersion = (delegate* unmanaged[Cdecl]<byte*>)NativeLibrary.GetExport(library, "duckdb_library_version");
        Free = (delegate* unmanaged[Cdecl]<void*, void>)NativeLibrary.GetExport(library, "duckdb_free");
        ExtractStatements = (delegate* unmanaged[Cdecl]<nint, byte*, nint*, ulong>)NativeLibrary.GetExport(library, "duckdb_extract_statements");
        ExtractStatementsError = (delegate* unmanaged[Cdecl]<nint, byte*>)NativeLibrary.GetExport(library, "duckdb_extract_statements_error");
        PrepareExtractedStatement = (delegate* unmanaged[Cdecl]<nint, nint, ulong, nint*, int>)NativeLibrary.GetExport(library, "duckdb_prepare_extracted_statement");
        DestroyExtracted = (delegate* unmanaged[Cdecl]<nint*, void>)NativeLibrary.GetExport(library, "duckdb_destroy_extracted");
        PrepareError = (delegate* unmanaged[Cdecl]<nint, byte*>)NativeLibrary.GetExport(library, "duckdb_prepare_error");
        DestroyPrepare = (delegate* unmanaged[Cdecl]<nint*, void>)NativeLibrary.GetExport(library, "duckdb_destroy_prepare");
        PreparedStatementType = (delegate* unmanaged[Cdecl]<nint, int>)NativeLibrary.GetExport(library, "duckdb_prepared_statement_type");
        PendingPreparedStreaming = (delegate* unmanaged[Cdecl]<nint, nint*, int>)NativeLibrary.GetExport(library, "duckdb_pending_prepared_streaming");
        ExecutePending = (delegate* unmanaged[Cdecl]<nint, DuckDbResult*, int>)NativeLibrary.GetExport(library, "duckdb_execute_pending");
        PendingError = (delegate* unmanaged[Cdecl]<nint, byte*>)NativeLibrary.GetExport(library, "duckdb_pending_error");
        DestroyPending = (delegate* unmanaged[Cdecl]<nint*, void>)NativeLibrary.GetExport(library, "duckdb_destroy_pending");
        FetchChunk = (delegate* unmanaged[Cdecl]<DuckDbResult, nint>)NativeLibrary.GetExport(library, "duckdb_fetch_chunk");
        ResultError = (delegate* unmanaged[Cdecl]<DuckDbResult*, byte*>)NativeLibrary.GetExport(library, "duckdb_result_error");
        DestroyResult = (delegate* unmanaged[Cdecl]<DuckDbResult*, void>)NativeLibrary.GetExport(library, "duckdb_destroy_result");
        ColumnCount = (delegate* unmanaged[Cdecl]<DuckDbResult*, ulong>)NativeLibrary.GetExport(library, "duckdb_column_count");
        ColumnName = (delegate* unmanaged[Cdecl]<DuckDbResult*, ulong, byte*>)NativeLibrary.GetExport(library, "duckdb_column_name");
        ColumnLogicalType = (delegate* unmanaged[Cdecl]<DuckDbResult*, ulong, nint>)NativeLibrary.GetExport(library, "duckdb_column_logical_type");
        Interrupt = (delegate* unmanaged[Cdecl]<nint, void>)NativeLibrary.GetExport(library, "duckdb_interrupt");
        GetTypeId = (delegate* unmanaged[Cdecl]<nint, int>)NativeLibrary.GetExport(library, "duckdb_get_type_id");
        CreateLogicalType = (delegate* unmanaged[Cdecl]<int, nint>)NativeLibrary.GetExport(library, "duckdb_create_logical_type");
        DestroyLogicalType = (delegate* unmanaged[Cdecl]<nint*, void>)NativeLibrary.GetExport(library, "duckdb_destroy_logical_type");
        ListTypeChildType = (delegate* unmanaged[Cdecl]<nint, nint>)NativeLibrary.GetExport(library, "duckdb_list_type_child_type");
        ArrayTypeChildType = (delegate* unmanaged[Cdecl]<nint, nint>)NativeLibrary.GetExport(library, "duckdb_array_type_child_type");
        MapTypeKeyType = (delegate* unmanaged[Cdecl]<nint, nint>)NativeLibrary.GetExport(library, "duckdb_map_type_key_type");
        MapTypeValueType = (delegate* unmanaged[Cdecl]<nint, nint>)NativeLibrary.GetExport(library, "duckdb_map_type_value_type");
        StructTypeChildCount = (delegate* unmanaged[Cdecl]<nint, ulong>)NativeLibrary.GetExport(library, "duckdb_struct_type_child_count");
        StructTypeChildName = (delegate* unmanaged[Cdecl]<nint, ulong, byte*>)NativeLibrary.GetExport(library, "duckdb_struct_type_child_name");
        StructTypeChildType = (delegate* unmanaged[Cdecl]<nint, ulong, nint>)NativeLibrary.GetExport(library, "duckdb_struct_type_child_type");
        VectorSize = (delegate* unmanaged[Cdecl]<ulong>)NativeLibrary.GetExport(library, "duckdb_vector_size");
        DataChunkGetSize = (delegate* unmanaged[Cdecl]<nint, ulong>)NativeLibrary.GetExport(library, "duckdb_data_chunk_get_size");
        DataChunkSetSize = (delegate* unmanaged[Cdecl]<nint, ulong, void>)NativeLibrary.GetExport(library, "duckdb_data_chunk_set_size");
        DataChunkGetVector = (delegate* unmanaged[Cdecl]<nint, ulong, nint>)NativeLibrary.GetExport(library, "duckdb_data_chunk_get_vector");
        DestroyDataChunk = (delegate* unmanaged[Cdecl]<nint*, void>)NativeLibrary.GetExport(library, "duckdb_destroy_data_chunk");
        VectorGetData = (delegate* unmanaged[Cdecl]<nint, void*>)NativeLibrary.GetExport(library, "duckdb_vector_get_data");
        VectorGetValidity = (delegate* unmanaged[Cdecl]<nint, ulong*>)NativeLibrary.GetExport(library, "duckdb_vector_get_validity");
        VectorEnsureValidityWritable = (delegate* unmanaged[Cdecl]<nint, void>)NativeLibrary.GetExport(library, "duckdb_vector_ensure_validity_writable");
        VectorAssignStringElementLen = (delegate* unmanaged[Cdecl]<nint, ulong, byte*, ulong, void>)NativeLibrary.GetExport(library, "duckdb_vector_assign_string_element_len");
        CreateTableFunction = (delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(library, "duckdb_create_table_function");
        DestroyTableFunction = (delegate* unmanaged[Cdecl]<nint*, void>)NativeLibrary.GetExport(library, "duckdb_destroy_table_function");
        TableFunctionSetName = (delegate* unmanaged[Cdecl]<nint, byte*, void>)NativeLibrary.GetExport(library, "duckdb_table_function_set_name");
        TableFunctionSetExtraInfo = (delegate* unmanaged[Cdecl]<nint, void*, nint, void>)NativeLibrary.GetExport(library, "duckdb_table_function_set_extra_info");
        TableFunctionSetBind = (delegate* unmanaged[Cdecl]<nint, nint, void>)NativeLibrary.GetExport(library, "duckdb_table_function_set_bind");
        TableFunctionSetInit = (delegate* unmanaged[Cdecl]<nint, nint, void>)NativeLibrary.GetExport(library, "duckdb_table_function_set_init");
        TableFunctionSetFunction = (delegate* unmanaged[Cdecl]<nint, nint, void>)NativeLibrary.GetExport(library, "duckdb_table_function_set_function");
        RegisterTableFunction = (delegate* unmanaged[Cdecl]<nint, nint, int>)NativeLibrary.GetExport(library, "duckdb_register_table_function");
        BindAddResultColumn = (delegate* unmanaged[Cdecl]<nint, byte*, nint, void>)NativeLibrary.GetExport(library, "duckdb_bind_add_result_column");
        BindGetExtraInfo = (delegate* unmanaged[Cdecl]<nint, void*>)NativeLibrary.GetExport(library, "duckdb_bind_get_extra_info");
        BindSetError = (delegate* unmanaged[Cdecl]<nint, byte*, void>)NativeLibrary.GetExport(library, "duckdb_bind_set_error");
        InitSetMaxThreads = (delegate* unmanaged[Cdecl]<nint, ulong, void>)NativeLibrary.GetExport(library, "duckdb_init_set_max_threads");
        FunctionGetExtraInfo = (delegate* unmanaged[Cdecl]<nint, void*>)NativeLibrary.GetExport(library, "duckdb_function_get_extra_info");
        FunctionSetError = (delegate* unmanaged[Cdecl]<nint, byte*, void>)NativeLibrary.GetExport(library, "duckdb_function_set_error");
        VectorRows = (int)VectorSize();
        // The library's own copy of zstd, by its C++ name; another build of it may not show one.
        _zstd = NativeLibrary.TryGetExport(library, "_ZN11duckdb_zstd15ZSTD_decompressEPvmPKvm", out nint zstd)
            ? (delegate* unmanaged[Cdecl]<byte*, nuint, byte*, nuint, nuint>)zstd
            : null;
    }

    /// <summary>The functions of the loaded library.</summary>
    /// <exception cref="MissingNativeLibraryException">DuckDB is not installed.</exception>
    internal static DuckDbApi Instance => s_instance.Value;

    /// <summary>Rows that a chunk holds at most.</summary>
    internal int VectorRows { get; }

    /// <summary>Version of the library, such as <c>v1.5.6</c>.</summary>
    internal string Version => Text(LibraryVersion());

    /// <summary>True if <see cref="UnpackZstd"/> can be called.</summary>
    internal bool HasZstd => _zstd != null;

    /// <summary>Decompresses zstd frames; true if they fill <paramref name="target"/> exactly.</summary>
    internal bool UnpackZstd(ReadOnlySpan<byte> source, Span<byte> target)
    {
        fixed (byte* from = source, to = target)
        {
            // Errors come back as sizes that no target has.
            return _zstd(to, (nuint)target.Length, from, (nuint)source.Length) == (nuint)target.Length;
        }
    }

    /// <summary>A C string of the library's, copied.</summary>
    internal static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";
}
