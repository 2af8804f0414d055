using System.CommandLine;
using GenoSeq.Cli.Console;

namespace GenoSeq.Cli.Commands.Data;

/// <summary><c>genoseq data</c>: what files hold, and what training would see of them.</summary>
internal static class DataCommand
{
    private static readonly (string Name, Func<CommandRunner, Command> Create)[] s_verbs =
    [
        ("stats", StatsCommand.Create),
        ("inspect", InspectCommand.Create),
        ("index", IndexCommand.Create),
        ("get", GetCommand.Create),
        ("convert", ConvertCommand.Create),
        ("windows", WindowsCommand.Create),
        ("labels", LabelsCommand.Create),
        ("baseline", BaselineCommand.Create),
    ];

    /// <param name="runner">Runs the verbs.</param>
    /// <param name="verb">The one that will be run, if that is known: only it is set up.</param>
    internal static Command Create(CommandRunner runner, string? verb)
    {
        ArgumentNullException.ThrowIfNull(runner);
        var command = new Command("data", "Count, index, convert and look at genomes and tables");
        foreach ((string name, Func<CommandRunner, Command> create) in s_verbs)
        {
            if (name == verb)
            {
                command.Add(create(runner));
                return command;
            }
        }

        foreach ((_, Func<CommandRunner, Command> create) in s_verbs)
        {
            command.Add(create(runner));
        }

        return command;
    }
}
