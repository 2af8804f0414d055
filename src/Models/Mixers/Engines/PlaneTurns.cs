using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>Turns of vectors in planes: what makes a real state a complex one, or a product of two vectors depend on their distance.</summary>
internal static class PlaneTurns
{
    /// <summary>The planes are of elements i and i + m, i below m; elements from 2 m on stay.</summary>
    /// <param name="t">[..., n].</param>
    /// <param name="cos">Cosines [..., m], 2 m at most n; broadcast.</param>
    /// <param name="sin">Sines.</param>
    /// <param name="type">Of the result; null: the type of products.</param>
    internal static Tensor Run(Tensor t, Tensor cos, Tensor sin, ScalarType? type = null)
    {
        long planes = cos.size(-1), rest = t.size(-1) - (2 * planes);
        (Tensor x, Tensor y) = (t.narrow(-1, 0, planes), t.narrow(-1, planes, planes));
        (Tensor u, Tensor v) = ((x * cos) - (y * sin), (x * sin) + (y * cos));
        ScalarType own = type ?? u.dtype;
        return rest == 0 ? cat([u.to(own), v.to(own)], -1) : cat([u.to(own), v.to(own), t.narrow(-1, 2 * planes, rest).to(own)], -1);
    }
}
