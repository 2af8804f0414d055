using System.IO.Compression;
using System.Text;
using GenoSeq.Data;
using GenoSeq.Inference.Embedding;
using GenoSeq.Inference.Input;
using GenoSeq.Inference.Output;
using GenoSeq.Models;

namespace GenoSeq.Inference.Tests.Embedding;

public sealed class EmbedRunTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("genoseq-embed-").FullName;

    public EmbedRunTests() => File.WriteAllText(this["in.fa"], Fasta(40));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string this[string name] => Path.Combine(_folder, name);

    public static TheoryData<string> Formats() => [.. EmbeddingFormat.All.Where(f => f.Extension is not (".zarr" or ".h5ad")).Select(f => f.Name)];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Run_StoppedAndResumed_WritesSameBytes(string format)
    {
        using SequenceModel model = SmallModels.Build("ps");
        EmbedRunOptions whole = Options("whole." + format, format);
        EmbedRunResult result = new EmbedRun(model, whole).Run();
        Assert.Equal(40, result.Rows);

        EmbedRunOptions broken = Options("broken." + format, format) with { Resume = true };
        using var stop = new CancellationTokenSource();
        int pieces = 0;
        Assert.Throws<OperationCanceledException>(() => new EmbedRun(model, broken).Run(_ =>
        {
            if (++pieces == 20)
            {
                stop.Cancel();
            }
        }, null, stop.Token));
        Assert.False(File.Exists(broken.Output));

        // A process that dies may also leave half a group.
        File.AppendAllText(Path.Combine(broken.Output + ".embedding", "values.f32"), "torn");
        EmbedRunResult rest = new EmbedRun(model, broken).Run();

        Assert.True(rest.Bases < result.Bases, "nothing was kept");
        Assert.Equal(File.ReadAllBytes(whole.Output), File.ReadAllBytes(broken.Output));
        Assert.False(Directory.Exists(broken.Output + ".embedding"));
    }

    [Fact]
    public void Run_ResumedWithOtherSettings_IsRefused()
    {
        using SequenceModel model = SmallModels.Build("ps");
        EmbedRunOptions options = Options("x.npy", "npy") with { Resume = true };
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => new EmbedRun(model, options).Run(_ => stop.Cancel(), null, stop.Token));

        OutputException e = Assert.Throws<OutputException>(() => new EmbedRun(model, options with { Embed = options.Embed with { Pooling = StatePooling.Max } }).Run());

        Assert.Contains("pooling=max", e.What, StringComparison.Ordinal);
        Assert.Equal(40, new EmbedRun(model, options with { Resume = false }).Run().Rows);
    }

    [Theory]
    [InlineData("in.fa")]
    [InlineData("in.fa.gz")]
    [InlineData("in.fq")]
    [InlineData("in.csv")]
    [InlineData("in.parquet")]
    public void Read_OfAnyFormat_GivesSequencesInOrder(string name)
    {
        (string Id, string Bases)[] records = [("b", "ACGTN"), ("a", "GGGGTTTT"), ("c", "T")];
        switch (name)
        {
            case "in.fa":
                File.WriteAllText(this[name], string.Concat(records.Select(r => $">{r.Id} note\n{r.Bases}\n")));
                break;
            case "in.fa.gz":
                using (var gzip = new GZipStream(File.Create(this[name]), CompressionLevel.Fastest))
                {
                    gzip.Write(Encoding.ASCII.GetBytes(string.Concat(records.Select(r => $">{r.Id}\n{r.Bases}\n"))));
                }

                break;
            case "in.fq":
                File.WriteAllText(this[name], string.Concat(records.Select(r => $"@{r.Id}\n{r.Bases}\n+\n{new string('I', r.Bases.Length)}\n")));
                break;
            case "in.csv":
                File.WriteAllText(this[name], "label,id,sequence\n" + string.Concat(records.Select(r => $"1,{r.Id},{r.Bases}\n")));
                break;
            default:
                var table = new ParquetTable();
                table.Add("id", ParquetTableType.Text);
                table.Add("sequence", ParquetTableType.Text);
                int row = 0;
                table.Write(this[name], r =>
                {
                    if (row == records.Length)
                    {
                        return false;
                    }

                    r.Add(records[row].Id);
                    r.Add(records[row++].Bases);
                    return true;
                });
                break;
        }

        SequenceItem[] items = [.. SequenceInputs.Read(new SequenceInputOptions { Files = [this[name]], IdColumn = name.EndsWith("parquet", StringComparison.Ordinal) ? "id" : null })];

        Assert.Equal(records, items.Select(i => (i.Id, Encoding.ASCII.GetString(i.Bases.Span))));
    }

    [Fact]
    public void Read_Intervals_GivesStrandsAndWindows()
    {
        File.WriteAllText(this["g.fa"], ">c1\nAACCGGTTAC\n");
        File.WriteAllText(this["i.bed"], "c1\t1\t6\tp1\t0\t-\nc1\t0\t3\t.\t0\t+\n");

        SequenceItem[] items = [.. SequenceInputs.Read(new SequenceInputOptions { Files = [this["g.fa"]], Bed = this["i.bed"], Window = 3, Stride = 2 })];

        Assert.Equal(["c1 3 - CCG", "c1 1 - GGT", "c1 0 + AAC"], items.Select(i => $"{i.Contig} {i.Start} {i.Strand} {Encoding.ASCII.GetString(i.Bases.Span)}"));
        Assert.Equal(["p1", "p1", "c1:1-3"], items.Select(i => i.Id));
        Assert.Equal((4, 6), items[0].Place(0, 2));
        SequenceItem region = Assert.Single(SequenceInputs.Read(new SequenceInputOptions { Files = [this["g.fa"]], Regions = ["c1:2-4"] }));
        Assert.Equal("ACC", Encoding.ASCII.GetString(region.Bases.Span));
    }

    [Fact]
    public void Write_Npz_HoldsRowsAndPlaces()
    {
        using SequenceModel model = SmallModels.Build("mamba");
        EmbedRunOptions options = Options("x.npz", "npz");
        new EmbedRun(model, options).Run();

        using ZipArchive archive = ZipFile.OpenRead(options.Output);
        Assert.Equal(["embeddings.npy", "ids.npy", "contigs.npy", "starts.npy", "ends.npy", "strands.npy", "metadata.npy"], archive.Entries.Select(e => e.FullName));
        using var ids = new StreamReader(archive.GetEntry("ids.npy")!.Open(), Encoding.Latin1);
        string text = ids.ReadToEnd();
        Assert.Contains("'<U3', 'fortran_order': False, 'shape': (40,)", text, StringComparison.Ordinal);
        Assert.Equal(0, (text.Length - (40 * 12)) % 64);
    }

    private EmbedRunOptions Options(string output, string format) => new()
    {
        Input = new SequenceInputOptions { Files = [this["in.fa"]] },
        Embed = new EmbedOptions { BatchBases = 8 },
        Output = this[output],
        Format = EmbeddingFormat.Find(format, ""),
    };

    private static string Fasta(int records) => string.Concat(Enumerable.Range(0, records)
        .Select(i => $">s{i}\n{Encoding.ASCII.GetString(SmallModels.Dna(20 + (i * 7 % 13), i))}\n"));
}
