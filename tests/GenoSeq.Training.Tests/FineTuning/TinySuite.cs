using System.Text.Json.Nodes;
using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.FineTuning.Suite;

namespace GenoSeq.Training.Tests.FineTuning;

/// <summary>A folder with small sets that every model can learn, a checkpoint, and a suite over them.</summary>
internal sealed class TinySuite : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("genoseq-suite-").FullName;

    internal TinySuite()
    {
        File.WriteAllText(this["set.csv"], TinySet.Csv(64, 20, 20));
        File.Copy(this["set.csv"], this["other.csv"]);
    }

    internal string this[string name] => Path.Combine(_folder, name);

    /// <summary>A checkpoint of a few hundred weights.</summary>
    internal string Checkpoint()
    {
        torch.manual_seed(9);
        using SequenceModel model = ModelFile.Create(new ModelConfig { DModel = 8, NLayer = 2, Bidirectional = true, Mamba = new MambaConfig { DState = 4 } });
        ModelFile.Save(model, this["checkpoint"]);
        return this["checkpoint"];
    }

    /// <summary>The suite, with models as YAML flow maps.</summary>
    internal SuiteConfig Suite(string models, string tasks = "[{name: one, path: set.csv}]", string recipe = "") => ConfigBinder.Bind(
        ConfigTree.ParseYaml($$"""
            root: {{_folder}}
            seeds: [1, 2]
            resamples: 20
            tasks: {{tasks}}
            recipes: [{name: r, learning_rates: [0.005], batch_sizes: [16], epochs: 8{{recipe}}}]
            models: {{models}}
            """, "suite.yaml"), SuiteJson.Default.SuiteConfig);

    internal SuiteRequest Request(SuiteConfig suite, string name = "out") => new() { Suite = suite, Out = this[name] };

    /// <summary>Runs a suite; the outcome, and what was said of cells.</summary>
    internal static (SuiteOutcome Outcome, List<string> Said) Run(SuiteRequest request)
    {
        var said = new List<string>();
        SuiteRun.Begin(request);
        SuiteRun.Work(request, said.Add, _ => { });
        return (SuiteRun.Finish(request), said);
    }

    /// <summary>A cell's file, without what it took.</summary>
    internal JsonObject Cell(string name, string @out = "out")
    {
        var cell = (JsonObject)JsonNode.Parse(File.ReadAllText(this[$"{@out}/cells/{name}.json"]))!;
        cell.Remove("cost");
        return cell;
    }

    internal static double Metric(JsonObject cell, string metric = "mcc") => (double)cell["test"]!["metrics"]![metric]!["value"]!;

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
