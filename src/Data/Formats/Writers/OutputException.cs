namespace GenoSeq.Data;

/// <summary>What kept an output file from being written.</summary>
public enum OutputProblem
{
    /// <summary>The file exists and may not be replaced, or is an input: the user has to decide.</summary>
    Refused,

    /// <summary>The disk is full, or a quota or a size limit is reached.</summary>
    DiskFull,

    /// <summary>Anything else that the system says.</summary>
    Failed,
}

/// <summary>An output file that cannot be written. Nothing half-written is left.</summary>
/// <remarks>The message has the form <c>file: what; expected ...; try ...</c>.</remarks>
public sealed class OutputException : IOException
{
    /// <summary>Creates the exception and composes its message.</summary>
    public OutputException(
        OutputProblem problem, string what, string where, string expected, string tryThis, Exception? inner = null)
        : base($"{where}: {what}; expected {expected}; try {tryThis}", inner)
    {
        Problem = problem;
        What = what;
        Where = where;
        Expected = expected;
        Try = tryThis;
    }

    /// <summary>The kind of problem.</summary>
    public OutputProblem Problem { get; }

    /// <summary>What is wrong.</summary>
    public string What { get; }

    /// <summary>The file.</summary>
    public string Where { get; }

    /// <summary>What would have been right.</summary>
    public string Expected { get; }

    /// <summary>What the user can do about it.</summary>
    public string Try { get; }

    internal static OutputException From(Exception cause, string path, long written)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        return cause.HResult is Posix.NoSpace or Posix.Quota or Posix.TooBig
            ? new OutputException(
                OutputProblem.DiskFull,
                $"the disk is full after {written} bytes{Free(folder)}; a former file is unchanged", path,
                $"enough space in {folder}", "to free some, or another folder", cause)
            : new OutputException(
                OutputProblem.Failed, $"the file cannot be written: {cause.Message}", path,
                $"a folder {folder} that can be written to", "another folder", cause);
    }

    private static string Free(string folder)
    {
        try
        {
            return $", {new DriveInfo(folder).AvailableFreeSpace} are free";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return "";
        }
    }
}
