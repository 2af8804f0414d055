using System.Text.Json.Nodes;

namespace GenoSeq.Models.Families.Mamba;

/// <summary>Mamba-1 as Hugging Face stores it (MambaForCausalLM).</summary>
public sealed class MambaLayout : ModelLayout
{
    /// <inheritdoc/>
    public override string Name => "mamba";

    /// <inheritdoc/>
    public override bool Recognizes(JsonObject config) => ConfigKeys.ModelType(config) == "mamba";

    /// <inheritdoc/>
    public override bool CanExpress(ModelConfig config) => config.Family() == "mamba";

    /// <inheritdoc/>
    public override ModelConfig Read(JsonObject config, string file)
    {
        var keys = new ConfigKeys(config, file);
        keys.Expect("hidden_act", "silu", "silu");
        int d = keys.Int("hidden_size");
        int inner = keys.Int("intermediate_size", keys.Int("expand", 2) * d);
        if (inner % d != 0)
        {
            throw new CheckpointException($"intermediate_size is {inner}", file, $"a multiple of hidden_size ({d})", "another checkpoint");
        }

        return new ModelConfig
        {
            Alphabet = keys.Int("vocab_size") > 16 ? "bytes" : "caduceus",
            VocabSize = keys.Int("vocab_size"),
            DModel = d,
            NLayer = keys.Int("num_hidden_layers"),
            Layout = "M",
            NormEps = keys.Number("layer_norm_epsilon", 1e-5),
            TieEmbeddings = keys.Flag("tie_word_embeddings", true),
            Mamba = new MambaConfig
            {
                DState = keys.Int("state_size", 16),
                DConv = keys.Int("conv_kernel", 4),
                Expand = inner / d,
                DtRank = keys.IntOrAuto("time_step_rank"),
                DtMin = keys.Number("time_step_min", 0.001),
                DtMax = keys.Number("time_step_max", 0.1),
                DtInitFloor = keys.Number("time_step_floor", 1e-4),
                DtScale = keys.Number("time_step_scale", 1),
                ConvBias = keys.Flag("use_conv_bias", true),
                Bias = keys.Flag("use_bias", false),
            },
            InitializerRange = keys.Number("initializer_range", 0.02),
            RescalePrenormResidual = keys.Flag("rescale_prenorm_residual", true),
        };
    }

    /// <inheritdoc/>
    public override JsonObject Write(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        MambaConfig m = config.Mamba;
        return new JsonObject
        {
            ["architectures"] = new JsonArray("MambaForCausalLM"),
            ["model_type"] = "mamba",
            ["hidden_size"] = config.DModel,
            ["intermediate_size"] = m.DInner(config.DModel),
            ["num_hidden_layers"] = config.NLayer,
            ["vocab_size"] = config.VocabSize,
            ["state_size"] = m.DState,
            ["conv_kernel"] = m.DConv,
            ["expand"] = m.Expand,
            ["time_step_rank"] = m.Rank(config.DModel),
            ["time_step_min"] = m.DtMin,
            ["time_step_max"] = m.DtMax,
            ["time_step_floor"] = m.DtInitFloor,
            ["time_step_scale"] = m.DtScale,
            ["time_step_init_scheme"] = "random",
            ["use_bias"] = m.Bias,
            ["use_conv_bias"] = m.ConvBias,
            ["hidden_act"] = "silu",
            ["layer_norm_epsilon"] = config.NormEps,
            ["initializer_range"] = config.InitializerRange,
            ["rescale_prenorm_residual"] = config.RescalePrenormResidual,
            ["residual_in_fp32"] = true,
            ["tie_word_embeddings"] = config.TieEmbeddings,
            ["torch_dtype"] = "float32",
        };
    }

    /// <inheritdoc/>
    public override string FileName(string name, ModelConfig config)
    {
        if (TryLayer(name, out string i, out string rest))
        {
            return $"backbone.layers.{i}.{rest.Replace("mixer.mamba_fwd.", "mixer.", StringComparison.Ordinal)}";
        }

        return name switch
        {
            "embedding.weight" => "backbone.embeddings.weight",
            "norm_f.weight" => "backbone.norm_f.weight",
            _ => name,
        };
    }
}
