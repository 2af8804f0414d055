namespace GenoSeq.Numerics.Tests;

/// <summary>Files that lie beside a developer's checkout, and not in it.</summary>
internal static class SharedFiles
{
    internal const string Absent = "skipped: ../shared absent";

    internal static string? Folder { get; } = Find();

    internal static string Path(params string[] parts) => System.IO.Path.Combine([Folder!, .. parts]);

    private static string? Find()
    {
        for (DirectoryInfo? d = new(AppContext.BaseDirectory); d is not null; d = d.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(d.FullName, "GenoSeq.sln")))
            {
                string shared = System.IO.Path.GetFullPath(System.IO.Path.Combine(d.FullName, "..", "shared"));
                return Directory.Exists(shared) ? shared : null;
            }
        }

        return null;
    }
}

/// <summary>A theory over files of ../shared, skipped where they are absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SharedTheoryAttribute : TheoryAttribute
{
    public SharedTheoryAttribute()
    {
        if (SharedFiles.Folder is null)
        {
            Skip = SharedFiles.Absent;
        }
    }
}
