using System.Text.Json.Nodes;
using GenoSeq.Models.Mixers;
using GenoSeq.Models.Mixers.Recurrent;

namespace GenoSeq.Models.Families.Mamba;

/// <summary>Mamba-2 as Hugging Face stores it (Mamba2ForCausalLM).</summary>
public sealed class Mamba2Layout : HuggingFaceMamba
{
    /// <inheritdoc/>
    public override string Name => "mamba2";

    /// <inheritdoc/>
    protected override string ModelType => "mamba2";

    /// <inheritdoc/>
    protected override string Architecture => "Mamba2ForCausalLM";

    /// <inheritdoc/>
    protected override string Direction => "fwd";

    /// <inheritdoc/>
    protected override (bool Tied, double Range, bool Rescaled) Defaults => (false, 0.1, false);

    /// <inheritdoc/>
    public override bool CanExpress(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return PlainHead(config) && config.Family() == "mamba2" && config.Mlp is null;
    }

    /// <inheritdoc/>
    public override ModelConfig Read(JsonObject config, string file)
    {
        var keys = new ConfigKeys(config, file);
        (double low, double high) = keys.Range("time_step_limit", 0, double.PositiveInfinity);
        // chunk_size says how the reference computes, not what.
        return Common(keys, "mamba2") with
        {
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
        };
    }

    /// <inheritdoc/>
    public override JsonObject Write(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        RecurrentConfig r = config.Recurrent;
        HeadShape heads = Mamba2.Shape(config);
        JsonObject json = Common(config, (r.DtMin, r.DtMax, r.DtInitFloor), (r.DConv, r.ConvBias), r.Bias);
        json["num_heads"] = heads.Count;
        json["head_dim"] = heads.Value;
        json["state_size"] = heads.Key;
        json["expand"] = r.Expand > 0 ? r.Expand : 2;
        json["n_groups"] = r.NGroups;
        json["chunk_size"] = r.Chunk;
        if (r.DtLimitMin > 0 || r.DtLimitMax > 0)
        {
            // JSON has no infinity; the largest number says the same.
            json["time_step_limit"] = new JsonArray(r.DtLimitMin, r.DtLimitMax > 0 ? r.DtLimitMax : double.MaxValue);
        }

        return json;
    }
}
