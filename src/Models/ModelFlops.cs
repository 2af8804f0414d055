using GenoSeq.Models.Mixers;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models;

/// <summary>
/// Floating-point operations of a model, counted from its shapes: of a forward pass for each position of a sequence, by part, of training, and of
/// decoding; and the bytes of its decoding state.
/// </summary>
/// <remarks>
/// <para>Counted are a multiply-add of matrix products and convolutions as two operations, of softmax attention the products of a query with the keys
/// it sees and with their values (positions that a mask hides are not counted), and what a recurrence does to its state: in the chunked form that the
/// portable path runs, with chunks of <c>recurrent.chunk</c> positions, or a position at a time where it has no other. Of Fourier transforms, 5 n
/// log2 n for n complex numbers, n being the padded length that is run, a line of 2 n real ones being n complex; 6 for a product of two complex numbers.
/// A last chunk that is not full counts like its share of a full one.</para>
/// <para>Left out are the embedding (a table is read) and what is elementwise on activations: norms, gates, activations, skips, rotary angles, softmax,
/// the loss. They are a few operations a channel, and bound by memory.</para>
/// <para>Positions are those of the input: for an equivariant model, which reads both strands, everything is done twice for each. Two directions that
/// share a projection run it once. Dynamic chunking is counted for chunks of the length that its loss aims at.</para>
/// <para>Long filters (Hyena, H3, hyena-li) are made once in a pass, whatever the number of sequences: their cost is divided by
/// the batch given, by default one sequence.</para>
/// </remarks>
public sealed record ModelFlops
{
    private readonly (MixerWork Work, int Layers)[] _mixers;
    private readonly bool _causal;

    private ModelFlops((MixerWork Work, int Layers)[] mixers, bool causal) => (_mixers, _causal) = (mixers, causal);

    /// <summary>Of the embedding: none.</summary>
    public double Embedding { get; init; }

    /// <summary>Of the layers' mixers with their projections; the MLP of a shared block and the network of a dynamic-chunking layer are part of theirs.</summary>
    public required double Mixers { get; init; }

    /// <summary>Of the layers' MLPs: of mixtures the router and the experts chosen.</summary>
    public required double Mlps { get; init; }

    /// <summary>Of the head.</summary>
    public required double Head { get; init; }

    /// <summary>Of a forward pass, for each position.</summary>
    public double ForwardPerToken => Embedding + Mixers + Mlps + Head;

    /// <summary>Counts them; the default generator is left as it was.</summary>
    /// <param name="config">The model.</param>
    /// <param name="length">Positions of a sequence, at least 1.</param>
    /// <param name="batch">Sequences in a pass, which share long filters; at least 1.</param>
    /// <exception cref="ModelConfigException">The configuration makes no model.</exception>
    public static ModelFlops Of(ModelConfig config, long length, long batch = 1)
    {
        ModelConfigException.ThrowIfAny(config);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        (MixerWork Work, int Layers)[] mixers = [.. config.LayerMixers().CountBy(k => k).Select(k => (Work(config, k.Key), k.Value))];
        long strands = config.RcEquivariant ? 2 : 1;
        return new ModelFlops(mixers, !config.Bidirectional)
        {
            Mixers = mixers.Sum(m => m.Layers * ((strands * m.Work.Forward(length)) + (m.Work.Filter(length) / (length * (double)batch)))),
            Mlps = strands * Enumerable.Range(0, config.NLayer).Sum(i => config.Mlp?.Flops(i, config.DModel) ?? 0),
            Head = strands * 2.0 * config.DModel * config.VocabSize,
        };
    }

    /// <summary>
    /// Of a forward and a backward pass, for each position: three times the forward pass, as the backward pass has two products (of the input's gradient
    /// and the weight's) for each of its own.
    /// </summary>
    /// <param name="recompute">The layers, but not the head, run once more in the backward pass.</param>
    public double TrainingPerToken(bool recompute = false) => (3 * ForwardPerToken) + (recompute ? Mixers + Mlps : 0);

    /// <summary>
    /// Of one step of decoding, with so many positions before it: attention reads what is cached, Hyena convolves with all of it, and others do the same
    /// at every position. The making of Hyena's filter, shared by all steps, is left out.
    /// </summary>
    /// <param name="position">Positions before, at least 0.</param>
    /// <exception cref="NotSupportedException">The model is not causal.</exception>
    public double DecodePerToken(long position)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ThrowUnlessCausal();
        return _mixers.Sum(m => m.Layers * m.Work.Step(position)) + Mlps + Head;
    }

    /// <summary>
    /// Bytes of the decoding states of all layers: of attention keys and values of the positions so far, or of a window, whose ring is there
    /// from the start; of Hyena its inputs so far, and its filter once for all sequences. Room kept free for more positions is left out.
    /// </summary>
    /// <param name="batch">Sequences, at least 1.</param>
    /// <param name="position">Positions so far, at least 0.</param>
    /// <param name="elementBytes">Bytes of a number: 4, as states are here, or 2 for bfloat16.</param>
    /// <exception cref="NotSupportedException">The model is not causal.</exception>
    public long StateBytes(long batch, long position, int elementBytes = 4)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfLessThan(elementBytes, 1);
        ThrowUnlessCausal();
        return elementBytes * _mixers.Sum(m => m.Layers * m.Work.State!(batch, position));
    }

    private void ThrowUnlessCausal()
    {
        if (!_causal)
        {
            throw new NotSupportedException("the model sees both sides of a position, so it does not decode; a causal one has model.bidirectional=false");
        }
    }

    // A mixer is made to ask it, and with it initial values: the generator must not notice.
    private static MixerWork Work(ModelConfig config, string kind)
    {
        using Tensor generator = get_rng_state();
        using DisposeScope scope = NewDisposeScope();
        using Mixer mixer = MixerFamilies.Find(kind)!.Create(config);
        set_rng_state(generator);
        return mixer.Work;
    }
}
