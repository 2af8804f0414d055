using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>Initial step sizes of state-space models (Gu and Dao 2023).</summary>
internal static class StepSizes
{
    /// <summary>
    /// What softplus turns into step sizes exp(U), U uniform between log dt_min and log dt_max, floored:
    /// softplus^-1(dt) = dt + log(1 - e^-dt).
    /// </summary>
    internal static Tensor Initial(long[] shape, double min, double max, double floor)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        // In double precision: 1 - e^-dt of small steps loses what single precision has.
        Tensor dt = Uniform(shape, min, max).exp().clamp(min: floor);
        return (dt + (1 - (-dt).exp()).log()).to(float32).MoveToOuterDisposeScope();
    }

    /// <summary>The same by a recurrent mixer's settings.</summary>
    internal static Tensor Initial(long[] shape, RecurrentConfig config) => Initial(shape, config.DtMin, config.DtMax, config.DtInitFloor);

    /// <summary>Uniform between log dt_min and log dt_max, f64.</summary>
    internal static Tensor Uniform(long[] shape, double min, double max) =>
        rand(shape).to(float64).mul(Math.Log(max) - Math.Log(min)).add(Math.Log(min));
}
