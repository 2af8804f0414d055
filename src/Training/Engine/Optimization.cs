using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Engine;

/// <summary>Parameter groups, gradient norms.</summary>
internal static class Optimization
{
    /// <summary>
    /// AdamW with two groups: matrices decay; embedding (and the head tied to it), norms, biases, A_log and D do not.
    /// </summary>
    internal static optim.AdamW CreateOptimizer(SequenceModel model, TrainConfig config)
    {
        (string, nn.Parameter)[] all = [.. model.named_parameters().Select(p => (p.name, p.parameter))];
        bool Decays((string, nn.Parameter P) p) => !p.P.NoWeightDecay && !ReferenceEquals(p.P, model.Embedding.weight);
        return new optim.AdamW(
            [
                new optim.ParamGroup([.. all.Where(p => Decays(p))], config.WeightDecay),
                new optim.ParamGroup([.. all.Where(p => !Decays(p))], 0),
            ],
            config.LearningRate, config.Beta1, config.Beta2, config.Eps);
    }

    /// <summary>Global L2 norm of the gradients, in double precision over the parameters' norms.</summary>
    internal static double GradientNorm(SequenceModel model)
    {
        using DisposeScope scope = NewDisposeScope();
        double sum = 0;
        foreach (nn.Parameter p in model.parameters())
        {
            if (p.grad is { } g)
            {
                double n = g.norm().item();
                sum += n * n;
            }
        }

        return Math.Sqrt(sum);
    }

    /// <summary>The first parameter of which the weight or the gradient holds a NaN or an infinity, or null.</summary>
    internal static string? FirstNotFinite(SequenceModel model, Func<nn.Parameter, Tensor?> of)
    {
        using DisposeScope scope = NewDisposeScope();
        foreach ((string name, nn.Parameter p) in model.named_parameters())
        {
            if (of(p) is { } t && t.isfinite().all().item() == 0)
            {
                return name;
            }
        }

        return null;
    }
}
