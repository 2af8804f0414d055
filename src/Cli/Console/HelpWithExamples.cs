using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Runtime.CompilerServices;

namespace GenoSeq.Cli.Console;

/// <summary>Help that ends in examples.</summary>
public static class HelpWithExamples
{
    private static readonly ConditionalWeakTable<Command, List<(string Line, string Does)>> s_examples = [];

    /// <summary>Adds an example to the command's help.</summary>
    /// <param name="command">The command.</param>
    /// <param name="line">The whole command line.</param>
    /// <param name="does">What it does, in a few words.</param>
    /// <returns>The command, for chaining.</returns>
    public static Command WithExample(this Command command, string line, string does)
    {
        s_examples.GetOrCreateValue(command).Add((line, does));
        return command;
    }

    internal static void Install(RootCommand root, Func<int> width)
    {
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Description = "This help";
        help.Action = new Action((HelpAction)help.Action!, width);
    }

    private sealed class Action(HelpAction inner, Func<int> width) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            inner.MaxWidth = Math.Clamp(width(), 60, 120);
            inner.Invoke(parseResult);
            if (s_examples.TryGetValue(parseResult.CommandResult.Command, out var examples))
            {
                TextWriter writer = parseResult.InvocationConfiguration.Output;
                writer.Write("Examples:\n");
                foreach ((string line, string does) in examples)
                {
                    writer.Write($"  # {does}\n  {line}\n");
                }

                writer.Write("\n");
            }

            return ExitCodes.Ok;
        }
    }
}
