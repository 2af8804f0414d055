using System.CommandLine;
using System.Text.RegularExpressions;
using GenoSeq.Cli.Commands;
using GenoSeq.Cli.Console;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.FineTuning;

namespace GenoSeq.Cli.Tests.Docs;

public class ReadmeTests
{
    private static readonly string s_readme = Checkout.Read("README.md");

    public static TheoryData<string, string> Commands()
    {
        var all = new TheoryData<string, string>();
        foreach (string document in Checkout.Documents)
        {
            foreach (string line in Markdown.Commands(Checkout.Read(document)).Distinct())
            {
                all.Add(document, line);
            }
        }

        return all;
    }

    /// <summary>README's lines that take a second or two and write nothing.</summary>
    public static TheoryData<string> QuickCommands() =>
        [.. Markdown.Commands(s_readme).Where(l => !l.Contains("runs/", StringComparison.Ordinal) && Markdown.Words(l)[1] != "pretrain").Distinct()];

    [Fact]
    public void Readme_Length_IsUnderThreeHundredLines() => Assert.InRange(s_readme.Split('\n').Length, 50, 299);

    [Fact]
    public void Readme_FirstCodeBlock_HasSixCommands()
    {
        string block = Regex.Match(s_readme, "```sh\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;
        Assert.Equal(6, Markdown.Commands($"```\n{block}```\n").Count());
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Command_InDocument_Parses(string document, string line)
    {
        IReadOnlyList<string> words = [.. Markdown.Words(line).Skip(1)];
        ParseResult parse = Checkout.Commands().Parse(words, new ParserConfiguration { ResponseFileTokenReplacer = null });
        Assert.True(parse.Errors.Count == 0, $"{document}: {line}: {string.Join("; ", parse.Errors)}");
        Assert.Empty(UsageErrors.Find(parse, words));
        string[] settings = [.. words.Skip(1).Where(w => w.Contains('=', StringComparison.Ordinal) && w[0] != '-')];
        if (words[0] == "finetune" || words.Contains("--finetune"))
        {
            FineTuneConfigs.Resolve(Option("--preset"), Recipe(), FinetuneCommand.Overrides(settings, Option("--checkpoint"), Option("--data")));
        }
        else if (words[0] is "pretrain" || words is ["config", "show", ..])
        {
            Assert.Equal(words[0] == "pretrain" ? "pretrain" : "show", parse.CommandResult.Command.Name);
            RunConfigs.Resolve(Option("--preset"), Recipe(), settings);
        }

        string? Option(params string[] names) => words.SkipWhile(w => !names.Contains(w)).Skip(1).FirstOrDefault();
        string? Recipe() => Option("-c", "--config") is { } file ? Path.Combine(Checkout.Root, file) : null;
    }

    [Theory]
    [MemberData(nameof(QuickCommands))]
    public async Task QuickCommand_InReadme_Succeeds(string line)
    {
        (int code, string output, string error) = await Checkout.RunAsync(Markdown.Words(line).Skip(1));
        Assert.True(code == ExitCodes.Ok, $"{line}: exit code {code}\n{error}");
        Assert.NotEmpty(output);
    }

    [Fact]
    public void Verbs_InReadme_AreTheProgramsVerbs()
    {
        IEnumerable<string> verbs = Checkout.Commands().Subcommands
            .SelectMany(c => c.Subcommands.Count == 0 ? [c.Name] : c.Subcommands.Select(s => $"{c.Name} {s.Name}"));
        Assert.Equal(verbs.Order(StringComparer.Ordinal), Markdown.FirstColumn(s_readme, "verb").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void ExitCodes_InReadme_AreTheProgramsCodes()
    {
        IEnumerable<string> codes = typeof(ExitCodes).GetFields().Select(f => f.GetRawConstantValue()!.ToString()!);
        Assert.Equal(codes, Markdown.FirstColumn(s_readme, "code"));
    }

    [Fact]
    public void SixFiles_InReadme_AreSixAndExist()
    {
        string section = s_readme[s_readme.IndexOf("## Read these six files", StringComparison.Ordinal)..];
        section = section[..section.IndexOf("\n## ", 5, StringComparison.Ordinal)];
        string[] files = [.. Regex.Matches(section, @"^\d\. \[`([^`]+)`\]", RegexOptions.Multiline).Select(m => m.Groups[1].Value)];
        Assert.Equal(6, files.Length);
        Assert.All(files, f => Assert.True(Checkout.Exists(f), f));
    }
}
