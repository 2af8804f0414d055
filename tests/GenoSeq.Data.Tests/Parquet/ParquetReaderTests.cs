using System.Text;
using GenoSeq.Data.Parquet.DuckDb;

namespace GenoSeq.Data.Tests;

public sealed class ParquetReaderTests
{
    private const string Table = "(VALUES (1, 'ACGT', 'a', 0.5), (2, NULL, 'b', 2), (3, 'GG', 'a', NULL)) t(id, sequence, kind, w)";

    [Fact]
    public void Rows_NullSequence_IsRefusedWithItsRowOrSkipped()
    {
        using var temp = new TempFolder();
        string file = Make(temp, "a.parquet", $"SELECT * FROM {Table}");
        InputDataException e = Assert.Throws<InputDataException>(() => Read([file], new ParquetSequenceOptions()));
        Assert.Contains("row 2", e.Where, StringComparison.Ordinal);
        Assert.Equal(["ACGT|1|a|0.5", "GG|3|a|NaN"], Read([file], new ParquetSequenceOptions { Nulls = ParquetNulls.Skip, IdColumn = "id", LabelColumn = "kind", WeightColumn = "w" }));
    }

    [Fact]
    public void Rows_Where_SelectsRows()
    {
        using var temp = new TempFolder();
        string file = Make(temp, "a.parquet", $"SELECT * FROM {Table}");
        Assert.Equal(["GG|||1"], Read([file], new ParquetSequenceOptions { Where = "length(sequence) < 3 AND kind = 'a'" }));
    }

    [Theory]
    [InlineData("id = 1; DROP TABLE x")]
    [InlineData("id = 1) OR (1 = 1 ")]
    [InlineData("id = (1")]
    [InlineData("kind = 'a")]
    [InlineData("id = 1 -- and more")]
    [InlineData("  ")]
    public void Open_WhereThatIsNoExpression_IsRefused(string where) =>
        Assert.Throws<ArgumentException>(() => ParquetReader.Open(["x"], new ParquetSequenceOptions { Where = where }));

