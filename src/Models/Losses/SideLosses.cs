using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Losses;

/// <summary>
/// What the loss gets from layers besides the model's output. A layer adds sums over positions; they become a loss when all layers and
/// all parts of the batch have added theirs.
/// </summary>
public sealed class SideLosses
{
    private readonly List<(SideTerm Term, Tensor Sums)> _all = [];

    /// <summary>Adds a layer's sums.</summary>
    /// <param name="term">What they are.</param>
    /// <param name="sums">Additive over positions; the shape is the term's. Belongs to the collector from here on.</param>
    internal void Add(SideTerm term, Tensor sums) => _all.Add((term, sums.DetachFromDisposeScope()));

    /// <summary>Hands the sums, in the order in which they came, to the innermost dispose scope; the terms stay.</summary>
    internal Tensor[] Release()
    {
        _all.ForEach(a => DisposeScopeManager.Current?.Attach(a.Sums));
        return [.. _all.Select(a => a.Sums)];
    }

    /// <summary>Takes over the terms of a collector that released its sums, with other sums.</summary>
    internal void AddAll(SideLosses other, IReadOnlyList<Tensor> sums)
    {
        for (int k = 0; k < sums.Count; k++)
        {
            Add(other._all[k].Term, sums[k]);
        }
    }

    /// <summary>The loss, a differentiable scalar that is part of the mean loss; null where no layer added anything. Empties the collector.</summary>
    internal Tensor? Total()
    {
        Tensor? total = null;
        foreach (IGrouping<SideTerm, (SideTerm Term, Tensor Sums)> same in _all.GroupBy(a => a.Term))
        {
            Tensor sums = same.Select(a => a.Sums).Aggregate((a, b) => a + b);
            Tensor loss = same.Key.Loss(sums).mul(same.Key.Weight);
            total = total is null ? loss : total + loss;
        }

        _all.ForEach(a => a.Sums.Dispose());
        _all.Clear();
        return total;
    }
}

/// <summary>A kind of side loss. Sums of equal terms are added before they make a loss.</summary>
/// <param name="Weight">Factor of the loss.</param>
internal abstract record SideTerm(double Weight)
{
    /// <summary>The loss of the sums of all positions: a scalar.</summary>
    internal abstract Tensor Loss(Tensor sums);
}

/// <summary>
/// The balance of experts (Fedus et al. 2021, "Switch Transformers", as Hugging Face computes it over all layers together):
/// E sum_e f_e p_e, with f_e the choices of expert e and p_e its probability, each for a position.
/// </summary>
/// <param name="Weight">Factor of the loss.</param>
/// <param name="Choices">Experts that a position goes to.</param>
internal sealed record RouterTerm(double Weight, int Choices) : SideTerm(Weight)
{
    /// <param name="sums">[2, experts]: probabilities, choices.</param>
    internal override Tensor Loss(Tensor sums)
    {
        Tensor chosen = sums.select(0, 1).detach();
        Tensor positions = chosen.sum().div(Choices);
        return (sums.select(0, 0) * chosen).sum().mul(sums.size(1)) / positions.square();
    }
}

/// <summary>
/// The ratio of chunks (Hwang et al. 2025, equation 10): N / (N - 1) ((N - 1) F G + (1 - F) (1 - G)), with F the share of positions that begin
/// a chunk and G the mean probability of doing so. Least, 1, where both are 1 / N.
/// </summary>
/// <param name="Weight">Factor of the loss.</param>
/// <param name="Target">N.</param>
/// <param name="Level">Which level of chunks, since each has a loss of its own.</param>
internal sealed record RatioTerm(double Weight, double Target, int Level) : SideTerm(Weight)
{
    /// <param name="sums">[3]: boundaries, probabilities, positions.</param>
    internal override Tensor Loss(Tensor sums)
    {
        Tensor positions = sums.select(0, 2).detach();
        Tensor share = sums.select(0, 0).detach() / positions;
        Tensor mean = sums.select(0, 1) / positions;
        return ((share * mean).mul(Target - 1) + ((1 - share) * (1 - mean))).mul(Target / (Target - 1));
    }
}
