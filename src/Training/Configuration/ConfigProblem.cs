using System.Text;

namespace GenoSeq.Training.Configuration;

/// <summary>One thing wrong with a configuration.</summary>
/// <param name="Path">Dotted path of the value, empty for the whole.</param>
/// <param name="What">What is wrong, in words.</param>
/// <param name="Location">Where it was written, when known.</param>
/// <param name="Expected">What would have been right, when that can be said.</param>
/// <param name="Try">What to try, when something can be suggested.</param>
public sealed record ConfigProblem(
    string Path, string What, ConfigLocation? Location = null, string? Expected = null, string? Try = null)
{
    /// <summary>The problem on one line: <c>model.d_model (run.yaml:3:12): …; expected …; try …</c>.</summary>
    public override string ToString()
    {
        StringBuilder text = new();
        text.Append(Path);
        if (Location is { } location)
        {
            text.Append(Path.Length > 0 ? " (" : string.Empty).Append(location).Append(Path.Length > 0 ? ")" : string.Empty);
        }

        text.Append(text.Length > 0 ? ": " : string.Empty).Append(What);
        if (Expected is not null)
        {
            text.Append("; expected ").Append(Expected);
        }

        if (Try is not null)
        {
            text.Append("; try ").Append(Try);
        }

        return text.ToString();
    }
}
