using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>
/// Gradients of a layer's parameters, summed over slices of the batch or chunks of time in the order in which they come. They
/// live outside of the dispose scopes of the slices: <see cref="Adopt"/> hands them to the scope at hand.
/// </summary>
internal sealed class LayerGradients
{
    private readonly List<Tensor> _all = [];
    private DirectionGradients?[] _own = [];

    /// <summary>Of in_proj [2D, d_model].</summary>
    internal Tensor? In { get; private set; }

    /// <summary>Of out_proj [d_model, D].</summary>
    internal Tensor? Out { get; private set; }

    /// <summary>Of the directions' parameters.</summary>
    internal DirectionGradients[] Own => Array.ConvertAll(_own, o => o!);

    internal void AddIn(Tensor part) => In = Sum(In, part);

    internal void AddOut(Tensor part) => Out = Sum(Out, part);

    internal void Add(DirectionGradients[] parts)
    {
        for (int k = 0; k < parts.Length; k++)
        {
            Add(k, parts.Length, parts[k]);
        }
    }

    internal void Add(int direction, int directions, DirectionGradients part)
    {
        if (_own.Length == 0)
        {
            _own = new DirectionGradients?[directions];
        }

        if (_own[direction] is { } sum)
        {
            sum.Add(part);
        }
        else
        {
            _own[direction] = part;
            Keep([.. part.ToArray().OfType<Tensor>()]);
        }
    }

    /// <summary>Attaches the sums to the innermost dispose scope.</summary>
    internal void Adopt() => _all.ForEach(t => DisposeScopeManager.Current?.Attach(t));

    private Tensor Sum(Tensor? sum, Tensor part)
    {
        if (sum is null)
        {
            Keep(part);
            return part;
        }

        return sum.add_(part);
    }

    private void Keep(params Tensor[] tensors) => _all.AddRange(Array.ConvertAll(tensors, t => t.DetachFromDisposeScope()));
}
