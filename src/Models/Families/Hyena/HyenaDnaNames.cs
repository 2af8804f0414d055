using System.Globalization;
using GenoSeq.Models.Mixers;
using GenoSeq.Models.Mixers.Convolution;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Families.Hyena;

/// <summary>What HyenaDNA's two layouts share: the backbone's names, its constants, and what makes a model HyenaDNA's.</summary>
public abstract class HyenaDnaNames : ModelLayout
{
    /// <summary>What stands before <c>backbone.</c>.</summary>
    private protected abstract string Prefix { get; }

    /// <inheritdoc/>
    public override bool CanExpress(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return config.Family() == "hyena" && !config.Bidirectional && config is { Norm: ModelConfig.LayerNorm, NormEps: 1e-5, Recurrent.Bias: true }
            && config.Mlp is { Kind: MlpConfig.Gelu, Bias: true } && config.Hyena.ShortFilter == 3;
    }

    /// <inheritdoc/>
    public override string FileName(string name, ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (TryLayer(name, out string i, out string rest))
        {
            rest = rest.Replace("mixer.fwd.", "mixer.", StringComparison.Ordinal);
            string theirs = rest.StartsWith("norm.", StringComparison.Ordinal) ? $"norm1.{rest[5..]}" : rest;
            return $"{Prefix}backbone.layers.{i}.{theirs}";
        }

        return name switch
        {
            "embedding.weight" => $"{Prefix}backbone.embeddings.word_embeddings.weight",
            _ when name.StartsWith("norm_f.", StringComparison.Ordinal) => $"{Prefix}backbone.ln_f.{name[7..]}",
            _ => name,
        };
    }

    // Models trained with recomputation have their mixers and MLPs one level deeper.
    /// <inheritdoc/>
    public override string Canonical(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Replace(".mixer.layer.", ".mixer.", StringComparison.Ordinal).Replace(".mlp.layer.", ".mlp.", StringComparison.Ordinal);
    }

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Func<Tensor> Value)> Constants(SequenceModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        int length = model.Config.Hyena.LMax;
        for (int i = 0; i < model.Layers.Count; i++)
        {
            HyenaFilter filter = ((Mixers.Convolution.Hyena)((RecurrentMixer)model.Layers[i].Mixer).Fwd).Filter;
            string own = string.Create(CultureInfo.InvariantCulture, $"{Prefix}backbone.layers.{i}.mixer.filter_fn.");
            yield return (own + "pos_emb.z", () => filter.Features(length, float32, CPU).unsqueeze(0));
            yield return (own + "pos_emb.t", () => filter.Places(length, CPU).to(float32).reshape(1, -1, 1));
            yield return (own + "modulation.deltas", () => filter.Deltas(CPU).to(float32).reshape(1, 1, -1));
            // The sines of all layers are one; a file has it under each name.
            for (int k = 1; k < filter.Sines; k++)
            {
                yield return (string.Create(CultureInfo.InvariantCulture, $"{own}implicit_filter.{(2 * k) + 1}.freq"), () => filter.Freq);
            }
        }
    }

    /// <summary>Rows of the embedding that a number of tokens is padded to.</summary>
    private protected static int Padded(int tokens, int multiple) => (tokens + Math.Max(1, multiple) - 1) / Math.Max(1, multiple) * Math.Max(1, multiple);

    /// <summary>Tokens that the padded embedding is of: 12 of the character alphabet.</summary>
    private protected static int Tokens(ModelConfig config) => config is { Alphabet: "caduceus", VocabSize: 16 } ? 12 : config.VocabSize;

    /// <summary>A model of these sizes.</summary>
    private protected static ModelConfig Model(int vocabulary, int dModel, int nLayer, int dInner, bool tied, HyenaConfig hyena) => new()
    {
        Alphabet = vocabulary > 16 ? "bytes" : "caduceus",
        VocabSize = vocabulary,
        DModel = dModel,
        NLayer = nLayer,
        Layout = "hyena",
        Norm = ModelConfig.LayerNorm,
        TieEmbeddings = tied,
        Hyena = hyena,
        Recurrent = new RecurrentConfig { Bias = true },
        Mlp = new MlpConfig { Kind = MlpConfig.Gelu, DFf = dInner, Bias = true },
    };
}
