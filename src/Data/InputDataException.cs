namespace GenoSeq.Data;

/// <summary>
/// Input that cannot be used as it is: a missing, truncated, malformed or unsuitable file or record. Every reader and
/// sampler of this assembly reports bad input with this one type, so a program can tell it from its own faults.
/// </summary>
/// <remarks>
/// The message has the form <c>what (where)</c>, then <c>expected: ...</c>, then <c>try: ...</c>, one per line.
/// </remarks>
public class InputDataException : Exception
{
    /// <summary>Creates the exception and composes its message.</summary>
    /// <param name="what">What is wrong, in one sentence without a full stop.</param>
    /// <param name="where">File, line or record; null when there is no place to name.</param>
    /// <param name="expected">What would have been right.</param>
    /// <param name="tryThis">What the user can do about it.</param>
    /// <param name="inner">The cause, where another exception was translated.</param>
    public InputDataException(
        string what, string? where = null, string? expected = null, string? tryThis = null, Exception? inner = null)
        : base(Compose(what, where, expected, tryThis), inner)
    {
        What = what;
        Where = where;
        Expected = expected;
        Try = tryThis;
    }

    /// <summary>What is wrong.</summary>
    public string What { get; }

    /// <summary>File, line or record, or null.</summary>
    public string? Where { get; }

    /// <summary>What would have been right, or null.</summary>
    public string? Expected { get; }

    /// <summary>What the user can do about it, or null.</summary>
    public string? Try { get; }

    private static string Compose(string what, string? where, string? expected, string? tryThis)
    {
        string message = where is null ? what : $"{what} ({where})";
        if (expected is not null)
        {
            message += $"\n  expected: {expected}";
        }
        if (tryThis is not null)
        {
            message += $"\n  try: {tryThis}";
        }
        return message;
    }
}
