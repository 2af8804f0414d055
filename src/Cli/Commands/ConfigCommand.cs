using System.CommandLine;
using GenoSeq.Cli.Console;
using GenoSeq.Models;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.FineTuning;

namespace GenoSeq.Cli.Commands;

/// <summary><c>genoseq config</c>: what a run would be, and the recipes that come with the program.</summary>
internal static class ConfigCommand
{
    internal static Command Create(CommandRunner runner)
    {
        var root = new Command("config", "Show configurations and list recipes");
        var source = new ConfigSource();
        var finetune = new Option<bool>("--finetune") { Description = "The configuration of `genoseq finetune`" };
        Command show = runner.Verb("show", "Print the resolved configuration of a run", context =>
        {
            context.Streams.Out.Write(context.Parse.GetValue(finetune)
                ? ConfigWriter.ToYaml(source.ResolveFineTuning(context, source.Overrides(context)), FineTuneConfigJson.Default.FineTuneConfig)
                : ConfigWriter.ToYaml(source.Resolve(context), RunConfigJson.Default.RunConfig));
            return Task.FromResult(ExitCodes.Ok);
        });
        source.AddTo(show);
        show.Add(finetune);
        show.WithExample("genoseq config show --preset caduceus-ps-tiny data.files=[genome.fa]", "A preset, completed")
            .WithExample("genoseq config show -c configs/demo.yaml train.steps=100", "A recipe with a setting changed");
        root.Add(show);
        root.Add(runner.Verb("ls", "List presets and recipes", context => Task.FromResult(List(context)))
            .WithExample("genoseq config ls", "All of them"));
        return root;
    }

    private static int List(CommandContext context)
    {
        var table = new ConsoleTable("name", "kind", "what it is");
        foreach (ModelPreset p in ModelPresets.All)
        {
            table.Add(p.Name, "preset", p.Description);
        }

        foreach (string file in Recipes())
        {
            string first = File.ReadLines(file).FirstOrDefault(l => l.StartsWith('#'))?.TrimStart('#', ' ') ?? "";
            table.Add(Path.GetRelativePath(Environment.CurrentDirectory, file), "recipe", first);
        }

        table.WriteToOut(context.Streams);
        return ExitCodes.Ok;
    }

    private static IEnumerable<string> Recipes()
    {
        for (DirectoryInfo? d = new(AppContext.BaseDirectory); d is not null; d = d.Parent)
        {
            string folder = Path.Combine(d.FullName, "configs");
            if (Directory.Exists(folder))
            {
                return Directory.EnumerateFiles(folder, "*.yaml", SearchOption.AllDirectories).Order(StringComparer.Ordinal);
            }
        }

        return [];
    }
}
