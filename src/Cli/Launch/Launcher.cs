using System.Diagnostics;
using System.Globalization;
using GenoSeq.Cli.Console;

namespace GenoSeq.Cli.Launch;

/// <summary>Starts the ranks of one host, ends all when one fails, and starts them again if that is wanted.</summary>
internal sealed class Launcher(LaunchPlan plan, ConsoleStreams streams, ConsoleReporter reporter)
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(20);

    // In which the others end by themselves, and say why.
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(2);

    private readonly LaunchOutput _output = new(streams);

    /// <summary>Runs until all have ended.</summary>
    /// <param name="stop">Passes an interruption on to the ranks, which then end by themselves.</param>
    /// <returns>The exit code of the first that failed; 0.</returns>
    internal int Run(CancellationToken stop)
    {
        int code = ExitCodes.Failed;
        Exception? error = null;

        // A rank dies with the thread that started it, so that one lives as long as they do.
        var thread = new Thread(() =>
        {
            try
            {
                code = RunAll(stop);
            }
#pragma warning disable CA1031 // Thrown again below.
            catch (Exception e)
#pragma warning restore CA1031
            {
                error = e;
            }
        })
        { Name = "launch" };
        thread.Start();
        thread.Join();
        return error is null ? code : throw new InvalidOperationException(error.Message, error);
    }

    private int RunAll(CancellationToken stop)
    {
        for (int attempt = 0; ; attempt++)
        {
            RankProcess? failed = Attempt(attempt, stop);
            if (failed is null)
            {
                return ExitCodes.Ok;
            }

            bool again = attempt < plan.Restarts && !stop.IsCancellationRequested && CanHelp(failed.ExitCode);
            if (failed.ExitCode != ExitCodes.Interrupted)
            {
                Report(failed, again ? string.Create(CultureInfo.InvariantCulture, $"restart {attempt + 1} of {plan.Restarts}") : null);
            }

            if (!again)
            {
                return failed.ExitCode;
            }
        }
    }

    // Wrong words, wrong data and missing devices are the same the next time.
    private static bool CanHelp(int code) =>
        code is not (ExitCodes.Usage or ExitCodes.BadInput or ExitCodes.MissingResource or ExitCodes.Interrupted);

    // All ranks once; the first that failed, or null.
    private RankProcess? Attempt(int attempt, CancellationToken stop)
    {
        using ReservedPort? port = plan.MasterPort is null ? new ReservedPort() : null;
        var ranks = new List<RankProcess>();
        try
        {
            for (int local = 0; local < plan.Processes; local++)
            {
                ranks.Add(RankProcess.Start(plan.RankOf(local), plan.Words(attempt),
                    plan.Environment(local, plan.MasterPort ?? port!.Number), _output));
                reporter.Detail(string.Create(CultureInfo.InvariantCulture, $"rank {ranks[^1].Rank} is process {ranks[^1].Id}"));
            }

            return Watch(ranks, stop);
        }
        finally
        {
            foreach (RankProcess rank in ranks.Where(r => !r.HasEnded))
            {
                rank.Kill();
            }

            ranks.ForEach(r => r.Drain());
            _output.Live("");
        }
    }

    private RankProcess? Watch(List<RankProcess> ranks, CancellationToken stop)
    {
        RankProcess? first = null;
        long failedAt = 0;
        bool passedOn = false;
        bool asked = false;
        while (ranks.Exists(r => !r.HasEnded))
        {
            if (stop.IsCancellationRequested && !passedOn)
            {
                passedOn = true;
                ranks.ForEach(r => r.Ask());
            }

            if (first is null && First(ranks) is { } found)
            {
                first = found;
                failedAt = Stopwatch.GetTimestamp();
            }

            if (first is not null)
            {
                // Interrupted ranks end together by agreement, each behind the step at hand.
                TimeSpan settle = first.ExitCode == ExitCodes.Interrupted ? TimeSpan.FromSeconds(plan.Grace) : s_settle;
                TimeSpan since = Stopwatch.GetElapsedTime(failedAt);
                if (since > settle && !asked)
                {
                    asked = true;
                    ranks.ForEach(r => r.Ask());
                }

                foreach (RankProcess rank in ranks)
                {
                    if (asked && !rank.HasEnded && (since > settle + TimeSpan.FromSeconds(plan.Grace) || rank.IsStopped()))
                    {
                        rank.Kill();
                    }
                }
            }

            Thread.Sleep(s_poll);
        }

        return first ?? First(ranks);
    }

    // The first that failed. Ranks that ended because of it follow so closely that they may be seen in one look.
    private static RankProcess? First(List<RankProcess> ranks) =>
        ranks.Where(r => r.HasEnded && r.ExitCode != ExitCodes.Ok).OrderBy(r => r.Ended).FirstOrDefault();

    private void Report(RankProcess failed, string? next)
    {
        string how = failed.ExitCode switch
        {
            137 => "was killed (SIGKILL)",
            143 => "was ended (SIGTERM)",
            139 => "crashed (SIGSEGV)",
            134 => "aborted (SIGABRT)",
            int code => string.Create(CultureInfo.InvariantCulture, $"ended with exit code {code}"),
        };
        string text = string.Create(CultureInfo.InvariantCulture, $"rank {failed.Rank} {how}, the first to fail");
        if (next is null)
        {
            ErrorReport.Write(streams.Error, "launch", new ErrorDescription(text, failed.ExitCode)
            {
                Try = failed.ExitCode == 137 ? "the lines of this rank above; the kernel kills what takes too much memory (dmesg)" : "the lines of this rank above",
            });
        }
        else
        {
            reporter.Warn($"{text}; {next}");
        }
    }
}
