using System.Text;
using GenoSeq.Data.Parquet;

namespace GenoSeq.Data.Tests;

/// <summary>Every file of a public collection of Parquet files, good and bad.</summary>
public sealed class PeerParquetTests
{
    // Decoding one value of it takes gigabytes: two strings of 2^30 bytes in a file of 4 kB.
    private const string Huge = "large_string_map.brotli.parquet";

    // The schema has a MAP without values, which DuckDB refuses; none of its columns is text or binary.
    private const string MapWithoutValue = "map_no_value.parquet";

    public static TheoryData<string> Good => Files("data");

    public static TheoryData<string> Bad => Files("bad_data");

    [SharedTheory]
    [MemberData(nameof(Good))]
    public void Rows_EveryTextOrBinaryColumn_CanBeNamedAndReadWhole(string name)
    {
        if (name is "" or Huge)
        {
            return;
        }

        string path = Repository.SharedPath("data", "peer_inputs", "parquet_testing", "data", name);
        ParquetFooter footer = ParquetFooter.Read(path);
        string[] leaves = [.. Leaves(footer).Distinct()];
        if (name == MapWithoutValue)
        {
            Assert.Empty(leaves);
            return;
        }

        foreach (string leaf in leaves)
        {
            var options = new ParquetSequenceOptions { SequenceColumn = leaf, Nulls = ParquetNulls.Skip };
            using ParquetReader reader = ParquetReader.Open([path], options);
            using ParquetSequenceRows rows = reader.Rows();
            while (rows.MoveNext())
            {
                Assert.True(rows.Sequence.Length >= 0);
            }

            Assert.Equal(footer.Rows, reader.RowCount);
            if (!leaf.Contains('.', StringComparison.Ordinal))
            {
                // Number counts NULLs too, and here there are no lists.
                Assert.Equal(footer.Rows, LastNumber(path, options));
            }
        }

        if (leaves.Length == 0)
        {
            InputDataException e = Assert.Throws<InputDataException>(() => ParquetReader.Open([path]));
            Assert.Contains("no column is text or binary", e.What, StringComparison.Ordinal);
        }
    }

    [SharedTheory]
    [MemberData(nameof(Bad))]
    public void Rows_BadFile_IsRefusedInWords(string name)
    {
        if (name.Length == 0)
        {
            return;
        }

        string path = Repository.SharedPath("data", "peer_inputs", "parquet_testing", "bad_data", name);
        InputDataException e = Assert.Throws<InputDataException>(() => ReadAll(path));
        Assert.Contains(name, e.Where, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.What);
    }

    [SharedFact]
    public void Rows_TwoStringsOfAGibibyte_AreReadUnderAMemoryLimitOrRefusedBelowIt()
    {
        string path = Repository.SharedPath("data", "peer_inputs", "parquet_testing", "data", Huge);
        var options = new ParquetSequenceOptions { SequenceColumn = "arr.key", MemoryLimit = 256 << 20 };
        InputDataException e = Assert.Throws<InputDataException>(() =>
        {
            using ParquetReader reader = ParquetReader.Open([path], options);
            using ParquetSequenceRows rows = reader.Rows();
            while (rows.MoveNext())
            {
            }
        });
        Assert.Contains("memory", e.What, StringComparison.Ordinal);
    }

    [SharedFact]
    [Trait("Category", "Slow")]
    public void Rows_TwoStringsOfAGibibyte_AreRead()
    {
        string path = Repository.SharedPath("data", "peer_inputs", "parquet_testing", "data", Huge);
        using ParquetReader reader = ParquetReader.Open([path], new ParquetSequenceOptions { SequenceColumn = "arr" });
        using ParquetSequenceRows rows = reader.Rows();
        int count = 0;
        while (rows.MoveNext())
        {
            Assert.Equal(1 << 30, rows.Sequence.Length);
            count++;
        }

        Assert.Equal(2, count);
    }

    [SharedFact]
    public void Rows_RealDna_StreamsWithLabels()
    {
        string path = Repository.SharedPath("data", "peer_inputs", "parquet_dna", "promoters_long.parquet");
        using ParquetReader reader = ParquetReader.Open([path], new ParquetSequenceOptions { IdColumn = "name", LabelColumn = "label", ExtraColumns = ["tid"] });
        Assert.Equal("sequence", reader.SequenceColumn);
        using ParquetSequenceRows rows = reader.Rows();
        var counts = new Dictionary<string, int>();
        var bases = new StringBuilder();
        while (rows.MoveNext())
        {
            bases.Append(Encoding.ASCII.GetString(rows.Sequence));
            string label = Encoding.ASCII.GetString(rows.Label);
            counts[label] = counts.GetValueOrDefault(label) + 1;
        }

        Assert.Equal(6042, rows.Number);
        Assert.Equal(53 * 57, counts["+"]);
        Assert.Equal(53 * 57, counts["-"]);
        Assert.Equal(6042, bases.Length);
        Assert.Equal(-1, bases.ToString().ToUpperInvariant().AsSpan().IndexOfAnyExcept("ACGT"));
    }

    private static void ReadAll(string path)
    {
        string[] leaves = [.. Leaves(ParquetFooter.Read(path)).Distinct()];
        foreach (string? leaf in leaves.Length == 0 ? new string?[] { null } : leaves)
        {
            using ParquetReader reader = ParquetReader.Open([path], new ParquetSequenceOptions { SequenceColumn = leaf, Nulls = ParquetNulls.Skip });
            using ParquetSequenceRows rows = reader.Rows();
            while (rows.MoveNext())
            {
            }
        }
    }

    private static long LastNumber(string path, ParquetSequenceOptions options)
    {
        using ParquetReader reader = ParquetReader.Open([path], options);
        using ParquetSequenceRows rows = reader.Rows();
        while (rows.MoveNext())
        {
        }

        return rows.Number;
    }

    // Paths of the byte-array leaves, by the footer alone, as the column chunks give them.
    private static IEnumerable<string> Leaves(ParquetFooter footer)
    {
        int next = 1;
        return Walk(footer.Schema[0].Children, "");

        IEnumerable<string> Walk(int children, string prefix)
        {
            for (int i = 0; i < children; i++)
            {
                ParquetElement element = footer.Schema[next++];
                string path = prefix + element.Name;
                if (element.Children > 0)
                {
                    foreach (string leaf in Walk(element.Children, path + "."))
                    {
                        yield return leaf;
                    }
                }
                else if (element.IsBytes)
                {
                    yield return path;
                }
            }
        }
    }

    private static TheoryData<string> Files(string folder)
    {
        var data = new TheoryData<string>();
        if (Repository.Shared is null)
        {
            data.Add("");
            return data;
        }

        foreach (string path in Directory.EnumerateFiles(Repository.SharedPath("data", "peer_inputs", "parquet_testing", folder)).Order(StringComparer.Ordinal))
        {
            data.Add(Path.GetFileName(path));
        }

        return data;
    }
}
