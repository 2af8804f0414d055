namespace GenoSeq.Cli.Console;

/// <summary>An error in the user's terms.</summary>
/// <param name="What">What is wrong.</param>
/// <param name="ExitCode">One of <see cref="ExitCodes"/>.</param>
public sealed record ErrorDescription(string What, int ExitCode)
{
    /// <summary>File, line, record, key.</summary>
    public string? Where { get; init; }

    /// <summary>What would have been right.</summary>
    public string? Expected { get; init; }

    /// <summary>What to try.</summary>
    public string? Try { get; init; }
}
