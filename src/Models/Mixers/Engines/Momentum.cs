using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// Weights that descend with momentum and forgetting, S_t = eta_t S_(t-1) + U_t, M_t = keep_t M_(t-1) + S_t, written as sums over a chunk's
/// positions: M_i = sum_j D_ij U_j + m_i M_in + x_i S_in and S_i = sum_j E_ij U_j + e_i S_in, where e and m are running products, E_ij = e_i / e_j, and D
/// and x are what keep and eta make of each other: D_ij = keep_i D_(i-1)j + E_ij. Products of factors of at most 1 alone, so nothing overflows.
/// </summary>
/// <param name="D">[batch, heads, C, C], lower triangular with a diagonal of 1.</param>
/// <param name="Before">D of the position before: its rows moved down by one.</param>
/// <param name="M">Two columns, m and x: [batch, heads, C, 2].</param>
/// <param name="MBefore">The same of the position before: 1 and 0 at first.</param>
/// <param name="Last">The last row of E: [batch, heads, 1, C].</param>
/// <param name="E">The last of e: [batch, heads, 1, 1].</param>
internal sealed record Momentum(Tensor D, Tensor Before, Tensor M, Tensor MBefore, Tensor Last, Tensor E)
{
    /// <summary>Of log keep and log eta [batch, heads, C]; "batch" may be chunks of a batch.</summary>
    /// <param name="logKeep">At most 0.</param>
    /// <param name="logMomentum">At most 0.</param>
    /// <param name="masks">Which positions see each other: of chunks, the batch being [batch, chunks]; or null.</param>
    internal static Momentum Of(Tensor logKeep, Tensor logMomentum, ChunkMasks? masks)
    {
        long size = logKeep.size(-1);
        long[] outer = logKeep.shape[..^1];
        Tensor running = logMomentum.cumsum(-1);
        Tensor through = running.exp();
        Tensor kept = logKeep.exp();
        Tensor e = ScalarDecay.Decays(running, null);

        // Column C is that of S_in.
        Tensor rows = cat([e, through.unsqueeze(-1)], -1).reshape(-1, size, size + 1);
        Tensor d = StatePassing.Scan(kept.reshape(-1, size, 1), rows, zeros([rows.size(0), size + 1], rows.dtype, rows.device)).reshape([.. outer, size, size + 1]);
        Tensor m = stack([logKeep.cumsum(-1).exp(), d.select(-1, size)], -1);
        Tensor start = cat([ones_like(m.narrow(-2, 0, 1).narrow(-1, 0, 1)), zeros_like(m.narrow(-2, 0, 1).narrow(-1, 1, 1))], -1);
        Tensor square = d.narrow(-1, 0, size);
        Tensor? fromStart = masks?.FromStart.unsqueeze(-1);
        return new Momentum(
            ScalarDecay.Masked(square, masks?.Same),
            ScalarDecay.Masked(Shifted(zeros_like(square.narrow(-2, 0, 1)), square, size), masks?.Same),
            ScalarDecay.Masked(m, fromStart),
            ScalarDecay.Masked(Shifted(start, m, size), fromStart),
            ScalarDecay.Masked(e, masks?.Same).narrow(-2, size - 1, 1),
            ScalarDecay.Masked(through.unsqueeze(-1), fromStart).narrow(-2, size - 1, 1));
    }

    /// <summary>Operations of D and x for a position of C: two for each number of its row.</summary>
    internal static double Flops(long c) => 2.0 * (c + 1);

    private static Tensor Shifted(Tensor first, Tensor rows, long size) => size == 1 ? first : cat([first, rows.narrow(-2, 0, size - 1)], -2);
}
