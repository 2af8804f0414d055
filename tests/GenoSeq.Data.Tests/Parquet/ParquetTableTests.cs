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
        var table = new ParquetTable();
        table.Add("id", ParquetTableType.Text);
        table.Add("p(a b)", ParquetTableType.Double);
        int next = 0;
        table.Write(file, r =>
        {
            if (next == Rows)
            {
                return false;
            }

            r.Add(next == 7 ? "" : $"r\t{next} \u00e9");
            if (next == 9)
            {
                r.AddNothing();
            }
            else
            {
                r.Add(next == 8 ? double.NaN : 1.0 / (next + 1));
            }

            next++;
            return true;
        }, new OutputOptions { Force = true });
        using var session = new DuckDbSession(1, 256 << 20);
        using DuckDbCursor cursor = session.Select($"SELECT id, coalesce(\"p(a b)\", -1) FROM read_parquet({Sql.Text(file)})");
        int row = 0;
        while (cursor.Next())
        {
            for (int i = 0; i < cursor.Rows; i++, row++)
            {
                Assert.Equal(row == 7 ? "" : $"r\t{row} \u00e9", cursor.Text(0, i));
                Assert.Equal(row == 8 ? double.NaN : row == 9 ? -1 : 1.0 / (row + 1), cursor.Double(1, i));
            }
        }

        Assert.Equal(Rows, row);
    }

    [Fact]
    public void Write_RowWithTooFewValues_IsRefused()
    {
        using var temp = new TempFolder();
        string file = temp.PathOf("t.parquet");
        var table = new ParquetTable();
        table.Add("a", ParquetTableType.Int64);
        table.Add("b", ParquetTableType.Text);
        Assert.ThrowsAny<Exception>(() => table.Write(file, r =>
        {
            r.Add(1L);
            return true;
        }));
        Assert.False(File.Exists(file));
    }
}
