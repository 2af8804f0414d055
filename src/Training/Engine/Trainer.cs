using System.Diagnostics;
using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Kernels.Cuda.Runtime;
using GenoSeq.Models.Losses;
using GenoSeq.Torch;
using GenoSeq.Training.Checkpoints;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Distributed;
using GenoSeq.Training.Evaluation;
using GenoSeq.Training.Runs;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Engine;

/// <summary>Why a run ended.</summary>
public enum EndReason
{
    /// <summary>All steps are taken.</summary>
    Completed,

    /// <summary>Validation stopped getting better.</summary>
    EarlyStopped,

    /// <summary>A signal asked for it; a checkpoint was written.</summary>
    Interrupted,
}

/// <summary>
/// The loop: batch, forward, loss, backward, clip, step; now and then a line of metrics, a validation, a checkpoint.
/// </summary>
public sealed partial class Trainer : IDisposable
{
    private const int CollectEvery = 16;

    private readonly RunConfig _config;
    private readonly TrainingData? _data;
    private readonly CheckpointStore? _store;
    private readonly MetricsWriter? _metrics;
    private readonly ITrainingObserver _observer;
    private readonly optim.AdamW _optimizer;
    private readonly DeviceAdamW? _deviceStep;
    private readonly DeviceMonitor? _monitor;
    private readonly LearningRateSchedule _schedule;
    private readonly LengthSchedule _lengths;
    private readonly Stopwatch _clock = new();
    private readonly Speedometer _speed = new();
    private StepGraph? _graph;
    private bool _graphed;
    private double _wallBefore;
    private double _waitOfLine;
    private long _stepsOfLine;
    private long _savedStep = -1;

    /// <summary>Prepares a run.</summary>
    /// <param name="config">What to do.</param>
    /// <param name="data">Opened data; null where the caller brings the batches and takes steps itself.</param>
    /// <param name="model">The model; on its device.</param>
    /// <param name="store">Where checkpoints go; null on ranks that do not write.</param>
    /// <param name="metrics">Where metrics go; null on ranks that do not write.</param>
    /// <param name="observer">Is told what happens.</param>
    /// <param name="group">The ranks that train together; null: this process alone.</param>
    public Trainer(RunConfig config, TrainingData? data, SequenceModel model, CheckpointStore? store, MetricsWriter? metrics,
        ITrainingObserver observer, RankGroup? group = null)
    {
        _group = group ?? RankGroup.Alone;
        _config = config;
        _data = data;
        Model = model;
        _store = store;
        _metrics = metrics;
        _observer = observer;
        if (!_group.IsAlone)
        {
            _times = new StepTimes(model.Device);
            _context = JoinContext(config.Train.ContextParallel);
            model.Context = _context;
            _buckets = new GradientBuckets(model.named_parameters(), _group, (long)(config.Train.BucketMib * (1 << 20)), config.Train.ZeroStage > 0);
            _moments = config.Train.ZeroStage > 0 ? new ShardedMoments(_buckets, _group) : null;
        }

        _optimizer = Optimization.CreateOptimizer(model, config.Train, _moments is null ? null : _moments.PieceOf);
        _schedule = new LearningRateSchedule(config.Train);
        _lengths = new LengthSchedule(config, _group.WorldSize / (_context?.Size ?? 1));
        model.Recompute = config.Train.Recompute is not (Configuration.Recompute.Auto or Configuration.Recompute.None);
        model.SetComputeType(config.Train.Precision == Precision.Bf16 ? bfloat16 : float32);
        _deviceStep = DeviceAdamW.Attach(_optimizer);
        _monitor = model.Device.Type == DeviceType.CUDA ? DeviceMonitor.Open(Math.Max(model.Device.Index, 0)) : null;
        State = new TrainerState();
    }

    /// <summary>The model.</summary>
    public SequenceModel Model { get; }

    /// <summary>Where the run is.</summary>
    public TrainerState State { get; private set; }

    /// <summary>Whole windows in one optimizer step.</summary>
    public static int WindowsPerStep(RunConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return (int)Math.Max(1, config.Train.GlobalBatchSize / config.Data.ContextLength);
    }

    /// <summary>Continues from a checkpoint: weights, moments, schedule, random state, position in the data.</summary>
    public void Restore(string checkpoint)
    {
        State = CheckpointStore.Restore(checkpoint, Model, _optimizer, _group.Rank, _moments is null ? null : _moments.Cut);
        _wallBefore = State.WallSeconds;
    }

