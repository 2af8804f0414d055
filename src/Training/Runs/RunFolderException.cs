namespace GenoSeq.Training.Runs;

/// <summary>A folder that cannot take a run. The program exits with code 2.</summary>
public sealed class RunFolderException : IOException
{
    /// <summary>Reports what is wrong with the folder <paramref name="where"/>.</summary>
    public RunFolderException(string what, string where, string expected, string suggestion)
        : base($"{what} ({where}); expected {expected}; try {suggestion}")
    {
        What = what;
        Where = where;
        Expected = expected;
        Try = suggestion;
    }

    /// <summary>What is wrong.</summary>
    public string What { get; }

    /// <summary>The folder.</summary>
    public string Where { get; }

    /// <summary>What would have been right.</summary>
    public string Expected { get; }

    /// <summary>What to try.</summary>
    public string Try { get; }
}
