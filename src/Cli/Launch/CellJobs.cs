using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Torch;
using GenoSeq.Training.Engine;

namespace GenoSeq.Cli.Launch;

/// <summary>
/// Processes of this program that share the cells of a suite or a study. Each does what is free: if one dies, the others do its cells too.
/// </summary>
/// <param name="verb">The command that they run.</param>
/// <param name="jobs">How many.</param>
/// <param name="device">The device that they were asked for; of several GPUs each takes one, in turns.</param>
/// <param name="context">The command that starts them.</param>
internal sealed class CellJobs(string verb, int jobs, string device, CommandContext context)
{
    private const string VisibleVariable = "CUDA_VISIBLE_DEVICES";
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);

    /// <summary>Runs until all have ended.</summary>
    /// <returns>The exit code of the last that failed; 0.</returns>
    internal int Run()
    {
        string[] gpus = device == "cuda" ? Gpus() : [];
        List<string> words = [.. System.Environment.GetCommandLineArgs().Skip(1)];
        words.Insert(words.IndexOf(verb) + 1, "--worker");
        var output = new LaunchOutput(context.Streams, "job");
        var processes = new List<RankProcess>();
        try
        {
            for (int i = 0; i < jobs; i++)
            {
                processes.Add(RankProcess.Start(i, words, Variables(i, gpus), output));
            }

            context.Reporter.Info(Text($"{jobs} processes share the cells{(gpus.Length > 0 ? $", on {gpus.Length} GPUs" : "")}"));
            bool asked = false;
            while (processes.Exists(p => !p.HasEnded))
            {
                if (context.Stop.IsCancellationRequested && !asked)
                {
                    asked = true;
                    processes.ForEach(p => p.Ask());
                }

                Thread.Sleep(s_poll);
            }
        }
        finally
        {
            foreach (RankProcess process in processes.Where(p => !p.HasEnded))
            {
                process.Kill();
            }

            processes.ForEach(p => p.Drain());
        }

        foreach (RankProcess process in processes.Where(p => p.ExitCode is not (ExitCodes.Ok or ExitCodes.Interrupted)))
        {
            context.Reporter.Warn(Text($"job {process.Rank} ended with exit code {process.ExitCode}; the others went on"));
        }

        return processes.Select(p => p.ExitCode).LastOrDefault(c => c != ExitCodes.Ok);
    }

    private IEnumerable<(string Name, string Value)> Variables(int job, string[] gpus)
    {
        yield return (LaunchedProcess.LauncherVariable, Text($"{System.Environment.ProcessId}"));
        if (gpus.Length > 0)
        {
            yield return (VisibleVariable, gpus[job % gpus.Length]);
            yield return (MemoryPlanning.ProcessesVariable, Text($"{(jobs + gpus.Length - 1) / gpus.Length}"));
        }

        // The jobs share the host's cores.
        if (string.IsNullOrWhiteSpace(context.Streams.Variable(GlobalOptionSet.ThreadsVariable)))
        {
            yield return (GlobalOptionSet.ThreadsVariable, Text($"{Math.Clamp(System.Environment.ProcessorCount / jobs, 1, GlobalOptions.DefaultThreads)}"));
        }
    }

    // The GPUs that this process may use, by the names that its environment gives them.
    private string[] Gpus() => context.Streams.Variable(VisibleVariable) is { Length: > 0 } visible
        ? visible.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        : [.. Enumerable.Range(0, (int)torch.cuda.device_count()).Select(i => Text($"{i}"))];

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
