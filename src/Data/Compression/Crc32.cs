using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Arm = System.Runtime.Intrinsics.Arm;

namespace GenoSeq.Data;

/// <summary>The CRC-32 of gzip (polynomial 0x04C11DB7, bits reflected).</summary>
internal static unsafe class Crc32
{
    private const int Slices = 8;
    private static readonly uint[] s_tables = MakeTables();

    /// <summary>The checksum of bytes that follow others.</summary>
    /// <param name="crc">Checksum of what came before; 0 at the start.</param>
    /// <param name="bytes">What follows.</param>
    internal static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        if (LibDeflate.IsAvailable && bytes.Length >= 128)
        {
            fixed (byte* p = bytes)
            {
                return LibDeflate.Crc32(crc, p, (nuint)bytes.Length);
            }
        }
        return AppendManaged(crc, bytes);
    }

    /// <summary><see cref="Append"/> without libdeflate.</summary>
    internal static uint AppendManaged(uint crc, ReadOnlySpan<byte> bytes)
    {
        if (Pclmulqdq.IsSupported && Sse2.IsSupported && bytes.Length >= 64)
        {
            int whole = bytes.Length & ~15;
            crc = Fold(crc, bytes[..whole]);
            bytes = bytes[whole..];
        }
        else if (Arm.Crc32.Arm64.IsSupported)
        {
            uint inverted = ~crc;
            for (; bytes.Length >= 8; bytes = bytes[8..])
            {
                inverted = Arm.Crc32.Arm64.ComputeCrc32(inverted, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            }
            crc = ~inverted;
        }
        return AppendScalar(crc, bytes);
    }

    /// <summary>Eight bytes at a time through tables; the twin of the vector form.</summary>
    internal static uint AppendScalar(uint crc, ReadOnlySpan<byte> bytes)
    {
        uint[] t = s_tables;
        crc = ~crc;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            ulong x = BinaryPrimitives.ReadUInt64LittleEndian(bytes) ^ crc;
            crc = t[1792 + (byte)x] ^ t[1536 + (byte)(x >> 8)] ^ t[1280 + (byte)(x >> 16)] ^ t[1024 + (byte)(x >> 24)]
                ^ t[768 + (byte)(x >> 32)] ^ t[512 + (byte)(x >> 40)] ^ t[256 + (byte)(x >> 48)] ^ t[(int)(x >> 56)];
        }
        foreach (byte b in bytes)
        {
            crc = (crc >> 8) ^ t[(byte)(crc ^ b)];
        }
        return ~crc;
    }

    private static uint[] MakeTables()
    {
        var t = new uint[Slices * 256];
        for (uint i = 0; i < 256; i++)
        {
            uint c = i;
            for (int bit = 0; bit < 8; bit++)
            {
                c = (c >> 1) ^ ((c & 1) * 0xEDB88320u);
            }
            t[i] = c;
        }
        for (int i = 256; i < t.Length; i++)
        {
            t[i] = (t[i - 256] >> 8) ^ t[t[i - 256] & 0xFF];
        }
        return t;
    }

    // Carry-less multiplication: Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
    // Instruction", Intel 2009; four lanes of 128 bits, the constants of its reflected CRC-32. At least 64 bytes, and a
    // multiple of 16.
    private static uint Fold(uint crc, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<Vector128<ulong>> v = MemoryMarshal.Cast<byte, Vector128<ulong>>(bytes);
        Vector128<ulong> a = v[0] ^ Vector128.Create((ulong)~crc, 0);
        Vector128<ulong> b = v[1];
        Vector128<ulong> c = v[2];
        Vector128<ulong> d = v[3];
        v = v[4..];
        Vector128<ulong> by512 = Vector128.Create(0x0000000154442BD4UL, 0x00000001C6E41596UL);
        for (; v.Length >= 4; v = v[4..])
        {
            a = Step(a, by512) ^ v[0];
            b = Step(b, by512) ^ v[1];
            c = Step(c, by512) ^ v[2];
            d = Step(d, by512) ^ v[3];
        }
        Vector128<ulong> by128 = Vector128.Create(0x00000001751997D0UL, 0x00000000CCAA009EUL);
        a = Step(a, by128) ^ b;
        a = Step(a, by128) ^ c;
        a = Step(a, by128) ^ d;
        foreach (Vector128<ulong> x in v)
        {
            a = Step(a, by128) ^ x;
        }
        // 128 bits to 64, then Barrett's reduction to 32.
        Vector128<ulong> low32 = Vector128.Create(0xFFFFFFFFUL, 0);
        a = Pclmulqdq.CarrylessMultiply(a, by128, 0x10) ^ Sse2.ShiftRightLogical128BitLane(a, 8);
        a = Pclmulqdq.CarrylessMultiply(a & low32, Vector128.Create(0x0000000163CD6124UL, 0), 0x00)
            ^ Sse2.ShiftRightLogical128BitLane(a, 4);
        Vector128<ulong> barrett = Vector128.Create(0x00000001DB710641UL, 0x00000001F7011641UL);
        Vector128<ulong> q = Pclmulqdq.CarrylessMultiply(a & low32, barrett, 0x10) & low32;
        a ^= Pclmulqdq.CarrylessMultiply(q, barrett, 0x00);
        return ~a.AsUInt32()[1];
    }

    private static Vector128<ulong> Step(Vector128<ulong> x, Vector128<ulong> by) =>
        Pclmulqdq.CarrylessMultiply(x, by, 0x00) ^ Pclmulqdq.CarrylessMultiply(x, by, 0x11);
}
