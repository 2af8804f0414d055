namespace GenoSeq.Data.Tests;

public class Crc32Tests
{
    [Fact]
    public void Append_OfDigits_IsTheCheckValue() => Assert.Equal(0xCBF43926u, Crc32.Append(0, "123456789"u8));

    [Fact]
    public void Append_AllForms_AgreeWithBitByBit()
    {
        var bytes = new byte[1100];
        new Random(5).NextBytes(bytes);
        foreach (int start in (ReadOnlySpan<int>)[0, 1, 7])
        {
            for (int length = 0; length <= 1000; length += length < 200 ? 1 : 37)
            {
                ReadOnlySpan<byte> part = bytes.AsSpan(start, length);
                uint expected = BitByBit(0x1234ABCD, part);
                Assert.Equal(expected, Crc32.AppendScalar(0x1234ABCD, part));
                Assert.Equal(expected, Crc32.AppendManaged(0x1234ABCD, part));
                Assert.Equal(expected, Crc32.Append(0x1234ABCD, part));
            }
        }
    }

    [Fact]
    public void Append_InPieces_IsThatOfTheWhole()
    {
        var bytes = new byte[5000];
        new Random(6).NextBytes(bytes);
        uint crc = 0;
        for (int at = 0, n = 1; at < bytes.Length; at += n, n = n * 2 % 701)
        {
            n = Math.Min(n, bytes.Length - at);
            crc = Crc32.Append(crc, bytes.AsSpan(at, n));
        }
        Assert.Equal(Crc32.Append(0, bytes), crc);
    }

    private static uint BitByBit(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int i = 0; i < 8; i++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
            }
        }
        return ~crc;
    }
}
