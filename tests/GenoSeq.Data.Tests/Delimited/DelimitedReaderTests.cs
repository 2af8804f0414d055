using System.Text;

namespace GenoSeq.Data.Tests.Delimited;

public sealed class DelimitedReaderTests
{
    private static List<(long Line, string[] Fields)> Rows(string text, DelimitedOptions? options = null) =>
        Rows(Encoding.UTF8.GetBytes(text), int.MaxValue, options);

    private static List<(long Line, string[] Fields)> Rows(byte[] bytes, int atMost, DelimitedOptions? options = null)
    {
        using var stream = new TrickleStream(bytes, atMost);
        using DelimitedReader reader = DelimitedReader.FromStream(stream, "t.csv", options);
        var rows = new List<(long, string[])>();
        while (reader.Read())
        {
            rows.Add((reader.Line, [.. Enumerable.Range(0, reader.FieldCount).Select(i => Encoding.UTF8.GetString(reader[i]))]));
        }
        return rows;
    }

    [Theory]
    [InlineData("a,b\n1,2\n3,4\n")]
    [InlineData("a,b\r\n1,2\r\n3,4")]
    [InlineData("a,b\r1,2\r3,4\r")]
    [InlineData("\uFEFFa,b\n\n1,2\n\r\n3,4\n\n")]
    [InlineData("a\tb\n1\t2\n3\t4\n")]
    [InlineData("a;b\n1;2\n3;4\n")]
    [InlineData("\"a\",\"b\"\n\"1\",2\n3,\"4\"")]
    public void Read_Layouts_GiveTheSameFields(string text)
    {
        List<(long Line, string[] Fields)> rows = Rows(text);
        Assert.Equal([["1", "2"], ["3", "4"]], rows.Select(r => r.Fields));
    }

    [Fact]
    public void Read_QuotedText_KeepsDelimitersLineEndsAndQuotes()
    {
        List<(long Line, string[] Fields)> rows = Rows("a,b\n\"x,y\",\"1\n2\r\n3\"\n\"say \"\"hi\"\"\",5\"6\n\"\",\"\"\"\"\n");
        Assert.Equal([["x,y", "1\n2\r\n3"], ["say \"hi\"", "5\"6"], ["", "\""]], rows.Select(r => r.Fields));
        Assert.Equal([2L, 5L, 6L], rows.Select(r => r.Line));
    }

    [Theory]
    [InlineData("a,b\n1,2\n3\n", "the record has 1 columns", "t.csv, line 3")]
    [InlineData("a,b\n1,2,3\n", "the record has 3 columns", "t.csv, line 2")]
    [InlineData("a,b\n\"1\n2\",2\n\n3,4,5\n", "the record has 3 columns", "t.csv, line 5")]
    [InlineData("a,b\n1,\"2\n3,4\n", "a quoted field is not closed before the end of the file", "t.csv, line 2, column 2")]
    [InlineData("a,b\n1,\"2\"x\n", "text follows the closing quote of a field", "t.csv, line 2, column 2")]
    [InlineData("a,a\n1,2\n", "two columns are named 'a'", "t.csv, line 1")]
    [InlineData("a,b\n1,\0\n", "this looks like binary data, not a text table", "t.csv, line 2")]
    [InlineData("", "the table is empty", "t.csv")]
    [InlineData("\n\n", "the table is empty", "t.csv")]
    public void Read_Malformed_SaysWhatAndWhere(string text, string what, string where)
    {
        var e = Assert.Throws<InputDataException>(() => Rows(text));
        Assert.Equal((what, where), (e.What, e.Where));
    }

    [Fact]
    public void Read_WithoutHeader_NumbersColumns()
    {
        using var stream = new MemoryStream("x\ty\nz\tw"u8.ToArray());
        using DelimitedReader reader = DelimitedReader.FromStream(stream, "t", new DelimitedOptions { HasHeader = false });
        Assert.Equal(["1", "2"], reader.Columns);
        Assert.True(reader.Read());
        Assert.Equal("x"u8.ToArray(), reader[0].ToArray());
        Assert.True(reader.Read());
        Assert.Equal((2, 1), (reader.Line, reader.IndexOf("2")));
        Assert.False(reader.Read());
        Assert.False(reader.Read());
    }

    [Fact]
    public void Read_LineWithTwoDelimitersEquallyOften_TakesTheOneThatIsSteady() =>
        Assert.Equal(["+", "S1", "\t\tacgt"], Rows("+,S1,\t\tacgt\n+,S2,\tacg\n", new DelimitedOptions { HasHeader = false })[0].Fields);

    [Fact]
    public void Read_RecordBeyondTheLimit_IsRefusedAndNotHeld()
    {
        string text = "a,b\n" + new string('A', 5000) + ",1\n";
        Assert.Single(Rows(text, new DelimitedOptions { MaxRecordBytes = 5010 }));
        var e = Assert.Throws<InputDataException>(() => Rows(text, new DelimitedOptions { MaxRecordBytes = 4000 }));
        Assert.Equal("t.csv, record that begins on line 2", e.Where);
    }

    [Fact]
    public void Read_FieldOfMegabytes_IsWhole()
    {
        string big = string.Concat(Enumerable.Repeat("ACGT\n\"\"", 400_000));
        List<(long Line, string[] Fields)> rows = Rows($"s,l\n\"{big}\",1\nA,0\n");
        Assert.Equal(big.Replace("\"\"", "\"", StringComparison.Ordinal), rows[0].Fields[0]);
        Assert.Equal((400_003, "0"), (rows[1].Line, rows[1].Fields[1]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void Read_StreamInSmallPieces_GivesTheSameRecords(int pieces)
    {
        byte[] bytes = Encoding.UTF8.GetBytes("\uFEFFa,b\r\n\"x\"\"\r\n\",\r\n\"\",\"\"\"\"\r\r\ny,z");
        Assert.Equal(Rows(bytes, int.MaxValue).Select(Text), Rows(bytes, pieces).Select(Text));

        static string Text((long Line, string[] Fields) row) => $"{row.Line}:{string.Join('|', row.Fields)}";
    }

    [Fact]
    public void Open_Gzip_Reads()
    {
        using var temp = new TempFolder();
        using DelimitedReader reader = DelimitedReader.Open(temp.Write("a.csv", TempFolder.Gzip("a,b\n1,2\n")));
        Assert.True(reader.Read());
        Assert.Equal("2"u8.ToArray(), reader[1].ToArray());
    }

    [Fact]
    public void Validate_BadOptions_NamesAll() =>
        Assert.Equal(2, new DelimitedOptions { Delimiter = '"', MaxRecordBytes = 0 }.Validate().Count);

    [Fact]
    public void Read_ManyRecords_AllocatesNothingForEach()
    {
        byte[] bytes = Encoding.ASCII.GetBytes("a,b\n" + string.Concat(Enumerable.Repeat("ACGTACGT,\"1\"\"2\"\n", 100_000)));
        using var stream = new MemoryStream(bytes);
        using DelimitedReader reader = DelimitedReader.FromStream(stream, "t");
        reader.Read();
        long before = GC.GetAllocatedBytesForCurrentThread();
        int rows = 0;
        while (reader.Read())
        {
            rows += reader[1].Length == 3 ? 1 : 0;
        }
        Assert.Equal(99_999, rows);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000);
    }
}
