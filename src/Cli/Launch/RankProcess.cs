using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace GenoSeq.Cli.Launch;

/// <summary>A rank that was started, and the threads that read what it says.</summary>
internal sealed partial class RankProcess : IDisposable
{
    private const int Terminate = 15;
    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(2);

    private readonly Process _process;
    private readonly Thread[] _readers;

    private RankProcess(int rank, Process process, Thread[] readers) => (Rank, _process, _readers) = (rank, process, readers);

    /// <summary>Its rank.</summary>
    internal int Rank { get; }

    /// <summary>Its process.</summary>
    internal int Id => _process.Id;

    /// <summary>True when it has ended.</summary>
    internal bool HasEnded => _process.HasExited;

    /// <summary>Its exit code; 128 and the signal's number when a signal ended it.</summary>
    internal int ExitCode => _process.ExitCode;

    /// <summary>When it ended.</summary>
    internal DateTime Ended => _process.ExitTime;

    /// <summary>Starts a rank. The thread that calls this must outlive the rank, which dies with it.</summary>
    internal static RankProcess Start(int rank, IEnumerable<string> words, IEnumerable<(string Name, string Value)> environment, LaunchOutput output)
    {
        (string program, string[] before) = Program();
        var start = new ProcessStartInfo(program, [.. before, .. words])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Stream data = process.StandardOutput.BaseStream;
        Stream said = process.StandardError.BaseStream;
        Thread[] readers =
        [
            Reader(() => output.Follow(rank, said)),
            Reader(() =>
            {
                if (rank == 0)
                {
                    output.FollowData(data);
                }
                else
                {
                    output.Follow(rank, data);
                }
            }),
        ];
        return new RankProcess(rank, process, readers);
    }

    /// <summary>Asks it to end.</summary>
    internal void Ask()
    {
        if (!HasEnded)
        {
            _ = Signal(Id, Terminate);
        }
    }

    /// <summary>Ends it.</summary>
    internal void Kill() => _process.Kill();

    /// <summary>True when it was stopped (SIGSTOP), so that it cannot hear.</summary>
    internal bool IsStopped()
    {
        try
        {
            string stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{Id}/stat"));
            return stat[stat.LastIndexOf(')') + 2] is 'T' or 't';
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Waits for its last words, which a child of its own that still holds the pipe could keep open.</summary>
    internal void Drain()
    {
        long began = Stopwatch.GetTimestamp();
        foreach (Thread reader in _readers)
        {
            TimeSpan left = s_lastWords - Stopwatch.GetElapsedTime(began);
            reader.Join(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }
    }

    public void Dispose() => _process.Dispose();

    private static Thread Reader(Action read)
    {
        var thread = new Thread(() => read()) { IsBackground = true, Name = "launch output" };
        thread.Start();
        return thread;
    }

    // This program: an executable of its own, or a library that the runtime's host runs.
    private static (string Program, string[] Before) Program()
    {
        string host = Environment.ProcessPath ?? "dotnet";
        string dll = Path.Combine(AppContext.BaseDirectory, "genoseq.dll");
        return Path.GetFileNameWithoutExtension(host) == "genoseq" || !File.Exists(dll) ? (host, []) : (host, [dll]);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
