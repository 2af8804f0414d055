using System.Buffers.Binary;
using System.Text;

namespace GenoSeq.Data.Tests.Fuzz;

/// <summary>Small valid inputs, so that fuzzing needs no files.</summary>
internal static class FuzzSeeds
{
    internal static IReadOnlyList<byte[]> Fasta { get; } =
    [
        Bytes(">a b\nACGTN\nacgt\n\n>c\r\nAC*\r\n;x\n>e\n"), Bytes(">x\nA"), Bytes(">1 first\nACGTACGTAC\nACGTACGTAC\nACG\n>2\nNNNNNNNNNN\nacgtn\n"),
    ];

    internal static IReadOnlyList<byte[]> Fastq { get; } =
    [
        Bytes("@r1\nACGT\n+\nIIII\n@r2 x\nAC\nGT\n+r2 x\n@@\n!~\n"), Bytes("@r\r\nA\r\n+\r\n#\r\n"), Bytes("@e\n\n+\n\n@f\nN\n+\nI"),
    ];

    internal static IReadOnlyList<byte[]> Fai { get; } = [Bytes("a\t6\t3\t4\t5\nb\t3\t14\t3\t4\n")];

    /// <summary>One sequence of 9 bases with a stretch of N and one of lower case.</summary>
    internal static byte[] TwoBit()
    {
        uint[] words = [0x1A412743, 0, 1, 0];
        byte[] head = [.. words.SelectMany(Little), 4, .. "chrA"u8, .. Little(16 + 9)];
        uint[] record = [9, 1, 2, 3, 1, 0, 4, 0];
        return [.. head, .. record.SelectMany(Little), 0x1B, 0xE4, 0x40];
    }

    private static byte[] Little(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
