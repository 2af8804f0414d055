using System.Buffers.Binary;
using System.Text;

namespace GenoSeq.Data.Tests;

/// <summary>Writes 2bit files by the format's definition, one letter at a time.</summary>
internal static class TwoBitWriter
{
    internal static byte[] Write(
        IReadOnlyList<(string Name, string Bases)> sequences, bool bigEndian = false, bool wideOffsets = false)
    {
        using var file = new MemoryStream();
        void Number(uint value)
        {
            var bytes = new byte[4];
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, bigEndian ? BinaryPrimitives.ReverseEndianness(value) : value);
            file.Write(bytes);
        }
        Number(0x1A412743);
        Number(wideOffsets ? 1u : 0u);
        Number((uint)sequences.Count);
        Number(0);
        long offset = 16 + sequences.Sum(s => 1 + Encoding.UTF8.GetByteCount(s.Name) + (wideOffsets ? 8 : 4));
        foreach ((string name, string bases) in sequences)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(name);
            file.WriteByte((byte)bytes.Length);
            file.Write(bytes);
            if (wideOffsets && bigEndian)
            {
                Number(0);
            }
            Number((uint)offset);
            if (wideOffsets && !bigEndian)
            {
                Number(0);
            }
            offset += 16 + (8 * (Blocks(bases, IsN).Count + Blocks(bases, char.IsAsciiLetterLower).Count)) + ((bases.Length + 3) / 4);
        }
        foreach ((_, string bases) in sequences)
        {
            Number((uint)bases.Length);
            foreach (List<(int Start, int Length)> blocks in new[] { Blocks(bases, IsN), Blocks(bases, char.IsAsciiLetterLower) })
            {
                Number((uint)blocks.Count);
                blocks.ForEach(b => Number((uint)b.Start));
                blocks.ForEach(b => Number((uint)b.Length));
            }
            Number(0);
            for (int i = 0; i < bases.Length; i += 4)
            {
                int packed = 0;
                for (int k = 0; k < 4; k++)
                {
                    int code = i + k < bases.Length ? "TCAG".IndexOf(char.ToUpperInvariant(bases[i + k]), StringComparison.Ordinal) : 0;
                    packed = (packed << 2) | Math.Max(0, code);
                }
                file.WriteByte((byte)packed);
            }
        }
        return file.ToArray();
    }

    private static bool IsN(char c) => c is 'N' or 'n';

    private static List<(int Start, int Length)> Blocks(string bases, Func<char, bool> belongs)
    {
        var blocks = new List<(int, int)>();
        for (int i = 0; i < bases.Length; i++)
        {
            if (belongs(bases[i]))
            {
                int start = i;
                while (i < bases.Length && belongs(bases[i]))
                {
                    i++;
                }
                blocks.Add((start, i - start));
            }
        }
        return blocks;
    }
}
