using System.Text.Json.Nodes;

namespace GenoSeq.Cli.Tests.Commands;

/// <summary>What <c>doctor</c> says on machines that lack something.</summary>
public sealed class DoctorTests : IDisposable
{
    private static readonly string[] s_rows =
        ["system", "processor", "memory", "native library", "Gloo", "DuckDB (Parquet)", "CUDA driver", "NVRTC", "NCCL", "kernel cache"];

    private readonly Workspace _work = new();

    public void Dispose() => _work.Dispose();

    [Fact]
    public async Task Doctor_ThisMachine_ListsAllAndIsWell()
    {
        Answer answer = await Genoseq.InProcessAsync("doctor");
        Assert.True(answer.ExitCode == 0, answer.Out + answer.Error);
        Assert.All(s_rows, row => Assert.Contains($"\n{row} ", answer.Out, StringComparison.Ordinal));
        Assert.Contains("libtorch", answer.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_Json_HasTheSameFacts()
    {
        Answer answer = await Genoseq.InProcessAsync("doctor", "--json", "--check");
        Assert.Equal(0, answer.ExitCode);
        JsonNode json = JsonNode.Parse(answer.Out)!;
        Assert.True((bool)json["ok"]!);
        Assert.Equal("ok", (string)json["native"]!["state"]!);
        Assert.EndsWith("libgenoseq_torch.so", (string)json["native"]!["file"]!, StringComparison.Ordinal);
        Assert.True((long)json["memory"]!["total_bytes"]! > 0);
        Assert.True((int)json["processor"]!["cores"]! > 0);
        Assert.NotNull(json["processor"]!["kernels"]);
        Assert.All(new[] { "system", "gloo", "duckdb", "driver", "nvrtc", "nccl", "cache" }, key => Assert.NotNull(json[key]!["state"]));
        Assert.Equal(json["devices"]!.AsArray().Count == 0 ? 1 : json["devices"]!.AsArray().Count, json["checks"]!.AsArray().Count);
    }

    [Fact]
    public async Task Doctor_NoNativeLibrary_ExitsWithFourAndItsCure()
    {
        Answer answer = await RunAsync(["doctor", "--check"], ("GENOSEQ_NATIVE", "/nowhere/libgenoseq_torch.so"));
        Assert.Equal(4, answer.ExitCode);
        Assert.Contains("/nowhere/libgenoseq_torch.so", Row(answer, "native library"), StringComparison.Ordinal);
        Assert.Contains("MISSING", Row(answer, "native library"), StringComparison.Ordinal);
        Assert.Contains("native library: to do: run `make native`", answer.Out, StringComparison.Ordinal);
        Assert.Contains("absent", Row(answer, "Gloo"), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", answer.Out + answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_NativeFileIsNoLibrary_ExitsWithFour()
    {
        File.WriteAllText(_work["libgenoseq_torch.so"], "not a library");
        Answer answer = await RunAsync(["doctor", "--json"], ("GENOSEQ_NATIVE", _work["libgenoseq_torch.so"]));
        Assert.Equal(4, answer.ExitCode);
        JsonNode json = JsonNode.Parse(answer.Out)!;
        Assert.False((bool)json["ok"]!);
        Assert.Equal("missing", (string)json["native"]!["state"]!);
        Assert.NotNull(json["native"]!["cure"]);
    }

    [Fact]
    public async Task Doctor_CudaRequiredWithoutDevice_ExitsWithFour()
    {
        Answer answer = await RunAsync(["doctor", "--require", "cuda"], ("CUDA_VISIBLE_DEVICES", ""));
        Assert.Equal(4, answer.ExitCode);
        Assert.Contains("MISSING", Row(answer, "CUDA driver"), StringComparison.Ordinal);
        Assert.Contains("\nCUDA driver: to do: ", answer.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_UnknownRequirement_IsAUsageError() =>
        Assert.Equal(2, (await Genoseq.InProcessAsync("doctor", "--require", "tpu")).ExitCode);

    [Fact]
    public async Task Doctor_OptionalThingsAbsent_SaysHowAndExitsWithZero()
    {
        Answer answer = await RunAsync(["doctor"],
            ("GENOSEQ_CACHE", "/dev/null/kernels"), ("GENOSEQ_DUCKDB", "/nowhere/libduckdb.so"), ("GENOSEQ_NVRTC", "/nowhere/libnvrtc.so.13"));
        Assert.Equal(0, answer.ExitCode);
        Assert.Contains("not writable", Row(answer, "kernel cache"), StringComparison.Ordinal);
        Assert.Contains("kernel cache: if wanted: set GENOSEQ_CACHE", answer.Out, StringComparison.Ordinal);
        Assert.Contains("/nowhere/libduckdb.so", Row(answer, "DuckDB (Parquet)"), StringComparison.Ordinal);
        Assert.Contains("/nowhere/libnvrtc.so.13", Row(answer, "NVRTC"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_UnknownKernelPath_ExitsWithFourAndItsCure()
    {
        Answer answer = await RunAsync(["doctor"], ("GENOSEQ_KERNELS", "avx9"));
        Assert.Equal(4, answer.ExitCode);
        Assert.Contains("processor: to do: unset GENOSEQ_KERNELS", answer.Out, StringComparison.Ordinal);
    }

    private static string Row(Answer answer, string name) =>
        Assert.Single(answer.Out.Split('\n'), l => l.StartsWith(name, StringComparison.Ordinal) && !l.StartsWith(name + ":", StringComparison.Ordinal));

    private async Task<Answer> RunAsync(string[] arguments, params (string Name, string Value)[] variables)
    {
        using Running running = Genoseq.Start(_work.Folder, variables, arguments);
        return await running.EndAsync(TimeSpan.FromMinutes(3));
    }
}
