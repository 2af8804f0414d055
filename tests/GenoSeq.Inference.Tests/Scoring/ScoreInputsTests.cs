using System.Text;
using GenoSeq.Data;
using GenoSeq.Inference.Scoring;

namespace GenoSeq.Inference.Tests.Scoring;

/// <summary>Sequences out of every kind of file.</summary>
public sealed class ScoreInputsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("genoseq-inputs-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Theory]
    [InlineData("a.txt", ">a first\nACGT\nAC\n>b\nTTn\n")]
    [InlineData("b.txt", "@a x\nACGTAC\n+\nIIIIII\n@b\nTTn\n+\n@@@\n")]
    [InlineData("c.txt", "id,sequence\na,ACGTAC\nb,TTn\n")]
    [InlineData("d.txt", "name\tlabel\tseq\na\t1\tACGTAC\nb\t0\tTTn\n")]
    public void Read_Text_GivesRecords(string name, string text)
    {
        string path = Write(name, text);
        ScoreItem[] items = [.. ScoreInputs.Read(new ScoreInputOptions { Files = [path, path] })];
        Assert.Equal(["a:ACGTAC", "b:TTn", "a:ACGTAC", "b:TTn"], items.Select(Text));
    }

    [Fact]
    public void Read_Parquet_GivesRows()
    {
        string path = Path.Combine(_folder, "p.parquet");
        using (TableWriter table = TableWriter.Create(path, [new("id"), new("sequence"), new("n", TableType.Integer), new("x", TableType.Number)]))
        {
            table.Write("a", "ACGTAC", 1, 0.5);
            table.Write("b", "TTn", 2, double.NaN);
            table.Commit();
        }

        Assert.Equal(["a:ACGTAC", "b:TTn"], ScoreInputs.Read(new ScoreInputOptions { Files = [path], IdColumn = "id" }).Select(Text));
        using ParquetReader reader = ParquetReader.Open([path], new ParquetSequenceOptions { ExtraColumns = ["n", "x"] });
        using ParquetSequenceRows rows = reader.Rows();
        Assert.True(rows.MoveNext());
        Assert.Equal(("1", "0.5"), (Encoding.ASCII.GetString(rows.Extra(0)), Encoding.ASCII.GetString(rows.Extra(1))));
        Assert.True(rows.MoveNext());
        Assert.Equal(("2", ""), (Encoding.ASCII.GetString(rows.Extra(0)), Encoding.ASCII.GetString(rows.Extra(1))));
        Assert.False(rows.MoveNext());
        Assert.Throws<OutputException>(() => TableWriter.Create(path, [new("a")]));
    }

    [Fact]
    public void Read_Genome_GivesIntervals()
    {
        using GenomeSource genome = GenomeFiles.Open([Write("g.fa", ">chr1\nACGTACGT\n>chr2\nGGCC\n")]);
        string bed = Write("r.bed", "1\t2\t5\nchr2\t0\t4\n");
        Assert.Equal(["chr1:ACGTACGT", "chr2:GGCC"], ScoreInputs.Read(new ScoreInputOptions { Genome = genome }).Select(Text));
        Assert.Equal(["chr1:3-5:GTA", "chr2:1-4:GGCC"], ScoreInputs.Read(new ScoreInputOptions { Genome = genome, Bed = bed }).Select(Text));
        Assert.Equal(["chr1:2-3:CG"], ScoreInputs.Read(new ScoreInputOptions { Genome = genome, Regions = ["chr1:2-3"] }).Select(Text));
        InputDataException e = Assert.Throws<InputDataException>(
            () => ScoreInputs.Read(new ScoreInputOptions { Genome = genome, Bed = Write("x.bed", "chr9\t0\t1\n") }).Count());
        Assert.Contains("chr9", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("id,sequence\na,ACQT\n", "'Q' at base 3")]
    [InlineData("a,b\n1,2\n", "no column of sequences")]
    [InlineData(">a\nAC1T\n", "line 2")]
    public void Read_Bad_SaysWhere(string text, string expected)
    {
        string path = Write("bad.txt", text);
        InputDataException e = Assert.Throws<InputDataException>(() => ScoreInputs.Read(new ScoreInputOptions { Files = [path] }).Count());
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_LeftEarly_EndsTheReader()
    {
        string path = Write("many.fa", string.Concat(Enumerable.Range(0, 20000).Select(i => $">r{i}\nACGT\n")));
        Assert.Equal("r0", ScoreInputs.Read(new ScoreInputOptions { Files = [path] }).First().Id);
        Assert.Equal(20000, ScoreInputs.Read(new ScoreInputOptions { Files = [path] }).Count());
    }

    private static string Text(ScoreItem item) => $"{item.Id}:{Encoding.ASCII.GetString(item.ReadAll().Span)}";

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
