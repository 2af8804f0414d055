using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// The delta rule with momentum and forgetting (Behrouz et al. 2024, "Titans", arXiv 2501.00663, equations 11 to 14 with a linear memory), exactly and in
/// chunks: S_t = eta_t S_(t-1) + theta_t k_t (v_t - M_(t-1)^T k_t)^T, M_t = keep_t M_(t-1) + S_t, y_t = M_t^T q_t for each head. With the
/// coefficients of <see cref="Momentum"/>, what is written, U = U' - W [M_in; S_in], solves a unit triangular system as in <see cref="DeltaRule"/>:
/// A_ij = theta_i (k_i . k_j) D_(i-1)j, (1 + A) U' = theta v, (1 + A) W = theta [m_(i-1) k | x_(i-1) k]. Where kernels take it
/// (<see cref="MomentumDeltaKernel"/>) they run it; libtorch's operators are their twin, and the whole of one position.
/// </summary>
internal static class MomentumDelta
{
    private static readonly Operator s_solve = new("aten::linalg_solve_triangular");

    /// <summary>The tensors of a stretch.</summary>
    /// <param name="Q">[batch, length, heads, n].</param>
    /// <param name="K">[batch, length, heads, n]; of length 1, or the recurrence may grow.</param>
    /// <param name="V">[batch, length, heads, p].</param>
    /// <param name="LogKeep">log keep [batch, length, heads], single or double precision.</param>
    /// <param name="LogMomentum">log eta, as LogKeep.</param>
    /// <param name="Rate">theta, as LogKeep.</param>
    internal readonly record struct Inputs(Tensor Q, Tensor K, Tensor V, Tensor LogKeep, Tensor LogMomentum, Tensor Rate);

    /// <summary>Runs the recurrence.</summary>
    /// <param name="x">The inputs.</param>
    /// <param name="state">M above S [batch, heads, 2 n, p] in the gates' type, or null: zeros.</param>
    /// <param name="ids">int [batch, length], or null: nothing is carried across a change.</param>
    /// <param name="chunk">Positions of a chunk; kernels have their own.</param>
    /// <returns>y [batch, length, heads, p] in v's type, and the last state [batch, heads, 2 n, p].</returns>
    internal static (Tensor Y, Tensor State) Run(Inputs x, Tensor? state, Tensor? ids, int chunk) =>
        x.V.size(1) > 1 && MomentumDeltaKernel.Device(x) is { } device
            ? MomentumDeltaKernel.Run(device, x, state, ids)
            : Composed(x, state, ids, chunk);

    /// <summary>The same of libtorch's operators, on any device and in double precision too.</summary>
    internal static (Tensor Y, Tensor State) Composed(Inputs x, Tensor? state, Tensor? ids, int chunk)
    {
        (long batch, long length, long heads, long n, long p) = (x.V.size(0), x.V.size(1), x.V.size(2), x.Q.size(3), x.V.size(3));
        Tensor first = state ?? zeros([batch, heads, 2 * n, p], x.Rate.dtype, x.V.device);
        if (length == 1)
        {
            return Step(x, first);
        }

        long positions = SegmentedRecurrence.Positions(batch * heads * ((3L * chunk) + (3 * n) + p), chunk);
        return SegmentedRecurrence.Run((t, s, i, _) => Stretch(new Inputs(t[0], t[1], t[2], t[3], t[4], t[5]), s, i, chunk),
            [x.Q, x.K, x.V, x.LogKeep, x.LogMomentum, x.Rate], first, ids, positions);
    }

    /// <summary>
    /// What it costs: in a chunk of C positions k k^T and q k^T, the triangular system's 2 n + p columns, what it writes into and reads from a state
    /// of 2 n rows, the coefficients' recurrence, and the chunks' affine maps of 2 n rows joined in rounds; a step reads k, moves and writes the
    /// momentum, forgets, adds it, and reads q.
    /// </summary>
    internal static MixerWork Work(long heads, long n, long p, long chunk) => new(
        length =>
        {
            long c = Math.Min(chunk, length);
            return heads * ((2.0 * c * ((2 * n) + p)) + (c * ((2 * n) + p)) + Momentum.Flops(c) + (4.0 * n * ((3 * p) + (2 * n)))
                + (StatePassing.MatrixFlops(2 * n, p) / c));
        },
        _ => 9.0 * heads * n * p);

