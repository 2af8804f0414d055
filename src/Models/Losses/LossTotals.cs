using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Losses;

/// <summary>
/// A weighted cross-entropy over the positions that have a target. On a GPU its numbers stay there until one of them is asked
/// for, so that a training step need not wait for them.
/// </summary>
public sealed class LossTotals
{
    private readonly Lazy<double[]> _numbers;

    private LossTotals(Tensor sum, LossTotals other)
    {
        Sum = sum;
        Numbers = other.Numbers;
        _numbers = other._numbers;
    }

    /// <summary>Totals whose numbers are on a device.</summary>
    /// <param name="sum">Differentiable scalar: the sum of weight times negative log-likelihood, in nats, times the scale asked for.</param>
    /// <param name="numbers">f64 [4]: the unscaled sum, the weight sum, the targets, the correct ones.</param>
    public LossTotals(Tensor sum, Tensor numbers)
    {
        Sum = sum;
        Numbers = numbers;
        _numbers = new Lazy<double[]>(() =>
        {
            using DisposeScope scope = NewDisposeScope();
            return numbers.cpu().ToArray<double>();
        });
    }

    /// <summary>Totals whose numbers are known.</summary>
    public LossTotals(Tensor sum, double lossSum, double weightSum, long count, long correct)
    {
        Sum = sum;
        _numbers = new Lazy<double[]>([lossSum, weightSum, count, correct]);
    }

    /// <summary>Differentiable scalar: the sum of weight times negative log-likelihood, in nats, times the scale asked for.</summary>
    public Tensor Sum { get; }

    /// <summary>The numbers on the device, f64 [4]; null when they are known on the host.</summary>
    public Tensor? Numbers { get; }

    /// <summary>The sum of weight times negative log-likelihood, in nats, without any scale.</summary>
    public double LossSum => _numbers.Value[0];

    /// <summary>Sum of the weights.</summary>
    public double WeightSum => _numbers.Value[1];

    /// <summary>Positions with a target.</summary>
    public long Count => (long)_numbers.Value[2];

    /// <summary>Of these, positions whose target has the largest logit.</summary>
    public long Correct => (long)_numbers.Value[3];

    /// <summary>The same with a differentiable scalar, times the weight sum and a scale, added to the differentiable sum.</summary>
    internal LossTotals Plus(Tensor more, double scale) => new(Sum + (Numbers is null
        ? more.mul(WeightSum * scale)
        : more * Numbers.narrow(0, 1, 1).reshape().to(more.dtype).mul(scale)), this);

    /// <summary>The same with the differentiable sum multiplied.</summary>
    internal LossTotals Times(double scale) => new(Sum.mul(scale), this);

    /// <summary>Mean negative log-likelihood in bits per target base.</summary>
    public double BitsPerBase(double sum) => sum / Math.Max(WeightSum, double.Epsilon) / Math.Log(2);
}
