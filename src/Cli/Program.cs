using System.CommandLine;
using GenoSeq.Cli.Commands;
using GenoSeq.Cli.Commands.Bench;
using GenoSeq.Cli.Commands.Data;
using GenoSeq.Cli.Commands.Score;
using GenoSeq.Cli.Console;
using GenoSeq.Cli.Launch;

namespace GenoSeq.Cli;

/// <summary>The program <c>genoseq</c>.</summary>
public static class Program
{
    private static readonly (string Name, Func<CommandRunner, string?, Command> Create)[] s_verbs =
    [
        ("pretrain", (runner, _) => PretrainCommand.Create(runner)),
        ("finetune", (runner, _) => FinetuneCommand.Create(runner)),
        ("predict", (runner, _) => PredictCommand.Create(runner)),
        ("embed", (runner, _) => EmbedCommand.Create(runner)),
        ("benchmark", (runner, _) => BenchmarkCommand.Create(runner)),
        ("study", (runner, _) => StudyCommand.Create(runner)),
        ("score", (runner, _) => ScoreCommand.Create(runner)),
        ("generate", (runner, _) => GenerateCommand.Create(runner)),
        ("launch", (runner, _) => LaunchCommand.Create(runner)),
        ("models", (runner, _) => ModelsCommand.Create(runner)),
        ("info", (runner, _) => InfoCommand.Create(runner)),
        ("convert", (runner, _) => Commands.ConvertCommand.Create(runner)),
        ("verify", (runner, _) => VerifyCommand.Create(runner)),
        ("config", (runner, _) => ConfigCommand.Create(runner)),
        ("doctor", (runner, _) => DoctorCommand.Create(runner)),
        ("bench", (runner, _) => BenchCommand.Create(runner)),
        ("data", DataCommand.Create),
    ];

    /// <summary>Runs one verb.</summary>
    /// <returns>0 ok, 1 failed, 2 usage or configuration, 3 bad input data, 4 missing resource or device, 130 interrupted.</returns>
    public static int Main(string[] args)
    {
        LaunchedProcess.Attach();
        return Create(ConsoleStreams.ForProcess(), args).Run(args);
    }

    /// <summary>The program with its verbs.</summary>
    /// <param name="streams">Where to write.</param>
    /// <param name="args">The words to come: where they begin with a verb, no other is set up, which a short command would feel. Null: all verbs.</param>
    public static CommandRunner Create(ConsoleStreams streams, IReadOnlyList<string>? args = null)
    {
        var root = new RootCommand("Byte-level genomics modelling: pretrain, inspect and convert tokenizer-free DNA models.");
        var runner = new CommandRunner(root, streams, Errors.Catalog, $"genoseq {AppVersion.Text}", AppVersion.Details);
        foreach ((string name, Func<CommandRunner, string?, Command> create) in s_verbs)
        {
            if (args?.Count > 0 && name == args[0])
            {
                root.Add(create(runner, args.Count > 1 ? args[1] : null));
                return runner;
            }
        }

        foreach ((_, Func<CommandRunner, string?, Command> create) in s_verbs)
        {
            root.Add(create(runner, null));
        }

        root.WithExample("genoseq pretrain --preset caduceus-ps-tiny data.files=[data/ecoli_k12_mg1655.fa.gz]", "Train a small model on E. coli")
            .WithExample("genoseq models", "What can be built, with parameter counts")
            .WithExample("genoseq info data/lambda_NC_001416.fa.gz", "What a file holds");
        return runner;
    }
}
