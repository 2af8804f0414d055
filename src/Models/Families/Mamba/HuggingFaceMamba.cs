using System.Text.Json.Nodes;

namespace GenoSeq.Models.Families.Mamba;

/// <summary>What the Mamba families of Hugging Face store alike: names of tensors, keys of step sizes, of convolutions and of the head.</summary>
public abstract class HuggingFaceMamba : ModelLayout
{
    /// <summary>Its model_type, which is the layout's name but for underscores.</summary>
    protected abstract string ModelType { get; }

    /// <summary>Its class.</summary>
    protected abstract string Architecture { get; }

    /// <summary>Our name of the mixer's direction, which theirs leave out.</summary>
    protected abstract string Direction { get; }

    /// <summary>What absent keys of the tie, of initial values and of their scale stand for.</summary>
    protected abstract (bool Tied, double Range, bool Rescaled) Defaults { get; }

    /// <inheritdoc/>
    public override bool Recognizes(JsonObject config) => ConfigKeys.ModelType(config) == ModelType;

    /// <inheritdoc/>
    public override string FileName(string name, ModelConfig config)
    {
        if (TryLayer(name, out string i, out string rest))
        {
            return $"backbone.layers.{i}.{rest.Replace($"mixer.{Direction}.", "mixer.", StringComparison.Ordinal)}";
        }

        return name switch
        {
            "embedding.weight" => "backbone.embeddings.weight",
            "norm_f.weight" => "backbone.norm_f.weight",
            _ => name,
        };
    }

    /// <summary>Reads the keys that all have.</summary>
    private protected ModelConfig Common(ConfigKeys keys, string layout)
    {
        keys.Expect("hidden_act", "silu", "silu", "swish");
        (bool tied, double range, bool rescaled) = Defaults;
        return new ModelConfig
        {
            Alphabet = Alphabet(keys),
            VocabSize = keys.Int("vocab_size"),
            DModel = keys.Int("hidden_size"),
            NLayer = keys.Int("num_hidden_layers"),
            Layout = layout,
            NormEps = keys.Number("layer_norm_epsilon", 1e-5),
            TieEmbeddings = keys.Flag("tie_word_embeddings", tied),
            InitializerRange = keys.Number("initializer_range", range),
            RescalePrenormResidual = keys.Flag("rescale_prenorm_residual", rescaled),
        };
    }

    /// <summary>Writes the keys that all have; those of the mixer are added.</summary>
    /// <param name="config">The model.</param>
    /// <param name="steps">Initial step sizes: smallest, largest, floor.</param>
    /// <param name="conv">Width of the convolution, and whether it has a bias.</param>
    /// <param name="bias">The projections have biases.</param>
    private protected JsonObject Common(ModelConfig config, (double Min, double Max, double Floor) steps, (int Width, bool Bias) conv, bool bias) => new()
    {
        ["architectures"] = new JsonArray(Architecture),
        ["model_type"] = ModelType,
        ["hidden_size"] = config.DModel,
        ["num_hidden_layers"] = config.NLayer,
        ["vocab_size"] = config.VocabSize,
        ["conv_kernel"] = conv.Width,
        ["time_step_min"] = steps.Min,
        ["time_step_max"] = steps.Max,
        ["time_step_floor"] = steps.Floor,
        ["use_bias"] = bias,
        ["use_conv_bias"] = conv.Bias,
        ["hidden_act"] = "silu",
        ["layer_norm_epsilon"] = config.NormEps,
        ["initializer_range"] = config.InitializerRange,
        ["rescale_prenorm_residual"] = config.RescalePrenormResidual,
        ["residual_in_fp32"] = true,
        ["tie_word_embeddings"] = config.TieEmbeddings,
        ["torch_dtype"] = "float32",
    };
}
