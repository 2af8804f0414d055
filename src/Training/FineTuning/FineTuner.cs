using System.Diagnostics;
using System.Globalization;
using GenoSeq.Data;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Evaluation.Metrics;
using GenoSeq.Training.Runs;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>
/// One repetition: training rows in a new order every epoch, validation that chooses the weights, and the test part, which is
/// not looked at before.
/// </summary>
internal sealed class FineTuner : IDisposable
{
    // Positions times width that a batch without gradients may have on a GPU of its own: a few GiB.
    private const int JudgedPositions = 1 << 25;

    private readonly FineTuningConfig _config;
    private readonly LabelledSet _set;
    private readonly LabelledTask _labels;
    private readonly TaskModel _model;
    private readonly long _seed;
    private readonly MetricsWriter _metrics;
    private readonly Action<string> _say;
    private readonly TunedParameters _tuned;
    private readonly EmbeddingCache? _cache;
    private readonly RowMasks? _masks;
    private readonly TuningGraphs? _graphs;
    private readonly WeightAverage? _average;
    private readonly StepNumbers _numbers = new();
    private readonly Example[] _train;
    private readonly int _judgedBatch;
    private readonly bool _waits;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly string _metric;
    private readonly SoupMember _member;
    private WeightCopy? _best;
    private int _validationsSinceBest;
    private long _lineBegan;
    private int _lineSteps;

    internal FineTuner(FineTuningConfig config, LabelledSet set, LabelledTask labels, TaskModel model, long seed, MetricsWriter metrics, Action<string> say,
        SoupMember member)
    {
        _config = config;
        _set = set;
        _labels = labels;
        _model = model;
        _seed = seed;
        _metrics = metrics;
        _say = say;
        _member = member;
        Bases = member.Bases;
        _metric = MetricOf(config, set, model.Task);
        _train = model.Examples(set, set.Rows(LabelledPart.Train));
        _tuned = new TunedParameters(model, config);
        _average = config.AverageDecay > 0 ? new WeightAverage(_tuned.Values, config.AverageDecay) : null;
        _waits = model.Model.Device.Type != DeviceType.CUDA;
        int longest = _train.Max(e => e.Length);
        model.BucketFor(_train);
        _judgedBatch = _waits ? config.PassRows : Math.Max(config.PassRows, JudgedPositions / MemoryPlanning.Processes / model.Model.Config.DModel / longest);
        BaseGuess guess = config.LanguageWeight > 0 ? RowMasks.GuessOf(model.Model) : BaseGuess.None;
        _masks = config.MaskRate > 0 || guess != BaseGuess.None ? new RowMasks(config.MaskRate, seed, guess, member.Stream + " masks") : null;
        if (config.Mode == TuningMode.Probe)
        {
            _cache = new EmbeddingCache(model, set, _judgedBatch);
        }
        else
        {
            TuningMemory.Plan(model, config.PassRows, longest);
            _graphs = TuningGraphs.For(model, config.PassRows, longest, Pass, say);
        }

        StepsPerEpoch = (_train.Length + config.BatchSize - 1) / config.BatchSize;
        long steps = StepsPerEpoch * config.Epochs;
        Steps = config.MaxSteps > 0 ? Math.Min(config.MaxSteps, steps) : steps;
    }

    /// <summary>Steps to take.</summary>
    internal long Steps { get; }

    /// <summary>Steps taken.</summary>
    internal long Step { get; private set; }

    /// <summary>Step after which validation was best.</summary>
    internal long BestStep { get; private set; }

    /// <summary>The best validation.</summary>
    internal TaskScores? Best { get; private set; }

    /// <summary>Number of trained values.</summary>
    internal long TrainedParameters => _tuned.Count;

    /// <summary>Name of the metric that chooses.</summary>
    internal string Metric => _metric;

    /// <summary>Bases read; of a soup the members before this one count, as in <see cref="Seconds"/>.</summary>
    internal long Bases { get; private set; }

    internal double Seconds => _member.Seconds + _clock.Elapsed.TotalSeconds;

    private long StepsPerEpoch { get; }

