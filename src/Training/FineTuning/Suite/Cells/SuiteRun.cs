using System.Globalization;
using GenoSeq.Data;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Runs;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>
/// A suite from its file to its table, in one folder, by any number of processes at once: <see cref="Begin"/> once,
/// <see cref="Work"/> in each, <see cref="Finish"/> once.
/// </summary>
public static class SuiteRun
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(250);

    /// <summary>What would be run, without running it: a line for each task and model.</summary>
    /// <exception cref="ConfigException">A name is unknown, or settings are wrong.</exception>
    /// <exception cref="InputDataException">The data of no task are there.</exception>
    /// <exception cref="RunFolderException">A cell in the folder was made with other settings.</exception>
    public static (IReadOnlyList<(string Task, string Model, int Cells, int Done)> Lines, IReadOnlyList<string> Absent) Plan(SuiteRequest request)
    {
        SuitePlan plan = SuitePlan.Of(request);
        plan.RequireSameSettings();
        return ([.. plan.Cells.GroupBy(c => (Task: c.Task.Name, Model: c.Model.Name))
            .Select(g => (g.Key.Task, g.Key.Model, g.Count(), g.Count(c => plan.Folder.Record(c) is not null)))],
            [.. plan.Absent.Select(t => t.Name)]);
    }

    /// <summary>Makes the folder, or goes on in it: cells that failed before are tried again, finished ones are not.</summary>
    /// <inheritdoc cref="Plan" path="/exception"/>
    /// <exception cref="MissingLibraryException">The device is not there.</exception>
    public static void Begin(SuiteRequest request)
    {
        SuitePlan plan = SuitePlan.Of(request);
        plan.RequireSameSettings();
        _ = ComputeDevice.Require(request.Device);
        plan.Folder.Begin(request.Suite, plan.Cells);
    }

    /// <summary>
    /// Runs cells that nobody else runs, until every cell that was asked for is finished or has failed. Whatever goes wrong with a
    /// cell is recorded and costs no other cell.
    /// </summary>
    /// <param name="request">What is asked.</param>
    /// <param name="say">Is told of each cell.</param>
    /// <param name="detail">Is told what happens in a cell.</param>
    /// <param name="stop">Ends the work after the step at hand; the cell at hand is lost.</param>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for it.</exception>
    /// <exception cref="MissingLibraryException">The device is not there.</exception>
    public static void Work(SuiteRequest request, Action<string> say, Action<string> detail, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(say);
        ArgumentNullException.ThrowIfNull(detail);
        SuitePlan plan = SuitePlan.Of(request);
        using var runner = new CellRunner(plan, ComputeDevice.Require(request.Device), request.Version, detail);
        // After each cell from the front again: what a sweep has decided meanwhile may be the longest that is left, and another command in
        // this folder may have asked for a failed cell anew.
        while (plan.Cells.Where(c => !plan.Folder.IsSettled(c)).ToArray() is { Length: > 0 } open)
        {
            stop.ThrowIfCancellationRequested();
            if (!open.Any(c => RunIfFree(plan, runner, c, say, stop)))
            {
                stop.WaitHandle.WaitOne(s_poll);
            }
        }
    }

    /// <summary>Writes the tables of all that is in the folder.</summary>
    /// <exception cref="ConfigException">A name is unknown, or settings are wrong.</exception>
    /// <exception cref="RunFolderException">A file in the folder is no cell's.</exception>
    public static SuiteOutcome Finish(SuiteRequest request)
    {
        SuitePlan plan = SuitePlan.Of(request);
        SuiteTable table = Write(request, plan.Folder, [.. plan.Absent.Select(t => t.Name)]);
        return new SuiteOutcome(plan.Folder.FullPath, plan.Cells.Count(c => File.Exists(plan.Folder.RecordFile(c))), plan.Cells.Count,
            [.. table.Status.Failures.Where(f => plan.Cells.Any(c => c.Task.Name == f.Task && c.Model.Name == f.Model)).Select(f => f.ToString())], [.. plan.Absent.Select(t => t.Name)], table);
    }

    /// <summary>Writes the tables of what is in the folder; neither data nor checkpoints are needed.</summary>
    /// <exception cref="RunFolderException">There is nothing, or a file is no cell's.</exception>
    public static SuiteTable Table(SuiteRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Write(request, new SuiteFolder(request.Out), []);
    }

    private static SuiteTable Write(SuiteRequest request, SuiteFolder folder, IReadOnlyList<string> absent)
    {
        SuiteConfig suite = request.Suite;
        SuiteStatus status = SuiteStatus.Of(suite, folder, absent);
        if (status.Results.Count + status.Failures.Count == 0)
        {
            throw new RunFolderException("there are no cells of this suite here", folder.FullPath, "a folder that `genoseq benchmark` worked in", "the same command without --table");
        }

        // Rows and columns of what was run: the others are named below the table.
        SuiteTaskConfig[] tasks = [.. suite.Tasks.Where(t => !status.NotRun.Contains(t.Name))];
        SuiteTable table = SuiteTable.Of(suite with
        {
            Tasks = tasks,
            Models = [.. suite.Models.Where(m => !status.NotRun.Contains(m.Name))],
            Published = [.. suite.Published.Where(p => tasks.Any(t => p.Values.ContainsKey(t.Name)))],
        }, status);
        SuiteReport.Write(table, folder.FullPath);
        return table;
    }

    // Runs a cell if it can be run now; false: another process is at it, or its sweep is not decided.
    private static bool RunIfFree(SuitePlan plan, CellRunner runner, Cell cell, Action<string> say, CancellationToken stop)
    {
        Cell[] trials = [.. plan.TrialsOf(cell)];
        if (!trials.All(plan.Folder.IsSettled))
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

        CellRecord record;
        try
        {
            record = runner.Run(cell, cell.Trial ?? Choice(plan, cell, trials), stop);
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
            plan.Folder.Write(cell, new CellFailure(cell.Task.Name, cell.Model.Name, cell.Seed, cell.Trial is null ? error : $"{cell.TrialText}: {error}"));
            say($"failed: {cell}: {error}");
            runner.Settle();
            return true;
        }

        plan.Folder.Write(cell, record);
        runner.Settle();
        say(Text(plan, cell, record));
        return true;
    }

    // What validation chose; where there is one candidate, that.
    private static SweepCandidate Choice(SuitePlan plan, Cell cell, Cell[] trials)
    {
        if (trials.Length == 0)
        {
            return cell.Candidates[0];
        }

        CellRecord?[] records = [.. trials.Select(plan.Folder.Record)];
        Cell[] failed = [.. trials.Where((_, i) => records[i] is null)];
        if (failed.Length > 0)
        {
            throw new InvalidOperationException(CellError.Undecided(failed.Length, trials.Length, failed[0].TrialText));
        }

        bool smallIsGood = TaskScores.SmallIsGood(records[0]!.SelectedBy);
        SweepCandidate choice = SweepChoice.Of(trials.Zip(records, (trial, record) => (trial.Trial!, Value(record!), record!.ValidationLoss)), smallIsGood)
            ?? throw new InvalidOperationException($"no candidate of the sweep has a value: {records.FirstOrDefault(r => r!.Diverged is not null)?.Diverged ?? $"{records[0]!.SelectedBy} is undefined"}");
        // Trials that were removed and run again, or a folder of a program that chose without those that failed.
        foreach (Cell seed in plan.Suite.SeedsOf(cell.Model).Select(s => cell with { Seed = s }))
        {
            if (plan.Folder.Record(seed)?.Candidate is { } before && before.FileName != choice.FileName)
            {
                throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture,
                    $"seed {seed.Seed} was trained with {before}, and the sweep's trials say {choice} now: remove {plan.Folder.RecordFile(seed)} to train it again"));
            }
        }

        return choice;

        static double? Value(CellRecord record) => record.Diverged is not null ? null : record.Selected ?? TaskScores.WhereUndefined(record.SelectedBy);
    }

    private static string Figure(double? value) => value?.ToString("F3", CultureInfo.InvariantCulture) ?? "undefined";

    private static string Text(SuitePlan plan, Cell cell, CellRecord record)
    {
        int settled = plan.Cells.Count(plan.Folder.IsSettled);
        string what = record.Diverged is { } diverged ? $"diverged: {diverged}"
            : record.Test is { } test ? string.Create(CultureInfo.InvariantCulture, $"test {cell.Task.Metric} {Figure(test.Value(cell.Task.Metric))}, validation {Figure(record.Validation!.Value(cell.Task.Metric))}")
            : string.Create(CultureInfo.InvariantCulture, $"validation {record.SelectedBy} {Figure(record.Selected)}");
        return string.Create(CultureInfo.InvariantCulture, $"[{settled} of {plan.Cells.Count}] {cell}: {what}; {record.Cost.WallS:F1} s");
    }
}
