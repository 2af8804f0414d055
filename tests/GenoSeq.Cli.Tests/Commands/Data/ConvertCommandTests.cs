using System.Text;

namespace GenoSeq.Cli.Tests.Commands.Data;

/// <summary><c>genoseq data convert</c>.</summary>
public sealed class ConvertCommandTests : IDisposable
{
    private const string Fasta = ">a\nACGTNacgtnRYACGTAC\n>b\nTTTTGGGG\n";

    private readonly Workspace _work = new();

    public ConvertCommandTests() => File.WriteAllText(_work["g.fa"], Fasta);

    public void Dispose() => _work.Dispose();

    private static Task<Answer> Convert(params string[] arguments) => Genoseq.InProcessAsync(["data", "convert", .. arguments]);

    [Fact]
    public async Task Convert_FastaToParquetAndBack_GivesTheSameSequences()
    {
        Answer there = await Convert(_work["g.fa"], "-o", _work["w.parquet"], "--window", "100", "--keep-short", "--verify");
        Assert.True(there.ExitCode == 0, there.Error);
        Assert.Contains("all are identical", there.Error, StringComparison.Ordinal);
        Answer back = await Convert(_work["w.parquet"], "-o", _work["back.fa"], "--id-column", "contig", "--line-width", "0");
        Assert.True(back.ExitCode == 0, back.Error);
        Assert.Equal(Fasta, File.ReadAllText(_work["back.fa"]));
        Answer some = await Convert(_work["w.parquet"], "-o", _work["some.fa"], "--where", "contig = 'b'");
        Assert.True(some.ExitCode == 0, some.Error);
        Assert.Equal(">row1\nTTTTGGGG\n", File.ReadAllText(_work["some.fa"]));
    }

    [Fact]
    public async Task Convert_TwoBit_IsReadLikeItsFasta()
    {
        // One sequence of 8 bases, TCAG TTGA: packed with T 0, C 1, A 2, G 3.
        using (var file = new BinaryWriter(File.Create(_work["g.2bit"])))
        {
            Words(file, 0x1A412743, 0, 1, 0);
            file.Write([(byte)1, (byte)'s']);
            Words(file, 22, 8, 0, 0, 0);
            file.Write([0b00_01_10_11, 0b00_00_11_10]);
        }

        Answer answer = await Convert(_work["g.2bit"], "-o", _work["g2.fa"]);
        Assert.True(answer.ExitCode == 0, answer.Error);
        Assert.Equal(">s\nTCAGTTGA\n", File.ReadAllText(_work["g2.fa"]));
    }

    private static void Words(BinaryWriter file, params uint[] words)
    {
        foreach (uint word in words)
        {
            file.Write(word);
        }
    }

    [Fact]
    public async Task Convert_ToBedAndNpy_WritesWindows()
    {
        Answer bed = await Convert(_work["g.fa"], "-o", _work["w.bed"], "--window", "8", "--stride", "5");
        Assert.True(bed.ExitCode == 0, bed.Error);
        Assert.Equal("a\t0\t8\na\t5\t13\na\t10\t18\nb\t0\t8\n", File.ReadAllText(_work["w.bed"]));
        Answer npy = await Convert(_work["g.fa"], "-o", _work["w.npy"], "--window", "8", "--stride", "5");
        Assert.True(npy.ExitCode == 0, npy.Error);
        byte[] bytes = File.ReadAllBytes(_work["w.npy"]);
        Assert.Equal("ACGTNacgacgtnRYARYACGTACTTTTGGGG", Encoding.ASCII.GetString(bytes[^32..]));
        Assert.Contains("(4, 8)", Encoding.ASCII.GetString(bytes[..128]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("w.bed")]
    [InlineData("w.npy")]
    [InlineData("w.fa")]
    [InlineData("w.parquet")]
    [InlineData("shards")]
    public async Task Convert_ParquetFolderWithForce_WritesWhetherTheOutputIsThereOrNot(string output)
    {
        Answer input = await Convert(_work["g.fa"], "-o", _work["IN"], "--window", "8");
        Assert.True(input.ExitCode == 0, input.Error);
        for (int time = 0; time < 2; time++)
        {
            Answer forced = await Convert(_work["IN"], "-o", _work[output], "--window", "8", "--force");
            Assert.True(forced.ExitCode == 0, forced.Error);
        }

        Answer refused = await Convert(_work["IN"], "-o", _work[output], "--window", "8");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("--force", refused.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(_work.Folder), f => f.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--column nothing", 3, "no column 'nothing'")]
    [InlineData("--column start", 3, "not text or binary")]
    [InlineData("--where 1=", 3, "filter")]
    [InlineData("--window 0", 2, "window")]
    [InlineData("--codec rar", 2, "codec")]
    public async Task Convert_BadOption_SaysWhy(string more, int code, string words)
    {
        Assert.Equal(0, (await Convert(_work["g.fa"], "-o", _work["w.parquet"], "--window", "8")).ExitCode);
        Answer answer = await Convert([_work["w.parquet"], "-o", _work["out.parquet"], .. more.Split(' ')]);
        Assert.True(answer.ExitCode == code, answer.Error);
        Assert.Contains(words, answer.Error, StringComparison.OrdinalIgnoreCase);
        Assert.False(File.Exists(_work["out.parquet"]));
    }

    [Fact]
    public async Task Convert_WithoutTheLibrary_ExitsWith4AndTheCure()
    {
        using Running running = Genoseq.Start(_work.Folder, [("GENOSEQ_DUCKDB", _work["nowhere.so"])],
            ["data", "convert", _work["g.fa"], "-o", _work["w.parquet"], "--window", "8"]);
        Answer answer = await running.EndAsync(TimeSpan.FromMinutes(1));
        Assert.True(answer.ExitCode == 4, answer.Error);
        Assert.Contains("GENOSEQ_DUCKDB", answer.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_work["w.parquet"]));
    }
}
