namespace GenoSeq.Cli.Tests.Docs;

public class LinkTests
{
    public static TheoryData<string> Documents() => [.. Checkout.Documents];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Links_OfDocument_LeadToFiles(string document)
    {
        string folder = Path.GetDirectoryName(Path.Combine(Checkout.Root, document))!;
        string[] dead = [.. Markdown.Links(Checkout.Read(document)).Where(l => !Path.Exists(Path.Combine(folder, l)))];
        Assert.True(dead.Length == 0, $"{document} links to what is not there: {string.Join(", ", dead)}");
    }

    // Keys of metrics.jsonl that look like paths below data/.
    private static readonly string[] s_metrics = ["data/length", "data/wait_ms"];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Paths_InDocument_Exist(string document)
    {
        string[] missing = [.. Markdown.Paths(Checkout.Read(document)).Where(p => !s_metrics.Contains(p) && !Checkout.Exists(p))];
        Assert.True(missing.Length == 0, $"{document} speaks of what is not there: {string.Join(", ", missing)}");
    }

    [Theory]
    [InlineData("see [a](b.md#c) and [d](https://e.org/f.md)", "b.md")]
    public void Links_OfText_AreLocalOnes(string text, string expected) => Assert.Equal([expected], Markdown.Links(text));

    [Fact]
    public void Commands_OfText_LoseTheirComments() => Assert.Equal(
        ["./genoseq info 'a b.fa'"], Markdown.Commands("./genoseq models\n```sh\n./genoseq info 'a b.fa'   # what it holds\nmake test\n```\n"));

    [Fact]
    public void Words_Quoted_StayTogether() => Assert.Equal(["info", "a b.fa", "x=[1, 2]"], Markdown.Words("info 'a b.fa'  \"x=[1, 2]\""));
}
