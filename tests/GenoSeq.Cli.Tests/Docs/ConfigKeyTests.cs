using System.Text.Json.Nodes;
using GenoSeq.Models;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.FineTuning;

namespace GenoSeq.Cli.Tests.Docs;

public class ConfigKeyTests
{
    /// <summary>Set to 1 to have the test write the table instead of comparing it.</summary>
    private const string WriteVariable = "GENOSEQ_WRITE_DOCS";

    [Theory]
    [InlineData("docs/cli.md", typeof(RunConfig))]
    [InlineData("docs/finetuning.md", typeof(FineTuneConfig))]
    public void KeyTable_InDocument_IsTheProgramsTable(string document, Type root)
    {
        string text = Checkout.Read(document);
        int begin = text.IndexOf(ConfigKeyTable.Begin, StringComparison.Ordinal);
        int end = text.IndexOf(ConfigKeyTable.End, StringComparison.Ordinal) + ConfigKeyTable.End.Length;
        Assert.True(begin >= 0 && end > begin, $"{document} has no place for the table of keys");
        if (Environment.GetEnvironmentVariable(WriteVariable) == "1")
        {
            File.WriteAllText(Path.Combine(Checkout.Root, document), text[..begin] + ConfigKeyTable.Render(root) + text[end..]);
            return;
        }

        Assert.True(text[begin..end] == ConfigKeyTable.Render(root),
            $"{document} is stale; try: {WriteVariable}=1 dotnet test tests/GenoSeq.Cli.Tests -c Release --filter ConfigKeyTests");
    }

    [Fact]
    public void Keys_OfTable_AreThoseThatTheProgramWrites()
    {
        var model = new ModelConfig { Mlp = new MlpConfig() };
        Check(typeof(RunConfig), ConfigWriter.ToNode(new RunConfig { Model = model }, RunConfigJson.Default.RunConfig));
        Check(typeof(FineTuneConfig), ConfigWriter.ToNode(new FineTuneConfig { Model = model }, FineTuneConfigJson.Default.FineTuneConfig));
    }

    private static void Check(Type root, JsonObject written)
    {
        IReadOnlyList<ConfigKeyTable.Key> keys = ConfigKeyTable.Keys(root);
        Assert.Equal(Leaves(written, "").Except(keys.Where(k => k.Kind == "group").Select(k => k.Path)),
            keys.Where(k => k.Kind != "group" && !k.Path.Contains("[]", StringComparison.Ordinal)).Select(k => k.Path));
    }

    private static IEnumerable<string> Leaves(JsonObject group, string prefix) => group.SelectMany(
        entry => entry.Value is JsonObject inner ? Leaves(inner, $"{prefix}{entry.Key}.") : [prefix + entry.Key]);
}
