using System.Security.Cryptography;
using GenoSeq.Models;
using GenoSeq.Training.Checkpoints;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>A model of a suite, found.</summary>
/// <param name="Config">Its architecture; null for baselines.</param>
/// <param name="Checkpoint">Folder of its weights; null: fresh ones.</param>
/// <param name="WeightsSha256">Digest of the weights, wherever they lie.</param>
internal sealed record SuiteModel(ModelConfig? Config, string? Checkpoint, string? WeightsSha256);

/// <summary>Finds the models of a suite, each once.</summary>
internal sealed class SuiteModels(SuiteConfig suite)
{
    private readonly Dictionary<string, SuiteModel> _found = [];

    /// <summary>Finds one.</summary>
    /// <exception cref="ConfigException">Its checkpoint was not given.</exception>
    /// <exception cref="CheckpointException">There is no checkpoint, or not all of it.</exception>
    internal SuiteModel Of(SuiteModelConfig model)
    {
        if (!_found.TryGetValue(model.Name, out SuiteModel? found))
        {
            _found[model.Name] = found = Find(model);
        }

        return found;
    }

    private SuiteModel Find(SuiteModelConfig model)
    {
        if (model.Baseline is not null)
        {
            return new SuiteModel(null, null, null);
        }

        if (model.Preset is { } preset)
        {
            return new SuiteModel(RunConfigs.FindPreset(preset).Config, null, null);
        }

        if (model.ScratchOf is { } of)
        {
            SuiteModelConfig? other = suite.Models.FirstOrDefault(m => m.Name == of);
            return new SuiteModel(other is null ? ConfigOf(Existing(of, model)) : Of(other).Config, null, null);
        }

        string folder = TaskCheckpoint.Locate(Existing(model.Checkpoint!, model));
        return new SuiteModel(ConfigOf(folder), folder, Digest(folder));
    }

    private static ModelConfig ConfigOf(string path) =>
        ModelFile.ReadConfig(File.Exists(path) ? path : Path.Combine(TaskCheckpoint.Locate(path), ModelFile.Configuration)).Config;

    private static string Existing(string path, SuiteModelConfig model)
    {
        if (path == SuiteModelConfig.Given)
        {
            throw new ConfigException(new ConfigProblem("models", $"the checkpoint of '{model.Name}' is to be given on the command line", null,
                "a checkpoint, or other models", $"--checkpoint \"{model.Name}=DIR\" (or --checkpoint DIR for all such models), or --model NAME for those to run"));
        }

        return Directory.Exists(path) || File.Exists(path)
            ? path
            : throw new CheckpointException($"the checkpoint of '{model.Name}' is not there", path, "the folder of a checkpoint or of a run",
                $"--checkpoint \"{model.Name}=DIR\"");
    }

    private static string Digest(string folder)
    {
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string file in Directory.GetFiles(folder, "*.safetensors").Order(StringComparer.Ordinal))
        {
            // What a run needs to go on, and a copy for tuning does without.
            if (Path.GetFileName(file) == CheckpointStore.OptimizerFile)
            {
                continue;
            }

            using FileStream stream = File.OpenRead(file);
            all.AppendData(SHA256.HashData(stream));
        }

        return Convert.ToHexStringLower(all.GetHashAndReset());
    }
}
