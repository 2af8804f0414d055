using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// Causal convolution with a filter of some taps that groups of channels share, y_t = sum_(j &lt; taps) h_j z_(t-j), as products of
/// matrices: the two-stage blocked algorithm of StripedHyena 2 (Ku et al. 2025, arXiv 2503.01868). A block of positions is at least as
/// long as the filter, so it sees itself through one Toeplitz matrix of its group and the block before it through another.
/// </summary>
internal static class BlockedFir
{
    private const long LeastBlock = 16;

    /// <summary>Convolves.</summary>
    /// <param name="z">[batch, length, channels].</param>
    /// <param name="h">[groups, taps], taps at least 2; channels of a group lie side by side.</param>
    /// <param name="before">The taps - 1 inputs before the first [batch, taps - 1, channels], updated; null: zeros.</param>
    /// <returns>[batch, length, channels] in z's type.</returns>
    internal static Tensor Run(Tensor z, Tensor h, Tensor? before)
    {
        long taps = h.size(1);
        Tensor past = before?.to(z.dtype) ?? zeros([z.size(0), taps - 1, z.size(2)], z.dtype, z.device);
        Tensor y = z.size(1) == 1 ? One(z, h, past) : Blocks(z, h, past);
        if (before is not null)
        {
            using IDisposable mode = no_grad();
            before.copy_(cat([past, z], 1).narrow(1, z.size(1), taps - 1));
        }

        return y;
    }

    /// <summary>What it costs: in blocks, a position is a row of two matrices as wide as a block; alone, it is a sum over the taps.</summary>
    internal static MixerWork Work(long channels, long taps) => new(
        length => channels * (length == 1 ? 2.0 * taps : 4.0 * Math.Max(LeastBlock, taps - 1)),
        _ => 2.0 * channels * taps);

    private static Tensor One(Tensor z, Tensor h, Tensor past)
    {
        (long channels, long groups, long taps) = (z.size(2), h.size(0), h.size(1));
        Tensor window = h.flip(1).t().unsqueeze(-1).expand(taps, groups, channels / groups).reshape(taps, channels);
        return (cat([past, z], 1) * window.to(z.dtype)).sum([1], true);
    }

    private static Tensor Blocks(Tensor z, Tensor h, Tensor past)
    {
        (long batch, long length, long channels) = (z.size(0), z.size(1), z.size(2));
        (long groups, long taps) = (h.size(0), h.size(1));
        long each = channels / groups, block = Math.Max(LeastBlock, taps - 1), blocks = (length + block - 1) / block;
        Tensor padded = cat([zeros([batch, block - taps + 1, channels], z.dtype, z.device), past, z,
            zeros([batch, (blocks * block) - length, channels], z.dtype, z.device)], 1);
        // Blocks in front of rows and channels, so that the blocks before are a view of the same numbers.
        long columns = batch * each;
        Tensor x = padded.reshape(batch, blocks + 1, block, groups, each).permute(3, 2, 1, 0, 4).reshape(groups, block, (blocks + 1) * columns);
        Tensor[] toeplitz = Toeplitz(h, block).to(z.dtype).chunk(2, 2);
        Tensor y = toeplitz[0].matmul(x.narrow(2, 0, blocks * columns)) + toeplitz[1].matmul(x.narrow(2, columns, blocks * columns));
        return y.reshape(groups, block, blocks, batch, each).permute(3, 2, 1, 0, 4).reshape(batch, blocks * block, channels).narrow(1, 0, length);
    }

    // [groups, block, 2 block]: row i has tap i + block - j at column j, where there is one.
    private static Tensor Toeplitz(Tensor h, long block)
    {
        long taps = h.size(1);
        Tensor at = arange(0, block, 1, int64, h.device).unsqueeze(1) - arange(-block, block, 1, int64, h.device).unsqueeze(0);
        Tensor tap = where(at.lt(0), full([1], taps, int64, h.device), at.clamp(max: taps).to(int64));
        Tensor wide = cat([h, zeros([h.size(0), 1], h.dtype, h.device)], 1);
        return wide.index_select(1, tap.reshape(-1)).reshape(h.size(0), block, 2 * block);
    }
}
