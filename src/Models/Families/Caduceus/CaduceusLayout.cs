using System.Globalization;
using System.Text.Json.Nodes;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Families.Caduceus;

/// <summary>
/// Caduceus as published (Schiff et al. 2024, CaduceusForMaskedLM): Ph with plain keys, PS with its wrappers' keys. The
/// published PS weights were trained on the fused path (<c>fused_add_norm</c>), whose blocks exchange the two strands.
/// </summary>
public sealed class CaduceusLayout : ModelLayout
{
    private const string Backbone = "caduceus.backbone.";

    /// <inheritdoc/>
    public override string Name => "caduceus";

    /// <inheritdoc/>
    public override bool Recognizes(JsonObject config) =>
        ConfigKeys.ModelType(config) == "caduceus" || (ConfigKeys.ModelType(config) is null && config.ContainsKey("rcps"));

    /// <inheritdoc/>
    public override bool CanExpress(ModelConfig config) =>
        config.Family() is "caduceus-ps" or "caduceus-ph" && config.Alphabet == "caduceus" && (config.TieEmbeddings || !config.RcEquivariant)
        && config.VocabSize % 8 == 0 && PlainHead(config) && config.Mamba.StabilityNorms == "none";

    /// <inheritdoc/>
    public override ModelConfig Read(JsonObject config, string file)
    {
        var keys = new ConfigKeys(config, file);
        keys.Expect("rms_norm", true, true);
        bool rcps = keys.Flag("rcps", false);
        int vocab = keys.Int("vocab_size");
        int multiple = Math.Max(1, keys.Int("pad_vocab_size_multiple", 8));
        ConfigKeys? ssm = keys.Object("ssm_cfg");
        ssm?.Expect("layer", "Mamba1", "Mamba1");
        if (rcps)
        {
            ExpectComplement(config, file);
        }

        return new ModelConfig
        {
            Alphabet = "caduceus",
            VocabSize = (vocab + multiple - 1) / multiple * multiple,
            DModel = keys.Int("d_model"),
            NLayer = keys.Int("n_layer"),
            Layout = "M",
            Bidirectional = keys.Flag("bidirectional", true),
            RcEquivariant = rcps,
            RcpsSwapHalves = rcps && keys.Flag("fused_add_norm", true),
            NormEps = keys.Number("norm_epsilon", 1e-5),
            // The equivariant head is tied whatever the key says.
            TieEmbeddings = rcps || keys.Flag("tie_word_embeddings", true),
            Mamba = new MambaConfig
            {
                DState = ssm?.Int("d_state", 16) ?? 16,
                DConv = ssm?.Int("d_conv", 4) ?? 4,
                Expand = ssm?.Int("expand", 2) ?? 2,
                DtRank = ssm?.IntOrAuto("dt_rank") ?? 0,
                DtMin = ssm?.Number("dt_min", 0.001) ?? 0.001,
                DtMax = ssm?.Number("dt_max", 0.1) ?? 0.1,
                DtScale = ssm?.Number("dt_scale", 1) ?? 1,
                DtInitFloor = ssm?.Number("dt_init_floor", 1e-4) ?? 1e-4,
                ConvBias = ssm?.Flag("conv_bias", true) ?? true,
                Bias = ssm?.Flag("bias", false) ?? false,
                BidirectionalStrategy = keys.Text("bidirectional_strategy", "add"),
                TieProjections = keys.Flag("bidirectional_weight_tie", true),
            },
            InitializerRange = keys.Object("initializer_cfg")?.Number("initializer_range", 0.02) ?? 0.02,
            RescalePrenormResidual = keys.Object("initializer_cfg")?.Flag("rescale_prenorm_residual", true) ?? true,
        };
    }

