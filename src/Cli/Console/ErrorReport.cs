using GenoSeq.Data;

namespace GenoSeq.Cli.Console;

/// <summary>Writes errors in the one form that the program has for them.</summary>
/// <remarks>
/// <code>
/// genoseq embed: error: what is wrong (where)
///   expected: what would have been right
///   try: what to do
/// </code>
/// </remarks>
public static class ErrorReport
{
    // EPIPE; on Unix an I/O exception carries the errno.
    private const int BrokenPipe = 32;

    /// <summary>Writes <paramref name="error"/> and returns the exit code. A closed output pipe is no error: silent, and 0.</summary>
    /// <param name="writer">Standard error.</param>
    /// <param name="verb">The verb as typed after the program's name; empty for the program itself.</param>
    /// <param name="error">What happened.</param>
    /// <param name="catalog">Knows the exceptions.</param>
    /// <param name="debug">Adds the stack trace.</param>
    public static int Write(TextWriter writer, string verb, Exception error, ErrorCatalog catalog, bool debug)
    {
        if (IsClosedPipe(error))
        {
            return ExitCodes.Ok;
        }

        IReadOnlyList<ErrorDescription> errors = catalog.Describe(error);
        foreach (ErrorDescription description in errors)
        {
            Write(writer, verb, description);
        }

        if (debug)
        {
            writer.Write(error + "\n");
        }

        writer.Flush();
        return errors[0].ExitCode;
    }

    /// <summary>Writes one error.</summary>
    public static void Write(TextWriter writer, string verb, ErrorDescription error)
    {
        string where = error.Where is null ? string.Empty : $" ({error.Where})";
        string text = $"{Prefix(verb)}: error: {error.What.TrimEnd('.')}{where}\n";
        if (error.Expected is not null)
        {
            text += $"  expected: {error.Expected}\n";
        }

        if (error.Try is not null)
        {
            text += $"  try: {error.Try}\n";
        }

        writer.Write(text);
    }

    /// <summary>True when the reader of a pipe that we write to went away.</summary>
    public static bool IsClosedPipe(Exception error) => error switch
    {
        AggregateException { InnerExceptions.Count: 1, InnerException: { } inner } => IsClosedPipe(inner),
        OutputException { InnerException: { } inner } => IsClosedPipe(inner),
        FileNotFoundException or DirectoryNotFoundException or PathTooLongException => false,
        IOException io => io.HResult == BrokenPipe,
        _ => false,
    };

    internal static string Prefix(string verb) => verb.Length > 0 ? "genoseq " + verb : "genoseq";
}
