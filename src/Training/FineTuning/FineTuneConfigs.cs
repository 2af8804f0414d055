using System.Text.Json.Nodes;
using GenoSeq.Models;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.FineTuning;

/// <summary>Puts the configuration of a fine-tuning run together: preset, then file, then overrides.</summary>
public static class FineTuneConfigs
{
    /// <summary>Merges and binds.</summary>
    /// <param name="preset">Name of a model preset, or null.</param>
    /// <param name="file">A YAML or JSON file, or null.</param>
    /// <param name="overrides">Arguments <c>path=value</c>.</param>
    /// <exception cref="ConfigException">Every problem at once.</exception>
    public static FineTuneConfig Resolve(string? preset, string? file, IEnumerable<string> overrides)
    {
        ConfigTree tree = preset is null ? ConfigTree.Empty : Preset(preset);
        if (file is not null)
        {
            tree = tree.Merge(ConfigTree.Load(file));
        }

        return ConfigBinder.Bind(tree.WithOverrides(overrides), FineTuneConfigJson.Default.FineTuneConfig);
    }

    // Of a preset only the model matters: the rest of it is about pretraining.
    private static ConfigTree Preset(string name)
    {
        ModelConfig model = RunConfigs.FindPreset(name).Config;
        JsonObject all = ConfigWriter.ToNode(new FineTuneConfig { Model = model }, FineTuneConfigJson.Default.FineTuneConfig);
        return ConfigTree.FromNode(new JsonObject { ["name"] = name, ["model"] = all["model"]!.DeepClone() }, $"preset {name}");
    }
}