    /// <inheritdoc/>
    public override JsonObject Write(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        MambaConfig m = config.Mamba;
        var complement = new JsonObject();
        int[] map = CaduceusComplement.Map(config.VocabSize);
        for (int i = 0; i < map.Length; i++)
        {
            complement[$"{i}"] = map[i];
        }

        return new JsonObject
        {
            ["architectures"] = new JsonArray("CaduceusForMaskedLM"),
            ["model_type"] = "caduceus",
            ["d_model"] = config.DModel,
            ["n_layer"] = config.NLayer,
            ["vocab_size"] = config.VocabSize,
            ["ssm_cfg"] = new JsonObject
            {
                ["d_state"] = m.DState,
                ["d_conv"] = m.DConv,
                ["expand"] = m.Expand,
                ["dt_rank"] = m.DtRank > 0 ? m.DtRank : "auto",
                ["dt_min"] = m.DtMin,
                ["dt_max"] = m.DtMax,
                ["dt_init"] = "random",
                ["dt_scale"] = m.DtScale,
                ["dt_init_floor"] = m.DtInitFloor,
                ["conv_bias"] = m.ConvBias,
                ["bias"] = m.Bias,
                ["use_fast_path"] = true,
            },
            ["rms_norm"] = true,
            ["residual_in_fp32"] = false,
            ["fused_add_norm"] = !config.RcEquivariant || config.RcpsSwapHalves,
            ["pad_vocab_size_multiple"] = 8,
            ["norm_epsilon"] = config.NormEps,
            ["initializer_cfg"] = new JsonObject
            {
                ["initializer_range"] = config.InitializerRange,
                ["rescale_prenorm_residual"] = config.RescalePrenormResidual,
                ["n_residuals_per_layer"] = 1,
            },
            ["bidirectional"] = true,
            ["bidirectional_strategy"] = m.BidirectionalStrategy,
            ["bidirectional_weight_tie"] = m.TieProjections,
            ["rcps"] = config.RcEquivariant,
            ["complement_map"] = config.RcEquivariant ? complement : null,
            ["tie_word_embeddings"] = config.TieEmbeddings,
            ["torch_dtype"] = "float32",
        };
    }

    /// <inheritdoc/>
    public override string FileName(string name, ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        bool ps = config.RcEquivariant;
        // On the unfused path the norms are wrapped too.
        string norm = ps && !config.RcpsSwapHalves ? "submodule.weight" : "weight";
        if (TryLayer(name, out string i, out string rest))
        {
            return rest == "norm.weight"
                ? $"{Backbone}layers.{i}.norm.{norm}"
                : $"{Backbone}layers.{i}.{(ps ? rest.Replace("mixer.", "mixer.submodule.", StringComparison.Ordinal) : rest)}";
        }

        return name switch
        {
            "embedding.weight" => $"{Backbone}embeddings.word_embeddings.{(ps ? "embedding.weight" : "weight")}",
            "norm_f.weight" => $"{Backbone}norm_f.{norm}",
            "lm_head.weight" => ps ? "lm_head.lm_head.weight" : name,
            _ => name,
        };
    }

    private static void ExpectComplement(JsonObject config, string file)
    {
        foreach ((string key, JsonNode? value) in config["complement_map"] as JsonObject ?? [])
        {
            if (!int.TryParse(key, CultureInfo.InvariantCulture, out int id) || id < 0 || value is not JsonValue v
                || !v.TryGetValue(out int other) || other != CaduceusComplement.Map(Math.Max(id + 1, 11))[id])
            {
                throw new CheckpointException($"complement_map takes {key} to {value?.ToJsonString() ?? "null"}", file,
                    "A (7) with T (10), C (8) with G (9) and all others with themselves", "a checkpoint with the published vocabulary");
            }
        }
    }

    /// <inheritdoc/>
    public override bool IsTaskHead(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.StartsWith("score.", StringComparison.Ordinal);
    }

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Func<Tensor> Value)> Constants(SequenceModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (!model.Config.RcEquivariant)
        {
            return [];
        }

        Func<Tensor> map = () => tensor(Array.ConvertAll(CaduceusComplement.Map(model.Config.VocabSize), x => (long)x));
        return [($"{Backbone}embeddings.word_embeddings.complement_map", map), ("lm_head.complement_map", map)];
    }
}

/// <summary>The complement of each id of the Caduceus vocabulary: A (7) with T (10), C (8) with G (9), others themselves.</summary>
public static class CaduceusComplement
{
    /// <summary>The map for a vocabulary of some size.</summary>
    public static int[] Map(int vocab)
    {
        int[] map = [.. Enumerable.Range(0, vocab)];
        (int, int)[] pairs = [(7, 10), (8, 9)];
        foreach ((int a, int b) in pairs.Where(p => p.Item2 < vocab))
        {
            (map[a], map[b]) = (b, a);
        }

        return map;
    }
}
