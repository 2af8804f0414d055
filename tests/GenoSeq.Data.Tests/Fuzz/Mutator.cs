using System.Buffers.Binary;

namespace GenoSeq.Data.Tests.Fuzz;

/// <summary>
/// Changes bytes of valid files the way broken programs, disks and attackers do. What comes out is a function of the
/// corpus, the seed and the number of the input alone.
/// </summary>
internal sealed class Mutator(IReadOnlyList<byte[]> corpus, int seed, int maxLength)
{
    private static readonly byte[] s_bytes = "\n\r\t >@+;*-.N,|#\"0129\0"u8.ToArray().Concat([(byte)0x1F, (byte)0x8B, (byte)0x7F, (byte)0x80, (byte)0xFF]).ToArray();

    private static readonly string[] s_texts =
    [
        "\n>", "\n@", "\n+\n", "\r\n", "\n\n", "-1", "0", "4294967296", "9223372036854775807", "18446744073709551616", "1e9", "NaN", "\t\t", ",,", "\"\"",
        "\ufeff", ">x y\nACGTN\n", "@r\nAC\n+\nII\n", "chr1\t0\t10\n", "PAR1",
    ];

    private static readonly ulong[] s_numbers =
    [
        0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, long.MaxValue, 1UL << 63, ulong.MaxValue,
    ];

    /// <summary>The mutated input of this number.</summary>
    internal byte[] Make(int number)
    {
        var random = new Random(unchecked((int)((((uint)seed * 2654435761u) + (uint)number) * 2246822519u)));
        var data = new List<byte>(corpus[random.Next(corpus.Count)]);
        for (int changes = 1 + random.Next(random.Next(2) == 0 ? 3 : 16); changes > 0; changes--)
        {
            Change(data, random);
        }
        if (data.Count > maxLength)
        {
            data.RemoveRange(maxLength, data.Count - maxLength);
        }
        return [.. data];
    }

    private void Change(List<byte> data, Random random)
    {
        int at = random.Next(data.Count + 1);
        int rest = data.Count - at;
        switch (random.Next(11))
        {
            case 0 when rest > 0:
                data[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when rest > 0:
                data[at] = (byte)random.Next(256);
                break;
            case 2 when rest > 0:
                data[at] = s_bytes[random.Next(s_bytes.Length)];
                break;
            case 3:
                data.InsertRange(at, System.Text.Encoding.UTF8.GetBytes(s_texts[random.Next(s_texts.Length)]));
                break;
            case 4 when rest > 0:
                data.RemoveRange(at, random.Next(Math.Min(rest, 64)) + 1);
                break;
            case 5 when rest > 0:
                data.RemoveRange(at, rest);
                break;
            case 6 when rest > 0:
                data.InsertRange(random.Next(data.Count + 1), data.GetRange(at, random.Next(Math.Min(rest, 256)) + 1));
                break;
            case 7:
                Splice(data, at, random);
                break;
            case 8:
                Number(data, at, random);
                break;
            case 9:
                data.InsertRange(at, Enumerable.Repeat(s_bytes[random.Next(s_bytes.Length)], random.Next(300) + 1));
                break;
            case 10 when data.Count > 8:
                // Trailers (checksums, footers, end marks) deserve more attention than their share of the bytes.
                data[data.Count - 1 - random.Next(8)] = (byte)random.Next(256);
                break;
        }
    }

    private void Splice(List<byte> data, int at, Random random)
    {
        byte[] other = corpus[random.Next(corpus.Count)];
        if (other.Length == 0)
        {
            return;
        }
        int from = random.Next(other.Length);
        int count = random.Next(Math.Min(other.Length - from, 4096)) + 1;
        data.InsertRange(at, other.AsSpan(from, Math.Min(count, other.Length - from)).ToArray());
    }

    private static void Number(List<byte> data, int at, Random random)
    {
        Span<byte> bytes = stackalloc byte[8];
        ulong value = s_numbers[random.Next(s_numbers.Length)];
        if (random.Next(4) == 0)
        {
            value = (ulong)(data.Count + random.Next(-16, 17));
        }
        int width = 1 << random.Next(4);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        if (random.Next(2) == 0)
        {
            bytes[..width].Reverse();
        }
        for (int i = 0; i < width && at + i < data.Count; i++)
        {
            data[at + i] = bytes[i];
        }
    }
}
