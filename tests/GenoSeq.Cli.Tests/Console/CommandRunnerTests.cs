using System.CommandLine;
using GenoSeq.Cli.Console;

namespace GenoSeq.Cli.Tests.Console;

public class CommandRunnerTests
{
    private GlobalOptions? _seen;
    private Captured _captured = new();
    private int _detailsAsked;

    private async Task<int> Run(params string[] arguments)
    {
        RootCommand root = new("Models DNA one nucleotide at a time.");
        CommandRunner runner = new(root, _captured.Streams, ErrorCatalog.CreateDefault, "genoseq 9.8.7", () =>
        {
            _detailsAsked++;
            return ["engine none"];
        });
        Option<int> steps = new("--steps") { Description = "How many", DefaultValueFactory = _ => 5 };
        Argument<string[]> overrides = new("overrides") { Arity = ArgumentArity.ZeroOrMore };
        Command train = runner.Verb("train", "Trains.", async context =>
        {
            _seen = context.Options;
            await context.Streams.Out.WriteAsync($"{context.Parse.GetValue(steps)} {string.Join('|', context.Parse.GetValue(overrides)!)}\n");
            return ExitCodes.Ok;
        }).WithExample("genoseq train --steps 5", "five steps");
        train.Add(steps);
        train.Add(overrides);
        root.Add(train);
        root.Add(runner.Verb("fail", "Fails.", _ => throw new InvalidDataException("bad record")));
        root.Add(runner.Verb("wait", "Waits.", async context =>
        {
            await Task.Delay(Timeout.Infinite, context.Stop);
            return ExitCodes.Ok;
        }));
        root.Add(runner.Verb("head", "Meets a closed pipe.", _ => throw new IOException("Broken pipe", 32)));
        using CancellationTokenSource stop = new();
        if (arguments is ["wait", ..])
        {
            stop.CancelAfter(50);
        }

        return await runner.RunAsync(arguments, stop.Token);
    }

    [Fact]
    public async Task Run_Verb_DataOnOutWordsOnError()
    {
        Assert.Equal(0, await Run("train", "--steps", "7", "a.b=1", "c=[x, y]", "@not-a-response-file"));
        Assert.Equal("7 a.b=1|c=[x, y]|@not-a-response-file\n", _captured.Out);
        Assert.Matches(@"^\[genoseq train\] wall [0-9.]+ s, CPU [0-9.]+ s, peak memory [0-9.]+ GiB\n$", _captured.Error);
    }

    [Theory]
    [InlineData("train", "-q")]
    [InlineData("--quiet", "train")]
    public async Task Run_Quiet_HasNoFinalLine(params string[] arguments)
    {
        Assert.Equal(0, await Run(arguments));
        Assert.Empty(_captured.Error);
        Assert.True(_seen!.Quiet);
    }

    [Theory]
    [InlineData(new[] { "train", "--stepz", "5" }, "unknown option '--stepz'", "try: --steps; genoseq train --help")]
    [InlineData(new[] { "train", "--stepz=5" }, "unknown option '--stepz'", "try: --steps")]
    [InlineData(new[] { "train", "--thread", "5" }, "unknown option '--thread'", "try: --threads")]
    [InlineData(new[] { "trian" }, "genoseq: error: unknown command 'trian'", "try: train; genoseq --help")]
    [InlineData(new[] { "train", "--steps", "many" }, "genoseq train: error: ", "'many'")]
    [InlineData(new[] { "train", "--steps" }, "genoseq train: error: ", "--steps")]
    [InlineData(new[] { "train", "--threads", "0" }, "'0' is not a number of threads", "at least 1")]
    [InlineData(new[] { "fail", "extra" }, "unexpected argument 'extra'", "genoseq fail --help")]
    [InlineData(new string[0], "genoseq: error: ", "genoseq --help")]
    public async Task Run_UsageError_Exits2OnStandardError(string[] arguments, string what, string hint)
    {
        Assert.Equal(ExitCodes.Usage, await Run(arguments));
        Assert.Empty(_captured.Out);
        Assert.Contains(what, _captured.Error, StringComparison.Ordinal);
        Assert.Contains(hint, _captured.Error, StringComparison.Ordinal);
        Assert.Equal(1, _captured.Error.Split("error:").Length - 1);
        Assert.Null(_seen);
    }

    [Fact]
    public async Task Run_AfterDoubleDash_DashesAreWords()
    {
        Assert.Equal(0, await Run("train", "--", "--odd", "-x"));
        Assert.Equal("5 --odd|-x\n", _captured.Out);
    }

    [Fact]
    public async Task Run_Help_IsOnOutAndEndsInExamples()
    {
        Assert.Equal(0, await Run("train", "--help"));
        Assert.Contains("--steps", _captured.Out, StringComparison.Ordinal);
        Assert.Contains("--threads", _captured.Out, StringComparison.Ordinal);
        Assert.EndsWith("Examples:\n  # five steps\n  genoseq train --steps 5\n\n", _captured.Out, StringComparison.Ordinal);
        Assert.Empty(_captured.Error);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    public async Task Run_RootHelp_ListsVerbs(string argument)
    {
        Assert.Equal(0, await Run(argument));
        Assert.Contains("Trains.", _captured.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("Examples", _captured.Out, StringComparison.Ordinal);
        Assert.Equal(0, _detailsAsked);
    }

    [Fact]
    public async Task Run_Version_NameAndVersionOnLineOne()
    {
        Assert.Equal(0, await Run("--version"));
        Assert.Equal("genoseq 9.8.7\nengine none\n", _captured.Out);
        Assert.Empty(_captured.Error);
    }

    [Fact]
    public async Task Run_Failing_HasItsCodeAndTheFinalLine()
    {
        Assert.Equal(ExitCodes.BadInput, await Run("fail"));
        Assert.StartsWith("genoseq fail: error: bad record\n[genoseq fail] wall", _captured.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", _captured.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_FailingWithDebug_ShowsTheStack()
    {
        await Run("fail", "--debug", "-q");
        Assert.Contains("   at ", _captured.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_Interrupted_Exits130() => Assert.Equal(ExitCodes.Interrupted, await Run("wait"));

    [Fact]
    public async Task Run_ClosedPipe_IsOkAndSilent()
    {
        Assert.Equal(0, await Run("head"));
        Assert.Empty(_captured.Error);
    }

    [Theory]
    [InlineData("3", null, 3)]
    [InlineData("3", "6", 6)]
    public async Task Run_Threads_OptionBeforeEnvironment(string variable, string? option, int expected)
    {
        foreach (string name in new[] { "--threads", "-t", "-@" })
        {
            _captured = new Captured(false, 80, (GlobalOptionSet.ThreadsVariable, variable));
            Assert.Equal(0, await Run(option is null ? ["train"] : ["train", name, option]));
            Assert.Equal(expected, _seen!.Threads);
        }
    }

    [Fact]
    public async Task Run_NoThreads_IsAtMostFour()
    {
        await Run("train");
        Assert.Equal(Math.Min(4, Environment.ProcessorCount), _seen!.Threads);
    }

    [Fact]
    public async Task Run_BadThreadsVariable_IsNamed()
    {
        _captured = new Captured(false, 80, (GlobalOptionSet.ThreadsVariable, "lots"));
        Assert.Equal(ExitCodes.Usage, await Run("train"));
        Assert.Contains("GENOSEQ_THREADS", _captured.Error, StringComparison.Ordinal);
    }
}