    /// <summary>Trains until the steps are taken, validation stops getting better, or <paramref name="stop"/> asks to end.</summary>
    /// <exception cref="TrainingDivergedException">The loss or a gradient is not finite.</exception>
    public EndReason Run(CancellationToken stop = default)
    {
        _clock.Restart();
        _stop = stop;
        ParameterSync.Broadcast(Model, _group);
        Model.train();
        _observer.Started(Model, Data, State.Step);
        if (_buckets is not null)
        {
            _observer.Say(Describe());
        }

        if (State.ValidationPending)
        {
            // The signal that ended the last sitting came in the middle of this validation.
            Validate(stop);
            Save();
        }

        while (State.Step < _config.Train.Steps)
        {
            if (Run(_lengths.At(State.Step), stop) is { } ended)
            {
                Save();
                return ended;
            }
        }

        if (State.ValidationPending)
        {
            Save();
            return EndReason.Interrupted;
        }

        return EndReason.Completed;
    }

    // A stage, from the step at hand; null when its steps are taken.
    private EndReason? Run(LengthStage stage, CancellationToken stop)
    {
        using var batches = new BatchPrefetcher(LengthSchedule.BuilderOf(stage, _config, Data), step => stage.Samples(step, _group.Rank / (_context?.Size ?? 1)),
            stage.WindowsPerShard, State.Step, stage.EndStep, new BatchPrefetcherOptions
            {
                Capacity = 2,
                Attach = Model.Device.Type == DeviceType.CUDA ? PinnedPages.Of : null,
            });
        if (Prepare(stage) is var (layers, peak))
        {
            _observer.Say($"memory for {stage.MicroBatch} windows of {stage.Length} bases: {layers}; a peak of {peak / (double)(1L << 30):F1} GiB is expected");
        }

        while (State.Step < stage.EndStep)
        {
            // Also true at once when a run continues that was ended between this and its summary.
            if (_config.Train.Patience > 0 && State.ValidationsSinceBest >= _config.Train.Patience)
            {
                return EndReason.EarlyStopped;
            }

            if (_group.IsAlone ? stop.IsCancellationRequested : _stopTogether)
            {
                return EndReason.Interrupted;
            }

            if (!batches.TryNext(out Batch? batch))
            {
                throw new InvalidOperationException("the batches ended before the steps did");
            }

            double waited = batches.LastWait.TotalSeconds;
            State.DataWaitSeconds += waited;
            _waitOfLine += waited;
            _stepsOfLine++;
            Step(batch);
            if (State.Step % CollectEvery == 0)
            {
                // A step leaves a few kilobytes of wrappers. Left alone, the collector lets them touch tens of megabytes of fresh
                // memory before its first collection, which looks like a leak and is one for a job with a hard limit.
                GC.Collect(0, GCCollectionMode.Forced, blocking: true);
            }

            if (IsDue(_config.Train.ValidateEvery))
            {
                Validate(stop);
            }

            if (IsDue(_config.Checkpoint.Every))
            {
                Save();
            }
        }

        return null;
    }

    /// <summary>Chooses what layers keep, and whether steps become a CUDA graph, for a stage's shape.</summary>
    /// <returns>What layers keep, and the peak that this predicts; null on a CPU.</returns>
    internal (string Layers, long PeakBytes)? Prepare(LengthStage stage)
    {
        _graph?.Dispose();
        _graph = null;
        (string Layers, long PeakBytes)? plan = MemoryPlanning.Apply(_config, Model, stage);
        _graph = StepGraph.For(_config, Model, stage, plan?.PeakBytes, _buckets);
        return plan;
    }

    /// <summary>Peak bytes so far, those that a graph holds included.</summary>
    internal long PeakBytes => Math.Max(MemoryPlanning.PeakBytes(Model.Device), _graph?.PeakBytes ?? 0);

    /// <summary>Steps before a step takes the time that it will take from then on.</summary>
    internal int StepsToWarmUp => _graph is null ? 1 : StepGraph.WarmUpSteps + 1;

