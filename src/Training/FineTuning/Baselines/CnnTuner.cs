using System.Diagnostics;
using GenoSeq.Data;
using GenoSeq.Models.Baselines;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Evaluation.Metrics;
using GenoSeq.Training.Runs;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning.Baselines;

/// <summary>
/// Trains the CNN baseline by the protocol of fine-tuning: rows in a new order every epoch, class weights, the weights that validation
/// likes best, early stopping. The whole set lies on the device, so a step waits for nothing.
/// </summary>
internal sealed class CnnTuner : IDisposable
{
    private const int JudgedBatch = 512;

    private readonly FineTuningConfig _config;
    private readonly LabelledSet _set;
    private readonly LabelledTask _labels;
    private readonly TaskDescription _task;
    private readonly long _seed;
    private readonly MetricsWriter _curve;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly CnnBaseline _cnn;
    private readonly optim.AdamW _optimizer;
    private readonly DeviceAdamW? _deviceStep;
    private readonly Tensor _ids;
    private readonly Tensor _targets;
    private readonly Tensor _weights;
    private readonly Device _device;
    private readonly (Tensor State, Tensor Best)[] _best;
    private int _sinceBest;

    /// <summary>Builds the network with fresh weights from the default generator, and puts the set on the device.</summary>
    /// <exception cref="ConfigException">The task has no metric of the name that is to select.</exception>
    internal CnnTuner(FineTuningConfig config, LabelledSet set, LabelledTask labels, TaskDescription task, long seed, Device device, MetricsWriter curve)
    {
        (_config, _set, _labels, _task, _seed, _device, _curve) = (config, set, labels, task, seed, device, curve);
        string[] known = [.. TaskScores.NamesOf(set, task, [.. set.Rows(LabelledPart.Dev)])];
        if (!known.Contains(config.SelectBy))
        {
            throw new ConfigException(new ConfigProblem("select_by", $"this task has no metric '{config.SelectBy}'", null, string.Join(", ", known)));
        }

        using DisposeScope scope = NewDisposeScope();
        Example[] rows = Example.Of(set, Enumerable.Range(0, set.Count), task.MaxLength, task.TooLong);
        var sizes = new CnnConfig { VocabSize = Alphabet.Caduceus.VocabSize, Outputs = labels.Outputs };
        int length = Math.Max(rows.Max(r => r.Length), sizes.ShortestInput);
        _cnn = new CnnBaseline(sizes with { InputLength = length });
        _cnn.to(device);
        _ids = (config.RcAugment || config.RcAverage ? cat([Ids(false), Ids(true)]) : Ids(false)).DetachFromDisposeScope();
        _targets = Targets().DetachFromDisposeScope();
        _weights = tensor<float>([.. rows.Select(r => set.GetPart(r.Row) == LabelledPart.Train ? (float)labels.WeightOf(r.Row) : 1)], [rows.Length], device).DetachFromDisposeScope();
        (string Name, nn.Parameter Value)[] all = [.. _cnn.named_parameters().Select(p => (p.name, p.parameter))];
        optim.ParamGroup[] groups = [new([.. all.Where(Decays)], config.WeightDecay), new([.. all.Where(p => !Decays(p))], 0)];
        _optimizer = new optim.AdamW(groups, config.LearningRate, config.Beta1, config.Beta2, config.Eps);
        _deviceStep = DeviceAdamW.Attach(_optimizer);
        _best = [.. _cnn.parameters().Concat(_cnn.named_buffers().Select(b => b.buffer)).Select(t => (t, t.detach().clone().DetachFromDisposeScope()))];
        StepsPerEpoch = (set.Rows(LabelledPart.Train).Count + config.BatchSize - 1) / config.BatchSize;
        Steps = config.MaxSteps > 0 ? Math.Min(config.MaxSteps, StepsPerEpoch * config.Epochs) : StepsPerEpoch * config.Epochs;

        // All rows, also those of validation and test, in one table: row i of the set at i, its reverse complement behind all.
        Tensor Ids(bool reverse)
        {
            bool[] strands = new bool[rows.Length];
            Array.Fill(strands, reverse);
            return RowTensors.Of(set, rows, strands, Alphabet.Caduceus, length, device).Ids;
        }

        static bool Decays((string Name, nn.Parameter Value) p) => !p.Value.NoWeightDecay && p.Name != "embeddings.weight";
    }

