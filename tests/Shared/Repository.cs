namespace GenoSeq.Tests;

/// <summary>Folders of the checkout, and of the files that lie beside a developer's one.</summary>
internal static class Repository
{
    /// <summary>What a test that needs ../shared says where it is missing.</summary>
    internal const string SharedAbsent = "skipped: ../shared absent";

    /// <summary>The folder of GenoSeq.sln.</summary>
    internal static string Root { get; } = FindRoot();

    /// <summary>../shared, or null where it is absent.</summary>
    internal static string? Shared { get; } = FindShared();

    /// <summary>A path below ../shared.</summary>
    internal static string SharedPath(params string[] parts) => Path.Combine([Shared!, .. parts]);

    private static string FindRoot()
    {
        for (DirectoryInfo? d = new(AppContext.BaseDirectory); d is not null; d = d.Parent)
        {
            if (File.Exists(Path.Combine(d.FullName, "GenoSeq.sln")))
            {
                return d.FullName;
            }
        }

        throw new DirectoryNotFoundException("GenoSeq.sln is not above the test's folder");
    }

    private static string? FindShared()
    {
        string shared = Path.GetFullPath(Path.Combine(Root, "..", "shared"));
        return Directory.Exists(Path.Combine(shared, "golden")) ? shared : null;
    }
}

/// <summary>A fact over files of ../shared, skipped where they are absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SharedFactAttribute : FactAttribute
{
    public SharedFactAttribute() => Skip = Repository.Shared is null ? Repository.SharedAbsent : null;
}

/// <summary>A theory over files of ../shared, skipped where they are absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SharedTheoryAttribute : TheoryAttribute
{
    public SharedTheoryAttribute() => Skip = Repository.Shared is null ? Repository.SharedAbsent : null;
}
