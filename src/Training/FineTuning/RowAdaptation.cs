using System.Globalization;
using GenoSeq.Data;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>
/// Task-adaptive pretraining (Gururangan et al. 2020, "Don't stop pretraining", arXiv 2004.10964): before a model is tuned it learns the training
/// rows as it learnt genomes, without their labels. Validation and test rows are not read.
/// </summary>
internal sealed class RowAdaptation : IDisposable
{
    // Of the bases of a row, as in pretraining.
    private const double MaskRate = 0.15;

    private const int Lines = 5;

    private readonly FineTuningConfig _config;
    private readonly LabelledSet _set;
    private readonly TaskModel _model;
    private readonly long _seed;
    private readonly Example[] _rows;
    private readonly RowMasks _masks;
    private readonly TunedParameters _tuned;
    private readonly TuningGraphs? _graphs;
    private readonly StepNumbers _numbers = new(" of the bases, before any label was seen (adapt_steps),");
    private readonly bool _waits;
    private long _step;

    private RowAdaptation(FineTuningConfig config, LabelledSet set, TaskModel model, long seed, Action<string> say)
    {
        _config = config;
        _set = set;
        _model = model;
        _seed = seed;
        _rows = model.Examples(set, set.Rows(LabelledPart.Train));
        BaseGuess guess = RowMasks.GuessOf(model.Model);
        _masks = new RowMasks(guess == BaseGuess.Hidden ? MaskRate : 0, seed, guess, "adaptation masks");
        _tuned = TunedParameters.OfModel(model, config);
        _waits = model.Model.Device.Type != DeviceType.CUDA;
        model.BucketFor(_rows);
        int longest = _rows.Max(e => e.Length);
        TuningMemory.Plan(model, config.PassRows, longest);
        _graphs = TuningGraphs.For(model, config.PassRows, longest, Pass, say);
    }

    /// <summary>Does the steps that the settings ask for, if any.</summary>
    /// <param name="config">Steps, rate, batch.</param>
    /// <param name="set">The set; its training rows are read.</param>
    /// <param name="model">Changed in place; its head is not.</param>
    /// <param name="seed">Of the order of rows and of what is hidden.</param>
    /// <param name="say">Is told how it goes.</param>
    /// <param name="stop">Ends it between two steps.</param>
    /// <exception cref="TrainingDivergedException">The loss or a gradient is not finite.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for the end.</exception>
    internal static void Run(FineTuningConfig config, LabelledSet set, TaskModel model, long seed, Action<string> say, CancellationToken stop)
    {
        if (config.AdaptSteps > 0)
        {
            using var adaptation = new RowAdaptation(config, set, model, seed, say);
            adaptation.Run(say, stop);
        }
    }

    private void Run(Action<string> say, CancellationToken stop)
    {
        _model.Model.train();
        double rate = _config.AdaptLearningRate > 0 ? _config.AdaptLearningRate : _config.LearningRate;
        var schedule = new LearningRateSchedule(new TrainConfig
        {
            Steps = _config.AdaptSteps,
            WarmupSteps = (long)Math.Round(_config.WarmupShare * _config.AdaptSteps),
            LearningRate = rate,
            MinLearningRate = rate * _config.MinLearningRate / _config.LearningRate,
        });
        long line = Math.Max(1, _config.AdaptSteps / Lines);
        for (int epoch = 0; _step < _config.AdaptSteps; epoch++)
        {
            _masks.Begin(epoch);
            foreach (RowBatch batch in RowBatch.Epoch(_rows, _config, _model, _seed, "adaptation", epoch))
            {
                if (_step == _config.AdaptSteps)
                {
                    break;
                }

                stop.ThrowIfCancellationRequested();
                TakeStep(batch, schedule.At(_step));
                bool due = _step % line == 0 || _step == _config.AdaptSteps;
                double loss = due || _waits ? _numbers.Read().Loss : double.NaN;
                if (due)
                {
                    say(string.Create(CultureInfo.InvariantCulture,
                        $"seed {_seed}, adaptation to the training rows, step {_step} of {_config.AdaptSteps}: loss {loss / Math.Log(2):F4} bits a base"));
                }
            }
        }
    }

    private void TakeStep(RowBatch batch, double rate)
    {
        using DisposeScope scope = NewDisposeScope();
        double share = 1 / _masks.TargetsOf(batch.Examples);
        Tensor? loss = null;
        foreach (RowBatch some in batch.Passes(_config.PassRows))
        {
            using DisposeScope inner = NewDisposeScope();
            var rows = new TaskBatch(_model.Rows(_set, some.Examples, some.Reverse, _masks, share));
            Tensor part = _graphs?.Run(rows) ?? Pass(rows);
            loss = (loss is null ? part : loss + part).MoveToOuterDisposeScope();
        }

        _numbers.Add(_step, loss!, _tuned.Step(rate, _config.ClipNorm, 0));
        _step++;
    }

    private Tensor Pass(TaskBatch batch)
    {
        RowTensors rows = batch.Rows;
        Tensor loss = _model.Model.Loss(rows.Ids, rows.Targets!, rows.TargetShares, rows.SequenceIds).Sum;
        loss.backward();
        return loss.detach();
    }

    public void Dispose()
    {
        _graphs?.Dispose();
        _numbers.Dispose();
        _tuned.Dispose();
    }
}
