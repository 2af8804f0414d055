namespace GenoSeq.Data.Tests;

/// <summary>A fact that needs the files beside the checkout and is skipped where they are absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SharedFactAttribute : FactAttribute
{
    public SharedFactAttribute()
    {
        if (!Directory.Exists(Folders.Shared))
        {
            Skip = "skipped: ../shared absent";
        }
    }
}
