namespace GenoSeq.Models;

/// <summary>A model file that cannot be used: absent, broken, or of another model.</summary>
public sealed class CheckpointException : Exception
{
    /// <summary>Composes the message.</summary>
    /// <param name="what">What is wrong.</param>
    /// <param name="where">File or folder.</param>
    /// <param name="expected">What was expected.</param>
    /// <param name="remedy">What to try.</param>
    public CheckpointException(string what, string where, string expected, string remedy)
        : base($"{what} ({where})\n  expected: {expected}\n  try: {remedy}")
    {
        What = what;
        Where = where;
        Expected = expected;
        Try = remedy;
    }

    /// <summary>What is wrong.</summary>
    public string What { get; }

    /// <summary>File or folder.</summary>
    public string Where { get; }

    /// <summary>What was expected.</summary>
    public string Expected { get; }

    /// <summary>What to try.</summary>
    public string Try { get; }
}
