using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// Engine E3: S_t = diag(exp g_t) S_(t-1) + k_t v_t^T, y_t = S_t^T q_t for each head, with a log decay of at most 0 for each row of
/// the state (Yang et al. 2024, "Gated Linear Attention Transformers"). Between chunks as in <see cref="ScalarDecay"/>. Within a chunk
/// A_ij = sum_n q_in k_jn exp(G_in - G_jn), which is a product of matrices only when the exponential is split in two; to keep both
/// parts at most 1, a chunk is cut into blocks of 16 positions: against earlier blocks both refer to the sums at the block's
/// start, and within a block the exponentials of the differences are formed one by one. Where kernels take it (<see cref="VectorDecayKernel"/>)
/// they run it; libtorch's operators are their twin, and the whole of one position.
/// </summary>
internal static class VectorDecay
{
    private const int Block = 16;
    private const int BoundedBlock = 64;

    /// <summary>Runs the recurrence.</summary>
    /// <param name="q">[batch, length, heads, n].</param>
    /// <param name="k">[batch, length, heads, n].</param>
    /// <param name="v">[batch, length, heads, p].</param>
    /// <param name="logDecay">[batch, length, heads, n], single or double precision.</param>
    /// <param name="state">[batch, heads, n, p] in logDecay's type, or null: zeros.</param>
    /// <param name="ids">int [batch, length], or null: nothing is carried across a change.</param>
    /// <param name="chunk">Positions of a chunk; rounded up to whole blocks. Kernels have their own.</param>
    /// <param name="before">y_t reads S_(t-1) in place of S_t.</param>
    /// <returns>y [batch, length, heads, p] in v's type, and the last state [batch, heads, n, p].</returns>
    internal static (Tensor Y, Tensor State) Run(Tensor q, Tensor k, Tensor v, Tensor logDecay, Tensor? state, Tensor? ids, int chunk,
        bool before = false) => v.size(1) > 1 && VectorDecayKernel.Device(q, v, logDecay) is { } device
            ? VectorDecayKernel.Run(device, q, k, v, logDecay, state, ids, before)
            : Composed(q, k, v, logDecay, state, ids, chunk, before);

    /// <summary>The same of libtorch's operators, on any device and in double precision too.</summary>
    internal static (Tensor Y, Tensor State) Composed(Tensor q, Tensor k, Tensor v, Tensor logDecay, Tensor? state, Tensor? ids, int chunk, bool before)
    {
        (long heads, long n, long p) = (v.size(2), q.size(3), v.size(3));
        (long whole, long size) = Sizes(chunk, v.size(1));
        Tensor first = state ?? zeros([v.size(0), heads, n, p], logDecay.dtype, v.device);
        if (v.size(1) == 1)
        {
            return Step(q, k, v, logDecay, first, before);
        }

        long positions = SegmentedRecurrence.Positions(v.size(0) * heads * Math.Max(Math.Min(size, Block) * n, p), whole);
        return SegmentedRecurrence.Run((t, s, i, _) => Chunks(t[0], t[1], t[2], t[3], s, i, size, before), [q, k, v, logDecay], first, ids, positions);
    }

    /// <summary>A chunk in whole blocks, and what it is for a sequence that may be shorter.</summary>
    internal static (long Chunk, long Size) Sizes(long chunk, long length)
    {
        long whole = chunk <= Block ? chunk : (chunk + Block - 1) / Block * Block;
        return (whole, Math.Min(whole, length <= Block ? length : (length + Block - 1) / Block * Block));
    }

    /// <summary>
    /// What it costs: in a chunk of C positions A block of B rows by block of rows, against earlier blocks by products and within a block term by
    /// term (two products and a sum), A v over the columns up to the block's end, what is written and read, and the state's own two operations a
    /// chunk; a step is S = diag(a) S + k v^T and S^T q.
    /// </summary>
    internal static MixerWork Work(long heads, long n, long p, long chunk) => new(
        length =>
        {
            long c = Sizes(chunk, length).Size, b = Math.Min(Block, c);
            return heads * ((n * (c - b)) + (3 * b * n) + (p * (c + b)) + (n * p * (4 + (2.0 / c))));
        },
        _ => 5.0 * heads * n * p);

