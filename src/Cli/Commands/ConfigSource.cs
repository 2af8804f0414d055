using System.CommandLine;
using GenoSeq.Cli.Console;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.FineTuning;

namespace GenoSeq.Cli.Commands;

/// <summary>The options that make a run's configuration: <c>--preset</c>, <c>--config</c>, overrides.</summary>
internal sealed class ConfigSource
{
    private readonly Option<string?> _config = new("--config", "-c") { Description = "YAML or JSON file", HelpName = "FILE" };
    private readonly Option<string?> _preset = new("--preset") { Description = "Model preset (see `genoseq models`)", HelpName = "NAME" };
    private readonly Option<long?> _seed = new("--seed") { Description = "The same as seed=N", HelpName = "N" };
    private readonly Option<string?> _device = new("--device") { Description = "The same as device=cpu|cuda|cuda:N", HelpName = "DEVICE" };

    private readonly Argument<string[]> _overrides = new("overrides")
    {
        Description = "Settings over the file's, such as train.steps=500 model.d_model=128",
        Arity = ArgumentArity.ZeroOrMore,
        HelpName = "path=value",
    };

    internal void AddTo(Command verb)
    {
        verb.Add(_config);
        verb.Add(_preset);
        verb.Add(_seed);
        verb.Add(_device);
        verb.Add(_overrides);
    }

    internal IReadOnlyList<string> Overrides(CommandContext context)
    {
        var all = new List<string>(context.Parse.GetValue(_overrides) ?? []);
        if (context.Parse.GetValue(_seed) is { } seed)
        {
            all.Add(FormattableString.Invariant($"seed={seed}"));
        }

        if (context.Parse.GetValue(_device) is { } device)
        {
            all.Add($"device={device}");
        }

        return all;
    }

    internal RunConfig Resolve(CommandContext context) => Resolve(context, Overrides(context));

    /// <summary>
    /// For verbs that look at data alone: arguments without '=' are data files, and without file and preset the rest of the
    /// configuration is whatever allows every setting of the data.
    /// </summary>
    internal RunConfig ResolveData(CommandContext context)
    {
        var overrides = new List<string>();
        var files = new List<string>();
        foreach (string argument in Overrides(context))
        {
            (argument.Contains('=', StringComparison.Ordinal) ? overrides : files).Add(argument);
        }

        if (files.Count > 0)
        {
            overrides.Insert(0, $"data.files=[{string.Join(", ", files.Select(f => System.Text.Json.JsonSerializer.Serialize(f, Texts.Default.String)))}]");
        }

        if (context.Parse.GetValue(_preset) is null && context.Parse.GetValue(_config) is null && overrides.Count > 0)
        {
            overrides.InsertRange(0, ["objective.kind=causal", "train.global_batch_size=1099511627776"]);
        }

        return Resolve(context, overrides);
    }

    /// <summary>
    /// For verbs that look at the model and its training alone: data are neither needed nor read, and a step need not hold a
    /// window of the preset's length.
    /// </summary>
    internal RunConfig ResolveModel(CommandContext context)
    {
        IReadOnlyList<string> overrides = Overrides(context);
        if (context.Parse.GetValue(_preset) is null && context.Parse.GetValue(_config) is null && overrides.Count == 0)
        {
            throw new ConfigException(new ConfigProblem("", "nothing says what to measure", null, "--config FILE, --preset NAME, or both",
                "genoseq bench step --preset caduceus-ps-tiny"));
        }

        return Resolve(context, ["data.files=[random]", "data.sources=[]", .. overrides]);
    }

    /// <summary>With these settings in place of those that were typed.</summary>
    internal RunConfig Resolve(CommandContext context, IReadOnlyList<string> overrides)
    {
        (string? preset, string? file) = Sources(context, overrides, "genoseq pretrain --preset caduceus-ps-tiny data.files=[genome.fa.gz]");
        return RunConfigs.Resolve(preset, file, overrides);
    }

    /// <summary>The configuration of a fine-tuning run, with these settings in place of those that were typed.</summary>
    internal FineTuneConfig ResolveFineTuning(CommandContext context, IReadOnlyList<string> overrides)
    {
        (string? preset, string? file) = Sources(context, overrides, "genoseq finetune --checkpoint runs/pretrained --data set.csv");
        return FineTuneConfigs.Resolve(preset, file, overrides);
    }

    private (string? Preset, string? File) Sources(CommandContext context, IReadOnlyList<string> overrides, string example)
    {
        string? preset = context.Parse.GetValue(_preset);
        string? file = context.Parse.GetValue(_config);
        if (preset is null && file is null && overrides.Count == 0)
        {
            throw new ConfigException(new ConfigProblem("", "nothing says what to train", null, "--config FILE, --preset NAME, or both", example));
        }

        if (file is not null && !File.Exists(file))
        {
            throw new ConfigException(new ConfigProblem("", "there is no such configuration file", new ConfigLocation(file), "a YAML or JSON file",
                "`genoseq config ls` for those that come with the program"));
        }

        return (preset, file);
    }
}

/// <summary>Quotes file names for flow sequences.</summary>
[System.Text.Json.Serialization.JsonSerializable(typeof(string))]
internal sealed partial class Texts : System.Text.Json.Serialization.JsonSerializerContext;
