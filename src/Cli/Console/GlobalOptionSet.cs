using System.CommandLine;
using System.Globalization;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Cli.Console;

/// <summary>The global options as the parser knows them.</summary>
public sealed class GlobalOptionSet
{
    /// <summary>The environment variable behind <c>--threads</c>.</summary>
    public const string ThreadsVariable = "GENOSEQ_THREADS";

    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "Errors and warnings only", Recursive = true };
    private readonly Option<bool> _verbose = new("--verbose", "-v") { Description = "More words", Recursive = true };
    private readonly Option<bool> _noColor = new("--no-color") { Description = "No colour (also: NO_COLOR)", Recursive = true };
    private readonly Option<bool> _debug = new("--debug") { Description = "Stack traces with errors", Recursive = true };
    private readonly Option<string?> _threads = new("--threads", "-t", "-@")
    {
        Description = $"CPU threads (also: {ThreadsVariable}) [default: the smaller of 4 and the cores]",
        HelpName = "N",
        Recursive = true,
    };

    internal GlobalOptionSet()
    {
        _threads.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && Count(result.Tokens[0].Value) is null)
            {
                result.AddError($"'{result.Tokens[0].Value}' is not a number of threads: --threads takes an integer of at least 1.");
            }
        });
    }

    internal void AddTo(Command root)
    {
        root.Add(_threads);
        root.Add(_quiet);
        root.Add(_verbose);
        root.Add(_noColor);
        root.Add(_debug);
    }

    internal GlobalOptions Read(ParseResult parse, Func<string, string?> variable) => new()
    {
        // Of several ranks the first one speaks.
        Quiet = parse.GetValue(_quiet) || (!parse.GetValue(_verbose) && IsFollower(variable)),
        Verbose = parse.GetValue(_verbose),
        NoColor = parse.GetValue(_noColor),
        Debug = parse.GetValue(_debug),
        Threads = (parse.GetValue(_threads) is { } given ? Count(given) : null) ?? FromEnvironment(variable(ThreadsVariable)),
    };

    private static bool IsFollower(Func<string, string?> variable)
    {
        try
        {
            return DistributedEnvironment.Read(variable) is { Rank: > 0 };
        }
        catch (DistributedEnvironmentException)
        {
            // Whoever needs it will say so.
            return false;
        }
    }

    private static int FromEnvironment(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return GlobalOptions.DefaultThreads;
        }

        return Count(text) ?? throw new ConfigException(new ConfigProblem(
            string.Empty, $"'{text}' is not a number of threads", new ConfigLocation("environment variable " + ThreadsVariable), "an integer of at least 1"));
    }

    private static int? Count(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int threads) && threads > 0 ? threads : null;
}
