using System.IO.Compression;
using System.Text.Json.Nodes;
using GenoSeq.Data;

namespace GenoSeq.Cli.Tests.Commands.Data;

public sealed class WindowsCommandTests : IDisposable
{
    private readonly Workspace _work = new();

    public void Dispose() => _work.Dispose();

    private Task<Answer> Windows(params string[] arguments) => Genoseq.InProcessAsync(["data", "windows", .. arguments]);

    private static string[][] Rows(string bed) => [.. bed.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t'))];

    [Fact]
    public async Task Windows_OfARecipe_AreBedLinesInTrainingOrder()
    {
        Answer all = await Windows("-c", _work["mlm.yaml"], $"data.files=[{_work["genome.fa"]}]");
        Assert.True(all.ExitCode == 0, all.Error);
        string[][] rows = Rows(all.Out);
        Assert.All(rows, r => Assert.Equal((6, 64, "1000"), (r.Length, int.Parse(r[2]) - int.Parse(r[1]), r[4])));
        Assert.Equal(Enumerable.Range(0, rows.Length).Select(i => $"{i}"), rows.Select(r => r[3]));
        Assert.Equal(rows.Length, rows.Select(r => (r[0], r[1])).Distinct().Count());
        Assert.NotEqual(rows.OrderBy(r => (r[0], int.Parse(r[1]))), rows);

        Answer some = await Windows("-c", _work["mlm.yaml"], $"data.files=[{_work["genome.fa"]}]", "--first", "7");
        Assert.Equal(all.Out.Split('\n').Take(7), some.Out.Split('\n').SkipLast(1));
        Answer sorted = await Windows("-c", _work["mlm.yaml"], $"data.files=[{_work["genome.fa"]}]", "--sorted");
        Assert.Equal(rows.OrderBy(r => (r[0], int.Parse(r[1]))), Rows(sorted.Out));
        Answer next = await Windows("-c", _work["mlm.yaml"], $"data.files=[{_work["genome.fa"]}]", "--epoch", "1", "--first", "1");
        Assert.Equal($"{rows.Length}", Rows(next.Out)[0][3]);
    }

    [Fact]
    public async Task Windows_OfFilesAlone_NeedNoRecipe()
    {
        Answer answer = await Windows(_work["genome.fa"], "data.context_length=100", "data.validation_fraction=0.2", "--split", "validation");
        Assert.True(answer.ExitCode == 0, answer.Error);
        string[][] rows = Rows(answer.Out);
        Assert.Equal(1400, rows.Sum(r => int.Parse(r[2]) - int.Parse(r[1])));
        Assert.All(rows, r => Assert.Equal("+", r[5]));
    }

    [Fact]
    public async Task Windows_ReverseComplemented_SayTheirStrand()
    {
        Answer answer = await Windows(_work["genome.fa"], "data.context_length=50", "objective.rc_augment=true");
        Assert.Equal(["+", "-"], Rows(answer.Out).Select(r => r[5]).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Windows_Packs_AreNumberedSegments()
    {
        File.WriteAllText(_work["short.fa"], Workspace.Genome(3, 400, 30, 50, 20));
        Answer answer = await Windows(_work["short.fa"], "data.context_length=100", "data.pack=true", "data.validation_fraction=0", "--sorted");
        Assert.True(answer.ExitCode == 0, answer.Error);
        string[][] packed = [.. Rows(answer.Out).Where(r => r[0] != "c1")];
        Assert.Equal(["c2", "c3", "c4"], packed.Select(r => r[0]));
        Assert.Equal([".1", ".0", ".2"], packed.Select(r => r[3][r[3].IndexOf('.', StringComparison.Ordinal)..]));
        Assert.Equal(["300", "500", "200"], packed.Select(r => r[4]));
    }

    [Fact]
    public async Task Windows_Json_SumsUpWhatIsUsed()
    {
        File.WriteAllText(_work["gaps.fa"], $">c1\n{new string('A', 500)}{new string('N', 300)}{new string('C', 200)}\n>c2\nACGT\n");
        Answer answer = await Windows(_work["gaps.fa"], "data.context_length=100", "data.n_policy=skip", "data.validation_fraction=0", "data.random_phase=false", "--json");
        Assert.True(answer.ExitCode == 0, answer.Error);
        JsonNode summary = JsonNode.Parse(answer.Out)!;
        Assert.Equal(7, summary["windows_per_epoch"]!.GetValue<long>());
        Assert.Equal(700, summary["covered_bases"]!.GetValue<long>());
        Assert.Equal(1004, summary["split_bases"]!.GetValue<long>());
        Assert.Equal(["shorter_than_window", "gap"], summary["excluded"]!.AsArray().Select(e => e!["reason"]!.GetValue<string>()));
        Assert.Equal("c1:500-800", summary["excluded"]![1]!["first"]![0]!.GetValue<string>());
        Assert.Equal(304, summary["excluded_bases"]!.GetValue<long>());
        Assert.Single(answer.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Windows_PublishedRule_WarnsOfSharedBases()
    {
        File.WriteAllText(_work["split.bed"], "c1\t100\t200\ttrain\nc1\t220\t300\tvalid\n");
        string[] common = [_work["genome.fa"], $"data.split_bed={_work["split.bed"]}", "data.windows=hyena", "data.context_length=128"];
        Answer answer = await Windows(common);
        Assert.Equal("c1\t86\t214\t0\t1000\t+\n", answer.Out);
        Assert.Contains("18 bases are in training windows and in held-out ones", answer.Error, StringComparison.Ordinal);
        Answer strict = await Windows([.. common, "data.strict_split=true"]);
        Assert.Equal(3, strict.ExitCode);
        Assert.Contains("shares bases with held-out windows", strict.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Windows_ToAFile_AreWrittenWholeOrNotAtAll()
    {
        Answer plain = await Windows(_work["genome.fa"], "--first", "5", "-o", _work["w.bed"]);
        Answer packed = await Windows(_work["genome.fa"], "--first", "5", "-o", _work["w.bed.gz"]);
        Assert.Equal((0, 0, ""), (plain.ExitCode, packed.ExitCode, plain.Out));
        using var gzip = new GZipStream(File.OpenRead(_work["w.bed.gz"]), CompressionMode.Decompress);
        using var reader = new StreamReader(gzip);
        Assert.Equal(File.ReadAllText(_work["w.bed"]), reader.ReadToEnd());
        Assert.Equal(5, Rows(File.ReadAllText(_work["w.bed"])).Length);
        // The extra field "BC" of BGZF's first header.
        Assert.Equal("BC"u8.ToArray(), File.ReadAllBytes(_work["w.bed.gz"])[12..14]);
        Assert.DoesNotContain(Directory.EnumerateFiles(_work.Folder), f => f.EndsWith(".tmp", StringComparison.Ordinal));
        Answer refused = await Windows(_work["genome.fa"], "-o", _work["w.txt"]);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains(".bed", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Windows_ToParquet_HasTheColumnsOfBed()
    {
        string[] common = [_work["genome.fa"], "data.context_length=50", "objective.rc_augment=true", "--epoch", "1"];
        Answer bed = await Windows(common);
        Answer parquet = await Windows([.. common, "-o", _work["w.parquet"]]);
        Assert.True(parquet.ExitCode == 0, parquet.Error);
        using ParquetReader reader = ParquetReader.Open([_work["w.parquet"]], new ParquetSequenceOptions
        {
            SequenceColumn = "contig",
            ExtraColumns = ["start", "end", "sample", "score", "strand", "epoch", "segment"],
        });
        using ParquetSequenceRows rows = reader.Rows();
        foreach (string[] expected in Rows(bed.Out))
        {
            Assert.True(rows.MoveNext());
            string[] actual = [System.Text.Encoding.UTF8.GetString(rows.Sequence), .. Enumerable.Range(0, 7).Select(i => System.Text.Encoding.UTF8.GetString(rows.Extra(i)))];
            Assert.Equal([.. expected, "1", "-1"], actual);
        }

        Assert.False(rows.MoveNext());
    }

    [Theory]
    [InlineData("--split nothing", 2, "validation")]
    [InlineData("--epoch -1", 2, "--epoch")]
    [InlineData("--split test", 3, "no test part")]
    [InlineData("data.context_length=100000", 3, "context is longer")]
    [InlineData("data.fasta=[x.fa]", 2, "try: files")]
    [InlineData("data.column=seq", 3, "Parquet")]
    public async Task Windows_BadInput_SaysWhy(string more, int code, string words)
    {
        Answer answer = await Windows([_work["genome.fa"], .. more.Split(' ')]);
        Assert.True(answer.ExitCode == code, answer.Error);
        Assert.Contains(words, answer.Error, StringComparison.Ordinal);
        Assert.Empty(answer.Out);
    }
}
