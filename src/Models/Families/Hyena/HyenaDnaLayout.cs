using System.Text.Json.Nodes;

namespace GenoSeq.Models.Families.Hyena;

/// <summary>HyenaDNA as Hugging Face stores it (HyenaDNAForCausalLM, the checkpoints whose names end in <c>-hf</c>).</summary>
public sealed class HyenaDnaLayout : HyenaDnaNames
{
    /// <inheritdoc/>
    public override string Name => "hyenadna";

    private protected override string Prefix => "hyena.";

    /// <inheritdoc/>
    public override bool Recognizes(JsonObject config) => ConfigKeys.ModelType(config) == "hyenadna";

    /// <inheritdoc/>
    public override ModelConfig Read(JsonObject config, string file)
    {
        var keys = new ConfigKeys(config, file);
        keys.Expect("bidirectional", false, false);
        keys.Expect("train_freq", true, true);
        keys.Expect("use_bias", true, true);
        Only("hyena_order", 2);
        Only("short_filter_order", 3);
        return Model(
            Padded(keys.Int("vocab_size", 12), keys.Int("pad_vocab_size_multiple", 8)),
            keys.Int("d_model"),
            keys.Int("n_layer"),
            keys.Int("d_inner"),
            keys.Flag("tie_word_embeddings", false),
            new HyenaConfig
            {
                LMax = keys.Int("max_seq_len"),
                EmbDim = keys.Int("emb_dim", 5),
                FilterOrder = keys.Int("filter_order", 64),
                NumInnerMlps = keys.Int("num_inner_mlps", 2),
                ActivationFreq = keys.Number("activation_freq", 10),
            }) with
        {
            NormEps = keys.Number("layer_norm_epsilon", 1e-5),
            InitializerRange = keys.Number("initializer_range", 0.02),
        };

        void Only(string key, int value)
        {
            if (keys.Int(key, value) != value)
            {
                throw new CheckpointException($"{key} is {keys.Int(key)}, which GenoSeq does not build", file, $"{value}", "another checkpoint");
            }
        }
    }

    /// <inheritdoc/>
    public override JsonObject Write(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        HyenaConfig h = config.Hyena;
        return new JsonObject
        {
            ["architectures"] = new JsonArray("HyenaDNAForCausalLM"),
            ["auto_map"] = new JsonObject
            {
                ["AutoConfig"] = "LongSafari/hyenadna-tiny-1k-seqlen-hf--configuration_hyena.HyenaConfig",
                ["AutoModel"] = "LongSafari/hyenadna-tiny-1k-seqlen-hf--modeling_hyena.HyenaDNAModel",
                ["AutoModelForCausalLM"] = "LongSafari/hyenadna-tiny-1k-seqlen-hf--modeling_hyena.HyenaDNAForCausalLM",
            },
            ["model_type"] = "hyenadna",
            ["d_model"] = config.DModel,
            ["n_layer"] = config.NLayer,
            ["d_inner"] = config.Mlp!.DFf,
            ["vocab_size"] = Tokens(config),
            ["pad_vocab_size_multiple"] = Tokens(config) == config.VocabSize ? 1 : 8,
            ["max_seq_len"] = h.LMax,
            ["hyena_order"] = 2,
            ["short_filter_order"] = h.ShortFilter,
            ["emb_dim"] = h.EmbDim,
            ["filter_order"] = h.FilterOrder,
            ["num_inner_mlps"] = h.NumInnerMlps,
            ["activation_freq"] = h.ActivationFreq,
            ["train_freq"] = true,
            ["use_bias"] = true,
            ["layer_norm_epsilon"] = config.NormEps,
            ["initializer_range"] = config.InitializerRange,
            ["embed_dropout"] = 0.0,
            ["hyena_dropout"] = 0.0,
            ["hyena_filter_dropout"] = 0.0,
            ["pad_token_id"] = 4,
            ["tie_word_embeddings"] = config.TieEmbeddings,
            ["torch_dtype"] = "float32",
        };
    }
}
