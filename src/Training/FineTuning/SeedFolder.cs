using System.Globalization;
using System.Text.Json.Nodes;
using GenoSeq.Torch.IO;
using GenoSeq.Training.Evaluation.Metrics;
using GenoSeq.Training.Runs;

namespace GenoSeq.Training.FineTuning;

/// <summary>
/// What a run keeps of one seed: <c>seed-N/</c> with metrics, predictions and summary, and <c>checkpoints/seed-N/</c>. The
/// summary is written last: with it the seed is finished.
/// </summary>
internal sealed class SeedFolder(RunFolder run, long seed)
{
    private const string SummaryFile = "summary.json";

    private readonly string _name = string.Create(CultureInfo.InvariantCulture, $"seed-{seed}");

    internal long Seed => seed;

    internal string this[string file] => Path.Combine(run.FullPath, _name, file);

    internal string Metrics => this["metrics.jsonl"];

    internal string Checkpoint => Path.Combine(run.CheckpointsPath, _name);

    /// <summary>The results of a seed that was finished before, or null.</summary>
    internal FineTuneSeed? Finished()
    {
        if (!File.Exists(this[SummaryFile]) || JsonNode.Parse(File.ReadAllText(this[SummaryFile])) is not JsonObject summary)
        {
            return null;
        }

        return new FineTuneSeed(seed, MetricSet.FromJson(summary["validation"]!.ToJsonString()),
            summary["test"] is { } test ? MetricSet.FromJson(test.ToJsonString()) : null);
    }

    /// <summary>Makes the folder; what an interrupted attempt left is dropped.</summary>
    internal void Begin()
    {
        Directory.CreateDirectory(this[""]);
        File.Delete(Metrics);
    }

    internal void WriteSummary(JsonObject summary) => AtomicFile.WriteAllText(this[SummaryFile], FineTuneFolder.Text(summary));
}
