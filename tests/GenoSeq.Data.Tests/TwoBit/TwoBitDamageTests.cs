using GenoSeq.Data.Tests.Fuzz;

namespace GenoSeq.Data.Tests;

/// <summary>2bit files that are cut off or damaged.</summary>
public class TwoBitDamageTests
{
    private const long Allowance = 1 << 20;

    private static byte[] Small() => TwoBitWriter.Write([("a", "ACGTNNNNacgtacgtNNacgtnA"), ("bb", "TTTTccccGG")]);

    [Fact]
    public void Open_EveryTruncation_IsRefused()
    {
        byte[] whole = Small();
        for (int length = 0; length < whole.Length; length++)
        {
            byte[] cut = whole[..length];
            Assert.Throws<InputDataException>(() => TwoBitGenome.Open(new MemoryBytes(cut), "cut.2bit"));
        }
    }

    [Fact]
    public void Open_EveryByteChanged_IsReadOrRefusedWithoutLargeAllocations()
    {
        byte[] whole = Small();
        TwoBitFuzz.Run(whole);
        for (int i = 0; i < whole.Length; i++)
        {
            for (int flip = 1; flip < 256; flip += flip < 8 ? 1 : 31)
            {
                byte[] changed = [.. whole];
                changed[i] ^= (byte)flip;
                long before = GC.GetAllocatedBytesForCurrentThread();
                TwoBitFuzz.Run(changed);
                Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < Allowance, $"byte {i} ^ {flip}");
            }
        }
    }

    // Offsets: header 16; index 2 + 4, 3 + 4; record a at 29: size, N count 3, starts, sizes.
    [Theory]
    [InlineData(0, new byte[] { 1 }, "the first bytes are")]
    [InlineData(4, new byte[] { 2 }, "version 2 of the 2bit format")]
    [InlineData(8, new byte[] { 0, 0 }, "the file has no sequence")]
    [InlineData(8, new byte[] { 255, 255, 255, 255 }, "4294967295 sequences do not fit a file of")]
    [InlineData(12, new byte[] { 9 }, "the reserved field is 9")]
    [InlineData(16, new byte[] { 255 }, "the file ends within entry 1 of the index")]
    [InlineData(16, new byte[] { 0 }, "a sequence name is empty")]
    [InlineData(18, new byte[] { 255, 255, 255, 255 }, "sequence 'a' begins at byte 4294967295, the file ends at")]
    [InlineData(18, new byte[] { 20 }, "")]
    [InlineData(29, new byte[] { 255, 255, 255, 255 }, "the 4294967295 bases of sequence 'a' end at byte")]
    [InlineData(33, new byte[] { 255, 255, 255, 255 }, "4294967295 N blocks of sequence 'a' do not fit the file")]
    [InlineData(37, new byte[] { 30 }, "block 1 of the N blocks of sequence 'a' ends at base")]
    [InlineData(41, new byte[] { 5 }, "N blocks 1 and 2 of sequence 'a' overlap or are not sorted")]
    [InlineData(49, new byte[] { 255, 255, 255, 255 }, "block 1 of the N blocks of sequence 'a' ends at base 4294967299 of 24")]
    public void Open_BadField_SaysWhichAndWhere(int at, byte[] value, string what)
    {
        byte[] bytes = Small();
        value.CopyTo(bytes.AsSpan(at));
        var e = Assert.Throws<InputDataException>(() => TwoBitGenome.Open(new MemoryBytes(bytes), "bad.2bit"));
        Assert.StartsWith(what, e.What, StringComparison.Ordinal);
        Assert.Matches("^bad.2bit, byte [0-9]+$", e.Where);
    }

    [Fact]
    public void Open_ManySequencesAtTheSameBlocks_IsRefusedBeforeMemoryIsSpent()
    {
        // 20,000 index entries that all point to one record of 30,000 blocks would ask for 4.8 GB.
        string letters = string.Concat(Enumerable.Repeat("aC", 30_000));
        byte[] one = TwoBitWriter.Write([("aaaaa", letters)]);
        byte[] record = one[(16 + 10)..];
        const int count = 20_000;
        byte[] header = [.. one[..16]];
        BitConverter.TryWriteBytes(header.AsSpan(8), count);
        using var file = new MemoryStream();
        file.Write(header);
        for (int i = 0; i < count; i++)
        {
            file.Write([5, .. System.Text.Encoding.ASCII.GetBytes($"{i:D5}"), .. BitConverter.GetBytes(16 + (10 * count))]);
        }
        file.Write(record);
        byte[] bytes = file.ToArray();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<InputDataException>(() => TwoBitGenome.Open(new MemoryBytes(bytes), "bomb.2bit"));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < bytes.Length + (64 << 20));
    }
}
