using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// Mamba-3's recurrence ("Mamba-3", arXiv 2603.15569) on the engine of <see cref="ScalarDecay"/>: for each head, with rotations R(theta_t) by angles that add
/// up, S_t = alpha_t S_(t-1) + rho_t alpha_t k_(t-1) v_(t-1)^T + gamma_t k_t v_t^T, k and q turned, y_t = S_t^T q_t. A key is thus read twice, at its own
/// position and one later, and for every query behind it both make one factor, c_j = gamma_j + rho_(j+1), as rho_(j+1) alpha_(j+1) decays like what came
/// before: E2 with values c v, and gamma in place of c on the diagonal. Of rank R, a position writes R keys and values and reads R queries,
/// which all see each other: R positions of E2 without decay in between, and the own position's products put right. Where kernels take it
/// (<see cref="ScalarDecayKernel"/>) E2 is theirs, and stretches are longer.
/// </summary>
/// <remarks>
/// Only differences of angles matter: a stretch adds them up from 0, in double precision, and a state between stretches is turned back to angle
/// 0. It is [n + R, p + R]: S, to its right the last keys (not turned), below it the last values, whose second reading is still to come.
/// </remarks>
internal static class Trapezoid
{
    // Nothing of a chunk's width squared is made where kernels run: a stretch may hold so many times as much in its widest rows (256 MiB in single precision).
    private const long KernelElements = 4;

    /// <summary>The tensors of a stretch.</summary>
    /// <param name="Q">[batch, length, groups, R, n]: heads of a group share it.</param>
    /// <param name="K">[batch, length, groups, R, n].</param>
    /// <param name="V">[batch, length, heads, p].</param>
    /// <param name="Decay">log alpha, at most 0: [batch, length, heads], single or double precision, as all that follow.</param>
    /// <param name="Gamma">Weight of the own position: [batch, length, heads].</param>
    /// <param name="Rho">Weight of the one before, 0 where a sequence begins: [batch, length, heads].</param>
    /// <param name="Step">Step sizes: [batch, length, heads].</param>
    /// <param name="Angle">Turns for a step of 1: [batch, length, planes].</param>
    internal readonly record struct Inputs(Tensor Q, Tensor K, Tensor V, Tensor Decay, Tensor Gamma, Tensor Rho, Tensor Step, Tensor Angle);

    /// <summary>What does not depend on the position.</summary>
    /// <param name="QBias">Added to queries: [heads, R, n].</param>
    /// <param name="KBias">Added to keys: [heads, R, n].</param>
    /// <param name="Ranks">Factors that make R values of one: [heads, R, p]; null of rank 1: the value itself.</param>
    /// <param name="Skip">[heads].</param>
    internal readonly record struct Constants(Tensor QBias, Tensor KBias, Tensor? Ranks, Tensor Skip);

