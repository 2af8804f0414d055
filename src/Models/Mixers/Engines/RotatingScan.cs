using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// Engine E1 with one complex factor a channel, h_t = exp(r + i w) h_(t-1) + x_t: in a frame that turns with the channel,
/// h_t exp(-i w t), it is the real recurrence with the factor exp(r) of real and imaginary parts alike. A device's kernels take it as it stands.
/// </summary>
internal static class RotatingScan
{
    /// <summary>Operations of a complex channel and position: a complex product and sum.</summary>
    internal const double Flops = 8;

    /// <summary>Runs the recurrence.</summary>
    /// <param name="logRadius">r [channels], at most 0.</param>
    /// <param name="angle">w [channels].</param>
    /// <param name="x">[batch, length, 2 channels]: real parts, then imaginary parts; in r's type.</param>
    /// <param name="state">[batch, 2 channels], or null: zeros.</param>
    /// <param name="ids">int [batch, length], or null: nothing is carried across a change.</param>
    /// <returns>h [batch, length, 2 channels], and the last state [batch, 2 channels].</returns>
    internal static (Tensor H, Tensor Last) Run(Tensor logRadius, Tensor angle, Tensor x, Tensor? state, Tensor? ids)
    {
        if (DiagonalScanKernel.Device(x, logRadius, angle, state) is { } device)
        {
            return DiagonalScanKernel.Rotate(device, logRadius, angle, x, state, ids);
        }

        Tensor before = state ?? zeros([x.size(0), x.size(2)], x.dtype, x.device);
        if (x.size(1) == 1)
        {
            (Tensor cos, Tensor sin) = (angle.to(float64).cos().to(x.dtype), angle.to(float64).sin().to(x.dtype));
            Tensor only = PlaneTurns.Run(before * Twice(logRadius.exp()), cos, sin) + x.select(1, 0);
            return (only.unsqueeze(1), only);
        }

        long positions = SegmentedRecurrence.Positions(2 * x.size(0) * x.size(2), 1);
        return SegmentedRecurrence.Run((t, s, i, c) => From(c[0], c[1], t[0], s, i), [x], before, ids, positions, logRadius, angle);
    }

    /// <summary>The same over one stretch, with ids [batch, 1 + length] that begin one position earlier.</summary>
    internal static (Tensor H, Tensor Last) From(Tensor logRadius, Tensor angle, Tensor x, Tensor state, Tensor? ids)
    {
        if (DiagonalScanKernel.Device(x, logRadius, angle, state) is { } device)
        {
            return DiagonalScanKernel.Rotate(device, logRadius, angle, x, state, ids);
        }

        long length = x.size(1);
        // In double precision: the turns add up.
        Tensor turned = outer(arange(1, length + 1, 1, float64, x.device), angle.to(float64));
        (Tensor cos, Tensor sin) = (turned.cos().to(x.dtype), turned.sin().to(x.dtype));
        Tensor a = Twice(logRadius.exp()).expand(x.shape);
        (Tensor h, _) = DiagonalScan.Run(ids is null ? a : a * DiagonalScan.Continues(ids, x.dtype), PlaneTurns.Run(x, cos, sin.neg()), state, null);
        h = PlaneTurns.Run(h, cos, sin);
        return (h, h.select(1, length - 1));
    }

    private static Tensor Twice(Tensor t) => cat([t, t]);
}
