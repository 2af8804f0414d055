using System.CommandLine;
using GenoSeq.Cli.Console;

namespace GenoSeq.Cli.Commands.Data;

/// <summary><c>genoseq data</c>: what files hold, and what training would see of them.</summary>
internal static class DataCommand
{
    internal static Command Create(CommandRunner runner)
    {
        ArgumentNullException.ThrowIfNull(runner);
        var command = new Command("data", "Count, index, convert and look at genomes and tables");
        command.Add(IndexCommand.Create(runner));
        command.Add(GetCommand.Create(runner));
        command.Add(LabelsCommand.Create(runner));
        command.Add(BaselineCommand.Create(runner));
        command.Add(WindowsCommand.Create(runner));
        command.Add(ConvertCommand.Create(runner));
        command.Add(StatsCommand.Create(runner));
        command.Add(InspectCommand.Create(runner));
        return command;
    }
}
