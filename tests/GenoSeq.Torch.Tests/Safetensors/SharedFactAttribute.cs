namespace GenoSeq.Torch.Tests.Safetensors;

/// <summary>A test on recorded files in <c>../shared</c> beside the checkout; skipped where the folder is absent.</summary>
internal sealed class SharedFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> s_folder = new(Find);

    public SharedFactAttribute()
    {
        if (s_folder.Value is null) Skip = "skipped: ../shared absent";
    }

    /// <summary>The golden files' folder.</summary>
    public static string Golden => Path.Combine(s_folder.Value!, "golden");

    private static string? Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (!File.Exists(Path.Combine(folder.FullName, "GenoSeq.sln"))) continue;
            var shared = Path.Combine(folder.FullName, "..", "shared");
            return Directory.Exists(Path.Combine(shared, "golden")) ? shared : null;
        }

        return null;
    }
}
