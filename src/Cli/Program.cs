using System.CommandLine;
using GenoSeq.Cli.Commands;
using GenoSeq.Cli.Commands.Data;
using GenoSeq.Cli.Console;

namespace GenoSeq.Cli;

/// <summary>The program <c>genoseq</c>.</summary>
public static class Program
{
    /// <summary>Runs one verb.</summary>
    /// <returns>0 ok, 1 failed, 2 usage or configuration, 3 bad input data, 4 missing resource or device, 130 interrupted.</returns>
    public static Task<int> Main(string[] args) => Create(ConsoleStreams.ForProcess()).RunAsync(args);

    /// <summary>The program with all its verbs.</summary>
    public static CommandRunner Create(ConsoleStreams streams)
    {
        var root = new RootCommand("Byte-level genomics modelling: pretrain, inspect and convert tokenizer-free DNA models.");
        var runner = new CommandRunner(root, streams, Errors.Catalog(), $"genoseq {AppVersion.Text}", AppVersion.Details);
        root.Add(PretrainCommand.Create(runner));
        root.Add(ModelsCommand.Create(runner));
        root.Add(InfoCommand.Create(runner));
        root.Add(ConvertCommand.Create(runner));
        root.Add(VerifyCommand.Create(runner));
        root.Add(ConfigCommand.Create(runner));
        root.Add(DataCommand.Create(runner));
        root.WithExample("genoseq pretrain --preset caduceus-ps-tiny data.fasta=[data/ecoli_k12_mg1655.fa.gz]", "Train a small model on E. coli")
            .WithExample("genoseq models", "What can be built, with parameter counts")
            .WithExample("genoseq info data/lambda_NC_001416.fa.gz", "What a file holds");
        return runner;
    }
}
