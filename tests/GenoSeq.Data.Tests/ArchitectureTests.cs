namespace GenoSeq.Data.Tests;

public class ArchitectureTests
{
    [Fact]
    public void DataProject_ReferencesNothing()
    {
        string project = File.ReadAllText(Path.Combine(Repository.Root, "src", "Data", "GenoSeq.Data.csproj"));
        Assert.DoesNotContain("PackageReference", project, StringComparison.Ordinal);
        Assert.DoesNotContain("ProjectReference", project, StringComparison.Ordinal);
        Assert.All(
            typeof(GenomeSource).Assembly.GetReferencedAssemblies(),
            a => Assert.StartsWith("System", a.Name, StringComparison.Ordinal));
    }
}
