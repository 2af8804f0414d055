using GenoSeq.Cli.Console;

namespace GenoSeq.Cli.Tests.Console;

internal sealed class ManualTime : TimeProvider
{
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _ticks;

    public void Advance(double seconds) => _ticks += TimeSpan.FromSeconds(seconds).Ticks;
}

internal sealed class Captured(bool terminal = false, int width = 80, params (string Name, string Value)[] variables)
{
    private readonly StringWriter _out = new();
    private readonly StringWriter _error = new();

    public ManualTime Time { get; } = new();

    public string Out => _out.ToString();

    public string Error => _error.ToString();

    public ConsoleStreams Streams => field ??= new ConsoleStreams
    {
        Out = _out,
        Error = _error,
        OutIsTerminal = terminal,
        ErrorIsTerminal = terminal,
        Width = () => width,
        Variable = name => variables.FirstOrDefault(v => v.Name == name).Value,
        Time = Time,
    };
}

internal sealed class BrokenWriter : StringWriter
{
    public override void Write(string? value) => throw new IOException("closed");

    public override void Flush() => throw new IOException("closed");
}