    /// <summary>Trains; the model has the best weights afterwards.</summary>
    /// <exception cref="TrainingDivergedException">The loss or a gradient is not finite.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for the end.</exception>
    internal EndReason Run(CancellationToken stop)
    {
        _model.Model.train();
        _lineBegan = Stopwatch.GetTimestamp();
        _cache?.Add(_train, _config.RcAugment && !_model.Model.Config.RcEquivariant, stop);
        var schedule = new LearningRateSchedule(new TrainConfig
        {
            Steps = Steps,
            WarmupSteps = (long)Math.Round(_config.WarmupShare * Steps),
            LearningRate = _config.LearningRate,
            MinLearningRate = _config.MinLearningRate,
        });
        EndReason reason = EndReason.Completed;
        for (int epoch = 0; Step < Steps && reason == EndReason.Completed; epoch++)
        {
            reason = Epoch(epoch, schedule, stop);
        }

        _best?.Restore();
        _model.Model.eval();
        return reason;
    }

    /// <summary>Judges a part with the weights at hand.</summary>
    internal TaskScores Evaluate(LabelledPart part, MetricSetOptions? options, CancellationToken stop)
    {
        Example[] examples = _model.Examples(_set, _set.Rows(part));
        _cache?.Add(examples, _model.ReadsBothStrands, stop);
        (int[] rows, double[][] raw) = _model.Task.Kind == TaskKind.PerBase
            ? BaseOutputs.Of(_model, _set, examples, _judgedBatch, stop)
            : _model.Outputs(Pooled, examples, _judgedBatch, stop);
        return TaskScores.Of(_set, _model.Task, rows, raw, options);
    }

    private EndReason Epoch(int epoch, LearningRateSchedule schedule, CancellationToken stop)
    {
        _masks?.Begin(epoch);
        foreach (RowBatch batch in RowBatch.Epoch(_train, _config, _model, _seed, _member.Stream, epoch))
        {
            if (Step == Steps)
            {
                break;
            }

            stop.ThrowIfCancellationRequested();
            TakeStep(batch, epoch, schedule.At(Step));
            bool due = _config.ValidateEvery > 0 ? Step % _config.ValidateEvery == 0 : Step % StepsPerEpoch == 0;
            if (due || Step == Steps)
            {
                Validate(epoch, stop);
                if (_config.Patience > 0 && _validationsSinceBest >= _config.Patience && Step < Steps)
                {
                    return EndReason.EarlyStopped;
                }
            }
        }

        return EndReason.Completed;
    }

    private void TakeStep(RowBatch batch, int epoch, double rate)
    {
        using DisposeScope scope = NewDisposeScope();
        double total = Math.Max(batch.Examples.Sum(e => _labels.WeightOf(e)), 1e-30);
        double share = _config.LanguageWeight > 0 ? _config.LanguageWeight / _masks!.TargetsOf(batch.Examples) : 0;
        Tensor? loss = null;
        foreach (RowBatch some in batch.Passes(_config.PassRows))
        {
            using DisposeScope inner = NewDisposeScope();
            Tensor part = Pass(some, total, share);
            loss = (loss is null ? part : loss + part).MoveToOuterDisposeScope();
        }

        Bases += batch.Examples.Sum(e => (long)e.Length);
        if (_waits && !double.IsFinite(loss!.item()))
        {
            throw new TrainingDivergedException(Step, "the loss", null);
        }

        _numbers.Add(Step, loss!, _tuned.Step(rate, _config.ClipNorm, _tuned.Deepest(epoch, _config.UnfreezeEvery)));
        _average?.Add();
        Step++;
        _lineSteps++;
        bool line = Step % _config.LogEvery == 0 || Step == Steps;
        if (line || _waits)
        {
            (double value, double norm) = _numbers.Read();
            if (line)
            {
                // Reading has waited for the device, so this is the time that steps take, and not that of asking for them.
                double milliseconds = Stopwatch.GetElapsedTime(_lineBegan).TotalMilliseconds / _lineSteps;
                _metrics.Write(_member.Steps + Step, Bases, Seconds,
                    ("train/loss", value), ("train/learning_rate", rate), ("train/gradient_norm", norm), ("perf/step_ms", milliseconds));
                (_lineBegan, _lineSteps) = (Stopwatch.GetTimestamp(), 0);
            }
        }
    }

