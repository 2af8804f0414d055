namespace GenoSeq.Torch.Safetensors;

/// <summary>Element types of the safetensors format, named as the file names them.</summary>
public enum SafetensorsDType
{
    /// <summary>One byte, 0 or 1.</summary>
    Bool,

    /// <summary>Unsigned 8-bit integer.</summary>
    U8,

    /// <summary>Signed 8-bit integer.</summary>
    I8,

    /// <summary>Signed 16-bit integer.</summary>
    I16,

    /// <summary>Unsigned 16-bit integer.</summary>
    U16,

    /// <summary>IEEE 754 half precision.</summary>
    F16,

    /// <summary>The upper 16 bits of an IEEE 754 single.</summary>
    BF16,

    /// <summary>Signed 32-bit integer.</summary>
    I32,

    /// <summary>Unsigned 32-bit integer.</summary>
    U32,

    /// <summary>IEEE 754 single precision.</summary>
    F32,

    /// <summary>IEEE 754 double precision.</summary>
    F64,

    /// <summary>Signed 64-bit integer.</summary>
    I64,

    /// <summary>Unsigned 64-bit integer.</summary>
    U64,

    /// <summary>8-bit float: 4 exponent and 3 mantissa bits.</summary>
    F8_E4M3,

    /// <summary>8-bit float: 5 exponent and 2 mantissa bits.</summary>
    F8_E5M2,
}

/// <summary>Names and sizes of <see cref="SafetensorsDType"/>.</summary>
public static class SafetensorsDTypes
{
    private static readonly string[] s_names =
        ["BOOL", "U8", "I8", "I16", "U16", "F16", "BF16", "I32", "U32", "F32", "F64", "I64", "U64", "F8_E4M3", "F8_E5M2"];

    private static readonly byte[] s_sizes = [1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 8, 8, 8, 1, 1];

    // BOOL, U8, I8, F8_E5M2, F8_E4M3, then the types in the order of the enumeration.
    private static readonly byte[] s_layoutRanks = [0, 1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 4, 3];

    /// <summary>All names that a file may use, separated by commas.</summary>
    internal static string AllNames => string.Join(", ", s_names);

    /// <summary>Bytes of one element.</summary>
    public static int ItemSize(this SafetensorsDType dtype) => s_sizes[(int)dtype];

    /// <summary>The name in the file's header, such as <c>BF16</c>.</summary>
    public static string FileName(this SafetensorsDType dtype) => s_names[(int)dtype];

    /// <summary>Place of the type in a file's data, the highest first; wider types rank above narrower ones.</summary>
    internal static int LayoutRank(this SafetensorsDType dtype) => s_layoutRanks[(int)dtype];

    /// <summary>Finds the type with a name from a file's header; the names are case-sensitive.</summary>
    public static bool TryParse(string name, out SafetensorsDType dtype)
    {
        var index = Array.IndexOf(s_names, name);
        dtype = (SafetensorsDType)Math.Max(index, 0);
        return index >= 0;
    }

    /// <summary>The type that stores <typeparamref name="T"/>; null when the format has none.</summary>
    internal static SafetensorsDType? Of<T>()
        where T : unmanaged
    {
        if (typeof(T) == typeof(float)) return SafetensorsDType.F32;
        if (typeof(T) == typeof(double)) return SafetensorsDType.F64;
        if (typeof(T) == typeof(Half)) return SafetensorsDType.F16;
        if (typeof(T) == typeof(long)) return SafetensorsDType.I64;
        if (typeof(T) == typeof(ulong)) return SafetensorsDType.U64;
        if (typeof(T) == typeof(int)) return SafetensorsDType.I32;
        if (typeof(T) == typeof(uint)) return SafetensorsDType.U32;
        if (typeof(T) == typeof(short)) return SafetensorsDType.I16;
        if (typeof(T) == typeof(ushort)) return SafetensorsDType.U16;
        if (typeof(T) == typeof(sbyte)) return SafetensorsDType.I8;
        if (typeof(T) == typeof(byte)) return SafetensorsDType.U8;
        return typeof(T) == typeof(bool) ? SafetensorsDType.Bool : null;
    }
}
