namespace GenoSeq.Cli.Console;

/// <summary>Tells the user what happens, on standard error. Thread-safe; never throws.</summary>
/// <remarks>
/// On a terminal one line of progress is redrawn at most ten times a second; elsewhere (file, pipe, <c>TERM=dumb</c>) a plain line is
/// written every <c>interval</c>. <c>NO_COLOR</c>, <c>--no-color</c> and <c>--quiet</c> are honoured; warnings are never quiet.
/// </remarks>
public sealed class ConsoleReporter
{
    private const string ClearLine = "\r\u001b[K";
    private static readonly TimeSpan s_redraw = TimeSpan.FromMilliseconds(100);

    private readonly ConsoleStreams _streams;
    private readonly GlobalOptions _options;
    private readonly TimeSpan _interval;
    private readonly Lock _gate = new();
    private string _live = string.Empty;
    private long? _began;
    private long _firstStep;
    private long? _shown;
    private string? _pending;

    /// <summary>Reports to <paramref name="streams"/>.</summary>
    /// <param name="streams">Where words go.</param>
    /// <param name="options">How many.</param>
    /// <param name="interval">Time between plain lines of progress, 10 s by default.</param>
    public ConsoleReporter(ConsoleStreams streams, GlobalOptions options, TimeSpan? interval = null)
    {
        _streams = streams;
        _options = options;
        _interval = interval ?? TimeSpan.FromSeconds(10);
        IsLive = streams.ErrorIsTerminal && streams.Variable("TERM") != "dumb";
        UsesColor = IsLive && !options.NoColor && string.IsNullOrEmpty(streams.Variable("NO_COLOR"));
    }

    /// <summary>True when progress is one line that is redrawn.</summary>
    public bool IsLive { get; }

    /// <summary>True when colour is used.</summary>
    public bool UsesColor { get; }

    /// <summary>A line of information; not with <c>--quiet</c>.</summary>
    public void Info(string text)
    {
        if (!_options.Quiet)
        {
            WriteLine(text);
        }
    }

    /// <summary>A line that only <c>--verbose</c> shows.</summary>
    public void Detail(string text)
    {
        if (_options.Verbose && !_options.Quiet)
        {
            WriteLine(text);
        }
    }

    /// <summary>A warning; shown even with <c>--quiet</c>.</summary>
    public void Warn(string text) => WriteLine(Color("33", "warning:") + " " + text);

    /// <summary>Shows how far the run has come.</summary>
    public void Progress(in ProgressState state)
    {
        if (_options.Quiet)
        {
            return;
        }

        lock (_gate)
        {
            long now = _streams.Time.GetTimestamp();
            if (_began is null)
            {
                _began = now;
                _firstStep = state.Step;
            }

            bool last = state.TotalSteps > 0 && state.Step >= state.TotalSteps;
            TimeSpan? remaining = last ? null : Remaining(state, now);
            if (IsLive)
            {
                string text = Compose(state, remaining);
                if (last || Due(now, s_redraw))
                {
                    Draw(text, now);
                }
                else
                {
                    _pending = text;
                }
            }
            else if (last || Due(now, _interval))
            {
                _shown = now;
                _pending = null;
                WritePlain(ProgressText.Line(state, remaining));
            }
            else
            {
                _pending = ProgressText.Line(state, remaining);
            }
        }
    }

    /// <summary>Ends the progress: what was held back by the clock is shown, and a live line is left standing.</summary>
    public void EndProgress()
    {
        lock (_gate)
        {
            if (_pending is { } pending)
            {
                if (IsLive)
                {
                    Draw(pending, _streams.Time.GetTimestamp());
                }
                else
                {
                    WritePlain(pending);
                }
            }

            if (_live.Length > 0)
            {
                _streams.Error.Write("\n");
                _streams.Error.Flush();
            }

            _live = string.Empty;
            _pending = null;
            _began = null;
            _shown = null;
        }
    }

    private void WriteLine(string text)
    {
        lock (_gate)
        {
            // Over the live line, which then moves one down.
            _streams.Error.Write(_live.Length > 0 ? ClearLine + text + "\n" + _live : text + "\n");
            _streams.Error.Flush();
        }
    }

    private void WritePlain(string text)
    {
        _streams.Error.Write(text + "\n");
        _streams.Error.Flush();
    }

    private void Draw(string text, long now)
    {
        _shown = now;
        _pending = null;
        _live = text;
        _streams.Error.Write(ClearLine + text);
        _streams.Error.Flush();
    }

    private string Compose(in ProgressState state, TimeSpan? remaining)
    {
        // The last column stays free: some terminals wrap on it.
        int width = Math.Max(20, _streams.Width() - 1);
        string line = ProgressText.Line(state, remaining);
        int cells = Math.Min(24, width - line.Length - 3);
        if (state.TotalSteps > 0 && cells >= 5)
        {
            string bar = ProgressText.Bar(state, cells);
            return "[" + Color("32", bar) + "] " + line;
        }

        return line.Length <= width ? line : line[..width];
    }

    private string Color(string code, string text) => UsesColor ? $"\u001b[{code}m{text}\u001b[0m" : text;

    private bool Due(long now, TimeSpan interval) => _shown is not { } shown || _streams.Time.GetElapsedTime(shown, now) >= interval;

    private TimeSpan? Remaining(in ProgressState state, long now)
    {
        long done = state.Step - _firstStep;
        if (done <= 0 || state.TotalSteps <= 0)
        {
            return null;
        }

        double seconds = _streams.Time.GetElapsedTime(_began!.Value, now).TotalSeconds / done * (state.TotalSteps - state.Step);
        return TimeSpan.FromSeconds(Math.Min(seconds, 1e9));
    }
}
