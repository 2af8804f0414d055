using System.Globalization;
using System.Text.Json.Nodes;
using GenoSeq.Cli.Commands.Data;

namespace GenoSeq.Cli.Tests.Commands.Data;

public sealed class BaselineCommandTests
{
    private static string Ecoli => Path.Combine(Genoseq.Root, "data", "ecoli_k12_mg1655.fa.gz");

    [Theory]
    [InlineData("0-3", "0,1,2,3")]
    [InlineData("12", "12")]
    [InlineData("4,1,2-3,2", "1,2,3,4")]
    [InlineData("13", null)]
    [InlineData("3-1", null)]
    [InlineData("-1", null)]
    [InlineData("1-2-3", null)]
    [InlineData("", null)]
    [InlineData("x", null)]
    public void ParseOrders_Text_IsAscendingOrNull(string text, string? expected) => Assert.Equal(
        expected, BaselineCommand.ParseOrders(text) is { } orders ? string.Join(',', orders) : null);

    // The demo's table scores the first 131,072 held-out bases, this the whole 231,983 with contexts that no window cuts: near, not equal.
    [Theory]
    [InlineData("2,4,8", new[] { "--orders", "2,4,8" }, 1.9684, 1.9502, 1.9424)]
    [InlineData("4,8", new[] { "--orders", "4,8", "--two-sided" }, 1.9227, 1.8754)]
    public async Task Baseline_Ecoli_IsNearTheDemosFigures(string orders, string[] options, params double[] figures)
    {
        Answer answer = await Genoseq.InProcessAsync(["data", "baseline", Ecoli, "--json", .. options]);
        Assert.True(answer.ExitCode == 0, answer.Error);
        JsonNode[] lines = [.. answer.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!)];
        Assert.Equal(orders, string.Join(',', lines.Select(l => l["order"]!.GetValue<int>().ToString(CultureInfo.InvariantCulture))));
        for (int i = 0; i < figures.Length; i++)
        {
            Assert.Equal(231_983, lines[i]["bases"]!.GetValue<long>());
            Assert.Equal(figures[i], lines[i]["bits_per_base"]!.GetValue<double>(), 0.03);
        }
    }

    [Fact]
    public async Task Baseline_Table_HasARowForEachOrder()
    {
        Answer answer = await Genoseq.InProcessAsync("data", "baseline", Path.Combine(Genoseq.Root, "data", "lambda_NC_001416.fa.gz"), "--orders", "0-2", "--one-strand");
        Assert.Equal(0, answer.ExitCode);
        Assert.Contains("markov-2", answer.Out, StringComparison.Ordinal);
        Assert.Contains("one strand", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Baseline_Mixed_HasTwoRowsMore()
    {
        string[] command = ["data", "baseline", Path.Combine(Genoseq.Root, "data", "lambda_NC_001416.fa.gz"), "--orders", "2", "--mixed", "--memory-gib", "0.25"];
        Answer table = await Genoseq.InProcessAsync(command);
        Assert.True(table.ExitCode == 0, table.Error);
        Assert.Contains("mixed, learning on", table.Out, StringComparison.Ordinal);
        Answer json = await Genoseq.InProcessAsync([.. command, "--json"]);
        JsonNode[] lines = [.. json.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!)];
        Assert.Equal(["markov-2", "mixed", "mixed"], lines.Select(l => l["model"]!.GetValue<string>()));
        Assert.Equal([false, true], lines[1..].Select(l => l["adaptive"]!.GetValue<bool>()));
        Assert.All(lines[1..], l => Assert.InRange(l["bits_per_base"]!.GetValue<double>(), 1.8, 2.0));
        Assert.All(lines[1..], l => Assert.InRange(l["memory_bytes"]!.GetValue<long>(), 1, 1L << 28));
    }

    [Theory]
    [InlineData(2, "--memory-gib", "0")]
    [InlineData(2, "--orders", "13")]
    [InlineData(2, "--orders", "3", "--two-sided")]
    [InlineData(2, "--validation-fraction", "1")]
    [InlineData(2, "--alpha", "0")]
    public async Task Baseline_BadOptions_ExitWithUsage(int code, params string[] options)
    {
        Answer answer = await Genoseq.InProcessAsync(["data", "baseline", Ecoli, .. options]);
        Assert.Equal(code, answer.ExitCode);
        Assert.Empty(answer.Out);
        Assert.Contains(options[0], answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Baseline_MissingFile_IsBadInput()
    {
        Answer answer = await Genoseq.InProcessAsync("data", "baseline", "no-such-file.fa");
        Assert.Equal(3, answer.ExitCode);
    }
}
