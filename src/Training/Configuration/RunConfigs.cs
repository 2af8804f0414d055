using System.Text.Json.Nodes;
using GenoSeq.Data;
using GenoSeq.Models;

namespace GenoSeq.Training.Configuration;

/// <summary>Puts the configuration of a run together: preset, then file, then overrides.</summary>
public static class RunConfigs
{
    /// <summary>The settings that a preset stands for: its model, the objective that fits it, its context.</summary>
    /// <exception cref="ConfigException">There is no preset of that name.</exception>
    public static ConfigTree Preset(string name)
    {
        ModelPreset preset = FindPreset(name);
        bool mlm = preset.Config.Bidirectional;
        var config = new RunConfig
        {
            Name = preset.Name,
            Model = preset.Config,
            Data = new DataConfig { ContextLength = preset.Context },
            Objective = new ObjectiveConfig
            {
                Kind = mlm ? ObjectiveKind.Mlm : ObjectiveKind.Causal,
                RcAugment = !preset.Config.RcEquivariant,
            },
            Train = new TrainConfig { GlobalBatchSize = Math.Max(16384, preset.Context) },
        };
        JsonObject node = ConfigWriter.ToNode(config, RunConfigJson.Default.RunConfig);
        return ConfigTree.FromNode(node, $"preset {name}");
    }

    /// <summary>Merges and binds.</summary>
    /// <param name="preset">Name of a preset, or null.</param>
    /// <param name="file">A YAML or JSON file, or null.</param>
    /// <param name="overrides">Arguments <c>path=value</c>.</param>
    /// <exception cref="ConfigException">Every problem at once.</exception>
    public static RunConfig Resolve(string? preset, string? file, IEnumerable<string> overrides)
    {
        ConfigTree tree = preset is null ? ConfigTree.Empty : Preset(preset);
        if (file is not null)
        {
            tree = tree.Merge(ConfigTree.Load(file));
        }

        tree = tree.WithOverrides(overrides);
        return ConfigBinder.Bind(tree, RunConfigJson.Default.RunConfig);
    }

    /// <summary>The model preset of a name.</summary>
    /// <exception cref="ConfigException">There is none.</exception>
    internal static ModelPreset FindPreset(string name) => ModelPresets.Find(name)
        ?? throw new ConfigException(new ConfigProblem("", $"there is no preset '{name}'", null, "one of `genoseq models`", Suggest(name)));

    private static string Suggest(string name)
    {
        IReadOnlyList<string> near = NearestName.Suggest(name, ModelPresets.All.Select(p => p.Name));
        return near.Count > 0 ? string.Join(" or ", near) : "caduceus-ps-tiny";
    }
}
