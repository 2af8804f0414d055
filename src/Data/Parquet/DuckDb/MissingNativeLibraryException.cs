namespace GenoSeq.Data;

/// <summary>A native library that a data format needs is not installed, or cannot be loaded.</summary>
public sealed class MissingNativeLibraryException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="what">What is missing.</param>
    /// <param name="expected">What was expected.</param>
    /// <param name="remedy">What to try.</param>
    public MissingNativeLibraryException(string what, string expected, string remedy)
        : base($"{what}\n  expected: {expected}\n  try: {remedy}")
    {
        What = what;
        Expected = expected;
        Try = remedy;
    }

    /// <summary>What is missing.</summary>
    public string What { get; }

    /// <summary>What was expected.</summary>
    public string Expected { get; }

    /// <summary>What to try.</summary>
    public string Try { get; }
}
