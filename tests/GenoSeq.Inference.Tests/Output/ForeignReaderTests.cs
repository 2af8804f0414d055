using System.Diagnostics;
using System.Text.Json;
using GenoSeq.Inference.Embedding;
using GenoSeq.Inference.Input;
using GenoSeq.Inference.Output;
using GenoSeq.Models;

namespace GenoSeq.Inference.Tests.Output;

/// <summary>What readers of other makers find in our files; <c>make test-foreign</c> installs them.</summary>
[Trait("Category", "Foreign")]
public sealed class ForeignReaderTests : IDisposable
{
    private static readonly string s_readers = Path.Combine(Repository.Root, "tests", "GenoSeq.Inference.Tests", "Output", "readers");
    private static readonly string s_modules = Path.Combine(Repository.Root, "artifacts", "npm", "foreign");

    private readonly string _folder = Directory.CreateTempSubdirectory("genoseq-foreign-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("npy", false)]
    [InlineData("npz", false)]
    [InlineData("npz", true)]
    [InlineData("h5ad", false)]
    [InlineData("h5ad", true)]
    public void Python_Reads(string format, bool compress) =>
        Check(format, new EmbeddingFormatOptions { Compress = compress }, file => Run("/usr/bin/python3", Path.Combine(s_readers, "numpy_reader.py"), file));

    [Theory]
    [InlineData("hyparquet", false)]
    [InlineData("hyparquet", true)]
    [InlineData("duckdb", false)]
    public void Node_ReadsParquet(string reader, bool wide) =>
        Check("parquet", new EmbeddingFormatOptions { Wide = wide }, file => Run("node", Path.Combine(s_readers, "node_reader.mjs"), s_modules, reader, file));

    [Theory]
    [InlineData(2, false)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    [InlineData(3, true)]
    public void Zarrita_Reads(int version, bool compress) => Check("zarr", new EmbeddingFormatOptions { ZarrVersion = version, Compress = compress },
        file => Run("node", Path.Combine(s_readers, "node_reader.mjs"), s_modules, "zarrita", file));

    private void Check(string format, EmbeddingFormatOptions options, Func<string, JsonElement> read)
    {
        string input = Path.Combine(_folder, "in.fa");
        File.WriteAllText(input, string.Concat(Enumerable.Range(0, 7).Select(i => $">søq{i}\n{System.Text.Encoding.ASCII.GetString(SmallModels.Dna(30 + i, i))}\n")));
        using SequenceModel model = SmallModels.Build("ps");
        var run = new EmbedRunOptions
        {
            Input = new SequenceInputOptions { Files = [input] },
            Embed = new EmbedOptions { Bin = 16 },
            Output = Path.Combine(_folder, "out." + format),
            Format = EmbeddingFormat.Find(format, ""),
            FormatOptions = options,
        };
        new EmbedRun(model, run).Run();
        SequenceItem[] items = [.. SequenceInputs.Read(run.Input)];
        float[] expected = [.. new Embedder(model, run.Embed).Embed(items).SelectMany(r => r)];
        int width = run.Embed.Width(model.Config);

        JsonElement found = read(run.Output);

        JsonElement[] rows = [.. found.GetProperty("embeddings").EnumerateArray()];
        Assert.All(rows, r => Assert.Equal(width, r.GetArrayLength()));
        Assert.Equal(expected, rows.SelectMany(r => r.EnumerateArray()).Select(v => (float)v.GetDouble()));
        if (format == "npy")
        {
            return;
        }

        (string Id, long Start, long End)[] places = [.. items.SelectMany(i => Enumerable.Range(0, i.Rows(16)).Select(r => (i.Id, (long)r * 16, Math.Min(i.Length, (r + 1L) * 16))))];
        Assert.Equal(places.Select(p => p.Id), Texts("ids"));
        Assert.Equal(places.Select(p => p.Id), Texts("contigs"));
        Assert.Equal(places.Select(p => p.Start), found.GetProperty("starts").EnumerateArray().Select(v => v.GetInt64()));
        Assert.Equal(places.Select(p => p.End), found.GetProperty("ends").EnumerateArray().Select(v => v.GetInt64()));
        Assert.All(Texts("strands"), s => Assert.Equal("+", s));
        Assert.Equal("mean", found.GetProperty("metadata").GetProperty("pooling").GetString());

        IEnumerable<string?> Texts(string name) => found.GetProperty(name).EnumerateArray().Select(v => v.GetString());
    }

    private static JsonElement Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, error.Result);
        return JsonDocument.Parse(output).RootElement;
    }
}
