using System.Globalization;
using System.Text;
using GenoSeq.Cli.Launch;
using GenoSeq.Data;

namespace GenoSeq.Cli.Console;

/// <summary>Where a verb reads its surroundings and writes: data to <see cref="Out"/>, words to <see cref="Error"/>.</summary>
public sealed class ConsoleStreams
{
    /// <summary>Standard output, for data only.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Standard error, for words; writing to it never throws.</summary>
    public required TextWriter Error
    {
        get;
        init => field = value as QuietWriter ?? new QuietWriter(value);
    }

    /// <summary>True when standard output is a terminal.</summary>
    public bool OutIsTerminal { get; init; }

    /// <summary>True when standard error is a terminal.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>The terminal's columns.</summary>
    public Func<int> Width { get; init; } = static () => 80;

    /// <summary>Looks an environment variable up.</summary>
    public Func<string, string?> Variable { get; init; } = static _ => null;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The process's own streams.</summary>
    public static ConsoleStreams ForProcess() => new()
    {
        Out = new StreamWriter(StandardOutput.Open(), new UTF8Encoding(false), bufferSize: 1 << 16) { AutoFlush = !System.Console.IsOutputRedirected },
        Error = System.Console.Error,
        OutIsTerminal = !System.Console.IsOutputRedirected,
        ErrorIsTerminal = !System.Console.IsErrorRedirected || Columns is not null,
        Width = Columns is { } columns ? () => columns : TerminalWidth,
        Variable = Environment.GetEnvironmentVariable,
    };

    // A launcher at a terminal passes on what a rank redraws.
    private static int? Columns =>
        int.TryParse(Environment.GetEnvironmentVariable(LaunchedProcess.ColumnsVariable), NumberStyles.None, CultureInfo.InvariantCulture, out int n)
            ? n : null;

    private static int TerminalWidth()
    {
        try
        {
            return System.Console.WindowWidth > 0 ? System.Console.WindowWidth : 80;
        }
        catch (IOException)
        {
            return 80;
        }
    }
}
