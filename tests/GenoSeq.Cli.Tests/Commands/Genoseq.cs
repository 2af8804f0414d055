using System.Diagnostics;
using GenoSeq.Cli.Tests.Console;

namespace GenoSeq.Cli.Tests.Commands;

/// <summary>What the program answered.</summary>
internal sealed record Answer(int ExitCode, string Out, string Error);

/// <summary>The program: as a process of its own, or its entry point inside this process where only words and codes matter.</summary>
internal static class Genoseq
{
    internal static string Root => Repository.Root;

    internal static string Dll { get; } = Path.Combine(
        Root, "artifacts", "bin", "GenoSeq.Cli", new DirectoryInfo(AppContext.BaseDirectory).Name, "genoseq.dll");

    /// <summary>Starts the process; its output is read into <see cref="Running"/>.</summary>
    internal static Running Start(string folder, params string[] arguments) => Start(folder, [], arguments);

    /// <summary>Starts the process with more environment variables.</summary>
    internal static Running Start(string folder, (string Name, string Value)[] variables, string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach ((string name, string value) in variables)
        {
            start.Environment[name] = value;
        }

        start.ArgumentList.Add(Dll);
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return new Running(Process.Start(start)!);
    }

    internal static async Task<Answer> RunAsync(string folder, params string[] arguments)
    {
        using Running running = Start(folder, arguments);
        return await running.EndAsync(TimeSpan.FromMinutes(3));
    }

    /// <summary>The same entry point without a process.</summary>
    internal static async Task<Answer> InProcessAsync(params string[] arguments)
    {
        var captured = new Captured(width: 200);
        int code = await Program.Create(captured.Streams).RunAsync(arguments);
        return new Answer(code, captured.Out, captured.Error);
    }
}

/// <summary>A process that was started.</summary>
internal sealed class Running : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _out;
    private readonly Task<string> _error;

    internal Running(Process process)
    {
        _process = process;
        _out = process.StandardOutput.ReadToEndAsync();
        _error = process.StandardError.ReadToEndAsync();
    }

    internal int Id => _process.Id;

    internal bool HasExited => _process.HasExited;

    internal void Kill() => _process.Kill();

    /// <summary>Sends a signal by its name, such as TERM.</summary>
    internal void Signal(string name)
    {
        using Process kill = Process.Start("kill", [$"-{name}", $"{Id}"]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>Waits until something is so, or the process ends, or a minute is over.</summary>
    internal bool WaitUntil(Func<bool> isSo)
    {
        var clock = Stopwatch.StartNew();
        while (!HasExited && clock.Elapsed < TimeSpan.FromMinutes(1))
        {
            if (isSo())
            {
                return true;
            }

            Thread.Sleep(1);
        }

        return isSo();
    }

    internal async Task<Answer> EndAsync(TimeSpan atMost)
    {
        using var patience = new CancellationTokenSource(atMost);
        await _process.WaitForExitAsync(patience.Token);
        return new Answer(_process.ExitCode, await _out, await _error);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }
}
