using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.FineTuning;

/// <summary>A setting of a sweep and the values that are tried: <c>finetune.learning_rate=1e-4,3e-4,1e-3</c>.</summary>
/// <param name="Path">Dotted path of the setting.</param>
/// <param name="Values">Its values, as they are typed.</param>
public sealed record SweepAxis(string Path, IReadOnlyList<string> Values)
{
    // Candidates must be judged on the same rows, by the same number, and be no runs of their own.
    private static readonly string[] s_fixed =
        ["name", "seed", "seeds", "device", "data.", "finetune.select_by", "finetune.validation_fraction", "finetune.split_seed"];

    /// <summary>Reads what was typed.</summary>
    /// <exception cref="ConfigException">It is no setting with values, or one that a sweep may not change.</exception>
    public static SweepAxis Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string[] values = equals < 0 ? [] : text[(equals + 1)..].Split(',', StringSplitOptions.TrimEntries);
        if (equals < 1 || Array.Exists(values, v => v.Length == 0) || values.Distinct(StringComparer.Ordinal).Count() != values.Length)
        {
            throw new ConfigException(new ConfigProblem("", $"'--sweep {text}' is no setting with different values", null, "PATH=VALUE,VALUE,...",
                "--sweep finetune.learning_rate=1e-4,3e-4,1e-3"));
        }

        string path = text[..equals].Trim();
        return Array.Exists(s_fixed, f => f.EndsWith('.') ? path.StartsWith(f, StringComparison.Ordinal) : path == f)
            ? throw new ConfigException(new ConfigProblem(path, "a sweep cannot change this: its candidates are judged on the same rows by the same metric", null,
                "settings of finetune or model", "--sweep finetune.learning_rate=1e-4,3e-4,1e-3"))
            : new SweepAxis(path, values);
    }

    /// <summary>Every combination of values, the last setting changing first: overrides <c>path=value</c>.</summary>
    internal static IReadOnlyList<string>[] Combine(IReadOnlyList<SweepAxis> axes)
    {
        if (axes.Select(a => a.Path).Distinct(StringComparer.Ordinal).Count() != axes.Count)
        {
            throw new ConfigException(new ConfigProblem("", "--sweep names a setting twice", null, "all values of a setting in one option"));
        }

        IEnumerable<IReadOnlyList<string>> all = [[]];
        foreach (SweepAxis axis in axes)
        {
            all = all.SelectMany(_ => axis.Values, (settings, value) => (IReadOnlyList<string>)[.. settings, $"{axis.Path}={value}"]);
        }

        return [.. all];
    }
}
