using System.Runtime.InteropServices;

namespace GenoSeq.Training.Runs;

/// <summary>SIGINT and SIGTERM: the first asks for an orderly end (finish the step, checkpoint, exit 130), the second ends at once.</summary>
public sealed class ShutdownSignal : IDisposable
{
    /// <summary>The exit code of an interrupted run.</summary>
    public const int ExitCode = 130;

    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;
    private readonly Action<int> _exit;
    private readonly Action<string>? _tell;
    private int _received;

    /// <summary>Begins to listen.</summary>
    /// <param name="tell">Called with words for the user at each signal, on another thread.</param>
    /// <param name="exit">Ends the process; at once unless given, without the libraries' own endings.</param>
    public ShutdownSignal(Action<string>? tell = null, Action<int>? exit = null)
    {
        _tell = tell;
        _exit = exit ?? ProcessEnd.Now;
        Token = _source.Token;
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
        ];
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token { get; }

    /// <summary>True after the first signal.</summary>
    public bool IsRequested => Token.IsCancellationRequested;

    /// <summary>What a signal does; a scheduler's own stop request may call it too.</summary>
    public void Request(string name)
    {
        if (Interlocked.Increment(ref _received) == 1)
        {
            _tell?.Invoke($"{name} received: finishing this step, then writing a checkpoint; once more to stop now");
            _source.Cancel();
        }
        else
        {
            _tell?.Invoke($"{name} received again: stopping now");
            _exit(ExitCode);
        }
    }

    /// <summary>Stops listening: signals have their default effect again.</summary>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }

        _source.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        // Without this the runtime would end the process by itself.
        context.Cancel = true;
        Request(context.Signal.ToString());
    }
}
