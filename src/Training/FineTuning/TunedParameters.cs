using System.Globalization;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>
/// What is trained, in depths with a rate each: 0 the embedding, 1 to n_layer the layers, n_layer + 1 the last norm, the head
/// and LoRA's factors.
/// </summary>
internal sealed class TunedParameters : IDisposable
{
    private readonly List<Depth> _depths = [];
    private readonly TaskModel _model;
    private readonly LoraAdapters? _lora;
    private readonly int _top;

    private sealed record Depth(int Number, optim.AdamW Optimizer, double Rate);

    internal TunedParameters(TaskModel model, FineTuningConfig config)
    {
        _model = model;
        _top = model.Model.Config.NLayer + 1;
        double head = config.HeadLearningRate > 0 ? config.HeadLearningRate / config.LearningRate : 1;
        Add(_top, model.Head.named_parameters().Select(p => ($"head.{p.name}", p.parameter)), head, config);
        if (config.Mode == TuningMode.Lora)
        {
            _lora = new LoraAdapters(model.Model, config.LoraRank, config.LoraAlpha);
            Add(_top, _lora.Parameters, 1, config);
        }
        else if (config.Mode != TuningMode.Probe)
        {
            // An output projection of its own has no part in a task.
            foreach (IGrouping<int, (string name, nn.Parameter parameter)> group in model.Model.named_parameters()
                .Where(p => !p.name.StartsWith("lm_head.", StringComparison.Ordinal)).GroupBy(p => DepthOf(p.name)))
            {
                Add(group.Key, group, Math.Pow(config.LayerDecay, _top - group.Key), config);
            }
        }
    }

    /// <summary>Number of trained values.</summary>
    internal long Count => Trained(0).Sum(p => p.Value.numel());

    /// <summary>The deepest depth that trains in an epoch.</summary>
    internal int Deepest(int epoch, int unfreezeEvery) => unfreezeEvery == 0 ? 0 : Math.Max(0, _top - (epoch / unfreezeEvery));

    /// <summary>One step with the gradients that are there, which are dropped.</summary>
    /// <param name="rate">Learning rate.</param>
    /// <param name="clipNorm">Largest norm over all that trains; 0: no limit.</param>
    /// <param name="deepest">Depths below this one stay as they are.</param>
    /// <returns>The norm before, or NaN or infinity; then nothing was changed.</returns>
    internal double Step(double rate, double clipNorm, int deepest)
    {
        _lora?.TakeGradients();
        double norm = Norm(deepest);
        if (double.IsFinite(norm))
        {
            foreach (Depth d in _depths.Where(d => d.Number >= deepest))
            {
                d.Optimizer.LearningRate = rate * d.Rate;
                d.Optimizer.step(clipNorm > 0 && norm > clipNorm ? clipNorm / norm : 1);
            }

            _lora?.Apply();
        }

        _model.Model.zero_grad();
        _model.Head.zero_grad();
        return norm;
    }

    public void Dispose()
    {
        _depths.ForEach(d => d.Optimizer.Dispose());
        _lora?.Dispose();
    }

    private double Norm(int deepest)
    {
        using DisposeScope scope = NewDisposeScope();
        double square = 0;
        foreach ((_, nn.Parameter p) in Trained(deepest))
        {
            if (p.grad is { } g)
            {
                double n = g.norm().item();
                square += n * n;
            }
        }

        return Math.Sqrt(square);
    }

    private IEnumerable<(string Name, nn.Parameter Value)> Trained(int deepest) =>
        _depths.Where(d => d.Number >= deepest).SelectMany(d => d.Optimizer.Groups).SelectMany(g => g.Parameters);

    private void Add(int number, IEnumerable<(string Name, nn.Parameter Value)> parameters, double rate, FineTuningConfig config)
    {
        (string Name, nn.Parameter Value)[] all = [.. parameters];
        bool Decays(nn.Parameter p) => !p.NoWeightDecay && !ReferenceEquals(p, _model.Model.Embedding.weight);
        optim.ParamGroup[] groups =
        [
            new([.. all.Where(p => Decays(p.Value))], config.WeightDecay),
            new([.. all.Where(p => !Decays(p.Value))], 0),
        ];
        _depths.Add(new Depth(number, new optim.AdamW(groups, config.LearningRate, config.Beta1, config.Beta2, config.Eps), rate));
    }

    private int DepthOf(string name) => name.Split('.') switch
    {
        ["layers", var index, ..] => int.Parse(index, CultureInfo.InvariantCulture) + 1,
        ["embedding", ..] => 0,
        _ => _top,
    };
}
