using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using GenoSeq.Cli.Console;
using GenoSeq.Training.Benchmarks;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Cli.Commands.Bench;

/// <summary><c>genoseq bench</c>: how fast kernels and steps are, and what memory they take.</summary>
internal static class BenchCommand
{
    internal static Option<string?> JsonOption() => new("--json") { Description = "Also write the results as JSON; - for standard output, instead of the table", HelpName = "FILE|-" };

    internal static Command Create(CommandRunner runner)
    {
        var root = new Command("bench", "Measure kernels, training steps and memory");
        root.Add(KernelsCommand.Create(runner));
        root.Add(StepCommand.Create(runner));
        root.Add(MemoryCommand.Create(runner));
        root.Add(DecodeCommand.Create(runner));
        root.Add(ScalingCommand.Create(runner));
        return root;
    }

    /// <summary>The table goes to standard output, the JSON to its file; or the JSON to standard output and the table to standard error.</summary>
    internal static void Write(CommandContext context, ConsoleTable table, JsonObject report, string? json)
    {
        if (json == "-")
        {
            table.WriteToError(context.Streams);
            context.Streams.Out.Write(BenchReport.Text(report));
            return;
        }

        table.WriteToOut(context.Streams);
        if (json is not null)
        {
            File.WriteAllText(json, BenchReport.Text(report));
        }
    }

    /// <summary>Whole numbers, separated by commas.</summary>
    /// <exception cref="ConfigException">A word is no positive number.</exception>
    internal static int[] Numbers(string option, string text)
    {
        string[] words = text.Split(',', StringSplitOptions.TrimEntries);
        int[] numbers = new int[words.Length];
        for (int i = 0; i < words.Length; i++)
        {
            if (!int.TryParse(words[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]) || numbers[i] < 1)
            {
                throw new ConfigException(new ConfigProblem(option, $"'{words[i]}' is not a positive whole number", null,
                    "numbers separated by commas", $"{option} 1024,131072"));
            }
        }

        return numbers;
    }

    /// <summary>The lengths with their batches: as many, or one for all.</summary>
    /// <exception cref="ConfigException">The lists do not go together.</exception>
    internal static StepShape[] Shapes(int[] lengths, int[] batches) => batches.Length == 1 || batches.Length == lengths.Length
        ? [.. lengths.Select((l, i) => new StepShape(l, batches[batches.Length == 1 ? 0 : i]))]
        : throw new ConfigException(new ConfigProblem("--batches", $"{batches.Length} batches for {lengths.Length} lengths", null,
            "one batch for all lengths, or one for each", "--lengths 1024,131072 --batches 128,1"));

    internal static string Text(double? x, string format) => x?.ToString(format, CultureInfo.InvariantCulture) ?? "-";

    internal static string Gib(long? bytes) => Text(bytes / (double)(1L << 30), "F2");
}
