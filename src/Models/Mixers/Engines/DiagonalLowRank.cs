using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// Engine E4 with a vector decay: S_t = (diag(exp g_t) + b_t a_t^T) S_(t-1) + k_t v_t^T, y_t = S_t^T q_t for each head, a transition that is
/// diagonal plus of rank one (Peng et al. 2025, "RWKV-7 Goose", arXiv 2503.14456; the delta rule is a = -k, b = beta k, one decay). With what is
/// read before a step, u_t = S_(t-1)^T a_t, every position adds b_t u_t^T + k_t v_t^T to a state that only decays, as in <see cref="VectorDecay"/>.
/// In a chunk U solves a unit triangular system: with G the sums of g, H_i = G_(i-1), and A(x, z)_ij = sum_n x_in z_jn exp(H_in - G_jn) below the
/// diagonal, (1 - A(a, b)) U = A(a, k) V + (a o exp H) S_in. So U = U' + W S_in, and the chunk is the affine map
/// S_out = (diag(exp G_C) + b'^T W) S_in + b'^T U' + k'^T V, x' = x o exp(G_C - G). Where kernels take it (<see cref="DiagonalLowRankKernel"/>) they
/// run it, with A and B in the activations' type; libtorch's operators are their twin, and the whole of one position.
/// </summary>
internal static class DiagonalLowRank
{
    private static readonly Operator s_solve = new("aten::linalg_solve_triangular");

    /// <summary>The tensors of a stretch.</summary>
    /// <param name="Q">[batch, length, heads, n].</param>
    /// <param name="K">[batch, length, heads, n].</param>
    /// <param name="V">[batch, length, heads, p].</param>
    /// <param name="A">What is read: [batch, length, heads, n], of the log decays' type.</param>
    /// <param name="B">Where it is added, scaled: as A.</param>
    /// <param name="LogDecay">At most 0: [batch, length, heads, n], single or double precision.</param>
    internal readonly record struct Inputs(Tensor Q, Tensor K, Tensor V, Tensor A, Tensor B, Tensor LogDecay)
    {
        /// <summary>No log decay is below -1.25, which makes the products cheaper.</summary>
        internal bool Bounded { get; init; }
    }

    /// <summary>Runs the recurrence. |exp g + b a| of at most 1 keeps it from growing.</summary>
    /// <param name="x">The inputs.</param>
    /// <param name="state">[batch, heads, n, p] in the log decays' type, or null: zeros.</param>
    /// <param name="ids">int [batch, length], or null: nothing is carried across a change.</param>
    /// <param name="chunk">Positions of a chunk, rounded up to whole blocks of 16; kernels have their own.</param>
    /// <returns>y [batch, length, heads, p] in v's type, and the last state [batch, heads, n, p].</returns>
    internal static (Tensor Y, Tensor State) Run(Inputs x, Tensor? state, Tensor? ids, int chunk) =>
        x.V.size(1) > 1 && DiagonalLowRankKernel.Device(x) is { } device
            ? DiagonalLowRankKernel.Run(device, x, state, ids)
            : Composed(x, state, ids, chunk);

    /// <summary>The same of libtorch's operators, on any device and in double precision too.</summary>
    internal static (Tensor Y, Tensor State) Composed(Inputs x, Tensor? state, Tensor? ids, int chunk)
    {
        (long batch, long heads, long n, long p) = (x.V.size(0), x.V.size(2), x.Q.size(3), x.V.size(3));
        Tensor first = state ?? zeros([batch, heads, n, p], x.LogDecay.dtype, x.V.device);
        if (x.V.size(1) == 1)
        {
            return Step(x, first);
        }

        (long whole, long size) = VectorDecay.Sizes(chunk, x.V.size(1));
        long positions = SegmentedRecurrence.Positions(batch * heads * ((x.Bounded ? 8 * n : 4 * Math.Min(size, 16) * n) + (4 * size) + p), whole);
        return SegmentedRecurrence.Run((t, s, i, _) => Chunks(new Inputs(t[0], t[1], t[2], t[3], t[4], t[5]) { Bounded = x.Bounded }, s, i, size),
            [x.Q, x.K, x.V, x.A, x.B, x.LogDecay], first, ids, positions);
    }

