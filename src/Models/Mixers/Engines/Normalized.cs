using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>Engine E2 without decay, each output divided by the sum of its weights.</summary>
internal static class Normalized
{
    private const double Epsilon = 1e-6;

    /// <summary>y_t = sum_s (q_t . k_s) v_s / (sum_s q_t . k_s + 1e-6) over s up to t.</summary>
    /// <param name="q">Not negative in product with any key: [batch, length, heads, n].</param>
    /// <param name="k">[batch, length, heads, n].</param>
    /// <param name="v">[batch, length, heads, p].</param>
    /// <param name="state">[batch, heads, n, p + 1], or null.</param>
    /// <param name="ids">int [batch, length], or null.</param>
    /// <param name="chunk">Positions of a chunk.</param>
    internal static (Tensor Y, Tensor State) Run(Tensor q, Tensor k, Tensor v, Tensor? state, Tensor? ids, int chunk)
    {
        Tensor decay = zeros(v.shape[..3], v.dtype == float64 ? float64 : float32, v.device);
        long p = v.size(3);

        // The weights' sum is one more column; where kernels want whole tiles, so are zeros, and one copy of v makes them all.
        bool tiles = v.size(1) > 1 && ScalarDecayKernel.Device(q, v, decay) is not null;
        long more = tiles ? 16 - (p % 16) : 1;
        Tensor columns = zeros([more], v.dtype, v.device);
        columns.narrow(0, 0, 1).fill_(1);
        Tensor wide = cat([v, columns.expand([.. v.shape[..3], more])], -1);
        (Tensor y, Tensor last) = ScalarDecay.Run(q, k, wide, decay, state is null || !tiles ? state : KernelWidths.Filled(state, 3), ids, chunk);
        return (y.narrow(-1, 0, p) / (y.narrow(-1, p, 1) + Epsilon), KernelWidths.Cut(last, 3, p + 1));
    }
}
