using System.Text.Json.Nodes;
using GenoSeq.Models.Mixers;

namespace GenoSeq.Models.Families.Jamba;

/// <summary>
/// Jamba as Hugging Face stores it (JambaForCausalLM; Lieber et al. 2024): Mamba with norms of dt, B and C, attention without positions every
/// so many layers, an MLP behind each, in every so many layers a mixture of experts.
/// </summary>
public sealed class JambaLayout : ModelLayout
{
    /// <inheritdoc/>
    public override string Name => "jamba";

    /// <inheritdoc/>
    public override bool Recognizes(JsonObject config) => ConfigKeys.ModelType(config) == "jamba";

    /// <inheritdoc/>
    public override bool CanExpress(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return PlainHead(config) && !config.Bidirectional && config.Mlp is { Bias: false }
            && config.Mamba.StabilityNorms == "weighted" && config.Mamba.StabilityEps == config.NormEps
            && config.Attention is { RopeTheta: 0, SlidingWindow: 0, Bias: false } a && a.HeadWidth(config.DModel) * a.NHead == config.DModel
            && Period(config) is not null;
    }

    /// <inheritdoc/>
    public override ModelConfig Read(JsonObject config, string file)
    {
        var keys = new ConfigKeys(config, file);
        keys.Expect("hidden_act", "silu", "silu", "swish");
        if (keys.Has("sliding_window"))
        {
            throw new CheckpointException("sliding_window is set, which GenoSeq does not build for Jamba", file, "null", "another checkpoint");
        }

        int period = keys.Int("attn_layer_period", 8);
        int offset = keys.Int("attn_layer_offset", 4);
        int layers = keys.Int("num_hidden_layers");
        int experts = keys.Int("num_experts", 16);
        int heads = keys.Int("num_attention_heads");
        double eps = keys.Number("rms_norm_eps", 1e-6);
        return new ModelConfig
        {
            Alphabet = Alphabet(keys),
            VocabSize = keys.Int("vocab_size"),
            DModel = keys.Int("hidden_size"),
            NLayer = layers,
            Layout = Pattern(period, offset),
            NormEps = eps,
            TieEmbeddings = keys.Flag("tie_word_embeddings", false),
            InitializerRange = keys.Number("initializer_range", 0.02),
            Mamba = new MambaConfig
            {
                DState = keys.Int("mamba_d_state", 16),
                DConv = keys.Int("mamba_d_conv", 4),
                Expand = keys.Int("mamba_expand", 2),
                DtRank = keys.IntOrAuto("mamba_dt_rank"),
                ConvBias = keys.Flag("mamba_conv_bias", true),
                Bias = keys.Flag("mamba_proj_bias", false),
                StabilityNorms = "weighted",
                StabilityEps = eps,
            },
            Attention = new AttentionConfig { NHead = heads, NKvHead = keys.Int("num_key_value_heads", heads), RopeTheta = 0 },
            Mlp = new MlpConfig
            {
                DFf = keys.Int("intermediate_size"),
                Experts = experts,
                ExpertsPerToken = experts == 1 ? 2 : keys.Int("num_experts_per_tok", 2),
                ExpertPeriod = keys.Int("expert_layer_period", 2),
                ExpertOffset = keys.Int("expert_layer_offset", 1),
                // The reference adds the loss only where the router's logits are returned.
                RouterLoss = keys.Flag("output_router_logits", false) ? keys.Number("router_aux_loss_coef", 0.001) : 0,
            },
        };
    }

    /// <inheritdoc/>
    public override JsonObject Write(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        (int period, int offset) = Period(config)!.Value;
        MambaConfig m = config.Mamba;
        MlpConfig mlp = config.Mlp!;
        return new JsonObject
        {
            ["architectures"] = new JsonArray("JambaForCausalLM"),
            ["model_type"] = "jamba",
            ["hidden_size"] = config.DModel,
            ["intermediate_size"] = mlp.DFf,
            ["num_hidden_layers"] = config.NLayer,
            ["num_attention_heads"] = config.Attention.NHead,
            ["num_key_value_heads"] = config.Attention.KvHeads,
            ["vocab_size"] = config.VocabSize,
            ["attn_layer_period"] = period,
            ["attn_layer_offset"] = offset,
            ["num_experts"] = mlp.Experts,
            ["num_experts_per_tok"] = mlp.ExpertsPerToken,
            ["expert_layer_period"] = mlp.ExpertPeriod,
            ["expert_layer_offset"] = mlp.ExpertOffset,
            ["output_router_logits"] = mlp.Experts > 1 && mlp.RouterLoss > 0,
            ["router_aux_loss_coef"] = mlp.RouterLoss,
            ["mamba_d_state"] = m.DState,
            ["mamba_d_conv"] = m.DConv,
            ["mamba_expand"] = m.Expand,
            ["mamba_dt_rank"] = m.Rank(config.DModel),
            ["mamba_conv_bias"] = m.ConvBias,
            ["mamba_proj_bias"] = m.Bias,
            ["use_mamba_kernels"] = false,
            ["hidden_act"] = "silu",
            ["rms_norm_eps"] = config.NormEps,
            ["max_position_embeddings"] = 1 << 20,
            ["initializer_range"] = config.InitializerRange,
            ["tie_word_embeddings"] = config.TieEmbeddings,
            ["torch_dtype"] = "float32",
        };
    }

    /// <inheritdoc/>
    public override string FileName(string name, ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (TryLayer(name, out string i, out string rest))
        {
            string theirs = rest switch
            {
                "norm.weight" => "input_layernorm.weight",
                "norm2.weight" => "pre_ff_layernorm.weight",
                _ => rest.Replace("mixer.mamba_fwd.", "mamba.", StringComparison.Ordinal)
                    .Replace("mixer.", "self_attn.", StringComparison.Ordinal).Replace("mlp.", "feed_forward.", StringComparison.Ordinal),
            };
            return $"model.layers.{i}.{theirs}";
        }

        return name switch
        {
            "embedding.weight" => "model.embed_tokens.weight",
            "norm_f.weight" => "model.final_layernorm.weight",
            _ => name,
        };
    }

    // Mamba but for one layer of each period.
    private static string Pattern(int period, int offset) =>
        string.Join(' ', Enumerable.Range(0, Math.Max(period, 1)).Select(i => i == offset ? "A" : "M"));

    // The period and the offset of the attention layers; null where they have none, or a layer is neither.
    private static (int Period, int Offset)? Period(ModelConfig config)
    {
        IReadOnlyList<string> kinds = config.LayerMixers();
        if (!kinds.Contains(MixerFamilies.Attention))
        {
            return null;
        }

        for (int period = 1; period <= kinds.Count; period++)
        {
            for (int offset = 0; offset < period; offset++)
            {
                if (kinds.Index().All(k => k.Item == (k.Index % period == offset ? MixerFamilies.Attention : MixerFamilies.Mamba)))
                {
                    return (period, offset);
                }
            }
        }

        return null;
    }
}