    /// <summary>
    /// What it costs: in a chunk of C positions four matrices of scores, three products of them with p columns, the triangular system's n + p
    /// columns, b'^T W, [b', k']^T [U'; V], W S and q S, and the chunks' affine maps joined in rounds; a step decays S, reads a, writes b and k, and
    /// reads q.
    /// </summary>
    internal static MixerWork Work(long heads, long n, long p, long chunk) => new(
        length =>
        {
            long c = VectorDecay.Sizes(chunk, length).Size;
            return heads * ((8 * n * VectorDecay.BoundedColumns(c)) + (6.0 * c * p) + (c * (n + p)) + (2.0 * n * n) + (8.0 * n * p)
                + (StatePassing.MatrixFlops(n, p) / c));
        },
        _ => 9.0 * heads * n * p);

    // One position is the recurrence as it stands.
    private static (Tensor Y, Tensor State) Step(Inputs x, Tensor state)
    {
        Tensor Row(Tensor t) => t.to(state.dtype).select(1, 0).unsqueeze(-2);
        Tensor after = (state * Row(x.LogDecay).exp().transpose(-1, -2)) + (Row(x.B).transpose(-1, -2) * Row(x.A).matmul(state))
            + (Row(x.K).transpose(-1, -2) * Row(x.V));
        return (Row(x.Q).matmul(after).to(x.V.dtype).squeeze(-2).unsqueeze(1), after);
    }

    private static (Tensor Y, Tensor State) Chunks(Inputs x, Tensor state, Tensor? ids, long size)
    {
        (long batch, long length, long heads, long p, long n) = (x.V.size(0), x.V.size(1), x.V.size(2), x.V.size(3), x.Q.size(3));
        (ScalarType wide, ScalarType narrow) = (x.LogDecay.dtype, x.V.dtype);
        long chunks = (length + size - 1) / size;
        var masks = ChunkMasks.Of(ids, chunks, size, wide);

        // [batch, chunks, heads, C, width]; what the system is made of is as wide as the decays.
        Tensor Split(Tensor t) => ScalarDecay.Split(t, chunks, size).transpose(2, 3);
        (Tensor q, Tensor v, Tensor a, Tensor b, Tensor g) = (Split(x.Q), Split(x.V), Split(x.A), Split(x.B), Split(x.LogDecay));
        Tensor k = Split(x.K).to(wide);
        Tensor sums = g.cumsum(3);
        Tensor read = sums - g;
        Tensor total = sums.narrow(3, size - 1, 1);
        Tensor? fromStart = masks?.FromStart.unsqueeze(-1);
        Tensor? toEnd = masks?.ToEnd.unsqueeze(-1);

        Tensor system = VectorDecay.Scores(a, b, read, sums, masks, true, x.Bounded).neg();
        Tensor right = VectorDecay.Scores(a, k, read, sums, masks, true, x.Bounded).matmul(v.to(wide));
        Tensor entered = a * ScalarDecay.Masked(read.exp(), fromStart);
        Tensor[] solved = s_solve.Call(system, cat([right, entered], -1), false, true, true).split([p, n], -1);
        Tensor remaining = ScalarDecay.Masked((total - sums).exp(), toEnd);
        Tensor left = cat([b * remaining, k * remaining], 3).transpose(-1, -2);
        Tensor through = ScalarDecay.Masked(total.exp(), masks?.Through.unsqueeze(-1).unsqueeze(-1));
        Tensor identity = ones([n, n], wide, g.device).tril().triu();
        Tensor map = (identity * through) + left.narrow(-1, 0, size).matmul(solved[1]);
        Tensor after = StatePassing.MatrixScan(map, left.matmul(cat([solved[0], v.to(wide)], 3)), state);
        (Tensor entering, Tensor last) = StatePassing.Shift(after, state);

        Tensor added = (solved[0] + solved[1].matmul(entering)).to(narrow);
        Tensor y = VectorDecay.Scores(q, b.to(narrow), sums, sums, masks, false, x.Bounded).matmul(added)
            + VectorDecay.Scores(q, k.to(narrow), sums, sums, masks, false, x.Bounded).matmul(v)
            + (q * ScalarDecay.Masked(sums.exp(), fromStart).to(narrow)).matmul(entering.to(narrow));
        y = y.transpose(2, 3).reshape(batch, chunks * size, heads, p);
        return (length == chunks * size ? y : y.narrow(1, 0, length), last);
    }
}
