using System.Text.Json.Nodes;

namespace GenoSeq.Cli.Tests.Commands;

/// <summary><c>genoseq bench</c> on the CPU, made tiny.</summary>
public sealed class BenchCommandTests : IDisposable
{
    private static readonly string[] s_tiny = ["model.d_model=8", "model.n_layer=2"];

    private readonly Workspace _work = new();

    public void Dispose() => _work.Dispose();

    [Fact]
    public async Task Kernels_OnTheCpu_GiveATableAndJson()
    {
        string file = _work["kernels.json"];
        Answer answer = await Genoseq.InProcessAsync("bench", "kernels", "--quick", "--length", "40", "--batch", "2", "--channels", "32", "--json", file);
        Assert.True(answer.ExitCode == 0, answer.Error + answer.Out);
        Assert.StartsWith("kernel", answer.Out, StringComparison.Ordinal);
        JsonObject report = Head(File.ReadAllText(file), "kernels");
        Assert.True(report["limits"]!["copy_gb_per_s"]!.GetValue<double>() > 0);
        JsonArray results = report["results"]!.AsArray();
        Assert.Equal(["adamw", "conv", "head", "norm", "scan", "swiglu"],
            results.Select(r => r!["kernel"]!.GetValue<string>()).Distinct().Order(StringComparer.Ordinal));
        Assert.All(results, r =>
        {
            Assert.Null(r!["error"]);
            Assert.InRange(r["median_ms"]!.GetValue<double>(), r["min_ms"]!.GetValue<double>(), r["max_ms"]!.GetValue<double>());
            Assert.Equal(3, r["runs"]!.GetValue<int>());
            Assert.True(r["giga_per_s"]!.GetValue<double>() > 0);
        });
        JsonNode[] backward = [.. results.Where(r => r!["kernel"]!.GetValue<string>() == "scan" && r["pass"]!.GetValue<string>() == "backward")!];
        Assert.Equal(["2 x 40 x 32", "2 x 2 x 40 x 32"], backward.Select(r => r["shape"]!.GetValue<string>()));
        Assert.All(backward, r => Assert.True(r["repeatable"]!.GetValue<bool>()));
        JsonArray errors = report["errors"]!.AsArray();
        Assert.Contains(errors, e => e!["quantity"]!.GetValue<string>() == "dB, length 301, reversed");
        Assert.All(errors, e => Assert.InRange(e!["relative_norm"]!.GetValue<double>(), 0, 1e-5));
    }

