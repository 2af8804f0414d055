using GenoSeq.Data.Parquet.DuckDb;

namespace GenoSeq.Data.Tests;

public sealed class ParquetTableTests
{
    [Fact]
    public void Write_TextsAndNumbers_ReadBack()
    {
        using var temp = new TempFolder();
        string file = temp.Write("t.parquet", "what was there");
        const int Rows = 5000;
        ParquetTable.Write(file,
        [
            TableColumn.Of("id", Enumerable.Range(0, Rows).Select(i => i == 7 ? "" : $"r\t{i} \u00e9")),
            TableColumn.Of("p(a b)", Enumerable.Range(0, Rows).Select(i => i == 8 ? double.NaN : 1.0 / (i + 1))),
        ]);
        using var session = new DuckDbSession(1, 256 << 20);
        using DuckDbCursor cursor = session.Select($"SELECT id, \"p(a b)\" FROM read_parquet({Sql.Text(file)})");
        int row = 0;
        while (cursor.Next())
        {
            for (int i = 0; i < cursor.Rows; i++, row++)
            {
                Assert.Equal(row == 7 ? "" : $"r\t{row} \u00e9", cursor.Text(0, i));
                Assert.Equal(row == 8 ? double.NaN : 1.0 / (row + 1), cursor.Double(1, i));
            }
        }

        Assert.Equal(Rows, row);
    }

    [Fact]
    public void Write_ColumnsOfTwoLengths_AreRefused()
    {
        using var temp = new TempFolder();
        Assert.Throws<ArgumentException>(() => ParquetTable.Write(temp.PathOf("t.parquet"), [TableColumn.Of("a", [1.0]), TableColumn.Of("b", ["x", "y"])]));
    }
}
