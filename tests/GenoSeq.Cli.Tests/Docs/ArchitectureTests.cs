using System.Text.RegularExpressions;

namespace GenoSeq.Cli.Tests.Docs;

public partial class ArchitectureTests
{
    private const int LongestFile = 600;
    private const int LargestMedian = 150;

    // Who may know whom, in every version of the program: additions to this table are decisions.
    private static readonly Dictionary<string, string[]> s_allowed = new()
    {
        ["Torch"] = [],
        ["Data"] = [],
        ["Models"] = ["Torch"],
        ["Training"] = ["Torch", "Data", "Models"],
        ["Inference"] = ["Torch", "Data", "Models"],
        ["Cli"] = ["Torch", "Data", "Models", "Training", "Inference"],
    };

    private static readonly string[] s_sources =
        [.. Directory.EnumerateFiles(Path.Combine(Checkout.Root, "src"), "*.cs", SearchOption.AllDirectories)];

    public static TheoryData<string> Projects() =>
        [.. Directory.EnumerateDirectories(Path.Combine(Checkout.Root, "src")).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void References_OfProject_PointOneWay(string project)
    {
        Assert.True(s_allowed.ContainsKey(project), $"src/{project} is not in the table of references");
        string file = Checkout.Read($"src/{project}/GenoSeq.{project}.csproj");
        Assert.All(Reference().Matches(file), m => Assert.Contains(m.Groups[1].Value, s_allowed[project]));
    }

    [Theory]
    [InlineData("Data", "Torch")]
    [InlineData("Data", "Models")]
    [InlineData("Models", "Data")]
    [InlineData("Models", "Training")]
    [InlineData("Torch", "Data")]
    public void Sources_OfProject_DoNotName(string project, string other)
    {
        string folder = Path.Combine(Checkout.Root, "src", project);
        Assert.All(Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories), file =>
            Assert.DoesNotContain(File.ReadLines(file), l => l.StartsWith($"using GenoSeq.{other}", StringComparison.Ordinal)));
    }

    [Fact]
    public void Sources_Length_IsBounded() => Assert.All(s_sources, file =>
    {
        string[] lines = File.ReadAllLines(file);
        bool says = lines.Take(15).Any(l => l.StartsWith("//", StringComparison.Ordinal) && l.Contains("600", StringComparison.Ordinal));
        Assert.True(lines.Length <= LongestFile || says,
            $"{file} has {lines.Length} lines; split it, or say at its top why it may have more than {LongestFile}");
    });

    [Fact]
    public void Sources_MedianLength_IsSmall()
    {
        int[] lengths = [.. s_sources.Select(f => File.ReadLines(f).Count()).Order()];
        Assert.InRange(lengths[lengths.Length / 2], 1, LargestMedian - 1);
    }

    [GeneratedRegex("ProjectReference Include=\"[^\"]*GenoSeq\\.(\\w+)\\.csproj\"")]
    private static partial Regex Reference();
}
