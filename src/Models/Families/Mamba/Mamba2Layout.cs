using System.Text.Json.Nodes;
using GenoSeq.Models.Mixers;
using GenoSeq.Models.Mixers.Recurrent;

namespace GenoSeq.Models.Families.Mamba;

/// <summary>Mamba-2 as Hugging Face stores it (Mamba2ForCausalLM).</summary>
public sealed class Mamba2Layout : ModelLayout
{
    /// <inheritdoc/>
    public override string Name => "mamba2";

    /// <inheritdoc/>
    public override bool Recognizes(JsonObject config) => ConfigKeys.ModelType(config) == "mamba2";

    /// <inheritdoc/>
    public override bool CanExpress(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return config.Family() == "mamba2" && config.Mlp is null;
    }

    /// <inheritdoc/>
    public override ModelConfig Read(JsonObject config, string file)
    {
        var keys = new ConfigKeys(config, file);
        keys.Expect("hidden_act", "silu", "silu", "swish");
        (double low, double high) = keys.Range("time_step_limit", 0, double.PositiveInfinity);
        // chunk_size says how the reference computes, not what.
        return new ModelConfig
        {
            Alphabet = keys.Int("vocab_size") > 16 ? "bytes" : "caduceus",
            VocabSize = keys.Int("vocab_size"),
            DModel = keys.Int("hidden_size"),
            NLayer = keys.Int("num_hidden_layers"),
            Layout = "mamba2",
            NormEps = keys.Number("layer_norm_epsilon", 1e-5),
            TieEmbeddings = keys.Flag("tie_word_embeddings", false),
            Recurrent = new RecurrentConfig
            {
                NHead = keys.Int("num_heads", 128),
                DValue = keys.Int("head_dim", 64),
                DKey = keys.Int("state_size", 128),
                Expand = keys.Int("expand", 2),
                NGroups = keys.Int("n_groups", 8),
                DConv = keys.Int("conv_kernel", 4),
                ConvBias = keys.Flag("use_conv_bias", true),
                Bias = keys.Flag("use_bias", false),
                DtMin = keys.Number("time_step_min", 0.001),
                DtMax = keys.Number("time_step_max", 0.1),
                DtInitFloor = keys.Number("time_step_floor", 1e-4),
                DtLimitMin = low,
                DtLimitMax = high >= double.MaxValue ? 0 : high,
            },
            InitializerRange = keys.Number("initializer_range", 0.1),
            RescalePrenormResidual = keys.Flag("rescale_prenorm_residual", false),
        };
    }

    /// <inheritdoc/>
    public override JsonObject Write(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        RecurrentConfig r = config.Recurrent;
        HeadShape heads = Mamba2.Shape(config);
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray("Mamba2ForCausalLM"),
            ["model_type"] = "mamba2",
            ["hidden_size"] = config.DModel,
            ["num_hidden_layers"] = config.NLayer,
            ["vocab_size"] = config.VocabSize,
            ["num_heads"] = heads.Count,
            ["head_dim"] = heads.Value,
            ["state_size"] = heads.Key,
            ["expand"] = r.Expand > 0 ? r.Expand : 2,
            ["n_groups"] = r.NGroups,
            ["conv_kernel"] = r.DConv,
            ["chunk_size"] = r.Chunk,
            ["time_step_min"] = r.DtMin,
            ["time_step_max"] = r.DtMax,
            ["time_step_floor"] = r.DtInitFloor,
            ["use_bias"] = r.Bias,
            ["use_conv_bias"] = r.ConvBias,
            ["hidden_act"] = "silu",
            ["layer_norm_epsilon"] = config.NormEps,
            ["initializer_range"] = config.InitializerRange,
            ["rescale_prenorm_residual"] = config.RescalePrenormResidual,
            ["residual_in_fp32"] = true,
            ["tie_word_embeddings"] = config.TieEmbeddings,
            ["torch_dtype"] = "float32",
        };
        if (r.DtLimitMin > 0 || r.DtLimitMax > 0)
        {
            // JSON has no infinity; the largest number says the same.
            json["time_step_limit"] = new JsonArray(r.DtLimitMin, r.DtLimitMax > 0 ? r.DtLimitMax : double.MaxValue);
        }

        return json;
    }

    /// <inheritdoc/>
    public override string FileName(string name, ModelConfig config)
    {
        if (TryLayer(name, out string i, out string rest))
        {
            return $"backbone.layers.{i}.{rest.Replace("mixer.fwd.", "mixer.", StringComparison.Ordinal)}";
        }

        return name switch
        {
            "embedding.weight" => "backbone.embeddings.weight",
            "norm_f.weight" => "backbone.norm_f.weight",
            _ => name,
        };
    }
}
