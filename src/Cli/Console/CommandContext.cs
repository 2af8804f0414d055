using System.CommandLine;

namespace GenoSeq.Cli.Console;

/// <summary>What a verb is given.</summary>
/// <param name="Parse">The parsed command line.</param>
/// <param name="Options">The global options.</param>
/// <param name="Streams">Where to write.</param>
/// <param name="Reporter">How to tell the user.</param>
/// <param name="Stop">Cancelled by the first SIGINT or SIGTERM: finish the step, write the checkpoint, return <see cref="ExitCodes.Interrupted"/>.</param>
public sealed record CommandContext(
    ParseResult Parse, GlobalOptions Options, ConsoleStreams Streams, ConsoleReporter Reporter, CancellationToken Stop);
