using GenoSeq.Models.Mixers;
using GenoSeq.Models.Mixers.Fused;

namespace GenoSeq.Models.Memory;

/// <summary>
/// What computing again costs, for choosing among plans: thousandths of the time of a layer that keeps everything, with dense
/// checkpoints. From kernels' times on an H100 (docs/kernels-gpu.md, "Computing again").
/// </summary>
internal static class LayerCost
{
    internal static int Of(ModelConfig config, IReadOnlyList<LayerMemory> plan)
    {
        IReadOnlyList<string> kinds = config.LayerMixers();
        int sum = 0;
        for (int i = 0; i < plan.Count; i++)
        {
            sum += kinds[i] == MixerFamilies.Mamba ? Mamba(plan[i]) : Other(plan[i]);
        }

        return sum;
    }

    private static int Mamba(LayerMemory memory) => memory switch
    {
        LayerMemory.KeepDense => 0,
        LayerMemory.KeepAll => 90,
        LayerMemory.Keep => 165,
        LayerMemory.KeepScan => 190,
        LayerMemory.KeepRows => 205,
        LayerMemory.Recompute => 313,
        _ => 600,
    };

    // Attention, or a recurrent mixer of libtorch's operators, and the MLP's two wide products.
    private static int Other(LayerMemory memory) => memory switch
    {
        <= LayerMemory.Keep => 0,
        LayerMemory.KeepScan => 80,
        _ => 330,
    };
}
