using GenoSeq.Data;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Runs;
using GenoSeq.Training.Studies;
using GenoSeq.Training.Tests.Engine;

namespace GenoSeq.Training.Tests.Studies;

[Collection(EngineCollection.Name)]
public sealed class StudyRunTests
{
    [Fact]
    public void Run_Study_MeasuresEveryCellAndRepeatsNone()
    {
        using var tiny = new TinyStudy();
        Study study = StudyFile.Load(tiny.File());
        (StudyProgress outcome, List<string> said) = TinyStudy.Run(tiny.Request(study));
        Assert.Equal((6, 6, 6), (outcome.Done, outcome.Cells, said.Count));
        Assert.Empty(outcome.Failures);
        StudyPlan plan = StudyPlan.Of(tiny.Request(study));
        foreach (StudyCell cell in plan.Cells)
        {
            StudyRecord record = plan.Folder.Record(cell)!;
            Assert.Equal((10, 2560), (record.Steps, record.Tokens));
            Assert.Equal(3, record.Curve.Count);
            Assert.Equal(2560, record.Curve[^1].Tokens);
            Assert.Equal(2560 * record.FlopsPerToken, record.Flops, 1e-6 * record.Flops);
            Assert.InRange(record.Measurements.Single(m => m.Metric == "accuracy").Value, 0, 1);
            Assert.False(Directory.Exists(plan.Folder.WorkOf(cell)));
        }

        (outcome, said) = TinyStudy.Run(tiny.Request(study));
        Assert.Equal((6, 0), (outcome.Done, said.Count));
    }

    [Fact]
    public void Run_Sweep_TakesTheRateThatValidatesBest()
    {
        using var tiny = new TinyStudy();
        // A rate of 1e-12 learns nothing; which of the others is better does not matter.
        Study study = StudyFile.Load(tiny.File("seeds: [1, 2]", "seeds: [1, 2]\nlearning_rates: [1e-12, 0.01]\nsweep_share: 0.5"), ["base.budget.tokens=10240"]);
        StudyRequest request = tiny.Request(study) with { Models = ["mamba"] };
        (StudyProgress outcome, _) = TinyStudy.Run(request);
        Assert.Equal((6, 6), (outcome.Done, outcome.Cells));
        StudyPlan plan = StudyPlan.Of(request);
        StudyRecord[] trials = [.. plan.Cells.Where(c => c.TrialRate is not null).Select(c => plan.Folder.Record(c)!)];
        Assert.Equal([1e-12, 0.01], trials.Select(t => t.LearningRate));
        Assert.All(trials, t => Assert.Equal((5120, 0), (t.Tokens, t.Measurements.Count)));
        double best = trials.MaxBy(t => t.Curve[^1].Value)!.LearningRate;
        Assert.All(plan.Cells.Where(c => c.TrialRate is null), c => Assert.Equal(best, plan.Folder.Record(c)!.LearningRate));
    }

    [Fact]
    public void Work_TrialFailed_NoRateIsChosenUntilItIsTriedAgain()
    {
        using var tiny = new TinyStudy();
        Study study = StudyFile.Load(tiny.File("seeds: [1, 2]", "seeds: [1, 2]\nlearning_rates: [1e-12, 0.01]\nsweep_share: 0.5"), ["base.budget.tokens=10240"]);
        StudyRequest request = tiny.Request(study) with { Models = ["mamba"] };
        StudyRun.Begin(request);
        StudyPlan plan = StudyPlan.Of(request);
        StudyCell full = plan.Cells.Single(c => c.TrialRate == 0.01);
        plan.Folder.Write(full, new StudyFailure("mamba", 1, full.At, "out of memory"));
        StudyRun.Work(request, _ => { });
        StudyProgress outcome = StudyRun.Finish(request);
        Assert.Equal((1, 6), (outcome.Done, outcome.Cells));
        Assert.Equal(4, outcome.Failures.Count(f => f.Error.Contains("its sweep is not decided: 1 of 2 trials failed", StringComparison.Ordinal)));

        (outcome, _) = TinyStudy.Run(request);
        Assert.Equal((6, 0), (outcome.Done, outcome.Failures.Count));
    }