    [Fact]
    public async Task Kernels_SomeOfThem_JsonAloneOnStandardOutput()
    {
        Answer answer = await Genoseq.InProcessAsync("bench", "kernels", "--quick", "--kernels", "norm", "--length", "16", "--channels", "16", "--json", "-");
        Assert.True(answer.ExitCode == 0, answer.Error);
        JsonArray results = Head(answer.Out, "kernels")["results"]!.AsArray();
        Assert.Equal(["forward", "backward"], results.Select(r => r!["pass"]!.GetValue<string>()));
        Assert.Contains("norm", answer.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Step_RandomBases_GivesTimesAndMemory(bool inference)
    {
        string file = _work["step.json"];
        string[] more = inference ? ["--inference"] : [];
        Answer answer = await Genoseq.InProcessAsync(["bench", "step", "--preset", "caduceus-ps-tiny", .. s_tiny, "--lengths", "32,64", "--batches", "3,1",
            "--repeats", "2", "--json", file, .. more]);
        Assert.True(answer.ExitCode == 0, answer.Error + answer.Out);
        JsonObject report = Head(File.ReadAllText(file), inference ? "inference" : "step");
        Assert.Equal("caduceus-ps", report["model"]!["family"]!.GetValue<string>());
        JsonArray results = report["results"]!.AsArray();
        Assert.Equal([(32, 3), (64, 1)], results.Select(r => (r!["length"]!.GetValue<int>(), r["batch"]!.GetValue<int>())));
        Assert.All(results, r =>
        {
            Assert.True(r!["tokens_per_s"]!.GetValue<double>() > 0);
            Assert.True(r["peak_bytes"]!.GetValue<long>() > 0);
            Assert.Equal(2, r["runs"]!.GetValue<int>());
        });
    }

    [Fact]
    public async Task Step_RecipeWithItsOwnData_NeedsNoneOfIt()
    {
        File.Delete(_work["genome.fa"]);
        Answer answer = await Genoseq.InProcessAsync("bench", "step", "-c", _work["causal.yaml"], "--lengths", "32", "--batches", "2", "--repeats", "1");
        Assert.True(answer.ExitCode == 0, answer.Error + answer.Out);
    }

    [Fact]
    public async Task Memory_WithoutAGpu_PredictsEveryPolicy()
    {
        Answer answer = await Genoseq.InProcessAsync(
            "bench", "memory", "--preset", "caduceus-ps-131k", "train.precision=bf16", "--lengths", "131072,1048576", "--json", "-");
        Assert.True(answer.ExitCode == 0, answer.Error);
        JsonArray results = Head(answer.Out, "memory")["results"]!.AsArray();
        Assert.Equal(12, results.Count);
        long Bytes(int length, string policy) => results.Single(r => r!["length"]!.GetValue<int>() == length && r["policy"]!.GetValue<string>() == policy)!
            ["predicted_bytes"]!.GetValue<long>();
        Assert.True(Bytes(131072, "none") > Bytes(131072, "scan"));
        Assert.True(Bytes(131072, "scan") > Bytes(131072, "rows"));
        Assert.True(Bytes(131072, "rows") > Bytes(131072, "layer"));
        Assert.True(Bytes(1048576, "layer") > Bytes(1048576, "layer_time"));
        Assert.InRange(Bytes(1048576, "auto"), 1, 80L << 30);
    }

    [Fact]
    public async Task Memory_Measure_TakesStepsOfEach()
    {
        Answer answer = await Genoseq.InProcessAsync(["bench", "memory", "--preset", "mamba-tiny", .. s_tiny, "--lengths", "32", "--policies", "none,layer", "--measure", "--json", "-"]);
        Assert.True(answer.ExitCode == 0, answer.Error);
        JsonArray results = Head(answer.Out, "memory")["results"]!.AsArray();
        Assert.Equal(2, results.Count);
        Assert.All(results, r => Assert.True(r!["measured"]!["peak_bytes"]!.GetValue<long>() > 0));
    }

    [Fact]
    public async Task Decode_TwoPositions_HaveOneStateSize()
    {
        Answer answer = await Genoseq.InProcessAsync(
            "bench", "decode", "--mixers", "mamba,retnet,slstm", "--d-model", "8", "--layers", "1", "--steps", "3", "--positions", "10,1000000", "--json", "-");
        Assert.True(answer.ExitCode == 0, answer.Error);
        JsonArray results = Head(answer.Out, "decode")["results"]!.AsArray();
        Assert.Equal(["mamba", "mamba", "retnet", "retnet", "slstm", "slstm"], results.Select(r => r!["mixer"]!.GetValue<string>()));
        Assert.All(results.GroupBy(r => r!["mixer"]!.GetValue<string>()), g => Assert.Single(g.Select(r => r!["state_bytes"]!.GetValue<long>()).Distinct()));
        Assert.All(results, r => Assert.True(r!["microseconds"]!.GetValue<double>() > 0));
    }

    [Theory]
    [InlineData(2, "there is no mixer 'fft'", "bench", "decode", "--mixers", "mamba,fft")]
    [InlineData(2, "--layers is 0", "bench", "decode", "--layers", "0")]
    [InlineData(2, "there is no kernel 'fft'", "bench", "kernels", "--kernels", "scan,fft")]
    [InlineData(2, "multiple of 16", "bench", "kernels", "--channels", "20")]
    [InlineData(2, "must be positive", "bench", "kernels", "--length", "0")]
    [InlineData(2, "is not a device", "bench", "kernels", "--device", "gpu")]
    [InlineData(2, "is not a device", "verify", "--reference", "x.safetensors", "--device", "gpu")]
    [InlineData(2, "nothing says what to measure", "bench", "step")]
    [InlineData(2, "3 batches for 2 lengths", "bench", "step", "--preset", "mamba-tiny", "--lengths", "8,16", "--batches", "1,2,3")]
    [InlineData(2, "'many' is not a positive whole number", "bench", "step", "--preset", "mamba-tiny", "--lengths", "8,many")]
    [InlineData(2, "there is no policy 'half'", "bench", "memory", "--preset", "mamba-tiny", "--policies", "half")]
    [InlineData(4, "is not there", "bench", "kernels", "--device", "cuda:99")]
    [InlineData(4, "is not there", "bench", "step", "--preset", "mamba-tiny", "--device", "cuda:99")]
    [InlineData(4, "is not there", "verify", "--reference", "x.safetensors", "--device", "cuda:99")]
    public async Task Mistakes_HaveTheirExitCodes(int code, string text, params string[] arguments)
    {
        Answer answer = await Genoseq.InProcessAsync(arguments);
        Assert.Equal(code, answer.ExitCode);
        Assert.Contains(text, answer.Error, StringComparison.Ordinal);
        Assert.Empty(answer.Out);
    }

    private static JsonObject Head(string json, string benchmark)
    {
        JsonObject report = JsonNode.Parse(json)!.AsObject();
        Assert.Equal(benchmark, report["benchmark"]!.GetValue<string>());
        Assert.Equal("cpu", report["device"]!.GetValue<string>());
        Assert.True(DateTime.UtcNow - DateTime.Parse(report["date"]!.GetValue<string>(), System.Globalization.CultureInfo.InvariantCulture).ToUniversalTime() < TimeSpan.FromHours(1));
        Assert.All((string[])["version", "device_name", "libtorch", "cpu_model"], k => Assert.NotEmpty(report[k]!.GetValue<string>()));
        return report;
    }
}
