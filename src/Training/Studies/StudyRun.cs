using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using GenoSeq.Training.FineTuning.Suite;
using GenoSeq.Training.Runs;
using GenoSeq.Training.Studies.Report;

namespace GenoSeq.Training.Studies;

/// <summary>
/// A study from its file to its records, in one folder, by any number of processes at once: <see cref="Begin"/> once, <see cref="Work"/> in
/// each, <see cref="Finish"/> once.
/// </summary>
public static class StudyRun
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(250);

    /// <summary>What would be run, without running it: a line for each model.</summary>
    /// <exception cref="ConfigException">A name is unknown, or settings are wrong.</exception>
    /// <exception cref="RunFolderException">A cell in the folder was made with other settings.</exception>
    public static IReadOnlyList<(string Model, int Cells, int Done)> Plan(StudyRequest request)
    {
        StudyPlan plan = StudyPlan.Of(request);
        plan.RequireSameSettings();
        return [.. plan.Cells.GroupBy(c => c.Model.Name).Select(g => (g.Key, g.Count(), g.Count(c => plan.Folder.Record(c) is not null)))];
    }

    /// <summary>Makes the folder, or goes on in it: cells that failed before are tried again, finished ones are not.</summary>
    /// <inheritdoc cref="Plan" path="/exception"/>
    /// <exception cref="MissingLibraryException">The device is not there.</exception>
    public static void Begin(StudyRequest request)
    {
        StudyPlan plan = StudyPlan.Of(request);
        plan.RequireSameSettings();
        _ = ComputeDevice.Require(request.Device);
        foreach (DownstreamConfig sets in plan.Cells.Select(c => plan.SettingsOf(c).Config.Evaluate.Downstream).OfType<DownstreamConfig>().Distinct())
        {
            // A cell comes to them after it has trained.
            DownstreamProbe.Load(sets);
        }

        plan.Folder.Begin(plan.Cells);
    }

    /// <summary>
    /// Runs cells that nobody else runs, until every cell that was asked for is finished or has failed. Whatever goes wrong with a cell is
    /// recorded and costs no other cell.
    /// </summary>
    /// <param name="request">What is asked.</param>
    /// <param name="say">Is told of each cell.</param>
    /// <param name="stop">Ends the work; a cell that trains leaves a checkpoint.</param>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for it.</exception>
    /// <exception cref="MissingLibraryException">The device is not there.</exception>
    public static void Work(StudyRequest request, Action<string> say, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(say);
        StudyPlan plan = StudyPlan.Of(request);
        var runner = new StudyCellRunner(plan, ComputeDevice.Require(request.Device));
        // All of them each time: another command in this folder may have asked for a failed cell anew.
        while (plan.Cells.Where(c => !plan.Folder.IsSettled(c)).ToArray() is { Length: > 0 } open)
        {
            stop.ThrowIfCancellationRequested();
            if (!open.Any(c => RunIfFree(plan, runner, c, say, stop)))
            {
                stop.WaitHandle.WaitOne(s_poll);
            }
        }
    }

    /// <summary>Writes the report of all that is in the folder, if anything is; neither data nor a device are needed.</summary>
    /// <exception cref="ConfigException">A name is unknown, or settings are wrong.</exception>
    /// <exception cref="RunFolderException">A file in the folder is no cell's.</exception>
    public static StudyProgress Finish(StudyRequest request) => Report(request)
        ?? new StudyProgress(Path.GetFullPath(request.Out), 0, StudyPlan.Of(request).Cells.Count, [], []);

    /// <summary>Writes the report of all that is in the folder, as <see cref="Finish"/> does; null: nothing is.</summary>
    /// <inheritdoc cref="Finish" path="/exception"/>
    public static StudyProgress? Report(StudyRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        StudyPlan plan = StudyPlan.Of(request);
        StudyCell[] trials = [.. plan.All.SelectMany(plan.TrialsOf).DistinctBy(c => c.File)];
        StudyRecord[] records = [.. trials.Concat(plan.All).Select(plan.Folder.Record).OfType<StudyRecord>()];
        StudyFailure[] failures = [.. trials.Concat(plan.All).Select(plan.Folder.Failure).OfType<StudyFailure>()];
        if (records.Length + failures.Length == 0)
        {
            return null;
        }

        var results = new StudyResults(request.Study, records, failures, [.. plan.All.Where(c => !plan.Folder.IsSettled(c)).Select(c => c.ToString())]);
        StudyReport.Write(results, plan.Folder.FullPath);
        return new StudyProgress(plan.Folder.FullPath, plan.Cells.Count(c => File.Exists(plan.Folder.RecordFile(c))), plan.Cells.Count,
            [.. plan.Cells.Select(plan.Folder.Failure).OfType<StudyFailure>()], StudyReport.Summary(results));
    }

    // Runs a cell if it can be run now; false: another process is at it, or its sweep is not decided.
    private static bool RunIfFree(StudyPlan plan, StudyCellRunner runner, StudyCell cell, Action<string> say, CancellationToken stop)
    {
        if (!plan.TrialsOf(cell).All(plan.Folder.IsSettled))
        {
            return false;
        }

        using CellClaim? claim = plan.Folder.Claim(cell);
        if (claim is null)
        {
            return false;
        }

        if (plan.Folder.IsSettled(cell))
        {
            return true;
        }

        try
        {
            StudyRecord record = runner.Run(cell, plan.RateOf(cell) ?? 0, stop);
            plan.Folder.Write(cell, record);
            say($"{cell}: {Describe(plan, record)}");
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            throw;
        }
#pragma warning disable CA1031 // Whatever it is, the other cells are not to be lost.
        catch (Exception e)
#pragma warning restore CA1031
        {
            string error = CellError.Text(e);
            plan.Folder.Write(cell, new StudyFailure(cell.Model.Name, cell.Seed, cell.At, error));
            say($"failed: {cell}: {error}");
        }

        runner.Settle();
        return true;
    }

    private static string Describe(StudyPlan plan, StudyRecord record)
    {
        StudyMetricConfig metric = plan.Request.Study.Config.Metrics[0];
        double value = record.Measurements.FirstOrDefault(m => m.Metric == metric.Name)?.Value ?? record.Validated ?? double.NaN;
        return FormattableString.Invariant($"{(record.Diverged is { } why ? why : $"{(metric.Title.Length > 0 ? metric.Title : metric.Name)} {value:G4}")}, {record.Cost.WallS:F1} s");
    }
}
