using GenoSeq.Models.Context;
using GenoSeq.Models.Losses;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>What a mixer is told besides its input.</summary>
/// <param name="Mirrored">
/// Run on a sequence whose positions and channels are both reversed, and return the result so too: flip(f(flip(x))).
/// </param>
/// <param name="SequenceIds">
/// int32 [batch, length], or null. Where the id changes, another sequence begins: nothing is carried across.
/// </param>
/// <param name="Shards">How positions are divided among ranks; null: all are here.</param>
/// <param name="Side">Collects what the loss adds for layers; null: nobody asks.</param>
/// <param name="Embedding">The first layer's input [batch, length, d_model], in the orientation of x; null where no layer reads it.</param>
/// <param name="Present">[batch, length]: which positions are more than filling; null: all.</param>
public readonly record struct MixContext(bool Mirrored = false, Tensor? SequenceIds = null, ContextShards? Shards = null,
    SideLosses? Side = null, Tensor? Embedding = null, Tensor? Present = null);

/// <summary>What a causal mixer carries from one position to the next.</summary>
public abstract class MixerState : IDisposable
{
    /// <summary>Bytes that the state holds.</summary>
    public abstract long Bytes { get; }

    /// <summary>A copy of one batch entry, with a lifetime of its own.</summary>
    /// <param name="row">Which.</param>
    internal abstract MixerState Row(int row);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the state's tensors.</summary>
    protected abstract void Dispose(bool disposing);
}

/// <summary>Mixes along the sequence: the one contract of everything that does. Shapes keep [batch, length, d_model].</summary>
public abstract class Mixer : nn.Module
{
    /// <summary>True when position t depends on positions up to t only, so that <see cref="step"/> exists.</summary>
    public abstract bool IsCausal { get; }

    /// <summary>What the mixer costs.</summary>
    public abstract MixerWork Work { get; }

    /// <summary>Mixes a whole sequence.</summary>
    /// <param name="x">[batch, length, d_model].</param>
    /// <param name="context">Orientation and sequence boundaries.</param>
    /// <returns>[batch, length, d_model].</returns>
    public abstract Tensor forward(Tensor x, in MixContext context = default);

    /// <summary>The state before the first position.</summary>
    /// <param name="batch">Sequences.</param>
    /// <exception cref="NotSupportedException">The mixer is not causal.</exception>
    public virtual MixerState initial_state(long batch) => throw NotCausal();

    /// <summary>Mixes one position: the same numbers as <see cref="forward"/> gives there.</summary>
    /// <param name="x">[batch, d_model].</param>
    /// <param name="state">Updated in place.</param>
    /// <returns>[batch, d_model].</returns>
    /// <exception cref="NotSupportedException">The mixer is not causal.</exception>
    public Tensor step(Tensor x, MixerState state)
    {
        ArgumentNullException.ThrowIfNull(x);
        return extend(x.unsqueeze(1), state).squeeze(1);
    }

    /// <summary>
    /// Mixes further positions of sequences whose earlier ones a state holds: the numbers of <see cref="forward"/> on the whole there,
    /// wherever it is cut.
    /// </summary>
    /// <param name="x">[batch, length, d_model], length at least 1.</param>
    /// <param name="state">Updated in place.</param>
    /// <param name="context">The embeddings, where the mixer reads them.</param>
    /// <returns>[batch, length, d_model].</returns>
    /// <exception cref="NotSupportedException">The mixer is not causal.</exception>
    public virtual Tensor extend(Tensor x, MixerState state, in MixContext context = default) => throw NotCausal();

    /// <summary>Type that matrix products are computed in; single precision, or bfloat16 under the bf16 policy.</summary>
    public virtual Torch.ScalarType ComputeType { get; set; } = float32;

    private NotSupportedException NotCausal() =>
        new($"{GetType().Name} sees both sides of a position, so it cannot run position by position");
}