    /// <summary>Columns of <see cref="Scores"/> that a row has on average where decays are bounded.</summary>
    internal static double BoundedColumns(long c) => (Math.Min(BoundedBlock, c) + c) / 2.0;

    // One position is the recurrence as it stands.
    private static (Tensor Y, Tensor State) Step(Tensor q, Tensor k, Tensor v, Tensor g, Tensor state, bool before)
    {
        Tensor after = (state * g.select(1, 0).exp().unsqueeze(-1))
            + (k.to(g.dtype).select(1, 0).unsqueeze(-1) * v.to(g.dtype).select(1, 0).unsqueeze(-2));
        Tensor y = q.to(g.dtype).select(1, 0).unsqueeze(-2).matmul(before ? state : after);
        return (y.to(v.dtype).squeeze(-2).unsqueeze(1), after);
    }

    private static (Tensor Y, Tensor State) Chunks(Tensor q, Tensor k, Tensor v, Tensor g, Tensor state, Tensor? ids, long size, bool before)
    {
        (long batch, long length, long heads, long p) = (v.size(0), v.size(1), v.size(2), v.size(3));
        long chunks = (length + size - 1) / size;
        var masks = ChunkMasks.Of(ids, chunks, size, g.dtype);

        // [batch, chunks, heads, C, width]
        Tensor qs = ScalarDecay.Split(q, chunks, size).transpose(2, 3);
        Tensor ks = ScalarDecay.Split(k, chunks, size).transpose(2, 3);
        Tensor vs = ScalarDecay.Split(v, chunks, size).transpose(2, 3);
        Tensor gs = ScalarDecay.Split(g, chunks, size).transpose(2, 3);
        Tensor sums = gs.cumsum(3);
        Tensor read = before ? sums - gs : sums;
        Tensor total = sums.narrow(3, size - 1, 1);
        Tensor y = Within(qs, ks, vs, read, sums, masks, before);

        Tensor remaining = ScalarDecay.Masked((total - sums).exp(), masks?.ToEnd.unsqueeze(-1)).to(v.dtype);
        Tensor own = (ks * remaining).transpose(-1, -2).matmul(vs).to(g.dtype);
        Tensor through = ScalarDecay.Masked(total.exp().transpose(-1, -2), masks?.Through.unsqueeze(-1).unsqueeze(-1));
        (Tensor entering, Tensor last) = StatePassing.Shift(StatePassing.Scan(through, own, state), state);
        Tensor decayed = ScalarDecay.Masked(read.exp(), masks?.FromStart.unsqueeze(-1)).to(v.dtype);
        y = (y + (qs * decayed).matmul(entering.to(v.dtype))).transpose(2, 3).reshape(batch, chunks * size, heads, p);
        return (length == chunks * size ? y : y.narrow(1, 0, length), last);
    }

    // (A masked) v, block of rows by block of rows.
    private static Tensor Within(Tensor q, Tensor k, Tensor v, Tensor read, Tensor sums, ChunkMasks? masks, bool before)
    {
        Tensor[] rows = [.. Rows(q, k, read, sums, masks, before).Select(a => a.to(v.dtype).matmul(v.narrow(3, 0, a.size(4))))];
        return rows.Length == 1 ? rows[0] : cat(rows, 3);
    }

