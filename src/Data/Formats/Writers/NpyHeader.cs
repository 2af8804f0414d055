using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace GenoSeq.Data;

/// <summary>The header of an npy file (NumPy enhancement proposal 1): magic, version, and a Python dictionary that is padded
/// so that data begins at a multiple of 64.</summary>
internal static class NpyHeader
{
    private const int Alignment = 64;
    private const int ShortPrefix = 10;
    private const int LongPrefix = 12;

    // As NumPy does, room is left for the first dimension to grow to any 64-bit number.
    private const int GrowingDigits = 21;

    internal static string Descriptor(NpyType type)
    {
        char order = BitConverter.IsLittleEndian ? '<' : '>';
        return type switch
        {
            NpyType.UInt8 => "|u1",
            NpyType.Int32 => $"{order}i4",
            NpyType.Int64 => $"{order}i8",
            NpyType.Float16 => $"{order}f2",
            NpyType.Float32 => $"{order}f4",
            NpyType.Float64 => $"{order}f8",
            _ => throw new ArgumentOutOfRangeException(nameof(type)),
        };
    }

    internal static Type ElementType(NpyType type) => type switch
    {
        NpyType.UInt8 => typeof(byte),
        NpyType.Int32 => typeof(int),
        NpyType.Int64 => typeof(long),
        NpyType.Float16 => typeof(Half),
        NpyType.Float32 => typeof(float),
        NpyType.Float64 => typeof(double),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>The header's bytes; its length does not depend on the number of rows. Version 1.0, or 2.0 where the
    /// dictionary is longer than 65,535 bytes.</summary>
    internal static byte[] Make(NpyType type, long rows, ReadOnlySpan<int> rowShape)
    {
        string first = rows.ToString(CultureInfo.InvariantCulture);
        var text = new StringBuilder()
            .Append("{'descr': '").Append(Descriptor(type)).Append("', 'fortran_order': False, 'shape': (").Append(first).Append(',');
        foreach (int dimension in rowShape)
        {
            text.Append(' ').Append(dimension.ToString(CultureInfo.InvariantCulture)).Append(',');
        }
        if (!rowShape.IsEmpty)
        {
            text.Length--;
        }
        text.Append("), }");
        text.Append(' ', GrowingDigits - first.Length);
        int prefix = Padded(ShortPrefix, text.Length) - ShortPrefix <= ushort.MaxValue ? ShortPrefix : LongPrefix;
        int total = Padded(prefix, text.Length);
        var header = new byte[total];
        header[0] = 0x93;
        "NUMPY"u8.CopyTo(header.AsSpan(1));
        header[6] = (byte)(prefix == ShortPrefix ? 1 : 2);
        if (prefix == ShortPrefix)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), (ushort)(total - prefix));
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), (uint)(total - prefix));
        }
        header.AsSpan(prefix).Fill((byte)' ');
        Encoding.ASCII.GetBytes(text.ToString(), header.AsSpan(prefix));
        header[^1] = (byte)'\n';
        return header;
    }

    private static int Padded(int prefix, int text) => (prefix + text + 1 + Alignment - 1) / Alignment * Alignment;
}
