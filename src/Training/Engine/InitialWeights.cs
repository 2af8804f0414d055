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
        string[] own = Lines(expected), theirs = Lines(there);
        if (theirs.Except(own).FirstOrDefault() is { } other)
        {
            string key = other[..(other.IndexOf(':', StringComparison.Ordinal) + 1)];
            throw new ConfigException(new ConfigProblem("train.init", $"the model of {folder} is another one: its model has '{other}'",
                null, Array.Find(own, l => l.StartsWith(key, StringComparison.Ordinal)) is { } here ? $"'{here}', as this run's model" : "the model of this run",
                "take the settings of model from that run's config.yaml"));
        }

        return ModelFile.Load(folder);
    }

    // What a model is, line by line; how its weights were drawn does not matter any more.
    private static string[] Lines(ModelConfig config) =>
    [
        .. ConfigWriter.ToYaml(new RunConfig { Model = config }, RunConfigJson.Default.RunConfig).Split('\n')
            .SkipWhile(l => l != "model:").Skip(1).TakeWhile(l => l.StartsWith(' ')).Select(l => l.Trim())
            .Where(l => !s_initialization.Any(k => l.StartsWith(k, StringComparison.Ordinal))),
    ];

    private static readonly string[] s_initialization = ["initializer_range:", "rescale_prenorm_residual:", "dt_min:", "dt_max:", "dt_init_floor:", "dt_scale:"];
}
