using GenoSeq.Cli.Console;

namespace GenoSeq.Cli.Commands;

/// <summary>How far an inference run has come, on standard error.</summary>
internal sealed class InferenceProgress(CommandContext context, long total, string unit)
{
    private readonly long _began = context.Streams.Time.GetTimestamp();
    private long _done;

    /// <summary>Units a second since the beginning.</summary>
    internal double Rate => _done / Math.Max(1e-9, context.Streams.Time.GetElapsedTime(_began).TotalSeconds);

    /// <summary>Counts more.</summary>
    internal void Add(long more)
    {
        _done += more;
        context.Reporter.Progress(new ProgressState(_done, total, unit == "base" ? Rate : double.NaN) { Unit = unit });
    }

    /// <summary>Shows the last state.</summary>
    internal void End() => context.Reporter.EndProgress();
}
