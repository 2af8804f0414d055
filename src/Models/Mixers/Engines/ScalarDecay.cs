using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// Engine E2: S_t = exp(g_t) S_(t-1) + k_t v_t^T, y_t = S_t^T q_t for each head, with one log decay g_t of at most 0 for each
/// position (Dao and Gu 2024, "Transformers are SSMs", the SSD algorithm). Within a chunk of C positions
/// y = (q k^T o D) v + exp(G) q S_in with D_ij = exp(G_i - G_j) for i >= j, G being the sums of g; between chunks
/// S_out = exp(G_C) S_in + k^T (exp(G_C - G) v): products of matrices, and one short recurrence. All exponents are at most 0. Where kernels take
/// it (<see cref="ScalarDecayKernel"/>) they run it; libtorch's operators are their twin, and the whole of one position.
/// </summary>
internal static class ScalarDecay
{
    /// <summary>Runs the recurrence.</summary>
    /// <param name="q">[batch, length, groups, n]: heads of a group share it.</param>
    /// <param name="k">[batch, length, groups, n].</param>
    /// <param name="v">[batch, length, heads, p].</param>
    /// <param name="logDecay">[batch, length, heads], single or double precision.</param>
    /// <param name="state">[batch, heads, n, p] in logDecay's type, or null: zeros.</param>
    /// <param name="ids">int [batch, length], or null: nothing is carried across a change.</param>
    /// <param name="chunk">Positions of a chunk; kernels have their own.</param>
    /// <param name="scale">Factors of v [batch, length, heads] in logDecay's type, or null.</param>
    /// <param name="skip">Share of v in y, [heads] single precision, or null.</param>
    /// <returns>y [batch, length, heads, p] in v's type, and the last state [batch, heads, n, p].</returns>
    internal static (Tensor Y, Tensor State) Run(Tensor q, Tensor k, Tensor v, Tensor logDecay, Tensor? state, Tensor? ids, int chunk,
        Tensor? scale = null, Tensor? skip = null)
    {
        if (v.size(1) > 1 && ScalarDecayKernel.Device(q, v, logDecay) is { } device)
        {
            return ScalarDecayKernel.Run(device, q, k, v, logDecay, state, ids, scale, skip);
        }

        (Tensor y, Tensor last) = Composed(q, k, scale is null ? v : v * scale.to(v.dtype).unsqueeze(-1), logDecay, state, ids, chunk);
        return (skip is null ? y : y + (v * skip.to(v.dtype).unsqueeze(-1)), last);
    }

    /// <summary>The same of libtorch's operators, on any device and in double precision too.</summary>
    internal static (Tensor Y, Tensor State) Composed(Tensor q, Tensor k, Tensor v, Tensor logDecay, Tensor? state, Tensor? ids, int chunk)
    {
        long heads = v.size(2);
        long size = Math.Min(chunk, v.size(1));
        Tensor before = state ?? zeros([v.size(0), heads, q.size(3), v.size(3)], logDecay.dtype, v.device);
        if (v.size(1) == 1)
        {
            return Step(q, k, v, logDecay, before);
        }

        long positions = SegmentedRecurrence.Positions(v.size(0) * heads * Math.Max(size, v.size(3)), chunk);
        return SegmentedRecurrence.Run((t, s, i, _) => Chunks(t[0], t[1], t[2], t[3], s, i, size), [q, k, v, logDecay], before, ids, positions);
    }

    /// <summary>
    /// What it costs: within a chunk of C positions q k^T of each group and its product with v, what is written to and read from the state as
    /// products of matrices, and the state's own two operations a chunk; a step is S = a S + k v^T and S^T q.
    /// </summary>
    internal static MixerWork Work(long heads, long groups, long n, long p, long chunk) => new(
        length => Flops(heads, groups, n, p, Math.Min(chunk, length)),
        _ => 5.0 * heads * n * p);

    /// <summary>Operations of a position in chunks of so many.</summary>
    internal static double Flops(long heads, long groups, long n, long p, long c) =>
        (2.0 * c * ((groups * n) + (heads * p))) + (heads * n * p * (4 + (2.0 / c)));

