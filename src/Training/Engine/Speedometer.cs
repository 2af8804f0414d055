namespace GenoSeq.Training.Engine;

/// <summary>Tokens per second over the last steps, so that one slow step does not make the figure jump.</summary>
internal sealed class Speedometer
{
    private readonly Queue<(long Tokens, double Seconds)> _steps = new();
    private long _tokens;
    private double _seconds;

    internal double Add(long tokens, double seconds)
    {
        _steps.Enqueue((tokens, seconds));
        _tokens += tokens;
        _seconds += seconds;
        while (_steps.Count > 1 && (_steps.Count > 50 || _seconds > 30))
        {
            (long t, double s) = _steps.Dequeue();
            _tokens -= t;
            _seconds -= s;
        }

        return _tokens / Math.Max(_seconds, 1e-9);
    }
}
