using System.Text.Json.Nodes;
using GenoSeq.Data;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Engine;

/// <summary>What a run was trained on, for <c>data_manifest.json</c>.</summary>
internal static class DataManifest
{
    internal static JsonObject Of(TrainingData data, DataConfig config)
    {
        GenomeDigest digest = data.Genome.Digest;
        var manifest = new JsonObject { ["sha256"] = digest.Sha256, ["files"] = Array(digest.Files, File) };
        foreach ((string key, JsonNode? value) in Describe(data, config))
        {
            manifest[key] = value?.DeepClone();
        }

        return manifest;
    }

    /// <summary>All but the files, whose digests may have to be taken first.</summary>
    internal static JsonObject Describe(TrainingData data, DataConfig config) => new()
    {
        ["sources"] = Array(data.Sources.Select((s, i) => (s, i)), x => Source(data, x.s, x.i)),
        ["windows"] = Windows(config),
        ["train_bases"] = data.TrainBases,
        ["validation_bases"] = data.ValidationBases,
        ["test_bases"] = data.Split.Test.Sum(i => i.Length),
        ["train_windows_per_epoch"] = data.TrainSampler.WindowsPerEpoch(0),
        ["shared_bases"] = data.SharedBases,
        ["excluded_intervals"] = data.TrainWindows.Sum(w => w.ExcludedIntervals),
        ["excluded_bases"] = data.TrainWindows.Sum(w => w.ExcludedBases),
        ["excluded"] = Array(data.TrainWindows.SelectMany(w => w.Excluded.Counts), c => Excluded(data.Genome, c)),
    };

    /// <summary>What was left out for one reason; of its stretches, the first ones.</summary>
    private static JsonObject Excluded(GenomeSource genome, ExclusionCount count) => new()
    {
        ["reason"] = ConfigNames.Policy.ConvertName(count.Reason.ToString()),
        ["intervals"] = count.Intervals,
        ["bases"] = count.Bases,
        ["first"] = Array(count.First, i => FormattableString.Invariant($"{genome.Contigs[i.Contig].Name}:{i.Start}-{i.End}")),
    };

    private static JsonObject File(GenomeFileDigest f) => new()
    {
        ["file"] = f.File,
        ["size"] = f.Size,
        ["sha256"] = f.Sha256,
        ["sequences"] = f.Sequences,
        ["bases"] = f.Bases,
        ["n"] = f.NCount,
    };

    private static JsonObject Source(TrainingData data, DataSource source, int index)
    {
        WindowSampler windows = data.TrainWindows[index];
        var mixture = data.TrainSampler as MixtureSampler;
        return new JsonObject
        {
            ["name"] = source.Name,
            ["weight"] = source.Weight,
            ["share"] = mixture is null ? 1 : (double)mixture.Quotas[index] / mixture.Cycle,
            ["train_bases"] = source.Split.Train.Sum(i => i.Length),
            ["validation_bases"] = source.Split.Validation.Sum(i => i.Length),
            ["test_bases"] = source.Split.Test.Sum(i => i.Length),
            ["train_windows_per_epoch"] = windows.WindowsPerEpoch(0),
            ["packs"] = windows.PackCount,
        };
    }

    private static JsonObject Windows(DataConfig config) => new()
    {
        ["rule"] = ConfigNames.Policy.ConvertName(config.Windows.ToString()),
        ["length"] = config.ContextLength,
        ["stride"] = config.Stride == 0 ? config.ContextLength : config.Stride,
        ["jitter"] = config.Jitter,
        ["random_phase"] = config.RandomPhase,
        ["min_acgt_fraction"] = config.MinAcgtFraction,
        ["n_policy"] = ConfigNames.Policy.ConvertName(config.NPolicy.ToString()),
        ["gap_length"] = config.GapLength,
        ["pack"] = config.Pack,
        ["shift"] = config.Shift is null ? null : Array(config.Shift, s => JsonValue.Create(s)),
        ["padding"] = ConfigNames.Policy.ConvertName(config.Padding.ToString()),
        ["strict_split"] = config.StrictSplit,
    };

    private static JsonArray Array<T>(IEnumerable<T> items, Func<T, JsonNode?> make) => [.. items.Select(make)];
}