    /// <summary>Runs the recurrence.</summary>
    /// <param name="x">The inputs.</param>
    /// <param name="c">What does not depend on the position.</param>
    /// <param name="state">[batch, heads, n + R, p + R] in the decays' type, or null: zeros.</param>
    /// <param name="ids">int [batch, length], or null: nothing is carried across a change.</param>
    /// <param name="chunk">Positions of a chunk times R.</param>
    /// <returns>y + skip v [batch, length, heads, R, p] in v's type, and the last state.</returns>
    internal static (Tensor Y, Tensor State) Run(Inputs x, Constants c, Tensor? state, Tensor? ids, int chunk)
    {
        (long batch, long heads, long rank, long n, long p) = (x.V.size(0), x.V.size(2), x.Q.size(3), x.Q.size(4), x.V.size(3));
        Tensor first = state ?? zeros([batch, heads, n + rank, p + rank], x.Decay.dtype, x.V.device);
        KernelDevice? device = x.V.size(1) * rank > 1 ? ScalarDecayKernel.Device(x.V, x.V, x.Decay) : null;
        long positions = device is null
            ? SegmentedRecurrence.Positions(batch * heads * rank * Math.Max(chunk, (2 * n) + p), Math.Max(1, chunk / rank))
            : SegmentedRecurrence.Positions(Math.Max(1, batch * heads * rank * Math.Max(n, p) / KernelElements), SsdKernels.Chunk(x.V.dtype));
        return SegmentedRecurrence.Run(
            (t, s, i, k) => Stretch(device, new Inputs(t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7]), new Constants(k[0], k[1], k.ElementAtOrDefault(3), k[2]), s, i, chunk),
            [x.Q, x.K, x.V, x.Decay, x.Gamma, x.Rho, x.Step, x.Angle], first, ids, positions, c.Ranks is null ? [c.QBias, c.KBias, c.Skip] : [c.QBias, c.KBias, c.Skip, c.Ranks]);
    }

    private static (Tensor Y, Tensor State) Stretch(KernelDevice? device, Inputs x, Constants c, Tensor state, Tensor? ids, int chunk)
    {
        (long batch, long length, long heads, long p) = (x.V.size(0), x.V.size(1), x.V.size(2), x.V.size(3));
        (long rank, long n, ScalarType wide, ScalarType narrow) = (x.Q.size(3), x.Q.size(4), x.Decay.dtype, x.V.dtype);
        Tensor angles = RunningSums.Of((x.Step.unsqueeze(-1) * x.Angle.unsqueeze(2)).to(float64));
        (Tensor cos, Tensor sin) = (angles.cos().to(wide).unsqueeze(3), angles.sin().to(wide).unsqueeze(3));
        Tensor keys = PerHead(x.K, c.KBias);
        Tensor q = PlaneTurns.Run(PerHead(x.Q, c.QBias), cos, sin, narrow);
        Tensor k = PlaneTurns.Run(keys, cos, sin, narrow);
        Tensor v = c.Ranks is null ? x.V.unsqueeze(3) : x.V.unsqueeze(3) * c.Ranks.to(narrow);

        Tensor second = length == 1 ? zeros_like(x.Rho) : cat([x.Rho.narrow(1, 1, length - 1), zeros_like(x.Rho.narrow(1, 0, 1))], 1);
        Tensor weight = x.Gamma + second;
        Tensor before = state.narrow(2, 0, n).narrow(3, 0, p)
            + (state.narrow(2, 0, n).narrow(3, p, rank).matmul(state.narrow(2, n, rank).narrow(3, 0, p)) * x.Rho.select(1, 0).unsqueeze(-1).unsqueeze(-1));
        (Tensor y, Tensor last) = Decaying(device, q, k, v, weight, x.Decay, before, ids, chunk);

        // The own position: gamma for all R values, less what E2 had of those up to the row's own; of one value the second reading, which is still to come.
        if (rank == 1)
        {
            Tensor less = second.unsqueeze(-1).unsqueeze(-1) * (q * k).sum([-1], true, wide);
            y = y + (v * (c.Skip.unsqueeze(-1).unsqueeze(-1) - less).to(narrow));
        }
        else
        {
            Tensor lower = ones([rank, rank], wide, x.V.device).tril();
            Tensor factor = x.Gamma.unsqueeze(-1).unsqueeze(-1) - (weight.unsqueeze(-1).unsqueeze(-1) * lower);
            Tensor own = q.matmul(k.transpose(-1, -2)) * factor.to(narrow);
            y = y + own.matmul(v) + (v * c.Skip.to(narrow).unsqueeze(-1).unsqueeze(-1));
        }

        Tensor back = PlaneTurns.Run(last.transpose(-1, -2), cos.select(1, length - 1), sin.select(1, length - 1).neg()).transpose(-1, -2);
        Tensor right = keys.select(1, length - 1).transpose(-1, -2).to(wide);
        Tensor below = cat([v.select(1, length - 1).to(wide), zeros([batch, heads, rank, rank], wide, x.V.device)], 3);
        return (y, cat([cat([back, right], 3), below], 2));
    }

    /// <summary>
    /// What it costs: R positions of E2 for each, and the own position's q k^T and its product with v; a step is S = a S + k' v'^T + k v^T of
    /// rank R each and S^T q of R queries.
    /// </summary>
    internal static MixerWork Work(long heads, long rank, long n, long p, long chunk) => new(
        length => (rank * ScalarDecay.Flops(heads, heads, n, p, Math.Min(chunk, length * rank))) + (2.0 * heads * rank * rank * (n + p)),
        _ => heads * n * p * (1 + (6.0 * rank)));

    // E2 over the R values of every position, times a weight [batch, length, heads] each.
    private static (Tensor Y, Tensor State) Decaying(KernelDevice? device, Tensor q, Tensor k, Tensor v, Tensor weight, Tensor decay, Tensor before, Tensor? ids, int chunk)
    {
        (long batch, long length, long heads, long rank, long p) = (v.size(0), v.size(1), v.size(2), v.size(3), v.size(4));
        Tensor Flat(Tensor t) => t.transpose(2, 3).reshape(batch, length * rank, heads, t.size(4));
        (Tensor fq, Tensor fk) = (Flat(q), Flat(k));
        if (rank > 1)
        {
            decay = cat([decay.unsqueeze(2), zeros([batch, length, rank - 1, heads], decay.dtype, decay.device)], 2).reshape(batch, length * rank, heads);
            ids = ids is null ? null : cat([ids.narrow(1, 0, 1), ids.narrow(1, 1, length).repeat_interleave(rank, 1)], 1);
        }

        Tensor y, last;
        if (device is not null)
        {
            Tensor scale = weight.unsqueeze(2).expand(batch, length, rank, heads).reshape(batch, length * rank, heads);
            before = ids is null ? before : before * DiagonalScan.Continues(ids.narrow(1, 0, 2), before.dtype).unsqueeze(-1);
            (y, last) = ScalarDecayKernel.Run(device, fq, fk, Flat(v), decay, before, ids?.narrow(1, 1, length * rank), scale, null);
        }
        else
        {
            Tensor fv = Flat(v * weight.to(v.dtype).unsqueeze(-1).unsqueeze(-1));
            (y, last) = length * rank == 1 && ids is null
                ? ScalarDecay.Step(fq, fk, fv, decay, before)
                : ScalarDecay.Chunks(fq, fk, fv, decay, before, ids, Math.Min(chunk, length * rank));
        }

        return (y.reshape(batch, length, rank, heads, p).transpose(2, 3), last);
    }

    // [batch, length, groups, R, n] for each head of a group, plus a bias [heads, R, n].
    private static Tensor PerHead(Tensor t, Tensor bias)
    {
        (long groups, long heads, long rank, long n) = (t.size(2), bias.size(0), bias.size(1), bias.size(2));
        return (t.unsqueeze(3) + bias.reshape(groups, heads / groups, rank, n)).reshape(t.size(0), t.size(1), heads, rank, n);
    }
}
