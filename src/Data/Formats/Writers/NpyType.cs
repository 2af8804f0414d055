namespace GenoSeq.Data;

/// <summary>Element types of npy files.</summary>
public enum NpyType
{
    /// <summary>Unsigned byte, <c>|u1</c>.</summary>
    UInt8,

    /// <summary>32-bit integer, <c>i4</c>.</summary>
    Int32,

    /// <summary>64-bit integer, <c>i8</c>.</summary>
    Int64,

    /// <summary>Half precision, <c>f2</c>.</summary>
    Float16,

    /// <summary>Single precision, <c>f4</c>.</summary>
    Float32,

    /// <summary>Double precision, <c>f8</c>.</summary>
    Float64,
}
