using System.Globalization;
using GenoSeq.Data;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Evaluation.Metrics;
using GenoSeq.Training.Runs;

namespace GenoSeq.Training.FineTuning;

/// <summary>Which repetition of a soup trains.</summary>
/// <param name="Index">Its number, from 0.</param>
/// <param name="Of">How many there are.</param>
/// <param name="Steps">Steps that the ones before it took.</param>
/// <param name="Bases">Bases that they read.</param>
/// <param name="Seconds">The time that they took.</param>
internal readonly record struct SoupMember(int Index, int Of, long Steps, long Bases, double Seconds)
{
    /// <summary>Begins the names of its streams of random numbers; the first member is the run without a soup.</summary>
    internal string Stream => Index == 0 ? "finetune" : string.Create(CultureInfo.InvariantCulture, $"finetune {Index + 1}");

    /// <summary>For sentences, after the seed; empty where there is one.</summary>
    internal string Name => Of == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $", member {Index + 1} of {Of}");
}

/// <summary>
/// A seed's training: once, or several times from the same weights with the rows in other orders and other bases hidden, whose best weights are then
/// averaged (uniform soup; Wortsman et al. 2022, arXiv 2203.05482). Members that start from a pretrained model stay so close to each other that the loss
/// at their mean is low too; where it is not, the best member is what remains. LoRA's factors, which are no weights of the model, are each member's own.
/// </summary>
internal sealed class WeightSoup : IDisposable
{
    private readonly FineTuningConfig _config;
    private readonly TaskModel _model;
    private readonly Func<SoupMember, FineTuner> _tunerOf;
    private readonly Action<string> _say;
    private readonly long _seed;
    private readonly List<double> _members = [];
    private FineTuner? _tuner;
    private SoupMember _member;

    internal WeightSoup(FineTuningConfig config, LabelledSet set, LabelledTask labels, TaskModel model, long seed, MetricsWriter metrics, Action<string> say)
    {
        (_config, _model, _seed, _say) = (config, model, seed, say);
        _tunerOf = member => new FineTuner(config, set, labels, model, seed, metrics, say, member);
        _member = new SoupMember(0, config.Soup, 0, 0, 0);
        _tuner = _tunerOf(_member);
        (TrainedParameters, Metric) = (_tuner.TrainedParameters, _tuner.Metric);
    }

    /// <summary>Steps taken, by all members together.</summary>
    internal long Step => _member.Steps + (_tuner?.Step ?? 0);

    /// <summary>Step after which validation was best; of a soup that of its best member, those before it counted too.</summary>
    internal long BestStep { get; private set; }

    /// <summary>Validation with the weights that were chosen.</summary>
    internal TaskScores? Best { get; private set; }

    /// <summary>Number of trained values.</summary>
    internal long TrainedParameters { get; }

    /// <summary>Name of the metric that chooses.</summary>
    internal string Metric { get; }

    /// <summary>The metric of each member, and of their mean; null where there is no soup.</summary>
    internal SoupResult? Result { get; private set; }

    /// <summary>Trains; the model has the chosen weights afterwards.</summary>
    /// <exception cref="TrainingDivergedException">The loss or a gradient is not finite.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for the end.</exception>
    internal EndReason Run(CancellationToken stop)
    {
        if (_config.Soup == 1)
        {
            EndReason only = _tuner!.Run(stop);
            (BestStep, Best) = (_tuner.BestStep, _tuner.Best);
            return only;
        }

        using var start = new WeightCopy(_model);
        using var best = new WeightCopy(_model);
        using var mean = new WeightCopy(_model);
        EndReason reason = EndReason.Completed;
        for (int i = 0; i < _config.Soup; i++)
        {
            if (i > 0)
            {
                // What one member leaves on the device is given back before the next one asks for its own.
                _member = new SoupMember(i, _config.Soup, Step, _tuner!.Bases, _tuner.Seconds);
                _tuner.Dispose();
                _tuner = null;
                start.Restore();
                _tuner = _tunerOf(_member);
            }

            EndReason end = _tuner!.Run(stop);
            reason = end == EndReason.Completed ? reason : end;
            TaskScores reached = _tuner.Best!;
            _members.Add(reached.ValueOf(Metric));
            mean.Blend(1.0 / (i + 1));
            if (Best is null || reached.IsBetterThan(Best, Metric))
            {
                (Best, BestStep) = (reached, _member.Steps + _tuner.BestStep);
                best.Blend(1);
            }
        }

        mean.Restore();
        TaskScores averaged = _tuner!.Evaluate(LabelledPart.Dev, null, stop);
        double value = averaged.ValueOf(Metric);
        // Against the best member, chosen by the same rows, a mean that is as good on others would seldom pass.
        double[] known = [.. _members.Where(double.IsFinite)];
        bool taken = double.IsFinite(value) && known.Length > 0 && (TaskScores.SmallIsGood(Metric) ? value <= known.Average() : value >= known.Average());
        Result = new SoupResult([.. _members.Select(Known)], Known(value), taken);
        _say(string.Create(CultureInfo.InvariantCulture,
            $"seed {_seed}, mean of the weights of {_config.Soup} members: validation loss {averaged.Loss:F4}, {Metric} {value:F4} (members {_members.Min():F4} to {_members.Max():F4}){(taken ? "" : "; the best member is kept instead")}"));
        if (taken)
        {
            Best = averaged;
        }
        else
        {
            best.Restore();
        }

        return reason;

        static double? Known(double v) => double.IsFinite(v) ? v : null;
    }

    /// <summary>Judges a part with the weights at hand.</summary>
    internal TaskScores Evaluate(LabelledPart part, MetricSetOptions? options, CancellationToken stop) => _tuner!.Evaluate(part, options, stop);

    public void Dispose() => _tuner?.Dispose();
}

/// <summary>What became of a soup.</summary>
/// <param name="Members">Each member's metric of validation; null where it is undefined.</param>
/// <param name="Mean">That of the mean of their weights.</param>
/// <param name="Taken">False: the mean was worse than they are on average, and the best member was kept.</param>
internal sealed record SoupResult(IReadOnlyList<double?> Members, double? Mean, bool Taken)
{
    /// <summary>In words.</summary>
    internal string Text => Taken
        ? string.Create(CultureInfo.InvariantCulture, $"mean of {Members.Count} members' weights")
        : string.Create(CultureInfo.InvariantCulture, $"best of {Members.Count} members");
}