    [Fact]
    public void Run_OtherSettings_IsRefused()
    {
        using var tiny = new TinyStudy();
        TinyStudy.Run(tiny.Request(StudyFile.Load(tiny.File(), smoke: true)));
        RunFolderException e = Assert.Throws<RunFolderException>(() => StudyRun.Begin(tiny.Request(StudyFile.Load(tiny.File(), ["base.task.key_width=3"], smoke: true))));
        Assert.Contains("task.key_width was 2 and is 3", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_CellThatFails_CostsNoOther()
    {
        using var tiny = new TinyStudy();
        Study study = StudyFile.Load(tiny.File("  - { name: mamba,", "  - { name: lost, kind: language, task: null, data: { files: [nowhere.fa], context_length: 64 } }\n  - { name: mamba,"), smoke: false);
        StudyRequest request = tiny.Request(study) with { Models = ["lost", "mamba"], Seeds = [1] };
        (StudyProgress outcome, _) = TinyStudy.Run(request);
        Assert.Equal((2, 4), (outcome.Done, outcome.Cells));
        Assert.All(outcome.Failures, f => Assert.Contains("nowhere.fa", f.Error, StringComparison.Ordinal));
    }

    [Fact]
    public void Train_Stopped_GoesOnWhereItWas()
    {
        using var tiny = new TinyStudy();
        StudyPlan plan = StudyPlan.Of(tiny.Request(StudyFile.Load(tiny.File())));
        StudyCell cell = plan.Cells[0];
        StudyCellConfig settings = plan.SettingsOf(cell).Config;
        (CellTraining.Outcome whole, float[] wanted) = Train(settings, tiny["whole"], null);
        Assert.Throws<OperationCanceledException>(() => Train(settings, tiny["parts"], 4));
        (CellTraining.Outcome parts, float[] weights) = Train(settings, tiny["parts"], null);
        Assert.Equal(wanted, weights);
        Assert.Equal((whole.Steps, whole.Tokens, whole.Flops), (parts.Steps, parts.Tokens, parts.Flops));
        Assert.Equal(whole.Curve.Select(p => (p.Tokens, p.Flops, p.Value)), parts.Curve.Select(p => (p.Tokens, p.Flops, p.Value)));
    }

    private static (CellTraining.Outcome Outcome, float[] Weights) Train(StudyCellConfig settings, string folder, int? stopBehind)
    {
        using var stop = new CancellationTokenSource();
        using var data = new StoppingData(settings, stopBehind, stop);
        using var model = PretrainRun.CreateModel(new RunConfig { Seed = 1, Model = settings.BuiltModel });
        CellTraining.Outcome outcome = new CellTraining(settings, 0.01, 1, ComputeDevice.Require("cpu"), folder).Run(model, data, 1, stop.Token);
        return (outcome, model.Embedding.weight.ToArray<float>());
    }

    /// <summary>Asks to stop when the first points of the curve are measured.</summary>
    private sealed class StoppingData(StudyCellConfig settings, int? behind, CancellationTokenSource stop) : IStudyData
    {
        private readonly TaskData _data = new(settings, 1);
        private int _measured;

        public int Length => _data.Length;

        public double BasesPerToken => 1;

        public StudyProbe Validation
        {
            get
            {
                // Read twice for each point: once for the rows, once to measure.
                if (++_measured == behind)
                {
                    stop.Cancel();
                }

                return _data.Validation;
            }
        }

        public IBatchSource Train(int length) => _data.Train(length);

        public IEnumerable<StudyProbe> Probes() => _data.Probes();

        public void Dispose() => _data.Dispose();
    }
}
