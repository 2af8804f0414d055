using GenoSeq.Models.Mixers;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Blocks;

/// <summary>Layers as a configuration has them: of a model, or of the network within a dynamic-chunking layer.</summary>
internal static class LayerStack
{
    /// <summary>Makes the layers; those of a shared block share it.</summary>
    internal static nn.ModuleList<Block> Create(ModelConfig config)
    {
        SharedAttention? shared = null;
        var layers = new List<Block>();
        foreach ((int layer, string kind) in config.LayerMixers().Index())
        {
            Mixer mixer = kind == MixerFamilies.SharedAttention ? new SharedAttention(config, shared) : MixerFamilies.Find(kind)!.Create(config);
            shared ??= mixer as SharedAttention;
            ChannelMlp? mlp = config.Mlp switch
            {
                null => null,
                { } m when m.IsSparse(layer) => new SparseMlp(m, config.DModel),
                { } m => ChannelMlp.Of(m, config.DModel),
            };
            layers.Add(new Block(mixer, mlp, config));
        }

        return new nn.ModuleList<Block>(layers);
    }

    /// <summary>Whether several layers use the same weights.</summary>
    internal static bool SharesWeights(IReadOnlyList<Block> layers) => layers.Count(l => l.Mixer is SharedAttention) > 1
        || layers.Any(l => l.Mixer is DynamicChunking chunking && SharesWeights(chunking.Layers));

    /// <summary>The input of the first layer as layers of a shared block read it; null where there is none.</summary>
    internal static Tensor? Embedding(IEnumerable<Block> layers, Tensor x) => layers.Any(l => l.Mixer is SharedAttention) ? x.alias() : null;
}
