using System.Globalization;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Training.Distributed;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>
/// What is trained, in depths with a rate each: 0 the embedding, 1 to n_layer the layers, n_layer + 1 the last norm, the head
/// and LoRA's factors. One optimizer steps all of them, on a GPU in three launches that nobody waits for.
/// </summary>
internal sealed class TunedParameters : IDisposable
{
    private readonly List<(int Depth, optim.ParamGroup Group)> _groups = [];
    private readonly TaskModel _model;
    private readonly LoraAdapters? _lora;
    private readonly optim.AdamW _optimizer;
    private readonly DeviceAdamW? _deviceStep;
    private readonly FlatBucket? _gradients;
    private readonly int _top;

    /// <summary>What a mode trains, and the task's head.</summary>
    internal TunedParameters(TaskModel model, FineTuningConfig config)
        : this(model, config, true)
    {
    }

    private TunedParameters(TaskModel model, FineTuningConfig config, bool withHead)
    {
        _model = model;
        _top = model.Model.Config.NLayer + 1;
        double head = config.HeadLearningRate > 0 ? config.HeadLearningRate / config.LearningRate : 1;
        if (withHead)
        {
            Add(_top, model.Head.named_parameters().Select(p => ($"head.{p.name}", p.parameter)), head, config.WeightDecay);
        }

        if (config.Mode == TuningMode.Lora)
        {
            _lora = new LoraAdapters(model.Model, config.LoraRank, config.LoraAlpha);
            Add(_top, _lora.Parameters, 1, config.WeightDecay);
        }
        else if (config.Mode != TuningMode.Probe)
        {
            // An output projection of its own has no part in a task, unless bases are predicted beside it.
            bool projects = config.LanguageWeight > 0 || !withHead;
            foreach (IGrouping<int, (string name, nn.Parameter parameter)> group in model.Model.named_parameters()
                .Where(p => projects || !p.name.StartsWith("lm_head.", StringComparison.Ordinal)).GroupBy(p => DepthOf(p.name, _top)))
            {
                Add(group.Key, group, Math.Pow(config.LayerDecay, _top - group.Key), config.WeightDecay);
            }
        }

        _optimizer = new optim.AdamW(_groups.Select(g => g.Group), config.LearningRate, config.Beta1, config.Beta2, config.Eps);
        _deviceStep = DeviceAdamW.Attach(_optimizer);
        if (_deviceStep is not null)
        {
            // Gradients stay in one place: one launch clears them, and captured passes may add to them.
            IEnumerable<(string, nn.Parameter)> all = Trained().Concat(config.Mode is TuningMode.Probe ? [] : model.Model.named_parameters());
            _gradients = FlatBucket.Divide(all.DistinctBy(p => p.Item2, ReferenceEqualityComparer.Instance), long.MaxValue, long.MaxValue, 1)[0];
            _gradients.AttachGradients();
        }
    }

    /// <summary>The model without the task's head, all of it at one rate.</summary>
    internal static TunedParameters OfModel(TaskModel model, FineTuningConfig config) =>
        new(model, config with { Mode = TuningMode.Full, LayerDecay = 1, UnfreezeEvery = 0 }, false);

    /// <summary>What is trained.</summary>
    internal IEnumerable<nn.Parameter> Values => Trained().Select(p => p.Value);

    /// <summary>Number of trained values.</summary>
    internal long Count => Trained().Sum(p => p.Value.numel());

    /// <summary>The deepest depth that trains in an epoch.</summary>
    internal int Deepest(int epoch, int unfreezeEvery) => unfreezeEvery == 0 ? 0 : Math.Max(0, _top - (epoch / unfreezeEvery));

    /// <summary>Brings the model up to date with what steps have changed: to be called before each use of it.</summary>
    internal void Apply() => _lora?.Apply();

    /// <summary>Completes the gradients after a backward pass.</summary>
    internal void TakeGradients() => _lora?.TakeGradients();

    /// <summary>One step with the gradients that are there, which are dropped.</summary>
    /// <param name="rate">Learning rate.</param>
    /// <param name="clipNorm">Largest norm over all that trains; 0: no limit.</param>
    /// <param name="deepest">Depths below this one stay as they are.</param>
    /// <returns>f64 [2] where the parameters are: the norm before, and 1 if it is finite, else 0; then nothing was changed.</returns>
    internal Tensor Step(double rate, double clipNorm, int deepest)
    {
        foreach ((int depth, optim.ParamGroup group) in _groups)
        {
            if (group.Frozen && depth >= deepest)
            {
                group.StepsBefore = _optimizer.StepCount;
            }

            group.Frozen = depth < deepest;
        }

        _optimizer.LearningRate = rate;
        Tensor norm = _optimizer.step_clipped(clipNorm);
        if (_gradients is not null)
        {
            using IDisposable mode = no_grad();
            _gradients.Gradients.zero_();
        }
        else
        {
            _model.Model.zero_grad();
            foreach ((_, nn.Parameter p) in Trained())
            {
                p.grad = null;
            }
        }

        return norm;
    }

    public void Dispose()
    {
        _deviceStep?.Dispose();
        _optimizer.Dispose();
        _gradients?.Dispose();
        _lora?.Dispose();
    }

    private IEnumerable<(string Name, nn.Parameter Value)> Trained() => _groups.SelectMany(g => g.Group.Parameters);

    private void Add(int depth, IEnumerable<(string Name, nn.Parameter Value)> parameters, double rate, double weightDecay)
    {
        foreach (IGrouping<bool, (string Name, nn.Parameter Value)> group in parameters
            .GroupBy(p => !p.Value.NoWeightDecay && !ReferenceEquals(p.Value, _model.Model.Embedding.weight)))
        {
            _groups.Add((depth, new optim.ParamGroup([.. group], group.Key ? weightDecay : 0) { RateScale = rate }));
        }
    }

    /// <summary>Depth of a parameter by its name.</summary>
    /// <param name="name">As the model names it.</param>
    /// <param name="top">n_layer + 1.</param>
    internal static int DepthOf(string name, int top) => name.Split('.') switch
    {
        ["layers", var index, ..] => int.Parse(index, CultureInfo.InvariantCulture) + 1,
        ["embedding", ..] => 0,
        _ => top,
    };
}
