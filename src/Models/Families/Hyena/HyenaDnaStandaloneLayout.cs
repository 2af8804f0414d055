using System.Text.Json.Nodes;

namespace GenoSeq.Models.Families.Hyena;

/// <summary>
/// HyenaDNA as its own program stores it (<c>standalone_hyenadna.py</c>, the checkpoints without <c>-hf</c>), the state_dict of its
/// <c>.ckpt</c> written as safetensors; names may begin with <c>model.</c>.
/// </summary>
public sealed class HyenaDnaStandaloneLayout : HyenaDnaNames
{
    /// <inheritdoc/>
    public override string Name => "hyenadna-standalone";

    private protected override string Prefix => "";

    /// <inheritdoc/>
    public override bool Recognizes(JsonObject config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return ConfigKeys.ModelType(config) is null && config["layer"] is JsonObject layer && layer["_name_"] is JsonValue v
            && v.TryGetValue(out string? name) && name == "hyena";
    }

    // The head is always the embedding.
    /// <inheritdoc/>
    public override bool CanExpress(ModelConfig config) => base.CanExpress(config) && config.TieEmbeddings;

    /// <inheritdoc/>
    public override string Canonical(string name)
    {
        string own = base.Canonical(name);
        return own.StartsWith("model.", StringComparison.Ordinal) ? own[6..] : own;
    }

    /// <inheritdoc/>
    public override ModelConfig Read(JsonObject config, string file)
    {
        var keys = new ConfigKeys(config, file);
        ConfigKeys layer = keys.Object("layer")!;
        layer.Expect("modulate", true, true);
        layer.Expect("bidirectional", false, false);
        if (layer.Int("order", 2) is var order and not 2)
        {
            throw new CheckpointException($"layer.order is {order}, which GenoSeq does not build", file, "2", "another checkpoint");
        }

        return Model(
            Padded(keys.Int("vocab_size"), keys.Int("pad_vocab_size_multiple", 1)),
            keys.Int("d_model"),
            keys.Int("n_layer"),
            keys.Int("d_inner"),
            tied: true,
            new HyenaConfig
            {
                LMax = layer.Int("l_max"),
                EmbDim = layer.Int("emb_dim", 3),
                FilterOrder = layer.Int("filter_order", 64),
                NumInnerMlps = layer.Int("num_inner_mlps", 2),
                ActivationFreq = layer.Number("w", 1),
            });
    }

    /// <inheritdoc/>
    public override JsonObject Write(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        HyenaConfig h = config.Hyena;
        return new JsonObject
        {
            ["d_model"] = config.DModel,
            ["n_layer"] = config.NLayer,
            ["d_inner"] = config.Mlp!.DFf,
            ["vocab_size"] = Tokens(config),
            ["layer"] = new JsonObject
            {
                ["_name_"] = "hyena",
                ["emb_dim"] = h.EmbDim,
                ["filter_order"] = h.FilterOrder,
                ["local_order"] = h.ShortFilter,
                ["l_max"] = h.LMax,
                ["num_inner_mlps"] = h.NumInnerMlps,
                ["modulate"] = true,
                ["w"] = h.ActivationFreq,
                ["d_model"] = config.DModel,
            },
            ["fused_dropout_add_ln"] = false,
            ["residual_in_fp32"] = true,
            ["pad_vocab_size_multiple"] = Tokens(config) == config.VocabSize ? 1 : 8,
            ["checkpoint_mixer"] = false,
            ["checkpoint_mlp"] = false,
            ["embed_dropout"] = 0.0,
            ["resid_dropout"] = 0.0,
        };
    }
}
