namespace GenoSeq.Cli.Tests.Commands;

/// <summary>A theory over files that lie beside a developer's checkout, skipped where they are absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SharedTheoryAttribute : TheoryAttribute
{
    public SharedTheoryAttribute()
    {
        if (!Directory.Exists(Path.Combine(Genoseq.Root, "..", "shared")))
        {
            Skip = "skipped: ../shared absent";
        }
    }
}
