namespace GenoSeq.Data;

/// <summary>One file of a labelled set.</summary>
/// <param name="Path">Where it is; for a stream, its name.</param>
/// <param name="Part">Part of its rows, unless a column says so.</param>
/// <param name="Class">Class of all its rows, or null.</param>
/// <param name="OnlyOne">True if the set has no other file.</param>
internal sealed record LabelledFile(string Path, LabelledPart Part, string? Class = null, bool OnlyOne = false)
{
    internal string Name => Path;
}
