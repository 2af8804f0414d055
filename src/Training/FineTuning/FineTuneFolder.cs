using System.Text.Json;
using System.Text.Json.Nodes;
using GenoSeq.Data;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Evaluation.Metrics;
using GenoSeq.Training.Runs;

namespace GenoSeq.Training.FineTuning;

/// <summary>What a fine-tuning run writes into its folder besides the seeds' own.</summary>
internal static class FineTuneFolder
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true, NewLine = "\n" };

    /// <summary>A new folder, or the one of a run with the same configuration, to go on.</summary>
    /// <exception cref="RunFolderException">The folder holds something else.</exception>
    internal static RunFolder Open(FineTuneRequest request, FineTuneConfig config)
    {
        if (request.Out is null)
        {
            return RunFolder.CreateBelow(request.RunsRoot, DateTime.Now, config.Name, (ulong)config.Seed);
        }

        string before = Path.Combine(request.Out, "config.yaml");
        if (!File.Exists(before))
        {
            return RunFolder.Create(request.Out);
        }

        return IsSame(before, config)
            ? RunFolder.Open(request.Out)
            : throw new RunFolderException("this folder holds a run with another configuration", request.Out,
                "a new folder, or the same configuration to go on", "another --out");
    }

    // A setting that the program had not learnt yet when it wrote the file has its default, as older programs did.
    private static bool IsSame(string file, FineTuneConfig config)
    {
        try
        {
            return Yaml(FineTuneConfigs.Resolve(null, file, [])) == Yaml(config);
        }
        catch (ConfigException)
        {
            return false;
        }
    }

    internal static void Record(RunFolder folder, FineTuneRequest request, FineTuneConfig config, LabelledSet set, LabelledLeaks leaks)
    {
        folder.WriteOverrides(request.Overrides);
        folder.WriteCommand(request.Command);
        folder.WriteEnvironment(EnvironmentInfo.Collect(request.Version, request.Threads, new Dictionary<string, string> { ["libtorch"] = torch.__version__ }));
        JsonObject manifest = Manifest(set);
        manifest["leaks"] = FineTuneLeaks.Json(leaks, config.Data.DropLeaks);
        folder.WriteDataManifest(manifest);
        folder.WriteConfig(Yaml(config));
    }

    internal static IReadOnlyDictionary<string, SeedSummary> Summarise(IReadOnlyList<FineTuneSeed> seeds)
    {
        var summary = new Dictionary<string, SeedSummary>();
        foreach (string metric in seeds.Count == 0 ? [] : Judged(seeds[0]).Metrics.Keys)
        {
            summary[metric] = SeedSummary.Of(seeds.Select(s => Judged(s).Value(metric)));
        }

        return summary;
    }

    internal static JsonObject Summary(EndReason reason, IReadOnlyList<FineTuneSeed> seeds, IReadOnlyDictionary<string, SeedSummary> summary)
    {
        var metrics = new JsonObject();
        foreach ((string name, SeedSummary s) in summary)
        {
            metrics[name] = JsonSerializer.SerializeToNode(s, MetricJson.Default.SeedSummary);
        }

        var upstream = new JsonObject();
        foreach (string name in summary.Keys.Where(n => seeds.All(s => Judged(s).Metrics[n].BatchAveraged is not null)))
        {
            upstream[name] = JsonSerializer.SerializeToNode(SeedSummary.Of(seeds.Select(s => Judged(s).Metrics[name].BatchAveraged)), MetricJson.Default.SeedSummary);
        }

        return new JsonObject
        {
            ["exit_reason"] = ConfigNames.Policy.ConvertName(reason.ToString()),
            ["seeds"] = new JsonArray([.. seeds.Select(s => (JsonNode?)JsonValue.Create(s.Seed))]),
            ["part"] = seeds.All(s => s.Test is not null) ? "test" : "validation",
            ["metrics"] = metrics,
            ["batch_averaged"] = upstream.Count > 0 ? upstream : null,
        };
    }

    internal static string Text(JsonObject json) => json.ToJsonString(s_indented) + "\n";

    private static MetricSet Judged(FineTuneSeed seed) => seed.Test ?? seed.Validation;

    private static string Yaml(FineTuneConfig config) => ConfigWriter.ToYaml(config, FineTuneConfigJson.Default.FineTuneConfig);

    private static JsonObject Manifest(LabelledSet set)
    {
        var parts = new JsonObject();
        foreach (LabelledPart part in Enum.GetValues<LabelledPart>())
        {
            parts[LabelledTask.NameOf(part)] = new JsonObject
            {
                ["rows"] = set.Rows(part).Count,
                ["bases"] = set.Rows(part).Sum(r => (long)set.GetLength(r)),
                ["class_counts"] = new JsonArray([.. (set.Kind == LabelKind.PerBase ? set.BaseCounts(part) : set.ClassCounts(part).Select(c => (long)c)).Select(c => (JsonNode?)JsonValue.Create(c))]),
            };
        }

        return new JsonObject
        {
            ["name"] = set.Name,
            ["sha256"] = set.Sha256,
            ["labels"] = ConfigNames.Policy.ConvertName(set.Kind.ToString()),
            ["label_names"] = new JsonArray([.. set.LabelNames.Select(n => (JsonNode?)JsonValue.Create(n))]),
            ["parts"] = parts,
        };
    }
}