    // Adds the gradients of some rows to those there are; returns their part of the loss.
    private Tensor Pass(RowBatch some, double total, double share)
    {
        (Example[] examples, bool[] reverse) = some;
        Device device = _model.Model.Device;
        if (_cache is null)
        {
            RowTensors rows = _model.Rows(_set, examples, reverse, _masks, share);
            (Tensor itsTargets, Tensor itsShares) = _labels.Of(examples, reverse, (int)rows.Ids.size(1), total, device);
            var batch = new TaskBatch(rows, itsTargets, itsShares);
            return _graphs?.Run(batch) ?? Pass(batch);
        }

        (Tensor targets, Tensor shares) = _labels.Of(examples, reverse, 0, total, device);

        Tensor loss = _labels.Loss(_model.Head.Score(_cache.Pooled(examples, reverse)), targets, shares);
        loss.backward();
        return loss.detach();
    }

    private Tensor Pass(TaskBatch batch)
    {
        _tuned.Apply();
        (Tensor pooled, Tensor? language) = batch.Rows.Targets is null ? (_model.Pooled(batch.Rows), null) : _model.PooledAndLoss(batch.Rows);
        Tensor loss = _labels.Loss(_model.Head.Score(pooled), batch.Targets!, batch.Shares!);
        loss = language is null ? loss : loss + language;
        loss.backward();
        _tuned.TakeGradients();
        return loss.detach();
    }

    private Tensor Pooled(Example[] examples, bool[] reverse) =>
        _cache is null ? _model.Pooled(_set, examples, reverse) : _cache.Pooled(examples, reverse);

    private void Validate(int epoch, CancellationToken stop)
    {
        // Weights that a gradient spoilt are never judged, much less chosen.
        _ = _numbers.Read();
        _average?.Swap();
        _tuned.Apply();
        _model.Model.eval();
        TaskScores scores = Evaluate(LabelledPart.Dev, null, stop);
        _model.Model.train();
        bool better = Best is null || scores.IsBetterThan(Best, _metric);
        _validationsSinceBest = better ? 0 : _validationsSinceBest + 1;
        if (better)
        {
            (Best, BestStep) = (scores, Step);
            Keep();
        }

        _average?.Swap();
        _metrics.Write(_member.Steps + Step, Bases, Seconds,
        [
            ("val/loss", scores.Loss), .. scores.Metrics.Metrics.Select(m => ($"val/{m.Key}", m.Value.Value ?? double.NaN)),
        ]);
        _say(string.Create(CultureInfo.InvariantCulture,
            $"seed {_seed}{_member.Name}, epoch {epoch + 1}, step {Step} of {Steps}: validation loss {scores.Loss:F4}, {_metric} {scores.ValueOf(_metric):F4}{(better ? ", best so far" : "")}"));
        (_lineBegan, _lineSteps) = (Stopwatch.GetTimestamp(), 0);
    }

    private void Keep()
    {
        if (_best is null)
        {
            // A probe changes the head alone.
            _best = new WeightCopy(_cache is null ? _model.Model.parameters().Concat(_model.Head.parameters()) : _model.Head.parameters());
            return;
        }

        _best.Blend(1);
    }

    private static string MetricOf(FineTuningConfig config, LabelledSet set, TaskDescription task)
    {
        if (config.SelectBy == "auto")
        {
            return task.Kind == TaskKind.Number ? "pearson" : "mcc";
        }

        string[] known = [.. TaskScores.NamesOf(set, task, [.. set.Rows(LabelledPart.Dev)])];
        return known.Contains(config.SelectBy) ? config.SelectBy : throw new ConfigException(new ConfigProblem("finetune.select_by",
            $"this task has no metric '{config.SelectBy}'", null, $"auto, {string.Join(", ", known)}", "finetune.select_by=auto"));
    }

    public void Dispose()
    {
        _graphs?.Dispose();
        _average?.Dispose();
        _numbers.Dispose();
        _tuned.Dispose();
        _cache?.Dispose();
        _best?.Dispose();
    }
}
