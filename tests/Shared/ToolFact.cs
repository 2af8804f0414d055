namespace GenoSeq.Tests;

/// <summary>A fact that needs another program; skipped where that is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ToolFactAttribute : FactAttribute
{
    private bool _shared;

    public ToolFactAttribute(string tool) => Skip = Tools.Find(tool) is null ? $"skipped: {tool} is not installed" : null;

    /// <summary>True for a fact that also needs the files of ../shared.</summary>
    public bool Shared
    {
        get => _shared;
        set
        {
            _shared = value;
            Skip ??= value && Repository.Shared is null ? Repository.SharedAbsent : null;
        }
    }
}

/// <summary>Programs on the search path.</summary>
internal static class Tools
{
    /// <summary>The full path of a program, or null.</summary>
    internal static string? Find(string tool) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, tool))
        .FirstOrDefault(File.Exists);
}