    /// <summary>One step of the optimizer on one batch; also what a dry run does.</summary>
    internal void Step(Batch batch)
    {
        long begun = Stopwatch.GetTimestamp();
        double weight = BatchTensors.WeightOf(batch);
        double lr = _schedule.At(State.Step);
        _optimizer.LearningRate = lr;
        _optimizer.StepCount = State.Step;
        (double loss, double norm) = !_group.IsAlone ? StepTogether(batch, ref weight)
            : _deviceStep is null ? StepOnHost(batch, weight)
            : StepOnDevice(batch, weight);
        if (!_graphed && _buckets is null)
        {
            Model.zero_grad();
        }

        long tokens = (long)(_group.IsAlone ? batch.Count : _lengths.At(State.Step).WindowsPerStep) * batch.Length;
        State.Step++;
        State.Tokens += tokens;
        double bits = weight > 0 ? loss / Math.Log(2) : double.NaN;
        Report(batch.Length, bits, lr, norm, _speed.Add(tokens, Stopwatch.GetElapsedTime(begun).TotalSeconds));
    }

    private (double Loss, double Norm) StepOnHost(Batch batch, double weight)
    {
        using DisposeScope scope = NewDisposeScope();
        double loss = Check(Backward(batch, weight).Sum(t => t.LossSum) / Math.Max(weight, 1e-30));
        double norm = Check(Optimization.GradientNorm(Model), 1);
        double clip = _config.Train.ClipNorm;
        _optimizer.step(clip > 0 && norm > clip ? clip / norm : 1);
        return (loss, norm);
    }

    // The optimizer is queued behind the backward pass before anything is read back: the host waits once a step. Gradients that
    // are not finite leave the weights alone, so that the guard comes in time all the same.
    private (double Loss, double Norm) StepOnDevice(Batch batch, double weight)
    {
        using DisposeScope scope = NewDisposeScope();
        double share = 1 / Math.Max(weight, 1e-30);
        _graphed = _graph is not null && _graph.Takes(batch, _observer.Say);
        IReadOnlyList<LossTotals> totals = _graphed ? _graph!.Run(batch) : Backward(batch, weight);
        double[] norm = _optimizer.step_clipped(_config.Train.ClipNorm, _graphed ? share : 1).cpu().ToArray<double>();
        return (Check(totals.Sum(t => t.LossSum) * share), Check(norm[0], norm[1]));
    }

    private double Check(double loss)
    {
        if (!double.IsFinite(loss))
        {
            string? spoilt = FirstNotFinite(p => p);
            throw Diverged(spoilt is null ? "the loss" : $"the weight {spoilt}");
        }

        return loss;
    }

    private double Check(double norm, double finite)
    {
        if (finite == 0 || !double.IsFinite(norm))
        {
            throw Diverged($"the gradient of {FirstNotFinite(p => p.grad) ?? "all parameters together"}");
        }

        return norm;
    }

    // Puts the gradients of the mean loss over all targets of the step into .grad.
    private List<LossTotals> Backward(Batch batch, double weight)
    {
        var totals = new List<LossTotals>();
        int micro = _lengths.At(State.Step).MicroBatch;
        for (int first = 0; first < batch.Count; first += micro)
        {
            using DisposeScope scope = NewDisposeScope();
            if (batch.Count - first <= micro)
            {
                _buckets?.Arm();
            }

            BatchTensors t = BatchTensors.Of(batch, first, Math.Min(micro, batch.Count - first), Model.Device, _context);
            LossTotals part = Model.Loss(t.Inputs, t.Labels, t.Weights, t.SequenceIds, 1 / Math.Max(weight, 1e-30));
            part.Sum.backward();
            part.Numbers?.MoveToOuterDisposeScope();
            totals.Add(part);
            _group.Working();
        }

        return totals;
    }

    private void Report(int length, double bits, double lr, double norm, double speed)
    {
        // A step without targets (all its bases unknown) has no loss; it must not make the mean of its neighbours vanish.
        if (double.IsFinite(bits))
        {
            State.WindowBits += bits;
            State.WindowSteps++;
        }

        _observer.Stepped(new StepReport(State.Step, _config.Train.Steps, State.Tokens, bits, lr, norm, speed, State.BestValidation));
        if (State.Step % _config.Train.LogEvery == 0 || State.Step == _config.Train.Steps)
        {
            List<(string, double)> ranks = RankNumbers(speed);
            double mean = State.WindowBits / State.WindowSteps;
            _metrics?.Write(State.Step, State.Tokens, Wall,
            [
                ("train/bits_per_base", mean), ("train/loss", mean * Math.Log(2)), ("train/learning_rate", lr), ("train/gradient_norm", norm),
                ("perf/tokens_per_s", speed), ("mem/peak_gib", PeakBytes / (double)(1L << 30)),
                ("data/length", length), ("data/wait_ms", 1e3 * _waitOfLine / Math.Max(1, _stepsOfLine)), .. DeviceNumbers(), .. ranks,
            ]);
            (State.WindowBits, State.WindowSteps) = (0, 0);
            (_waitOfLine, _stepsOfLine) = (0, 0);
        }
    }

