using System.CommandLine;
using System.CommandLine.Invocation;
using GenoSeq.Training.Runs;

namespace GenoSeq.Cli.Console;

/// <summary>Runs the verbs: global options, usage errors, exceptions, signals, and the final line of costs.</summary>
/// <remarks>
/// Usage errors go to standard error and exit with <see cref="ExitCodes.Usage"/>; left to itself, System.CommandLine exits with 1 and
/// prints its help on standard output.
/// </remarks>
public sealed class CommandRunner
{
    private readonly RootCommand _root;
    private readonly ConsoleStreams _streams;
    private readonly Func<ErrorCatalog> _errors;
    private readonly GlobalOptionSet _options = new();
    private CancellationToken _stop;

    /// <summary>Prepares <paramref name="root"/>: adds the global options, help with examples, and <c>--version</c>.</summary>
    /// <param name="root">The program's root command; verbs may be added to it later.</param>
    /// <param name="streams">Where to write.</param>
    /// <param name="errors">Describes exceptions; asked for only when there is one, since it knows the exceptions of all libraries.</param>
    /// <param name="version">Line 1 of <c>--version</c>: name and version.</param>
    /// <param name="versionDetails">Further lines of it, asked for only then: engine, device, commit.</param>
    public CommandRunner(
        RootCommand root, ConsoleStreams streams, Func<ErrorCatalog> errors, string version, Func<IEnumerable<string>>? versionDetails = null)
    {
        _root = root;
        _streams = streams;
        _errors = errors;
        _options.AddTo(root);
        foreach (Option builtIn in root.Options.OfType<VersionOption>().ToArray())
        {
            // It refuses company, and prints the assembly's version alone.
            root.Options.Remove(builtIn);
        }

        root.Add(new Option<bool>("--version")
        {
            Description = "Name, version and what it was built with",
            Action = new VersionAction(version, versionDetails),
        });
        HelpWithExamples.Install(root, streams.Width);
    }

    /// <summary>A verb whose work is <paramref name="run"/>, which returns an exit code. The caller adds its options and its place.</summary>
    public Command Verb(string name, string description, Func<CommandContext, Task<int>> run)
    {
        Command verb = new(name, description);
        Handle(verb, run);
        return verb;
    }

    /// <summary>Gives an existing command its work.</summary>
    public void Handle(Command verb, Func<CommandContext, Task<int>> run) =>
        verb.SetAction(parse => RunVerb(parse, run));

    /// <summary>As <see cref="Run"/>, on another thread.</summary>
    public Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken stop = default) =>
        Task.Run(() => Run(arguments, stop), CancellationToken.None);

    /// <summary>Parses and runs <paramref name="arguments"/>.</summary>
    /// <param name="arguments">The words after the program's name.</param>
    /// <param name="stop">Asks for an orderly end, as a signal does.</param>
    /// <returns>The exit code.</returns>
    public int Run(IReadOnlyList<string> arguments, CancellationToken stop = default)
    {
        _stop = stop;
        // "@x" is a file name here, not a file of arguments.
        ParseResult parse = _root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        string verb = UsageErrors.VerbOf(parse);
        try
        {
            if (parse.Action is null or ParseErrorAction || parse.Errors.Count > 0 || IsVerb(parse))
            {
                IReadOnlyList<ErrorDescription> errors = UsageErrors.Find(parse, arguments);
                if (errors.Count > 0)
                {
                    foreach (ErrorDescription error in errors)
                    {
                        ErrorReport.Write(_streams.Error, verb, error);
                    }

                    return ExitCodes.Usage;
                }
            }

            int code = parse.Invoke(
                new InvocationConfiguration
                {
                    Output = _streams.Out,
                    Error = _streams.Error,
                    EnableDefaultExceptionHandler = false,

                    // Signals are ours: ShutdownSignal.
                    ProcessTerminationTimeout = null,
                });
            _streams.Out.Flush();
            return code;
        }
#pragma warning disable CA1031 // The last place that can turn an exception into words.
        catch (Exception error)
#pragma warning restore CA1031
        {
            return ErrorReport.Write(_streams.Error, verb, error, _errors(), arguments.Contains("--debug"));
        }
    }

    private static bool IsVerb(ParseResult parse) =>
        parse.Action is not null && ReferenceEquals(parse.Action, parse.CommandResult.Command.Action);

    private int RunVerb(ParseResult parse, Func<CommandContext, Task<int>> run)
    {
        GlobalOptions options = _options.Read(parse, _streams.Variable);
        ConsoleReporter reporter = new(_streams, options);
        string verb = UsageErrors.VerbOf(parse);
        using ShutdownSignal signal = new(text => reporter.Warn(text));
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(signal.Token, _stop);
        int code;
        try
        {
            code = run(new CommandContext(parse, options, _streams, reporter, either.Token)).GetAwaiter().GetResult();
            _streams.Out.Flush();
        }
#pragma warning disable CA1031 // As above; here the line of costs still follows.
        catch (Exception error)
#pragma warning restore CA1031
        {
            reporter.EndProgress();
            code = ErrorReport.Write(_streams.Error, verb, error, _errors(), options.Debug);
            if (ErrorReport.IsClosedPipe(error))
            {
                // `genoseq … | head` says nothing more than head does.
                return code;
            }
        }

        reporter.EndProgress();
        reporter.Info($"[{ErrorReport.Prefix(verb)}] {ProcessUsage.Read()}");
        return code;
    }

    private sealed class VersionAction(string version, Func<IEnumerable<string>>? details) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            TextWriter writer = parseResult.InvocationConfiguration.Output;
            writer.Write(version + "\n");
            foreach (string line in details?.Invoke() ?? [])
            {
                writer.Write(line + "\n");
            }

            return ExitCodes.Ok;
        }
    }
}
