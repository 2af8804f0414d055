using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// Engine E4: S_t = exp(g_t) S_(t-1) + beta_t k_t (v_t - exp(g_t) S_(t-1)^T k_t)^T, y_t = S_t^T q_t for each head: the value that a key
/// has is replaced (Yang et al. 2024, "Parallelizing Linear Transformers with the Delta Rule", arXiv 2406.06484; with decay "Gated Delta
/// Networks", arXiv 2412.06464). In a chunk what is written, N = U - W S_in, solves a unit triangular system: with
/// A_ij = beta_i (k_i . k_j) exp(G_i - G_j) below the diagonal, (1 + A) U = beta v and (1 + A) W = beta exp(G) k. Then
/// y = (q k^T o D) N + exp(G) q S_in, and a chunk is the affine map S_out = (exp(G_C) - K'^T W) S_in + K'^T U, K' = exp(G_C - G) k. Where kernels take
/// it (<see cref="DeltaRuleKernel"/>) they run it; libtorch's operators are their twin, and the whole of one position.
/// </summary>
internal static class DeltaRule
{
    private static readonly Operator s_solve = new("aten::linalg_solve_triangular");

    /// <summary>Runs the recurrence.</summary>
    /// <param name="q">[batch, length, heads, n].</param>
    /// <param name="k">[batch, length, heads, n]; of length 1, or the recurrence may grow.</param>
    /// <param name="v">[batch, length, heads, p].</param>
    /// <param name="logDecay">[batch, length, heads], single or double precision.</param>
    /// <param name="beta">Step sizes [batch, length, heads] in logDecay's type.</param>
    /// <param name="state">[batch, heads, n, p] in logDecay's type, or null: zeros.</param>
    /// <param name="ids">int [batch, length], or null: nothing is carried across a change.</param>
    /// <param name="chunk">Positions of a chunk; kernels have their own.</param>
    /// <returns>y [batch, length, heads, p] in v's type, and the last state [batch, heads, n, p].</returns>
    internal static (Tensor Y, Tensor State) Run(Tensor q, Tensor k, Tensor v, Tensor logDecay, Tensor beta, Tensor? state, Tensor? ids, int chunk) =>
        v.size(1) > 1 && DeltaRuleKernel.Device(q, k, v, logDecay) is { } device
            ? DeltaRuleKernel.Run(device, q, k, v, logDecay, beta, state, ids)
            : Composed(q, k, v, logDecay, beta, state, ids, chunk);

    /// <summary>The same of libtorch's operators, on any device and in double precision too.</summary>
    internal static (Tensor Y, Tensor State) Composed(Tensor q, Tensor k, Tensor v, Tensor logDecay, Tensor beta, Tensor? state, Tensor? ids, int chunk)
    {
        (long heads, long n, long p) = (v.size(2), q.size(3), v.size(3));
        long size = Math.Min(chunk, v.size(1));
        Tensor before = state ?? zeros([v.size(0), heads, n, p], logDecay.dtype, v.device);
        if (v.size(1) == 1)
        {
            return Step(q, k, v, logDecay, beta, before);
        }

        long positions = SegmentedRecurrence.Positions(v.size(0) * heads * (size + n + p), chunk);
        return SegmentedRecurrence.Run((t, s, i, _) => Chunks(t[0], t[1], t[2], t[3], t[4], s, i, size), [q, k, v, logDecay, beta], before, ids, positions);
    }

    /// <summary>
    /// What it costs: in a chunk of C positions k k^T and q k^T, the triangular system's n + p columns, K'^T W, K'^T U, W S, q S and the scores'
    /// product, and the chunks' affine maps joined in rounds; a step decays S, reads k, writes k and reads q.
    /// </summary>
    internal static MixerWork Work(long heads, long n, long p, long chunk) => new(
        length =>
        {
            long c = Math.Min(chunk, length);
            return heads * ((2.0 * c * ((2 * n) + p)) + (c * (n + p)) + (2.0 * n * ((3 * p) + n)) + (StatePassing.MatrixFlops(n, p) / c));
        },
        _ => 7.0 * heads * n * p);

    // One position is the recurrence as it stands.
    private static (Tensor Y, Tensor State) Step(Tensor q, Tensor k, Tensor v, Tensor g, Tensor beta, Tensor state)
    {
        Tensor key = k.to(g.dtype).select(1, 0).unsqueeze(-2);
        Tensor decayed = state * g.select(1, 0).exp().unsqueeze(-1).unsqueeze(-1);
        Tensor missing = (v.to(g.dtype).select(1, 0).unsqueeze(-2) - key.matmul(decayed)) * beta.select(1, 0).unsqueeze(-1).unsqueeze(-1);
        Tensor after = decayed + (key.transpose(-1, -2) * missing);
        return (q.to(g.dtype).select(1, 0).unsqueeze(-2).matmul(after).to(v.dtype).squeeze(-2).unsqueeze(1), after);
    }

    private static (Tensor Y, Tensor State) Chunks(Tensor q, Tensor k, Tensor v, Tensor g, Tensor beta, Tensor state, Tensor? ids, long size)
    {
        (long batch, long length, long heads, long p, long n) = (v.size(0), v.size(1), v.size(2), v.size(3), q.size(3));
        long chunks = (length + size - 1) / size;
        var masks = ChunkMasks.Of(ids, chunks, size, g.dtype);

        // [batch, chunks, heads, C, width]; all but the queries' products in the gates' precision, as the system asks for it.
        Tensor qs = ScalarDecay.Split(q, chunks, size).transpose(2, 3);
        Tensor ks = ScalarDecay.Split(k, chunks, size).transpose(2, 3).to(g.dtype);
        Tensor vs = ScalarDecay.Split(v, chunks, size).transpose(2, 3).to(g.dtype);
        Tensor b = ScalarDecay.Split(beta, chunks, size).transpose(2, 3).unsqueeze(-1);
        Tensor sums = ScalarDecay.Split(g, chunks, size).transpose(2, 3).cumsum(-1);
        Tensor total = sums.narrow(-1, size - 1, 1);
        Tensor decays = ScalarDecay.Decays(sums, masks);
        Tensor decayed = ScalarDecay.Masked(sums.exp(), masks?.FromStart).unsqueeze(-1);

        Tensor a = (ks.matmul(ks.transpose(-1, -2)) * decays * b).tril(-1);
        Tensor[] solved = s_solve.Call(a, cat([vs, ks * decayed], -1) * b, false, true, true).split([p, n], -1);
        (Tensor u, Tensor w) = (solved[0], solved[1]);
        Tensor kept = (ks * ScalarDecay.Masked((total - sums).exp(), masks?.ToEnd).unsqueeze(-1)).transpose(-1, -2);
        Tensor through = ScalarDecay.Masked(total.squeeze(-1).exp(), masks?.Through).unsqueeze(-1).unsqueeze(-1);
        Tensor identity = ones([n, n], g.dtype, g.device).tril().triu();
        Tensor after = StatePassing.MatrixScan((identity * through) - kept.matmul(w), kept.matmul(u), state);
        (Tensor entering, Tensor last) = StatePassing.Shift(after, state);

        Tensor written = (u - w.matmul(entering)).to(v.dtype);
        Tensor scores = qs.matmul(ks.to(v.dtype).transpose(-1, -2)) * decays.to(v.dtype);
        Tensor y = scores.matmul(written) + (qs * decayed.to(v.dtype)).matmul(entering.to(v.dtype));
        y = y.transpose(2, 3).reshape(batch, chunks * size, heads, p);
        return (length == chunks * size ? y : y.narrow(1, 0, length), last);
    }
}
