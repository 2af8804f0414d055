using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>Sums over positions, in blocks: libtorch's sum over a dimension that is not the last is on a GPU one thread a column, however long.</summary>
internal static class RunningSums
{
    private const long Block = 64;

    /// <summary>The sum of all positions up to each: within blocks, over the blocks' totals, and both added. The order of sums depends on the length alone.</summary>
    /// <param name="t">[batch, length, ...].</param>
    /// <returns>The same shape and type.</returns>
    internal static Tensor Of(Tensor t)
    {
        long[] shape = t.shape;
        if (shape[1] <= Block)
        {
            return t.cumsum(1);
        }

        long blocks = (shape[1] + Block - 1) / Block;
        Tensor within = ScalarDecay.Split(t, blocks, Block).cumsum(2);
        Tensor totals = Of(within.select(2, Block - 1).narrow(1, 0, blocks - 1));
        Tensor before = cat([zeros([shape[0], 1, .. shape[2..]], t.dtype, t.device), totals], 1);
        Tensor sums = (within + before.unsqueeze(2)).reshape([shape[0], blocks * Block, .. shape[2..]]);
        return shape[1] == blocks * Block ? sums : sums.narrow(1, 0, shape[1]);
    }
}
