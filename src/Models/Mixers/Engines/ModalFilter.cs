using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// A filter for each channel that is a sum of exponentials, k_t = Re sum_n c_n exp(t (r_n + i w_n)): long, and yet a recurrence with
/// n numbers, s_t = exp(r + i w) s_(t-1) + z_t, y_t = Re sum_n c_n s_tn. For whole sequences its taps are made for <see cref="LongConv"/>.
/// </summary>
/// <param name="LogRadius">r, at most 0: [channels, modes], at least in single precision.</param>
/// <param name="Angle">w, or null: all are real.</param>
/// <param name="Re">Real part of c.</param>
/// <param name="Im">Imaginary part of c, or null.</param>
internal sealed record ModalFilter(Tensor LogRadius, Tensor? Angle, Tensor Re, Tensor? Im)
{
    // Positions that go on from a state at a time.
    private const long Stretch = 512;

    private long Channels => Re.size(0);

    private long Modes => Re.size(1);

    /// <summary>
    /// [length, channels]. With t = a b + j, exp(t x) = exp(a b x) exp(j x): two tables of about sqrt(length) columns and their product,
    /// instead of one of length columns for each mode.
    /// </summary>
    internal Tensor Taps(long length)
    {
        (long inner, long outer) = Tables(length);
        Tensor far = Reading(Powers(outer, inner)), near = Joined(Powers(inner, 1));
        return far.transpose(1, 2).matmul(near).reshape(Channels, outer * inner).narrow(1, 0, length).t();
    }

    /// <summary>y at further positions, without gradients.</summary>
    /// <param name="z">[batch, positions, channels] in the filter's type.</param>
    /// <param name="state">[batch, channels, modes], or twice as many numbers (imaginary parts behind) with angles; updated.</param>
    internal Tensor Further(Tensor z, Tensor state)
    {
        var parts = new List<Tensor>();
        for (long first = 0; first < z.size(1); first += Stretch)
        {
            parts.Add(Part(z.narrow(1, first, Math.Min(Stretch, z.size(1) - first)), state));
        }

        return parts.Count == 1 ? parts[0] : cat([.. parts], 1);
    }

    /// <summary>Shape of the state.</summary>
    internal static long[] StateShape(long batch, long channels, long modes, bool complex) => [batch, channels, complex ? 2 * modes : modes];

    private Tensor Part(Tensor z, Tensor state)
    {
        long count = z.size(1);
        (Tensor re, Tensor? im) = Powers(count + 1, 1);
        Tensor before = state.permute(1, 2, 0);
        Tensor read = Reading((re.narrow(2, 1, count), im?.narrow(2, 1, count)));
        Tensor y = read.transpose(1, 2).matmul(before).permute(2, 1, 0) + LongConv.Causal(z, Taps(count));

        Tensor left = Joined((re.narrow(2, 0, count).flip(2), im?.narrow(2, 0, count).flip(2)));
        Tensor own = left.matmul(z.permute(2, 1, 0));
        (Tensor lastRe, Tensor? lastIm) = (re.narrow(2, count, 1), im?.narrow(2, count, 1));
        Tensor carried = before * (lastIm is null ? lastRe : cat([lastRe, lastRe], 1));
        if (lastIm is not null)
        {
            Tensor[] halves = before.chunk(2, 1);
            carried = carried + (cat([halves[1].neg(), halves[0]], 1) * cat([lastIm, lastIm], 1));
        }

        state.copy_((carried + own).permute(2, 0, 1));
        return y;
    }

    /// <summary>
    /// What a long filter costs as a convolution: transforms, and once a pass the taps as a product over the modes' numbers and their transform; and
    /// as a step: each mode's s = a s + z and the real part of c s, 4 operations of real numbers, 11 of complex ones with a real z.
    /// </summary>
    internal static MixerWork Work(long channels, long modes, bool complex) => new(
        length => LongConv.Flops(channels, length),
        _ => channels * modes * (complex ? 11.0 : 4.0))
    {
        Filter = length =>
        {
            (long inner, long outer) = Tables(length);
            return LongConv.FilterFlops(channels, length) + (2.0 * channels * (complex ? 2 * modes : modes) * inner * outer);
        },
    };

    private static (long Inner, long Outer) Tables(long length)
    {
        long inner = (long)Math.Ceiling(Math.Sqrt(length));
        return (inner, (length + inner - 1) / inner);
    }

    // exp(i step (r + i w)) for i = 0 .. count - 1: [channels, modes, count]; turns in double precision, as they add up.
    private (Tensor Re, Tensor? Im) Powers(long count, long step)
    {
        Tensor at = arange(0, count * step, step, float64, Re.device);
        Tensor radius = (LogRadius.unsqueeze(-1) * at).exp();
        if (Angle is null)
        {
            return (radius.to(Re.dtype), null);
        }

        Tensor turn = Angle.unsqueeze(-1) * at;
        return ((radius * turn.cos()).to(Re.dtype), (radius * turn.sin()).to(Re.dtype));
    }

    // What real and imaginary parts are multiplied by for Re(c power x).
    private Tensor Reading((Tensor Re, Tensor? Im) power)
    {
        Tensor cr = Re.unsqueeze(-1);
        if (power.Im is null)
        {
            return cr * power.Re;
        }

        Tensor ci = Im!.unsqueeze(-1);
        return cat([(cr * power.Re) - (ci * power.Im), ((cr * power.Im) + (ci * power.Re)).neg()], 1);
    }

    private static Tensor Joined((Tensor Re, Tensor? Im) power) => power.Im is null ? power.Re : cat([power.Re, power.Im], 1);
}
