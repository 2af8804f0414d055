namespace GenoSeq.Data;

/// <summary>Turns the problems that an options record reports into one exception.</summary>
internal static class OptionsProblems
{
    internal static void ThrowIfAny(IReadOnlyList<string> problems, string parameter)
    {
        if (problems.Count > 0)
        {
            throw new ArgumentException(string.Join("; ", problems), parameter);
        }
    }
}