    // What the GPU's own counters say now; nothing where there are none.
    private List<(string Key, double Value)> DeviceNumbers()
    {
        var values = new List<(string, double)>();
        if (_monitor?.Sample() is { } s)
        {
            Add("gpu/utilization_percent", s.GpuPercent);
            Add("gpu/power_watts", s.PowerWatts);
            Add("gpu/sm_clock_mhz", s.SmClockMhz);
        }

        return values;

        void Add(string key, double? value)
        {
            if (value is { } v)
            {
                values.Add((key, v));
            }
        }
    }

    private void Validate(CancellationToken stop)
    {
        if (Data.ValidationBuilder is null)
        {
            return;
        }

        EvaluationResult result;
        State.ValidationPending = true;
        try
        {
            result = Evaluate(_config.Train.ValidationTokens, stop);
        }
        catch (OperationCanceledException)
        {
            // The checkpoint remembers that this validation is still to be done.
            _stopTogether = true;
            return;
        }

        State.ValidationPending = false;
        bool best = State.BestValidation is null ? double.IsFinite(result.BitsPerBase) : result.BitsPerBase < State.BestValidation;
        State.ValidationsSinceBest = best ? 0 : State.ValidationsSinceBest + 1;
        if (best)
        {
            State.BestValidation = result.BitsPerBase;
        }

        _metrics?.Write(State.Step, State.Tokens, Wall, ("val/bits_per_base", result.BitsPerBase),
            ("val/loss", result.BitsPerBase * Math.Log(2)), ("val/accuracy", result.Accuracy), ("val/targets", result.Targets));
        _observer.Validated(State.Step, result, best);
        if (best)
        {
            Save(isBest: true);
        }
    }

    /// <summary>Evaluates on the validation part.</summary>
    /// <param name="tokens">How much of it; 0: all.</param>
    /// <param name="stop">Ends the evaluation between two batches.</param>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for it.</exception>
    public EvaluationResult Evaluate(long tokens, CancellationToken stop = default)
    {
        long windows = Data.ValidationSampler!.WindowsPerEpoch(0);
        long wanted = tokens == 0 ? windows : Math.Max(1, tokens / _config.Data.ContextLength);
        Model.eval();
        try
        {
            return Evaluator.Run(Model, Data.ValidationBuilder!, Math.Min(windows, wanted), _lengths.Stages[^1].MicroBatch, group: _group, stop: stop);
        }
        finally
        {
            Model.train();
        }
    }

    /// <summary>Writes a checkpoint, if there is none of this step.</summary>
    internal void Save(bool isBest = false)
    {
        if (_savedStep == State.Step && !isBest)
        {
            return;
        }

        _savedStep = State.Step;
        State.WallSeconds = Wall;
        State.WorldSize = _group.WorldSize;
        _metrics?.Sync();
        string? path = _group.IsAlone ? _store!.Save(State, Model, _optimizer, isBest) : SaveTogether(isBest);
        if (path is not null)
        {
            _observer.Saved(State.Step, path);
        }
    }

    private TrainingData Data => _data ?? throw new InvalidOperationException("a trainer without data only takes steps");

    // The last step is always due.
    private bool IsDue(long every) => State.Step == _config.Train.Steps || (every > 0 && State.Step % every == 0);

    private double Wall => _wallBefore + _clock.Elapsed.TotalSeconds;

    private TrainingDivergedException Diverged(string what) => new(State.Step, what, _store?.Last());

    /// <inheritdoc/>
    public void Dispose()
    {
        _graph?.Dispose();
        _deviceStep?.Dispose();
        _optimizer.Dispose();
        _moments?.Dispose();
        _buckets?.Dispose();
        _times?.Dispose();
        _context?.Dispose();
    }
}
