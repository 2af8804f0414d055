using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Torch.IO;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.FineTuning.Suite;

namespace GenoSeq.Training.Studies;

/// <summary>Tunes a trained model on labelled sets, as <c>genoseq benchmark</c> does, and measures it on their test parts.</summary>
internal static class DownstreamProbe
{
    private const string Name = "studied";

    /// <summary>The suite.</summary>
    /// <exception cref="ConfigException">It is wrong, or lacks the recipe or a task.</exception>
    internal static SuiteConfig Load(DownstreamConfig sets)
    {
        SuiteConfig suite = SuiteConfig.Load(sets.Suite);
        return suite.Recipes.All(r => r.Name != sets.Recipe) ? throw Unknown("recipe", sets.Recipe, suite.Recipes.Select(r => r.Name))
            : sets.Tasks.FirstOrDefault(t => suite.Tasks.All(k => k.Name != t)) is { } task ? throw Unknown("task", task, suite.Tasks.Select(t => t.Name))
            : suite;

        ConfigException Unknown(string what, string name, IEnumerable<string> names) => new(new ConfigProblem($"base.evaluate.downstream.{what}",
            $"the suite {sets.Suite} has no {what} '{name}'", null, $"one of {string.Join(", ", names)}"));
    }

    /// <summary>One measurement for each task: its metric, with the task's name as a place.</summary>
    /// <param name="model">The trained model.</param>
    /// <param name="sets">Which suite, recipe and tasks.</param>
    /// <param name="seed">Seed of heads and orders of rows.</param>
    /// <param name="device">Where.</param>
    /// <param name="folder">For the checkpoint and the suite's cells; they are left for the next sitting if this one ends early.</param>
    /// <param name="version">Version of the program.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="ConfigException">The suite is wrong, or lacks the recipe or a task.</exception>
    /// <exception cref="StudyCellException">A task failed, or its data are not there.</exception>
    internal static IEnumerable<StudyMeasurement> Run(SequenceModel model, DownstreamConfig sets, long seed, Device device, string folder, string version, CancellationToken stop)
    {
        string checkpoint = Path.Combine(folder, "model");
        Directory.CreateDirectory(folder);
        // Whole or not at all; one of an earlier sitting is what its finished tasks were tuned from.
        if (!Directory.Exists(checkpoint))
        {
            AtomicDirectory.Write(checkpoint, f => ModelFile.Save(model, f));
        }

        SuiteConfig suite = Load(sets);
        var request = new SuiteRequest
        {
            Suite = suite with { Models = [new SuiteModelConfig { Name = Name, Checkpoint = checkpoint, Recipe = sets.Recipe }], Published = [], Seeds = [seed] },
            Out = Path.Combine(folder, "suite"),
            Tasks = sets.Tasks,
            Device = device.ToString(),
            Version = version,
        };
        SuiteRun.Begin(request);
        SuiteRun.Work(request, _ => { }, _ => { }, stop);
        SuiteOutcome outcome = SuiteRun.Finish(request);
        if (outcome.Failures.Count + outcome.Absent.Count > 0)
        {
            throw new StudyCellException(outcome.Failures.Count > 0 ? $"tuning failed: {outcome.Failures[0]}" : $"the data of these tasks are not there: {string.Join(", ", outcome.Absent)}");
        }

        return [.. outcome.Table.Rows.Where(r => r.Cells[0] is not null)
            .Select(r => new StudyMeasurement(r.Task.Metric, r.Cells[0]!.Mean) { At = new Dictionary<string, string> { ["task"] = r.Task.Name } })];
    }
}
