using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>What the mixer of one causal layer costs.</summary>
/// <param name="Parameters">Trained values.</param>
/// <param name="StateBytes">Bytes of its state for one sequence in decoding; of one position where <paramref name="Grows"/>.</param>
/// <param name="Grows">The state grows with every position.</param>
/// <param name="Flops">
/// Floating-point operations of a forward pass over one sequence for each position, as <see cref="ModelFlops"/> counts them.
/// </param>
public sealed record MixerCost(long Parameters, long StateBytes, bool Grows, double Flops)
{
    // Positions over which the growth of a state is measured.
    private const long Stretch = 1024;

    /// <summary>Counts them.</summary>
    /// <param name="family">The mixer.</param>
    /// <param name="config">The model's settings.</param>
    /// <param name="length">Positions of a sequence, which the operations of some depend on.</param>
    public static MixerCost Of(MixerFamily family, ModelConfig config, long length)
    {
        ArgumentNullException.ThrowIfNull(family);
        ArgumentNullException.ThrowIfNull(config);
        using DisposeScope scope = NewDisposeScope();
        using Mixer mixer = family.Create(config with { Bidirectional = false });
        MixerWork work = mixer.Work;
        // What a further sequence takes: a filter is there once for all of them.
        long Numbers(long position) => work.State!(2, position) - work.State(1, position);
        long growth = (Numbers(Stretch) - Numbers(0)) / Stretch;
        return new MixerCost(mixer.NumParameters, 4 * (growth > 0 ? growth : Numbers(0)), growth > 0, work.Forward(length) + (work.Filter(length) / length));
    }
}
