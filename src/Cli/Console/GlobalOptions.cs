namespace GenoSeq.Cli.Console;

/// <summary>Options that every verb understands.</summary>
public sealed record GlobalOptions
{
    /// <summary>Only errors and warnings; no progress, no final line.</summary>
    public bool Quiet { get; init; }

    /// <summary>More words.</summary>
    public bool Verbose { get; init; }

    /// <summary>No colour.</summary>
    public bool NoColor { get; init; }

    /// <summary>Stack traces with errors.</summary>
    public bool Debug { get; init; }

    /// <summary>CPU threads to use, at least 1.</summary>
    public int Threads { get; init; } = DefaultThreads;

    /// <summary>At most 4: a shared machine is not taken over by default.</summary>
    public static int DefaultThreads => Math.Min(4, Environment.ProcessorCount);
}
