namespace GenoSeq.Tests;

/// <summary>A fact that needs another program on PATH, skipped where it is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ToolFactAttribute : FactAttribute
{
    public ToolFactAttribute(string tool, bool needsShared = false) => Skip = Tool.SkipReason(tool, needsShared);
}

/// <summary>A theory that needs another program on PATH, skipped where it is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ToolTheoryAttribute : TheoryAttribute
{
    public ToolTheoryAttribute(string tool, bool needsShared = false) => Skip = Tool.SkipReason(tool, needsShared);
}

/// <summary>Programs on PATH.</summary>
internal static class Tool
{
    internal static string? SkipReason(string tool, bool needsShared) =>
        needsShared && Repository.Shared is null ? Repository.SharedAbsent
        : Exists(tool) ? null
        : $"skipped: {tool} is not installed";

    internal static bool Exists(string tool) =>
        (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Any(folder => File.Exists(Path.Combine(folder, tool)));
}
