using System.Text.Json.Nodes;
using GenoSeq.Models;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Cli.Tests.Docs;

public class ConfigKeyTests
{
    /// <summary>Set to 1 to have the test write the table instead of comparing it.</summary>
    private const string WriteVariable = "GENOSEQ_WRITE_DOCS";

    private const string Document = "docs/cli.md";

    [Fact]
    public void KeyTable_InDocument_IsTheProgramsTable()
    {
        string text = Checkout.Read(Document);
        int begin = text.IndexOf(ConfigKeyTable.Begin, StringComparison.Ordinal);
        int end = text.IndexOf(ConfigKeyTable.End, StringComparison.Ordinal) + ConfigKeyTable.End.Length;
        Assert.True(begin >= 0 && end > begin, $"{Document} has no place for the table of keys");
        if (Environment.GetEnvironmentVariable(WriteVariable) == "1")
        {
            File.WriteAllText(Path.Combine(Checkout.Root, Document), text[..begin] + ConfigKeyTable.Render() + text[end..]);
            return;
        }

        Assert.True(text[begin..end] == ConfigKeyTable.Render(),
            $"{Document} is stale; try: {WriteVariable}=1 dotnet test tests/GenoSeq.Cli.Tests -c Release --filter ConfigKeyTests");
    }

    [Fact]
    public void Keys_OfTable_AreThoseThatTheProgramWrites()
    {
        var config = new RunConfig { Model = new ModelConfig { Mlp = new MlpConfig() } };
        string[] written = [.. Leaves(ConfigWriter.ToNode(config, RunConfigJson.Default.RunConfig), "")];
        Assert.Equal(written, ConfigKeyTable.Keys().Where(k => k.Kind != "group" && !k.Path.Contains("[]", StringComparison.Ordinal)).Select(k => k.Path));
    }

    private static IEnumerable<string> Leaves(JsonObject group, string prefix) => group.SelectMany(
        entry => entry.Value is JsonObject inner ? Leaves(inner, $"{prefix}{entry.Key}.") : [prefix + entry.Key]);
}
