using System.Collections.Frozen;
using System.Text.Json.Nodes;
using GenoSeq.Models;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.FineTuning;

namespace GenoSeq.Training.Engine;

/// <summary>Weights of an earlier model to begin with (<c>train.init</c>): moments, schedule and data begin anew.</summary>
internal static class InitialWeights
{
    /// <summary>Loads them.</summary>
    /// <param name="path">A run, or the folder of a checkpoint.</param>
    /// <param name="expected">The model that the run describes; settings of initialization apart, the weights' own must be the same.</param>
    /// <exception cref="CheckpointException">There is no model.</exception>
    /// <exception cref="ConfigException">It is another model.</exception>
    internal static SequenceModel Load(string path, ModelConfig expected)
    {
        string folder = TaskCheckpoint.Locate(path);
        ModelConfig there = ModelFile.ReadConfig(Path.Combine(folder, ModelFile.Configuration)).Config;
        Dictionary<string, string> own = Leaves(expected), theirs = Leaves(there);
        if (theirs.Keys.Union(own.Keys).FirstOrDefault(k => !s_initialization.Contains(k) && own.GetValueOrDefault(k) != theirs.GetValueOrDefault(k)) is { } key)
        {
            throw new ConfigException(new ConfigProblem("train.init", $"the model of {folder} is another one: its model.{key} is {theirs.GetValueOrDefault(key, "absent")}",
                null, $"{own.GetValueOrDefault(key, "absent")}, as in this run", "take the settings of model from that run's config.yaml"));
        }

        return ModelFile.Load(folder);
    }

    // How weights were drawn does not matter any more.
    private static readonly FrozenSet<string> s_initialization =
        ["initializer_range", "rescale_prenorm_residual", .. new[] { "mamba", "recurrent" }.SelectMany(g => new[] { $"{g}.dt_min", $"{g}.dt_max", $"{g}.dt_init_floor", $"{g}.dt_scale" })];

    private static Dictionary<string, string> Leaves(ModelConfig config) =>
        RecordedSettings.Leaves((JsonObject)ConfigWriter.ToNode(new RunConfig { Model = config }, RunConfigJson.Default.RunConfig)["model"]!);
}
