using System.Text;

namespace GenoSeq.Data.Tests;

public class BedWriterTests
{
    [Fact]
    public void Write_Intervals_AreTabSeparatedLines()
    {
        using var stream = new MemoryStream();
        using BedWriter writer = BedWriter.To(stream);
        writer.Write("chr1", 0, 5_000_000_000, "name", "0", "-");
        writer.Write("chr1", 7, 7, "", "1", "+");
        writer.Commit();
        Assert.Equal("chr1\t0\t5000000000\tname\t0\t-\nchr1\t7\t7\t\t1\t+\n", Encoding.UTF8.GetString(stream.ToArray()));
    }

    [Fact]
    public void Create_NameWithGz_IsBgzfThatReadsBack()
    {
        using var temp = new TempFolder();
        string path = temp.PathOf("a.bed.gz");
        var expected = new StringBuilder();
        using (BedWriter writer = BedWriter.Create(path))
        {
            for (int i = 0; i < 50_000; i++)
            {
                writer.Write($"chr{i % 5000}", i, i + 10);
                expected.Append("chr").Append(i % 5000).Append('\t').Append(i).Append('\t').Append(i + 10).Append('\n');
            }
            writer.Commit();
        }
        using InputFile file = InputFile.Open(path, new InputFileOptions());
        Assert.Equal(CompressionKind.Bgzf, file.Compression);
        Assert.Equal(expected.ToString(), Encoding.UTF8.GetString(Compressed.ReadAll(file.Content)));
    }

    [Fact]
    public void Write_WhatBedCannotHold_IsRefused()
    {
        using BedWriter writer = BedWriter.To(Stream.Null);
        writer.Write("a", 1, 2);
        Assert.Throws<ArgumentException>(() => writer.Write("a", 1, 2, "name"));
        Assert.Throws<ArgumentException>(() => writer.Write("a\tb", 1, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Write("a", 2, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Write("a", -1, 1));
    }
}
