using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>What the mixer of one causal layer costs.</summary>
/// <param name="Parameters">Trained values.</param>
/// <param name="StateBytes">Bytes of its state for one sequence in decoding; of one position where <paramref name="Grows"/>.</param>
/// <param name="Grows">The state grows with every position.</param>
/// <param name="Flops">
/// Floating-point operations of a forward pass for each position: two for each weight of a projection, and the recurrence's own.
/// </param>
public sealed record MixerCost(long Parameters, long StateBytes, bool Grows, double Flops)
{
    // Of Mamba-1's scan, for each channel and state: two products and an exponential for the decay and the input, two operations
    // each for the state and for what is read, and the step size's.
    private const double ScanOperations = 9;

    /// <summary>Counts them.</summary>
    /// <param name="family">The mixer.</param>
    /// <param name="config">The model's settings.</param>
    /// <param name="length">Positions of a sequence, which attention's operations depend on.</param>
    public static MixerCost Of(MixerFamily family, ModelConfig config, long length)
    {
        ArgumentNullException.ThrowIfNull(family);
        ArgumentNullException.ThrowIfNull(config);
        using DisposeScope scope = NewDisposeScope();
        using Mixer mixer = family.Create(config with { Bidirectional = false });
        using MixerState state = mixer.initial_state(1);
        double projections = 2.0 * mixer.parameters().Where(p => p.dim() == 2).Sum(p => p.numel());
        switch (mixer)
        {
            case RecurrentMixer r:
                double outer = 2.0 * ((r.InProj?.weight.numel() ?? 0) + r.OutProj.weight.numel());
                return new MixerCost(mixer.NumParameters, r.Fwd.GrowthBytes > 0 ? r.Fwd.GrowthBytes : state.Bytes, r.Fwd.GrowthBytes > 0,
                    outer + r.Fwd.Flops);
            case MambaMixer m:
                // A_log is a matrix too, but no projection.
                long states = m.Fwd.ALog.numel();
                return new MixerCost(mixer.NumParameters, state.Bytes, false, projections + ((ScanOperations - 2) * states));
            case DynamicChunking h:
                // The network runs at one position of a chunk.
                double network = h.Network.LayerMixers().Sum(k => Of(MixerFamilies.Find(k)!, h.Network, length).Flops) / config.Chunking.Target;
                double routing = 2.0 * (h.QProj.weight.numel() + h.KProj.weight.numel() + h.ResidualProj.weight.numel());
                return new MixerCost(mixer.NumParameters, state.Bytes, false, routing + network);
            default:
                int width = mixer is SharedAttention ? 2 * config.DModel : config.DModel;
                AttentionConfig a = config.Attention;
                double seen = a.SlidingWindow > 0 ? Math.Min(a.SlidingWindow, length) : (length + 1) / 2.0;
                double products = 4 * seen * a.NHead * a.HeadWidth(width);
                return a.SlidingWindow > 0
                    ? new MixerCost(mixer.NumParameters, state.Bytes, false, projections + products)
                    : new MixerCost(mixer.NumParameters, 8L * a.KvHeads * a.HeadWidth(width), true, projections + products);
        }
    }
}
