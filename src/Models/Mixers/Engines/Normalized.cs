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
        Tensor one = ones_like(v.narrow(-1, 0, 1));
        Tensor decay = zeros(v.shape[..3], v.dtype == float64 ? float64 : float32, v.device);
        (Tensor y, Tensor last) = ScalarDecay.Run(q, k, cat([v, one], -1), decay, state, ids, chunk);
        long p = v.size(3);
        return (y.narrow(-1, 0, p) / (y.narrow(-1, p, 1) + Epsilon), last);
    }
}
