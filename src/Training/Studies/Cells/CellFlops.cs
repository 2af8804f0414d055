using GenoSeq.Models;
using GenoSeq.Models.Mixers;

namespace GenoSeq.Training.Studies;

/// <summary>Floating-point operations of training.</summary>
internal static class CellFlops
{
    internal static double TrainingPerToken(ModelConfig config, int length) =>
        3 * config.LayerMixers().Sum(m => MixerCost.Of(MixerFamilies.Find(m)!, config, length).Flops);
}