    /// <summary>Steps to take.</summary>
    internal long Steps { get; }

    /// <summary>Steps taken.</summary>
    internal long Step { get; private set; }

    /// <summary>Step after which validation was best.</summary>
    internal long BestStep { get; private set; }

    /// <summary>Number of trained values.</summary>
    internal long Parameters => _cnn.NumParameters;

    private long StepsPerEpoch { get; }

    private TaskScores? Best { get; set; }

    /// <summary>Trains; the network has the best weights afterwards.</summary>
    /// <exception cref="TrainingDivergedException">A gradient is not finite.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for the end.</exception>
    internal void Run(CancellationToken stop)
    {
        var schedule = new LearningRateSchedule(new TrainConfig
        {
            Steps = Steps,
            WarmupSteps = (long)Math.Round(_config.WarmupShare * Steps),
            LearningRate = _config.LearningRate,
            MinLearningRate = _config.MinLearningRate,
        });
        for (int epoch = 0; Step < Steps && (_config.Patience == 0 || _sinceBest < _config.Patience); epoch++)
        {
            Epoch(epoch, schedule, stop);
        }

        using IDisposable mode = no_grad();
        foreach ((Tensor state, Tensor best) in _best)
        {
            state.copy_(best);
        }
    }

    /// <summary>Judges a part with the weights at hand.</summary>
    internal TaskScores Evaluate(LabelledPart part, MetricSetOptions? options, CancellationToken stop)
    {
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        _cnn.eval();
        int[] rows = [.. _set.Rows(part)];
        int outputs = _task.Head.Outputs;
        var parts = new List<Tensor>();
        foreach (int[] chunk in rows.Chunk(JudgedBatch))
        {
            stop.ThrowIfCancellationRequested();
            using DisposeScope inner = NewDisposeScope();
            Tensor scores = Logits(At(Array.ConvertAll(chunk, r => (long)r)));
            if (_config.RcAverage)
            {
                scores = (scores + Logits(At(Array.ConvertAll(chunk, r => (long)r + _set.Count)))).mul(0.5);
            }

            parts.Add(scores.MoveToOuterDisposeScope());
        }

        float[] values = cat([.. parts]).cpu().ToArray<float>();
        _cnn.train();
        double[][] raw = [.. Enumerable.Range(0, rows.Length).Select(i => Enumerable.Range(i * outputs, outputs).Select(k => (double)values[k]).ToArray())];
        return TaskScores.Of(_set, _task, rows, raw, options);
    }

    public void Dispose()
    {
        _deviceStep?.Dispose();
        _optimizer.Dispose();
        _cnn.Dispose();
        foreach (Tensor t in (Tensor[])[_ids, _targets, _weights, .. _best.Select(b => b.Best)])
        {
            t.Dispose();
        }
    }

    private void Epoch(int epoch, LearningRateSchedule schedule, CancellationToken stop)
    {
        using DisposeScope scope = NewDisposeScope();
        (long[] order, long[] strands) = Order(epoch);
        (Tensor rows, Tensor read) = (At(order), At([.. order.Zip(strands, (row, strand) => row + strand)]));
        // What steps did since the last validation, read there: 1 while all was finite, and the sum of losses.
        Tensor sound = ones([], float64, _device), losses = zeros([], float32, _device);
        long since = 0;
        for (long first = 0; first < order.Length && Step < Steps; first += _config.BatchSize)
        {
            stop.ThrowIfCancellationRequested();
            using DisposeScope inner = NewDisposeScope();
            long count = Math.Min(_config.BatchSize, order.Length - first);
            (Tensor loss, Tensor finite) = TakeStep(rows.narrow(0, first, count), read.narrow(0, first, count), schedule.At(Step));
            losses.add_(loss);
            sound.mul_(finite);
            Step++;
            since++;
            bool due = _config.ValidateEvery > 0 ? Step % _config.ValidateEvery == 0 : Step % StepsPerEpoch == 0;
            if (due || Step == Steps)
            {
                if (sound.item() == 0)
                {
                    throw new TrainingDivergedException(Step - 1, "the gradient of all parameters together", null);
                }

                Validate(losses.item() / since, stop);
                losses.zero_();
                since = 0;
                if (_config.Patience > 0 && _sinceBest >= _config.Patience)
                {
                    return;
                }
            }
        }

        // A gradient that spoils nothing, since it is not applied, must not pass unseen between two validations.
        if (sound.item() == 0)
        {
            throw new TrainingDivergedException(Step - 1, "the gradient of all parameters together", null);
        }
    }

