using GenoSeq.Models;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>
/// Low-rank changes of a model's projections: W = W0 + (alpha / rank) B A (Hu et al. 2022). The model always holds the sum,
/// so it runs, and is saved, as any other.
/// </summary>
/// <remarks>
/// The gradients are those of the chain rule, dA = s B^T dW and dB = s dW A^T, taken from the gradient of the whole weight:
/// layers and kernels need not know of the change. What is saved is the optimizer's state, not the gradients.
/// </remarks>
internal sealed class LoraAdapters : IDisposable
{
    private static readonly string[] s_projections = ["in_proj", "out_proj", "x_proj", "q_proj", "k_proj", "v_proj", "o_proj"];

    private readonly List<Adapter> _adapters = [];
    private readonly double _scale;

    private sealed record Adapter(string Name, nn.Parameter Weight, Tensor Base, nn.Parameter A, nn.Parameter B);

    /// <summary>Starts from the model as it is: B is zero, A Kaiming-uniform from the default generator.</summary>
    /// <param name="model">The model; Mamba's in_proj, x_proj and out_proj and attention's projections are changed.</param>
    /// <param name="rank">Rank of the changes.</param>
    /// <param name="alpha">Scale times rank.</param>
    internal LoraAdapters(SequenceModel model, int rank, double alpha)
    {
        _scale = alpha / rank;
        using DisposeScope scope = NewDisposeScope();
        foreach ((string name, nn.Parameter weight) in model.named_parameters().Where(p => IsProjection(p.name)))
        {
            Tensor a = nn.init.kaiming_uniform_(empty([rank, weight.size(1)]), Math.Sqrt(5)).to(weight.device);
            _adapters.Add(new Adapter(name, weight, weight.detach().clone().DetachFromDisposeScope(),
                new nn.Parameter(a), new nn.Parameter(zeros([weight.size(0), rank], device: weight.device))));
        }
    }

    /// <summary>The trained factors with their names.</summary>
    internal IEnumerable<(string Name, nn.Parameter Value)> Parameters =>
        _adapters.SelectMany(a => new[] { ($"{a.Name}.lora_A", a.A), ($"{a.Name}.lora_B", a.B) });

    /// <summary>Puts the factors' gradients in place, from those of the weights: into the tensors that are there, if there are any.</summary>
    internal void TakeGradients()
    {
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach (Adapter a in _adapters)
        {
            if (a.Weight.grad is { } g)
            {
                Put(a.A, a.B.t().mm(g).mul(_scale));
                Put(a.B, g.mm(a.A.t()).mul(_scale));
            }
        }

        static void Put(nn.Parameter factor, Tensor gradient)
        {
            if (factor.grad is { } there)
            {
                there.copy_(gradient);
            }
            else
            {
                factor.grad = gradient;
            }
        }
    }

    /// <summary>Puts the sums into the model: after steps of the optimizer, before the model is used.</summary>
    internal void Apply()
    {
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach (Adapter a in _adapters)
        {
            a.Weight.copy_(a.Base + a.B.mm(a.A).mul(_scale));
        }
    }

    public void Dispose()
    {
        foreach (Adapter a in _adapters)
        {
            a.Base.Dispose();
            a.A.Dispose();
            a.B.Dispose();
        }
    }

    private static bool IsProjection(string name) =>
        name.Split('.') is [.., var layer, "weight"] && Array.IndexOf(s_projections, layer) >= 0;
}