    [Theory]
    [InlineData("nothing = 1")]
    [InlineData("id IN (SELECT 1 FROM read_csv('/etc/passwd'))")]
    [InlineData("id IN (SELECT length(content) FROM read_text('/etc/hostname'))")]
    public void Rows_WhereOutsideTheFiles_IsRefusedInWords(string where)
    {
        using var temp = new TempFolder();
        string file = Make(temp, "a.parquet", $"SELECT * FROM {Table}");
        InputDataException e = Assert.Throws<InputDataException>(() => Read([file], new ParquetSequenceOptions { Where = where, Nulls = ParquetNulls.Skip }));
        Assert.Contains(file, e.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FoldersPatternsAndPartitions_GiveFilesInOrder()
    {
        using var temp = new TempFolder();
        foreach ((string species, string base_) in (ReadOnlySpan<(string, string)>)[("yeast", "T"), ("human", "A"), ("fly", "C")])
        {
            Directory.CreateDirectory(temp.PathOf($"d/species={species}"));
            Make(temp, $"d/species={species}/p[1].parquet", $"SELECT repeat('{base_}', n::INT) AS seq FROM range(1, 3) t(n)");
        }

        temp.Write("d/_SUCCESS.parquet", "not data");
        string folder = temp.PathOf("d");
        Assert.Equal(["C", "CC", "A", "AA", "T", "TT"], Read([folder], new ParquetSequenceOptions()).Select(First));
        Assert.Equal(["A", "AA"], Read([folder], new ParquetSequenceOptions { Where = "species = 'human'" }).Select(First));
        Assert.Equal(["A|human", "AA|human"], Read([folder], new ParquetSequenceOptions { Where = "species = 'human'", IdColumn = "species" }).Select(r => string.Join('|', r.Split('|')[..2])));
        Assert.Equal(["C", "CC", "T", "TT"], Read([temp.PathOf("d/species=[fy]*/*.parquet")], new ParquetSequenceOptions()).Select(First));
        Assert.Equal(["T", "TT", "A", "AA", "T", "TT"], Read([temp.PathOf("d/species=yeast/p[1].parquet"), temp.PathOf("d/**/p?1?.parquet")], new ParquetSequenceOptions { Where = "species <> 'fly'" }).Select(First));
    }

    [Fact]
    public void Open_Conventions_ChooseTheColumnOrListThem()
    {
        using var temp = new TempFolder();
        Assert.Equal("Seq", Column(temp, "SELECT 'A' AS text, 'C' AS \"Seq\""));
        Assert.Equal("whatever", Column(temp, "SELECT 1 AS sequence, 'C'::BLOB AS whatever"));
        InputDataException e = Assert.Throws<InputDataException>(() => Column(temp, "SELECT 'A' AS one, 'C' AS two, 3 AS three"));
        Assert.Contains("one VARCHAR, two VARCHAR, three INTEGER", e.Expected, StringComparison.Ordinal);
        e = Assert.Throws<InputDataException>(() => Column(temp, "SELECT 1 AS one"));
        Assert.Contains("no column is text or binary", e.What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.b", "x")]
    [InlineData("a", "x")]
    [InlineData("l", "p,q,r")]
    [InlineData("l.list.element", "p,q,r")]
    [InlineData("ll", "p,q,r")]
    [InlineData("ls.name", "p,q")]
    [InlineData("m.key", "k1,k2")]
    [InlineData("m.key_value.value", "v1,v2")]
    [InlineData("m2", "k")]
    [InlineData("dotted.name", "d")]
    [InlineData("e", "mood")]
    public void Rows_NestedPath_GivesEveryLeaf(string path, string expected)
    {
        using var temp = new TempFolder();
        string file = Make(temp, "n.parquet",
            "SELECT {'b': 'x', 'c': 1} AS a, ['p', 'q', 'r'] AS l, [['p'], [], NULL, ['q', 'r']] AS ll, [{'name': 'p'}, {'name': 'q'}] AS ls, "
            + "MAP {'k1': 'v1', 'k2': 'v2'} AS m, MAP {'k': 1} AS m2, 'd' AS \"dotted.name\", 'mood'::ENUM('mood', 'x') AS e");
        Assert.Equal(expected.Split(','), Read([file], new ParquetSequenceOptions { SequenceColumn = path }).Select(First));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("a.nothing")]
    [InlineData("m")]
    [InlineData("n")]
    [InlineData("nothing")]
    public void Open_PathThatLeadsNowhere_NamesTheColumns(string path)
    {
        using var temp = new TempFolder();
        string file = Make(temp, "n.parquet", "SELECT {'b': 'x', 'c': 'y'} AS a, MAP {'k1': 'v1'} AS m, 1 AS n");
        InputDataException e = Assert.Throws<InputDataException>(() => ParquetReader.Open([file], new ParquetSequenceOptions { SequenceColumn = path }));
        Assert.Contains("n INTEGER", e.Expected, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_LengthsAroundTheInlineLimit_AreExact()
    {
        using var temp = new TempFolder();
        string file = Make(temp, "s.parquet", "SELECT repeat('ACGT', 10)[:n::INT] AS sequence FROM range(0, 30) t(n)");
        Assert.Equal(Enumerable.Range(0, 30).Select(n => string.Concat(Enumerable.Repeat("ACGT", 10))[..n]), Read([file], new ParquetSequenceOptions()).Select(First));
    }

    [Theory]
    [InlineData("missing.parquet", "does not exist")]
    [InlineData("none*.parquet", "no file matches")]
    [InlineData("empty", "no Parquet file")]
    public void Open_NothingThere_SaysSo(string name, string what)
    {
        using var temp = new TempFolder();
        Directory.CreateDirectory(temp.PathOf("empty"));
        Assert.Contains(what, Assert.Throws<InputDataException>(() => ParquetReader.Open([temp.PathOf(name)])).What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "too short")]
    [InlineData("PAR1 is cut off here", "begins as Parquet")]
    [InlineData(">a fasta file\nACGT\n", "not Parquet")]
    [InlineData("PAR1....\u0010\0\0\0PARE", "encrypted")]
    [InlineData("PAR1....\u00ff\u00ff\u00ff\u007fPAR1", "footer's length")]
    public void Open_NoParquet_SaysWhy(string content, string what)
    {
        using var temp = new TempFolder();
        string file = temp.Write("x.parquet", content);
        Assert.Contains(what, Assert.Throws<InputDataException>(() => ParquetReader.Open([file])).What, StringComparison.Ordinal);
    }

    [Fact]
    public void Candidates_NamedFile_IsTheOnlyOne()
    {
        Assert.Equal(["/x/libduckdb.so"], DuckDbLibrary.Candidates("/x/libduckdb.so", "/app"));
        Assert.Equal(["/app/libduckdb.so", "/app/native/libduckdb.so"], DuckDbLibrary.Candidates(null, "/app"));
    }

    private static string First(string row) => row.Split('|')[0];

    private static string Column(TempFolder temp, string sql)
    {
        using ParquetReader reader = ParquetReader.Open([Make(temp, "c.parquet", sql)]);
        return reader.SequenceColumn;
    }

    private static string Make(TempFolder temp, string name, string sql)
    {
        using var session = new DuckDbSession(1, 256 << 20);
        session.Execute($"COPY ({sql}) TO {Sql.Text(temp.PathOf(name))} (FORMAT parquet)");
        return temp.PathOf(name);
    }

    private static List<string> Read(IReadOnlyList<string> paths, ParquetSequenceOptions options)
    {
        var found = new List<string>();
        using ParquetReader reader = ParquetReader.Open(paths, options);
        using ParquetSequenceRows rows = reader.Rows();
        while (rows.MoveNext())
        {
            found.Add(FormattableString.Invariant($"{Text(rows.Sequence)}|{Text(rows.Id)}|{Text(rows.Label)}|{rows.Weight}"));
        }

        return found;
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
