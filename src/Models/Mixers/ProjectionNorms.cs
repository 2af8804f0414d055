using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>
/// RMS norms of what x_proj gives, dt, B and C each by itself, which keep large models stable: with weights in Jamba (Lieber et al. 2024),
/// without in FalconMamba (Zuo et al. 2024). Out of libtorch's operators, between the kernels of the layer; computed at least in
/// single precision.
/// </summary>
/// <param name="eps">Epsilon of the norms.</param>
/// <param name="rank">Rank of dt.</param>
internal sealed class ProjectionNorms(double eps, long rank)
{
    /// <summary>Weights that a direction may have: of dt, B, C.</summary>
    internal const int Count = 3;

    /// <summary>Normalises the parts of rows.</summary>
    /// <param name="raw">[..., width]: dt, zeros up to the padded rank, B, C.</param>
    /// <param name="states">Width of B and of C.</param>
    /// <param name="weights">Of dt, B and C, or nulls.</param>
    internal Tensor Forward(Tensor raw, long states, ReadOnlySpan<Tensor?> weights)
    {
        using DisposeScope scope = NewDisposeScope();
        var pieces = new List<Tensor>();
        (long From, long Width)[] parts = Parts(raw, states);
        for (int k = 0; k < parts.Length; k++)
        {
            Tensor x = Wide(raw.narrow(-1, parts[k].From, parts[k].Width));
            Tensor normed = x * Factor(x);
            pieces.Add((weights[k] is { } w ? normed * w.to(normed.dtype) : normed).to(raw.dtype));
            if (k == 0 && parts[1].From > rank)
            {
                pieces.Add(raw.narrow(-1, rank, parts[1].From - rank));
            }
        }

        return cat([.. pieces], -1).MoveToOuterDisposeScope();
    }

    /// <summary>Replaces the gradient of the normalised rows by that of the rows before, in place.</summary>
    /// <param name="raw">What <see cref="Forward"/> was given.</param>
    /// <param name="gradient">[..., width]; of the padding left alone.</param>
    /// <param name="states">Width of B and of C.</param>
    /// <param name="weights">Of dt, B and C, or nulls.</param>
    /// <returns>Gradients of the weights that there are.</returns>
    internal Tensor?[] Backward(Tensor raw, Tensor gradient, long states, ReadOnlySpan<Tensor?> weights)
    {
        using DisposeScope scope = NewDisposeScope();
        var dweights = new Tensor?[Count];
        (long From, long Width)[] parts = Parts(raw, states);
        for (int k = 0; k < parts.Length; k++)
        {
            Tensor x = Wide(raw.narrow(-1, parts[k].From, parts[k].Width));
            Tensor dy = gradient.narrow(-1, parts[k].From, parts[k].Width);
            Tensor g = Wide(dy);
            Tensor factor = Factor(x);
            if (weights[k] is { } w)
            {
                dweights[k] = (g * x * factor).reshape(-1, parts[k].Width).sum([0]).to(w.dtype).MoveToOuterDisposeScope();
                g = g * w.to(g.dtype);
            }

            // d(x f) with f = (mean x^2 + eps)^(-1/2): f g - x f^3 mean(x g).
            dy.copy_((g - (x * factor.square() * (x * g).mean([-1], true))) * factor);
        }

        return dweights;
    }

    private (long From, long Width)[] Parts(Tensor raw, long states)
    {
        long b = raw.size(-1) - (2 * states);
        return [(0, rank), (b, states), (b + states, states)];
    }

    private Tensor Factor(Tensor x) => x.square().mean([-1], true).add(eps).rsqrt();

    private static Tensor Wide(Tensor t) => t.dtype == float64 ? t : t.to(float32);
}
