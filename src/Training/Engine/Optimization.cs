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
    /// <param name="model">The model.</param>
    /// <param name="config">Rates and decays.</param>
    /// <param name="piece">By a parameter's name the piece of it that is stepped in its place, or null for none; null: the whole ones.</param>
    internal static optim.AdamW CreateOptimizer(SequenceModel model, TrainConfig config, Func<string, nn.Parameter?>? piece = null)
    {
        optim.ParamGroup Group(bool decays) => new(
            [
                .. Parameters(model, decays).Select(p => (p.Name, piece is null ? p.Value : piece(p.Name))).Where(p => p.Item2 is not null)
                    .Select(p => (p.Name, p.Item2!)),
            ], decays ? config.WeightDecay : 0);
        return new optim.AdamW([Group(true), Group(false)], config.LearningRate, config.Beta1, config.Beta2, config.Eps);
    }

    /// <summary>Names of parameters in the order in which an optimizer has them.</summary>
    internal static IEnumerable<string> Order(SequenceModel model) =>
        Parameters(model, true).Concat(Parameters(model, false)).Select(p => p.Name);

    private static IEnumerable<(string Name, nn.Parameter Value)> Parameters(SequenceModel model, bool decays) =>
        model.named_parameters().Where(p => decays == (!p.parameter.NoWeightDecay && !ReferenceEquals(p.parameter, model.Embedding.weight)));

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