    // Training rows, shuffled, and how far behind each the strand lies that is read of it.
    private (long[] Rows, long[] Strands) Order(int epoch)
    {
        long[] rows = [.. _set.Rows(LabelledPart.Train).Select(r => (long)r)];
        var random = new CounterRandom(_seed, "finetune order", epoch);
        for (int i = rows.Length - 1; i > 0; i--)
        {
            int j = (int)random.NextInt64(i + 1);
            (rows[i], rows[j]) = (rows[j], rows[i]);
        }

        var strand = new CounterRandom(_seed, "finetune strands", epoch);
        long[] strands = Array.ConvertAll(rows, _ => _config.RcAugment && (strand.NextUInt32() & 1) != 0 ? (long)_set.Count : 0);
        return (rows, strands);
    }

    private (Tensor Loss, Tensor Finite) TakeStep(Tensor rows, Tensor read, double rate)
    {
        Tensor weights = _weights.index_select(0, rows);
        Tensor loss = (Losses(Logits(read), _targets.index_select(0, rows)) * weights).sum() / weights.sum().clamp(1e-30);
        loss.backward();
        _optimizer.LearningRate = rate;
        Tensor result = _optimizer.step_clipped(_config.ClipNorm);
        // In place: the optimizer's kernels then find them where they were.
        using IDisposable mode = no_grad();
        foreach (nn.Parameter p in _cnn.parameters())
        {
            p.grad?.zero_();
        }

        return (loss.detach(), result.select(0, 1));
    }

    private void Validate(double trainLoss, CancellationToken stop)
    {
        TaskScores scores = Evaluate(LabelledPart.Dev, null, stop);
        bool better = Best is null || IsBetter(scores, Best);
        _sinceBest = better ? 0 : _sinceBest + 1;
        if (better)
        {
            (Best, BestStep) = (scores, Step);
            using IDisposable mode = no_grad();
            foreach ((Tensor state, Tensor best) in _best)
            {
                best.copy_(state);
            }
        }

        _curve.Write(Step, 0, _clock.Elapsed.TotalSeconds,
            [("train/loss", trainLoss), ("val/loss", scores.Loss), .. scores.Metrics.Metrics.Select(m => ($"val/{m.Key}", m.Value.Value ?? double.NaN))]);
    }

    private bool IsBetter(TaskScores now, TaskScores before)
    {
        (double a, double b) = (now.ValueOf(_config.SelectBy), before.ValueOf(_config.SelectBy));
        return a == b ? now.Loss < before.Loss : a < b == TaskScores.SmallIsGood(_config.SelectBy);
    }

    private Tensor At(long[] rows) => tensor<long>(rows, [rows.Length], _device);

    private Tensor Logits(Tensor at) => _cnn.forward(_ids.index_select(0, at).to(int64));

    // The losses of fine-tuning: cross-entropy, binary cross-entropy of each label, squared error in standard units.
    private Tensor Losses(Tensor logits, Tensor targets) => _task.Kind switch
    {
        TaskKind.Class => logits.log_softmax(1).gather(1, targets).squeeze(1).neg(),
        TaskKind.MultiLabel => (nn.functional.softplus(logits) - (logits * targets)).mean([1]),
        _ => (logits - targets).square().mean([1]),
    };

    // int64 [rows, 1], or f32 [rows, outputs].
    private Tensor Targets()
    {
        if (_task.Kind == TaskKind.Class)
        {
            return tensor<long>([.. Enumerable.Range(0, _set.Count).Select(r => (long)_set.GetClass(r))], [_set.Count, 1], _device);
        }

        int outputs = _task.Head.Outputs;
        float[] values =
        [
            .. Enumerable.Range(0, _set.Count).SelectMany(r => Enumerable.Range(0, outputs).Select(o => _task.Kind == TaskKind.Number
                ? (float)((_set.GetValues(r)[o] - _task.Mean[o]) / _task.Scale[o]) : _set.GetValues(r)[o])),
        ];
        return tensor<float>(values, [_set.Count, outputs], _device);
    }
}
