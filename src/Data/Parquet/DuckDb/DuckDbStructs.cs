using System.Runtime.InteropServices;

namespace GenoSeq.Data.Parquet.DuckDb;

/// <summary><c>duckdb_result</c>: six words, of which only the last is alive; passed by value to fetch.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct DuckDbResult
{
    internal ulong ColumnCount;
    internal ulong RowCount;
    internal ulong RowsChanged;
    internal nint Columns;
    internal nint ErrorMessage;
    internal nint Internal;
}

/// <summary><c>duckdb_string_t</c>: up to 12 bytes lie inside, longer ones behind the pointer in the last 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct DuckDbString
{
    private const int InlineBytes = 12;

    internal uint Length;
    private fixed byte _rest[InlineBytes];

    /// <summary>The bytes, which live as long as the chunk they lie in.</summary>
    internal static ReadOnlySpan<byte> Bytes(DuckDbString* text)
    {
        uint length = text->Length;
        return length <= InlineBytes
            ? new ReadOnlySpan<byte>(text->_rest, (int)length)
            : new ReadOnlySpan<byte>(*(byte**)(text->_rest + sizeof(uint)), checked((int)length));
    }
}

/// <summary>The part of <c>DUCKDB_TYPE</c> that the readers tell apart.</summary>
internal enum DuckDbType
{
    Invalid = 0,
    Integer = 4,
    BigInt = 5,
    Float = 10,
    Double = 11,
    Varchar = 17,
    Blob = 18,
    Enum = 23,
    List = 24,
    Struct = 25,
    Map = 26,
    Array = 33,
}
