using System.Diagnostics;
using System.Globalization;
using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Studies;

/// <summary>Runs cells of a study, one at a time.</summary>
/// <param name="plan">The study.</param>
/// <param name="device">Where.</param>
internal sealed class StudyCellRunner(StudyPlan plan, Device device)
{
    /// <summary>Runs a cell.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="rate">Its learning rate.</param>
    /// <param name="stop">Ends it; of training a checkpoint is left.</param>
    /// <exception cref="InputDataException">Data are missing or broken.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for it.</exception>
    internal StudyRecord Run(StudyCell cell, double rate, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        (StudyCellConfig settings, _, _) = plan.SettingsOf(cell);
        StudyRecord record = Empty(cell) switch
        {
            var r when cell.Model.Reference is { } reference => Refer(r, reference, settings, cell.Seed),
            var r when settings.Kind == StudyKind.Cost => Cost(r, settings, cell.Seed, stop),
            var r => Train(r, cell, settings, rate, stop),
        };
        return record with
        {
            Cost = record.Cost with
            {
                WallS = Math.Round(clock.Elapsed.TotalSeconds, 3),
                Finished = DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            },
        };
    }

    /// <summary>Between two cells: gives memory back, and throws if the device does not compute any more.</summary>
    internal void Settle()
    {
        if (device.Type == DeviceType.CUDA)
        {
            using DisposeScope scope = NewDisposeScope();
            _ = ones([1], device: device).add(1).item();
            cuda.empty_cache();
        }
    }

    private StudyRecord Train(StudyRecord record, StudyCell cell, StudyCellConfig settings, double rate, CancellationToken stop)
    {
        using IStudyData data = StudyDataSets.Open(settings, cell.Seed);
        using SequenceModel model = PretrainRun.CreateModel(new RunConfig { Seed = cell.Seed, Device = device.ToString(), Model = settings.BuiltModel });
        ModelFlops flops = ModelFlops.Of(settings.BuiltModel, data.Length);
        var training = new CellTraining(settings, rate, cell.Seed, device, plan.Folder.WorkOf(cell));
        CellTraining.Outcome outcome = training.Run(model, data, cell.TrialRate is null ? 1 : plan.Request.Study.Config.SweepShare, stop);
        var measured = new List<StudyMeasurement>();
        if (cell.TrialRate is null && outcome.Diverged is null)
        {
            foreach (StudyProbe probe in data.Probes())
            {
                measured.AddRange(ProbeRunner.Run(model, probe, training.Rows(probe.Source), stop));
            }

            if (settings.Evaluate.Downstream is { } sets)
            {
                measured.AddRange(DownstreamProbe.Run(model, sets, cell.Seed, device, plan.Folder.WorkOf(cell), plan.Request.Version, stop));
            }

            measured.Add(new StudyMeasurement("train_tokens_per_s", outcome.Tokens / outcome.Seconds));
            measured.Add(new StudyMeasurement("train_peak_gib", outcome.PeakBytes / (double)(1L << 30)));
            measured.Add(new StudyMeasurement("train_pflop", outcome.Flops / 1e15));
        }

        return record with
        {
            LearningRate = rate,
            Parameters = model.NumParameters,
            FlopsPerToken = flops.TrainingPerToken(),
            StateBytes = settings.Model.Bidirectional ? 0 : flops.StateBytes(1, data.Length),
            Steps = outcome.Steps,
            Tokens = outcome.Tokens,
            Flops = outcome.Flops,
            Diverged = outcome.Diverged,
            Curve = outcome.Curve,
            Measurements = measured,
            Cost = record.Cost with { TrainS = Math.Round(outcome.Seconds, 3), PeakBytes = outcome.PeakBytes },
        };
    }

    private StudyRecord Cost(StudyRecord record, StudyCellConfig settings, long seed, CancellationToken stop)
    {
        (IReadOnlyList<StudyMeasurement> measured, IReadOnlyList<string> notes) = new CostCell(settings, seed, device, plan.Request.Decode).Run(stop);
        using SequenceModel model = ModelFile.Create(settings.BuiltModel);
        return record with
        {
            Parameters = model.NumParameters,
            FlopsPerToken = ModelFlops.Of(settings.BuiltModel, settings.Cost.Lengths[0]).TrainingPerToken(),
            Measurements = measured,
            Diverged = notes.Count > 0 ? string.Join("; ", notes) : null,
        };
    }

    private static StudyRecord Refer(StudyRecord record, string reference, StudyCellConfig settings, long seed)
    {
        if (settings.Kind != StudyKind.Language)
        {
            throw new StudyCellException($"the reference '{reference}' predicts bases; the study's kind must be language");
        }

        using var data = new LanguageData(settings, seed);
        StudyMeasurement[] measured = [.. StudyReference.Run(reference, settings, data)];
        // A curve of one point is a level beside the curves of models.
        return record with { IsReference = true, Measurements = measured, Curve = [new StudyCurvePoint(0, 0, 0, measured[0].Value)] };
    }

    private StudyRecord Empty(StudyCell cell) => new()
    {
        Study = plan.Request.Study.Config.Name,
        Model = cell.Model.Name,
        Seed = cell.Seed,
        Conditions = cell.At,
        Trial = cell.TrialRate is not null,
        SettingsSha256 = plan.SettingsOf(cell).Sha256,
        Settings = plan.SettingsOf(cell).Json,
        Cost = new StudyCost(0, 0, 0, cell.Model.Reference is null ? device.ToString() : "cpu", plan.Request.Version, ""),
    };
}
