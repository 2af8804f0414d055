using System.Text;

namespace GenoSeq.Data.Tests.Statistics;

public class FastqReaderTests
{
    private sealed class Gather : IFastqVisitor
    {
        private readonly StringBuilder _text = new();

        internal string Text => _text.ToString();

        public void BeginRecord(ReadOnlySpan<byte> name, long line) => _text.Append(Encoding.UTF8.GetString(name)).Append(':');

        public void AppendBases(ReadOnlySpan<byte> bases) => _text.Append(Encoding.Latin1.GetString(bases));

        public void AppendQualities(ReadOnlySpan<byte> qualities) => _text.Append(Encoding.Latin1.GetString(qualities).ToLowerInvariant());

        public void EndRecord() => _text.Append('|');
    }

    private static string Read(string text)
    {
        var gather = new Gather();
        using var stream = new MemoryStream(Encoding.Latin1.GetBytes(text));
        FastqReader.Read(stream, "t.fq", gather);
        return gather.Text;
    }

    [Theory]
    [InlineData("@a x\nACGT\n+\n@+II\n@b\nNN\n+b\n@@\n")]
    [InlineData("@a x\r\nACGT\r\n+\r\n@+II\r\n@b\r\nNN\r\n+\r\n@@")]
    [InlineData("@a x\rACGT\r+a x\r@+II\r@b\rNN\r+\r@@\r")]
    [InlineData("\n\n@a x\nAC\nGT\n+a\n@+\nII\n \n\n@b\nN\nN\n+\n@\n@\n\n\n")]
    [InlineData("\u00EF\u00BB\u00BF@a\nACGT\n+\n@+II\n@b \t\n NN \n + \n\t@@\n")]
    public void Read_SameRecordsInOtherLayouts_AreTheSame(string text) => Assert.Equal("a:ACGT@+ii|b:NN@@|", Read(text));

    [Theory]
    [InlineData("@a\n\n+\n\n@b\nA\n+\nI\n")]
    [InlineData("@a\n+\n@b\nA\n+\nI\n")]
    [InlineData("@a\n\n+\n@b\nA\n+\nI")]
    public void Read_EmptyRecords_AreRecords(string text) => Assert.Equal("a:|b:Ai|", Read(text));

    [Theory]
    [InlineData("", "the file is empty", "t.fq")]
    [InlineData("\n\n", "the file has no FASTQ record", "t.fq")]
    [InlineData("x\n", "the first line is no FASTQ header: \"x\"", "t.fq, line 1")]
    [InlineData("@a\nACGT\n", "the file ends before the '+' line of the record", "t.fq, line 3, record 1 'a'")]
    [InlineData("@a\nACGT\n+\nII\n", "the file ends after 2 of 4 quality characters", "t.fq, line 5, record 1 'a'")]
    [InlineData("@a\nAC\n+\nIII\n", "the quality is longer than the 2 bases of the record", "t.fq, line 4, record 1 'a'")]
    [InlineData("@a\nAC\n+b\nII\n", "the '+' line repeats another name, 'b'", "t.fq, line 3, record 1 'a'")]
    [InlineData("@a\nAC\n\nGT\n+\nIIII\n", "a blank line inside a record", "t.fq, line 3, record 1 'a'")]
    [InlineData("@a\nAC\n+\n\nII\n", "a blank line inside a record", "t.fq, line 4, record 1 'a'")]
    [InlineData("@a\nA C\n+\nII\n", "white space inside a sequence line", "t.fq, line 2, record 1 'a'")]
    [InlineData("@a\nAC\n+\nI I\n", "white space inside a quality line", "t.fq, line 4, record 1 'a'")]
    [InlineData("@a\nAC\n+\nI\u007F\n", "byte 0x7F is no quality character", "t.fq, line 4, record 1 'a'")]
    [InlineData("@a\nAL\n+\nII\n", "'L' is no nucleotide code", "t.fq, line 2, record 1 'a'")]
    [InlineData("@a\nAC\n+\nII\n>b\n", "after a complete record of 2 bases comes no header line but \">b\"", "t.fq, line 5, record 1 'a'")]
    public void Read_BadInput_SaysWhatAndWhere(string text, string what, string where)
    {
        var e = Assert.Throws<InputDataException>(() => Read(text));
        Assert.Equal((what, where), (e.What, e.Where));
        Assert.NotNull(e.Expected);
    }
}