    // One position is the recurrence as it stands.
    private static (Tensor Y, Tensor State) Step(Inputs x, Tensor state)
    {
        Tensor Row(Tensor t) => t.to(state.dtype).select(1, 0).unsqueeze(-2);
        Tensor Gate(Tensor t) => t.select(1, 0).unsqueeze(-1).unsqueeze(-1);
        long n = x.K.size(3);
        (Tensor memory, Tensor momentum) = (state.narrow(2, 0, n), state.narrow(2, n, n));
        Tensor missing = (Row(x.V) - Row(x.K).matmul(memory)) * Gate(x.Rate);
        momentum = (momentum * Gate(x.LogMomentum).exp()) + (Row(x.K).transpose(-1, -2) * missing);
        memory = (memory * Gate(x.LogKeep).exp()) + momentum;
        return (Row(x.Q).matmul(memory).to(x.V.dtype).squeeze(-2).unsqueeze(1), cat([memory, momentum], 2));
    }

    // No padding leaves a state with momentum as it is, so a shorter last chunk has a length of its own.
    private static (Tensor Y, Tensor State) Stretch(Inputs x, Tensor state, Tensor? ids, long chunk)
    {
        long length = x.V.size(1), whole = length / chunk * chunk;
        if (whole == 0 || whole == length)
        {
            return Chunks(x, state, ids, whole == 0 ? length : chunk);
        }

        (Tensor head, Tensor between) = Chunks(Cut(x, 0, whole), state, ids?.narrow(1, 0, whole + 1), chunk);
        (Tensor tail, Tensor last) = Chunks(Cut(x, whole, length - whole), between, ids?.narrow(1, whole, length - whole + 1), length - whole);
        return (cat([head, tail], 1), last);
    }

    private static Inputs Cut(Inputs x, long first, long count)
    {
        Tensor Part(Tensor t) => t.narrow(1, first, count);
        return new Inputs(Part(x.Q), Part(x.K), Part(x.V), Part(x.LogKeep), Part(x.LogMomentum), Part(x.Rate));
    }

    private static (Tensor Y, Tensor State) Chunks(Inputs x, Tensor state, Tensor? ids, long size)
    {
        (long batch, long length, long heads, long n, long p) = (x.V.size(0), x.V.size(1), x.V.size(2), x.Q.size(3), x.V.size(3));
        (ScalarType wide, ScalarType narrow, long chunks) = (x.Rate.dtype, x.V.dtype, length / size);
        var masks = ChunkMasks.Of(ids, chunks, size, wide);
        Tensor Split(Tensor t) => ScalarDecay.Split(t, chunks, size).transpose(2, 3);
        var c = Momentum.Of(Split(x.LogKeep), Split(x.LogMomentum), masks);
        Tensor rate = Split(x.Rate).unsqueeze(-1);
        (Tensor q, Tensor k, Tensor v) = (Split(x.Q), Split(x.K).to(wide), Split(x.V).to(wide));

        Tensor a = (k.matmul(k.transpose(-1, -2)) * c.Before * rate).tril(-1);
        Tensor[] solved = s_solve.Call(a, cat([v, Twice(k, c.MBefore)], -1) * rate, false, true, true).split([p, 2 * n], -1);
        // Rows of the last state: what M, and what S, has of every position.
        Tensor kept = cat([k * c.D.narrow(-2, size - 1, 1).transpose(-1, -2), k * c.Last.transpose(-1, -2)], -1).transpose(-1, -2);
        Tensor identity = ones([n, n], wide, v.device).tril().triu();
        Tensor m = c.M.narrow(-2, size - 1, 1);
        Tensor map = cat([
            cat([identity * m.narrow(-1, 0, 1), identity * m.narrow(-1, 1, 1)], -1),
            cat([zeros_like(identity) * c.E, identity * c.E], -1),
        ], -2) - kept.matmul(solved[1]);
        Tensor after = StatePassing.MatrixScan(map, kept.matmul(solved[0]), state);
        (Tensor entering, Tensor last) = StatePassing.Shift(after, state);

        Tensor written = (solved[0] - solved[1].matmul(entering)).to(narrow);
        Tensor scores = q.matmul(k.to(narrow).transpose(-1, -2)) * c.D.to(narrow);
        Tensor y = scores.matmul(written) + Twice(q, c.M.to(narrow)).matmul(entering.to(narrow));
        return (y.transpose(2, 3).reshape(batch, length, heads, p), last);
    }

    // Rows t [..., C, n] times each of two factors [..., C, 2]: [..., C, 2 n].
    private static Tensor Twice(Tensor t, Tensor factors) => cat([t * factors.narrow(-1, 0, 1), t * factors.narrow(-1, 1, 1)], -1);
}