    /// <summary>A_ij = sum_n q_in k_jn exp(read_in - sums_jn) for j up to i, within a sequence, else 0.</summary>
    /// <param name="q">[batch, chunks, heads, C, n].</param>
    /// <param name="k">[batch, chunks, heads, C, n].</param>
    /// <param name="read">Sums of log decays up to where a row is read, [batch, chunks, heads, C, n].</param>
    /// <param name="sums">Sums of log decays up to each position, the same shape.</param>
    /// <param name="masks">Which positions see each other.</param>
    /// <param name="before">Only j below i.</param>
    /// <param name="bounded">
    /// No log decay is below -1.25: then the exponential may be split in two over 64 positions, one part being at most e^80, and a block is one product.
    /// </param>
    /// <returns>[batch, chunks, heads, C, C].</returns>
    internal static Tensor Scores(Tensor q, Tensor k, Tensor read, Tensor sums, ChunkMasks? masks, bool before, bool bounded)
    {
        long size = q.size(3);
        Tensor[] rows = [.. (bounded ? BoundedRows(q, k, read, sums, masks, before) : Rows(q, k, read, sums, masks, before)).Select(a => a.size(4) == size
            ? a
            : cat([a, zeros([.. a.shape[..4], size - a.size(4)], a.dtype, a.device)], -1))];
        return rows.Length == 1 ? rows[0] : cat(rows, 3);
    }

    // Rows of A in blocks, without the columns behind the block.
    private static IEnumerable<Tensor> Rows(Tensor q, Tensor k, Tensor read, Tensor sums, ChunkMasks? masks, bool before)
    {
        long size = q.size(3);
        long block = Math.Min(Block, size);
        Tensor own = OwnBlocks(q, k, read, sums, block, before);
        for (long first = 0; first < size; first += block)
        {
            Tensor a = own.select(3, first / block).to(q.dtype);
            if (first > 0)
            {
                Tensor start = sums.narrow(3, first - 1, 1);
                Tensor left = q.narrow(3, first, block) * (read.narrow(3, first, block) - start).exp().to(q.dtype);
                Tensor right = k.narrow(3, 0, first) * (start - sums.narrow(3, 0, first)).exp().to(k.dtype);
                a = cat([left.matmul(right.transpose(-1, -2)), a], -1);
            }

            yield return ScalarDecay.Masked(a, masks?.Same.narrow(3, first, block).narrow(4, 0, first + block).to(a.dtype));
        }
    }

    private static IEnumerable<Tensor> BoundedRows(Tensor q, Tensor k, Tensor read, Tensor sums, ChunkMasks? masks, bool before)
    {
        long size = q.size(3);
        for (long first = 0; first < size; first += BoundedBlock)
        {
            long block = Math.Min(BoundedBlock, size - first), seen = first + block;
            Tensor start = first == 0 ? zeros_like(sums.narrow(3, 0, 1)) : sums.narrow(3, first - 1, 1);
            // Not rounded to bf16: the decays' gradients are differences of what either factor gets, equal where a position reads itself.
            Tensor left = q.narrow(3, first, block) * (read.narrow(3, first, block) - start).exp();
            Tensor right = k.narrow(3, 0, seen) * (start - sums.narrow(3, 0, seen)).exp();
            Tensor a = left.matmul(right.transpose(-1, -2)).tril(before ? first - 1 : first).to(q.dtype);
            yield return ScalarDecay.Masked(a, masks?.Same.narrow(3, first, block).narrow(4, 0, seen).to(a.dtype));
        }
    }

    // A within each block: [batch, chunks, heads, blocks, block, block].
    private static Tensor OwnBlocks(Tensor q, Tensor k, Tensor read, Tensor sums, long block, bool before)
    {
        long[] shape = [.. q.shape[..3], q.size(3) / block, block, q.size(4)];
        Tensor excluded = ones([block, block], @bool, q.device).triu(before ? 0 : 1).unsqueeze(-1);
        Tensor decay = (read.reshape(shape).unsqueeze(-2) - sums.reshape(shape).unsqueeze(-3)).masked_fill(excluded, double.NegativeInfinity).exp();
        return (q.reshape(shape).unsqueeze(-2) * decay * k.reshape(shape).unsqueeze(-3)).sum([-1]);
    }
}
