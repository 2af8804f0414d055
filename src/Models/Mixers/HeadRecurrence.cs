using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>A recurrence of heads, whose state is a matrix [n, p] each, if it says nothing else.</summary>
public abstract class HeadRecurrence : Recurrence
{
    /// <summary>Takes the settings that all of them have.</summary>
    /// <param name="config">The model's settings.</param>
    /// <param name="shape">Heads and the shape of their states.</param>
    protected HeadRecurrence(ModelConfig config, HeadShape shape)
    {
        ArgumentNullException.ThrowIfNull(config);
        (Shape, NormEps, Chunk) = (shape, config.NormEps, config.Recurrent.Chunk);
    }

    /// <inheritdoc/>
    public override int OutputWidth => Shape.Values;

    /// <summary>Heads and the shape of their states.</summary>
    protected HeadShape Shape { get; }

    /// <summary>Epsilon of norms.</summary>
    protected double NormEps { get; }

    /// <summary>Positions of a chunk.</summary>
    protected int Chunk { get; }

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, [batch, Shape.Count, Shape.Key, Shape.Value]);

    /// <summary>[batch, length, heads * width] as [batch, length, heads, width].</summary>
    protected Tensor Heads(Tensor t) => Heads(t, Shape.Count);

    /// <summary>Queries [batch, length, heads, n] divided by sqrt(n).</summary>
    protected Tensor Queries(Tensor t) => Heads(t, Shape.Count) * Math.Pow(Shape.Key, -0.5);
}

/// <summary>
/// One whose queries, keys and values pass a short convolution with SiLU, queries and keys being brought to length 1: the delta rule's family.
/// Its state is the convolution's last inputs, and the heads' matrices.
/// </summary>
public abstract class ConvolvedRecurrence : HeadRecurrence
{
    private readonly int _taps;

    /// <summary>Makes the convolution and the heads' norm.</summary>
    /// <param name="config">The model's settings.</param>
    /// <param name="shape">Heads and the shape of their states.</param>
    protected ConvolvedRecurrence(ModelConfig config, HeadShape shape) : base(config, shape)
    {
        _taps = config.Recurrent.DConv;
        Conv1d = register_module("conv1d", new DepthwiseConv(Convolved, _taps, false));
        NormWeight = Vector("norm_weight", ones([Shape.Value]));
    }

    /// <summary>Over q, k and v: [heads (2 n + p), 1, taps].</summary>
    public DepthwiseConv Conv1d { get; }

    /// <summary>Of each head's norm: [p].</summary>
    public nn.Parameter NormWeight { get; }

    /// <summary>Channels of q, k and v together.</summary>
    protected int Convolved => (2 * Shape.Keys) + Shape.Values;

    /// <summary>Shape of the convolution's last inputs.</summary>
    protected long[] Halo(long batch) => [batch, _taps - 1, Convolved];

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, Halo(batch), [batch, Shape.Count, Shape.Key, Shape.Value]);

    /// <summary>q of length 1 / sqrt(n), k of length 1, and v, [batch, length, heads, width] each.</summary>
    /// <param name="x">[batch, length, heads (2 n + p)].</param>
    /// <param name="halo">The convolution's last inputs, updated; or null.</param>
    /// <param name="sequenceIds">int32 [batch, length], or null.</param>
    protected (Tensor Q, Tensor K, Tensor V) Convolve(Tensor x, Tensor? halo, Tensor? sequenceIds)
    {
        Tensor y = ShortConv.Run(x, Conv1d, halo, sequenceIds);
        if (UnitHeads.Device(y, Shape.Key) is { } device)
        {
            Tensor[] parts = y.split([2 * Shape.Keys, Shape.Values], 2);
            (Tensor q, Tensor k) = UnitHeads.Run(device, parts[0], Shape.Count, Math.Pow(Shape.Key, -0.5), UnitEps);
            return (q, k, Heads(parts[1]));
        }

        Tensor[] qkv = y.split([Shape.Keys, Shape.Keys, Shape.Values], 2);
        return (UnitLength(Heads(qkv[0])) * Math.Pow(Shape.Key, -0.5), UnitLength(Heads(qkv[1])), Heads(qkv[2]));
    }
}
