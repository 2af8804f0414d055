using System.Text.Json.Nodes;

namespace GenoSeq.Models.Families.Transformer;

/// <summary>The causal Transformer baseline as Hugging Face stores LLaMA (LlamaForCausalLM).</summary>
public sealed class LlamaLayout : ModelLayout
{
    /// <inheritdoc/>
    public override string Name => "llama";

    /// <inheritdoc/>
    public override bool Recognizes(JsonObject config) => ConfigKeys.ModelType(config) == "llama";

    /// <inheritdoc/>
    public override bool CanExpress(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return PlainHead(config) && config.Family() == "transformer" && !config.Bidirectional && config.Mlp is { Experts: 1 }
            && config.Attention is { SlidingWindow: 0, RopeTheta: > 0, RopeScale: 1 };
    }

    /// <inheritdoc/>
    public override ModelConfig Read(JsonObject config, string file)
    {
        var keys = new ConfigKeys(config, file);
        keys.Expect("hidden_act", "silu", "silu", "swish");
        ConfigKeys? rope = keys.Object("rope_parameters");
        rope?.Expect("rope_type", "default", "default", "linear");
        ConfigKeys? scaling = keys.Object("rope_scaling");
        scaling?.Expect(scaling.Has("rope_type") ? "rope_type" : "type", "linear", "default", "linear");
        int heads = keys.Int("num_attention_heads");
        return new ModelConfig
        {
            Alphabet = Alphabet(keys),
            VocabSize = keys.Int("vocab_size"),
            DModel = keys.Int("hidden_size"),
            NLayer = keys.Int("num_hidden_layers"),
            Layout = "A",
            NormEps = keys.Number("rms_norm_eps", 1e-6),
            TieEmbeddings = keys.Flag("tie_word_embeddings", false),
            Attention = new AttentionConfig
            {
                NHead = heads,
                NKvHead = keys.Int("num_key_value_heads", heads),
                DHead = keys.Has("head_dim") ? keys.Int("head_dim") : 0,
                RopeTheta = rope?.Number("rope_theta", 10000) ?? keys.Number("rope_theta", 10000),
                RopeScale = rope?.Number("factor", 1) ?? scaling?.Number("factor", 1) ?? 1,
                Bias = keys.Flag("attention_bias", false),
            },
            Mlp = new MlpConfig { DFf = keys.Int("intermediate_size"), Bias = keys.Flag("mlp_bias", false) },
            InitializerRange = keys.Number("initializer_range", 0.02),
        };
    }

    /// <inheritdoc/>
    public override JsonObject Write(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        AttentionConfig a = config.Attention;
        return new JsonObject
        {
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["model_type"] = "llama",
            ["hidden_size"] = config.DModel,
            ["intermediate_size"] = config.Mlp!.DFf,
            ["num_hidden_layers"] = config.NLayer,
            ["num_attention_heads"] = a.NHead,
            ["num_key_value_heads"] = a.KvHeads,
            ["head_dim"] = a.HeadWidth(config.DModel),
            ["vocab_size"] = config.VocabSize,
            ["hidden_act"] = "silu",
            ["rms_norm_eps"] = config.NormEps,
            ["rope_theta"] = a.RopeTheta,
            ["rope_parameters"] = new JsonObject { ["rope_theta"] = a.RopeTheta, ["rope_type"] = "default" },
            ["max_position_embeddings"] = 1 << 20,
            ["attention_bias"] = a.Bias,
            ["mlp_bias"] = config.Mlp.Bias,
            ["initializer_range"] = config.InitializerRange,
            ["tie_word_embeddings"] = config.TieEmbeddings,
            ["torch_dtype"] = "float32",
        };
    }

    /// <inheritdoc/>
    public override string FileName(string name, ModelConfig config)
    {
        if (TryLayer(name, out string i, out string rest))
        {
            string theirs = rest switch
            {
                "norm.weight" => "input_layernorm.weight",
                "norm2.weight" => "post_attention_layernorm.weight",
                _ => rest.Replace("mixer.", "self_attn.", StringComparison.Ordinal),
            };
            return $"model.layers.{i}.{theirs}";
        }

        return name switch
        {
            "embedding.weight" => "model.embed_tokens.weight",
            "norm_f.weight" => "model.norm.weight",
            _ => name,
        };
    }
}
