using GenoSeq.Cli.Console;

namespace GenoSeq.Cli.Tests.Console;

public class ConsoleReporterTests
{
    [Fact]
    public void Progress_NotATerminal_IsAPlainLineEveryInterval()
    {
        Captured captured = new();
        ConsoleReporter reporter = new(captured.Streams, new GlobalOptions());
        for (int step = 0; step <= 100; step++)
        {
            reporter.Progress(new ProgressState(step, 100, 12_345, 1.95 - (step * 0.001), 1.9, 1.95));
            captured.Time.Advance(0.5);
        }

        reporter.EndProgress();
        string[] lines = captured.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["step 0/100", "step 20/100", "step 40/100", "step 60/100", "step 80/100", "step 100/100"], lines.Select(l => l.Split(" (")[0]));
        Assert.Equal("step 20/100 (20.0%)  12.3 k tok/s  loss 1.9300 b/base  best 1.9000  baseline 1.9500  ETA 0:00:40", lines[1]);
        Assert.DoesNotContain("ETA", lines[^1], StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', captured.Error);
        Assert.DoesNotContain('\r', captured.Error);
        Assert.Empty(captured.Out);
    }

    [Fact]
    public void EndProgress_HeldBackLine_IsShown()
    {
        Captured captured = new();
        ConsoleReporter reporter = new(captured.Streams, new GlobalOptions());
        reporter.Progress(new ProgressState(1, 0));
        reporter.Progress(new ProgressState(2, 0));
        reporter.EndProgress();
        reporter.EndProgress();
        Assert.Equal("step 1\nstep 2\n", captured.Error);
    }

    [Fact]
    public void Progress_Terminal_RedrawsAtMostTenTimesASecond()
    {
        Captured captured = new(terminal: true);
        ConsoleReporter reporter = new(captured.Streams, new GlobalOptions());
        for (int step = 0; step <= 2000; step++)
        {
            reporter.Progress(new ProgressState(step, 2000, BitsPerBase: 1.5));
            captured.Time.Advance(0.001);
        }

        reporter.EndProgress();
        string[] frames = captured.Error.Split("\r\u001b[K", StringSplitOptions.RemoveEmptyEntries);
        Assert.InRange(frames.Length, 19, 22);
        Assert.Contains("step 2000/2000 (100.0%)", frames[^1], StringComparison.Ordinal);
        Assert.EndsWith("\n", frames[^1], StringComparison.Ordinal);
        Assert.Contains("\u001b[32m####", frames[^1], StringComparison.Ordinal);
        Assert.All(frames, f => Assert.InRange(f.TrimEnd('\n').Replace("\u001b[32m", "", StringComparison.Ordinal).Replace("\u001b[0m", "", StringComparison.Ordinal).Length, 1, 79));
    }

    [Fact]
    public void Progress_NarrowTerminal_IsCutToTheWidth()
    {
        Captured captured = new(terminal: true, width: 30);
        ConsoleReporter reporter = new(captured.Streams, new GlobalOptions());
        reporter.Progress(new ProgressState(5, 10, 1e6, 1.9, 1.8, 1.95));
        Assert.Equal("\r\u001b[Kstep 5/10 (50.0%)  1.00 M tok/".Length, captured.Error.Length + 1);
    }

    [Fact]
    public void Info_DuringLiveProgress_KeepsTheLineBelow()
    {
        Captured captured = new(terminal: true);
        ConsoleReporter reporter = new(captured.Streams, new GlobalOptions { NoColor = true });
        reporter.Progress(new ProgressState(1, 0));
        reporter.Info("saved");
        reporter.EndProgress();
        Assert.Equal("\r\u001b[Kstep 1\r\u001b[Ksaved\nstep 1\n", captured.Error);
    }

    [Theory]
    [InlineData(false, null, null, true, true)]
    [InlineData(true, null, null, true, false)]
    [InlineData(false, "1", null, true, false)]
    [InlineData(false, "", null, true, true)]
    [InlineData(false, null, "dumb", false, false)]
    public void Reporter_Surroundings_DecideLiveAndColor(bool noColor, string? variable, string? term, bool live, bool color)
    {
        Captured captured = new(terminal: true, width: 80, ("NO_COLOR", variable!), ("TERM", term!));
        ConsoleReporter reporter = new(captured.Streams, new GlobalOptions { NoColor = noColor });
        Assert.Equal(live, reporter.IsLive);
        Assert.Equal(color, reporter.UsesColor);
        reporter.Warn("x");
        Assert.Equal(color, captured.Error.Contains("\u001b[33m", StringComparison.Ordinal));
    }

    [Fact]
    public void Quiet_OnlyWarnings()
    {
        Captured captured = new();
        ConsoleReporter reporter = new(captured.Streams, new GlobalOptions { Quiet = true, Verbose = true });
        reporter.Info("a");
        reporter.Detail("b");
        reporter.Progress(new ProgressState(1, 2));
        reporter.EndProgress();
        reporter.Warn("c");
        Assert.Equal("warning: c\n", captured.Error);
    }

    [Fact]
    public void Reporter_ClosedStandardError_NeverThrows()
    {
        ConsoleStreams streams = new() { Out = new StringWriter(), Error = new BrokenWriter(), ErrorIsTerminal = true };
        ConsoleReporter reporter = new(streams, new GlobalOptions());
        reporter.Info("a");
        reporter.Progress(new ProgressState(1, 2));
        reporter.EndProgress();
        Assert.Equal(1, ErrorReport.Write(streams.Error, "x", new InvalidOperationException("y"), new ErrorCatalog(), debug: true));
    }

    [Fact]
    public void Reporter_ManyThreads_NeverMixLines()
    {
        Captured captured = new();
        ConsoleReporter reporter = new(captured.Streams, new GlobalOptions());
        Parallel.For(0, 8, thread =>
        {
            for (int i = 0; i < 500; i++)
            {
                reporter.Info(new string((char)('a' + thread), 20));
            }
        });
        string[] lines = captured.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(4000, lines.Length);
        Assert.All(lines, line => Assert.Single(line.Distinct()));
    }

    [Theory]
    [InlineData(7, "7")]
    [InlineData(999.4, "999")]
    [InlineData(1234, "1.23 k")]
    [InlineData(99_960, "100 k")]
    [InlineData(2.5e6, "2.50 M")]
    [InlineData(31e9, "31.0 G")]
    public void Rate_Numbers_HaveThreeDigits(double rate, string text) => Assert.Equal(text, ProgressText.Rate(rate));
}
