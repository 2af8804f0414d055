using System.Text.Json.Nodes;

namespace GenoSeq.Models.Families.Mamba;

/// <summary>Mamba-1 as Hugging Face stores it (MambaForCausalLM).</summary>
public class MambaLayout : HuggingFaceMamba
{
    /// <inheritdoc/>
    public override string Name => "mamba";

    /// <inheritdoc/>
    protected override string ModelType => "mamba";

    /// <inheritdoc/>
    protected override string Architecture => "MambaForCausalLM";

    /// <inheritdoc/>
    protected override string Direction => "mamba_fwd";

    /// <inheritdoc/>
    protected override (bool Tied, double Range, bool Rescaled) Defaults => (true, 0.02, true);

    /// <summary>The norms of dt, B and C that the family has.</summary>
    protected virtual string StabilityNorms => "none";

    /// <inheritdoc/>
    public override bool CanExpress(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return PlainHead(config) && config.Family() == "mamba" && config.Mamba.StabilityNorms == StabilityNorms;
    }

    /// <inheritdoc/>
    public override ModelConfig Read(JsonObject config, string file)
    {
        var keys = new ConfigKeys(config, file);
        int d = keys.Int("hidden_size");
        int inner = keys.Int("intermediate_size", keys.Int("expand", 2) * d);
        if (inner % d != 0)
        {
            throw new CheckpointException($"intermediate_size is {inner}", file, $"a multiple of hidden_size ({d})", "another checkpoint");
        }

        return Common(keys, "M") with
        {
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
        };
    }

    /// <inheritdoc/>
    public override JsonObject Write(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        MambaConfig m = config.Mamba;
        JsonObject json = Common(config, (m.DtMin, m.DtMax, m.DtInitFloor), (m.DConv, m.ConvBias), m.Bias);
        json["intermediate_size"] = m.DInner(config.DModel);
        json["state_size"] = m.DState;
        json["expand"] = m.Expand;
        json["time_step_rank"] = m.Rank(config.DModel);
        json["time_step_scale"] = m.DtScale;
        json["time_step_init_scheme"] = "random";
        return json;
    }
}

/// <summary>Mamba-1 with norms of dt, B and C without weights, as Hugging Face stores it (FalconMambaForCausalLM; Zuo et al. 2024).</summary>
public sealed class FalconMambaLayout : MambaLayout
{
    /// <inheritdoc/>
    public override string Name => "falcon-mamba";

    /// <inheritdoc/>
    protected override string ModelType => "falcon_mamba";

    /// <inheritdoc/>
    protected override string Architecture => "FalconMambaForCausalLM";

    /// <inheritdoc/>
    protected override (bool Tied, double Range, bool Rescaled) Defaults => (true, 0.1, false);

    /// <inheritdoc/>
    protected override string StabilityNorms => "plain";

    /// <inheritdoc/>
    public override ModelConfig Read(JsonObject config, string file)
    {
        ModelConfig read = base.Read(config, file);
        return read with
        {
            Mamba = read.Mamba with { StabilityNorms = StabilityNorms, StabilityEps = new ConfigKeys(config, file).Number("mixer_rms_eps", 1e-6) },
        };
    }

    /// <inheritdoc/>
    public override JsonObject Write(ModelConfig config)
    {
        JsonObject json = base.Write(config);
        json["mixer_rms_eps"] = config.Mamba.StabilityEps;
        return json;
    }
}
