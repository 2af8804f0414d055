using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>
/// Loss and gradient norm of steps, kept where they were computed until somebody asks: on a GPU asking is waiting.
/// </summary>
/// <param name="where">Said of a step that is not finite, behind what is not; empty: nothing.</param>
internal sealed class StepNumbers(string where = "") : IDisposable
{
    private readonly List<(long Step, Tensor Numbers)> _pending = [];

    /// <summary>Adds a step.</summary>
    /// <param name="step">Its number, from 0.</param>
    /// <param name="loss">Its loss, a scalar.</param>
    /// <param name="norm">f64 [2]: norm of the gradient, and 1 if it is finite, else 0.</param>
    internal void Add(long step, Tensor loss, Tensor norm) =>
        _pending.Add((step, cat([loss.reshape(1).to(float64), norm]).DetachFromDisposeScope()));

    /// <summary>Reads what has come since the last time.</summary>
    /// <returns>Loss and norm of the last step; NaN if there was none.</returns>
    /// <exception cref="Engine.TrainingDivergedException">
    /// A step's loss or gradient is not finite. No weight has changed by such a gradient.
    /// </exception>
    internal (double Loss, double Norm) Read()
    {
        if (_pending.Count == 0)
        {
            return (double.NaN, double.NaN);
        }

        using DisposeScope scope = NewDisposeScope();
        double[] values = cat([.. _pending.Select(p => p.Numbers)]).cpu().ToArray<double>();
        for (int i = 0; i < _pending.Count; i++)
        {
            (double loss, double norm, double finite) = (values[3 * i], values[(3 * i) + 1], values[(3 * i) + 2]);
            if (!double.IsFinite(loss) || finite == 0 || !double.IsFinite(norm))
            {
                throw new Engine.TrainingDivergedException(_pending[i].Step, (double.IsFinite(loss) ? "the gradient of all parameters together" : "the loss") + where, null);
            }
        }

        Dispose();
        return (values[^3], values[^2]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _pending.ForEach(p => p.Numbers.Dispose());
        _pending.Clear();
    }
}
