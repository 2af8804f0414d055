using GenoSeq.Cli.Console;

namespace GenoSeq.Cli.Tests.Console;

public class ConsoleTableTests
{
    private static ConsoleTable Sample() => new ConsoleTable("name", ">bases").Add("chr1", "248956422").Add(new string('x', 200), "1");

    [Fact]
    public void WriteToOut_Pipe_IsAlignedAsciiAndWhole()
    {
        Captured captured = new(width: 20);
        new ConsoleTable("name", ">bases", "note").Add("chr1", "248956422", "a\nb").Add("M", "1", "").WriteToOut(captured.Streams);
        Assert.Equal("name      bases  note\n----  ---------  ----\nchr1  248956422  a b\nM             1\n", captured.Out);
        Captured wide = new(width: 20);
        Sample().WriteToOut(wide.Streams);
        Assert.Contains(new string('x', 200), wide.Out, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', wide.Out);
        Assert.Empty(wide.Error);
    }

    [Fact]
    public void WriteToError_Terminal_FitsTheWidth()
    {
        Captured captured = new(terminal: true, width: 40);
        Sample().WriteToError(captured.Streams);
        Assert.Contains("chr1", captured.Error, StringComparison.Ordinal);
        Assert.All(captured.Error.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 40));
        Assert.Empty(captured.Out);
    }

    [Fact]
    public void Add_WrongCount_IsRefused() => Assert.Throws<ArgumentException>(() => new ConsoleTable("a", "b").Add("1"));
}