    /// <summary>One position, which is the recurrence as it stands.</summary>
    internal static (Tensor Y, Tensor State) Step(Tensor q, Tensor k, Tensor v, Tensor g, Tensor state)
    {
        (long batch, long heads, long p, long groups, long n) = (v.size(0), v.size(2), v.size(3), q.size(2), q.size(3));
        Tensor written = k.to(g.dtype).reshape(batch, groups, 1, n, 1) * v.to(g.dtype).reshape(batch, groups, heads / groups, 1, p);
        Tensor after = (state * g.exp().reshape(batch, heads, 1, 1)) + written.reshape(batch, heads, n, p);
        Tensor y = q.to(g.dtype).reshape(batch, groups, 1, 1, n).matmul(after.reshape(batch, groups, heads / groups, n, p));
        return (y.to(v.dtype).reshape(batch, 1, heads, p), after);
    }

    /// <summary>The same over one stretch, with ids [batch, 1 + length] that begin one position earlier, in chunks of so many positions.</summary>
    internal static (Tensor Y, Tensor State) Chunks(Tensor q, Tensor k, Tensor v, Tensor g, Tensor state, Tensor? ids, long size)
    {
        (long batch, long length, long heads, long p) = (v.size(0), v.size(1), v.size(2), v.size(3));
        (long groups, long n) = (q.size(2), q.size(3));
        (long r, long chunks) = (heads / groups, (length + size - 1) / size);
        var masks = ChunkMasks.Of(ids, chunks, size, g.dtype);

        // Letters of the shapes: batch, chunks, groups, heads of a group, positions, width.
        Tensor qs = Split(q, chunks, size).permute(0, 1, 3, 2, 4);
        Tensor ks = Split(k, chunks, size).permute(0, 1, 3, 2, 4);
        Tensor vs = Split(v, chunks, size).reshape(batch, chunks, size, groups, r, p).permute(0, 1, 3, 4, 2, 5);
        Tensor sums = Split(g, chunks, size).transpose(2, 3).cumsum(-1);
        Tensor total = sums.narrow(-1, size - 1, 1);

        Tensor decays = Decays(sums, masks).to(v.dtype).reshape(batch, chunks, groups, r, size, size);
        Tensor y = (qs.matmul(ks.transpose(-1, -2)).unsqueeze(3) * decays).matmul(vs);

        Tensor remaining = Masked((total - sums).exp(), masks?.ToEnd).to(v.dtype).reshape(batch, chunks, groups, r, size, 1);
        Tensor own = ks.transpose(-1, -2).matmul((vs * remaining).transpose(3, 4).reshape(batch, chunks, groups, size, r * p));
        Tensor through = Masked(total.squeeze(-1).exp(), masks?.Through).reshape(batch, chunks, groups, 1, r, 1);
        Tensor first = state.reshape(batch, groups, r, n, p).transpose(2, 3);
        Tensor after = StatePassing.Scan(through, own.to(g.dtype).reshape(batch, chunks, groups, n, r, p), first);
        (Tensor entering, Tensor last) = StatePassing.Shift(after, first);

        Tensor carried = qs.matmul(entering.to(v.dtype).reshape(batch, chunks, groups, n, r * p));
        Tensor decayed = Masked(sums.exp(), masks?.FromStart).to(v.dtype).reshape(batch, chunks, groups, r, size, 1);
        y = y + (carried.reshape(batch, chunks, groups, size, r, p).transpose(3, 4) * decayed);
        y = y.permute(0, 1, 4, 2, 3, 5).reshape(batch, chunks * size, heads, p);
        return (length == chunks * size ? y : y.narrow(1, 0, length), last.transpose(2, 3).reshape(batch, heads, n, p));
    }

    /// <summary>[batch, length, ...] as [batch, chunks, size, ...], zeros behind the last position.</summary>
    internal static Tensor Split(Tensor t, long chunks, long size)
    {
        long[] shape = t.shape;
        long missing = (chunks * size) - shape[1];
        if (missing > 0)
        {
            t = cat([t, zeros([shape[0], missing, .. shape[2..]], t.dtype, t.device)], 1);
        }

        return t.reshape([shape[0], chunks, size, .. shape[2..]]);
    }

    /// <summary>exp(G_i - G_j) of sums [batch, chunks, heads, C] for i >= j within a sequence, else 0.</summary>
    internal static Tensor Decays(Tensor sums, ChunkMasks? masks)
    {
        long size = sums.size(-1);
        Tensor later = ones([size, size], @bool, sums.device).triu(1);
        Tensor d = (sums.unsqueeze(-1) - sums.unsqueeze(-2)).masked_fill(later, double.NegativeInfinity).exp();
        return Masked(d, masks?.Same);
    }

    /// <summary>A tensor times a mask, if there is one.</summary>
    internal static Tensor Masked(Tensor t, Tensor? mask) => mask is null ? t : t * mask;
}
