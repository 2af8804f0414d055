using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>A copy of a model's weights, its head's too, to come back to. Weights keep their places, as what was captured for a device needs.</summary>
internal sealed class WeightCopy : IDisposable
{
    private readonly List<(nn.Parameter Weight, Tensor Value)> _pairs = [];

    /// <summary>Copies the weights as they are.</summary>
    internal WeightCopy(TaskModel model)
        : this(model.Model.parameters().Concat(model.Head.parameters()))
    {
    }

    /// <summary>Copies some weights as they are.</summary>
    internal WeightCopy(IEnumerable<nn.Parameter> weights)
    {
        foreach (nn.Parameter w in weights)
        {
            _pairs.Add((w, w.detach().clone().DetachFromDisposeScope()));
        }
    }

    /// <summary>Moves the copy towards the weights as they are now: 1 copies them, 1/n with the n-th ones makes the mean of n.</summary>
    internal void Blend(double share)
    {
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach ((nn.Parameter weight, Tensor value) in _pairs)
        {
            if (share == 1)
            {
                value.copy_(weight);
            }
            else
            {
                value.lerp_(weight, share);
            }
        }
    }

    /// <summary>Puts the copy into the model.</summary>
    internal void Restore()
    {
        using IDisposable mode = no_grad();
        foreach ((nn.Parameter weight, Tensor value) in _pairs)
        {
            weight.copy_(value);
        }
    }

    /// <summary>Weights and copy change places; once more, and they are back.</summary>
    internal void Swap()
    {
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach ((nn.Parameter weight, Tensor value) in _pairs)
        {
            Tensor kept = weight.detach().clone();
            weight.copy_(value);
            value.copy_(kept);
        }
    }

    public void Dispose()
    {
        _pairs.ForEach(p => p.Value.Dispose());
        _pairs.Clear();
    }
}
