using System.CommandLine;
using GenoSeq.Cli.Console;
using GenoSeq.Models;
using GenoSeq.Models.Families;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Cli.Commands;

/// <summary><c>genoseq convert</c>: a checkpoint in another layout.</summary>
internal sealed class ConvertCommand
{
    private readonly Argument<string> _input = new("checkpoint") { Description = "Folder with config.json and weights, or a run's checkpoint" };
    private readonly Option<string> _out = new("--out", "-o") { Description = "Folder to write", Required = true, HelpName = "DIR" };
    private readonly Option<string?> _to = new("--to") { Description = "Layout to write [default: the family's own]", HelpName = $"hf|{string.Join('|', ModelLayout.All.Select(l => l.Name))}" };
    private readonly Option<string?> _weights = new("--weights") { Description = "Weights that lie elsewhere", HelpName = "FILE" };
    private readonly Option<string?> _config = new("--config") { Description = "config.json that lies elsewhere", HelpName = "FILE" };

    internal static Command Create(CommandRunner runner)
    {
        var self = new ConvertCommand();
        Command verb = runner.Verb("convert", "Write a checkpoint in another layout", context => Task.FromResult(self.Run(context)));
        verb.Add(self._input);
        verb.Add(self._out);
        verb.Add(self._to);
        verb.Add(self._config);
        verb.Add(self._weights);
        return verb
            .WithExample("genoseq convert runs/my-run/checkpoints/step-000500 -o my-model", "For Hugging Face's from_pretrained")
            .WithExample("genoseq convert caduceus-ps_131k -o native --to genoseq", "To GenoSeq's own names");
    }

    private int Run(CommandContext context)
    {
        string input = context.Parse.GetValue(_input)!;
        string output = context.Parse.GetValue(_out)!;
        string config = context.Parse.GetValue(_config) ?? Path.Combine(input, ModelFile.Configuration);
        using SequenceModel model = ModelFile.Load(config, context.Parse.GetValue(_weights) ?? input);
        ModelLayout layout = Layout(context.Parse.GetValue(_to), model.Config);
        if (Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any())
        {
            throw new ConfigException(new ConfigProblem("", "the output folder is not empty", new ConfigLocation(output), "a new or empty folder", "another --out"));
        }

        ModelFile.Save(model, output, layout);
        context.Reporter.Info($"wrote {model.Config.Family()} in the {layout.Name} layout to {output}");
        return ExitCodes.Ok;
    }

    private static ModelLayout Layout(string? name, ModelConfig config)
    {
        if (name is null or "hf")
        {
            return ModelLayout.For(config);
        }

        ModelLayout? layout = ModelLayout.All.FirstOrDefault(l => l.Name == name);
        return layout is not null && layout.CanExpress(config)
            ? layout
            : throw new ConfigException(new ConfigProblem("--to", layout is null
                    ? $"there is no layout '{name}'"
                    : $"the layout {name} cannot express this {config.Family()}",
                null, string.Join(", ", ModelLayout.All.Where(l => l.CanExpress(config)).Select(l => l.Name)), "--to genoseq"));
    }
}
