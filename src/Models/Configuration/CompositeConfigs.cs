namespace GenoSeq.Models;

/// <summary>The block that shared-attention layers share; its attention is that of <see cref="ModelConfig.Attention"/>, over twice the width.</summary>
public sealed record SharedConfig
{
    /// <summary>Width of its MLP's hidden layer; 0: 4 d_model.</summary>
    public int DFf { get; init; }

    /// <summary>Width of the hidden layer, resolved.</summary>
    public int FeedForward(int dModel) => DFf > 0 ? DFf : 4 * dModel;

    /// <summary>Every problem of the settings.</summary>
    public IEnumerable<string> Validate()
    {
        if (DFf < 0) yield return $"d_ff must be 0 (4 d_model) or positive, not {DFf}";
    }
}

/// <summary>
/// Dynamic chunking (Hwang, Wang and Gu 2025, arXiv 2507.07955): what a dynamic-chunking layer finds boundaries for, and the network that
/// runs over the chunks.
/// </summary>
public sealed record ChunkingConfig
{
    /// <summary>Mixers of the network over chunks, as <see cref="ModelConfig.Layout"/>; dynamic-chunking among them needs <see cref="Inner"/>.</summary>
    public string Layout { get; init; } = "M";

    /// <summary>Layers of the network over chunks.</summary>
    public int NLayer { get; init; } = 2;

    /// <summary>Its width; 0: the model's. What is wider is filled with a trained vector.</summary>
    public int DModel { get; init; }

    /// <summary>Width of its MLPs' hidden layers, where the model has MLPs; 0: the model's.</summary>
    public int DFf { get; init; }

    /// <summary>Positions of a chunk that the ratio loss aims at, on average.</summary>
    public double Target { get; init; } = 4;

    /// <summary>Weight of the ratio loss in pretraining, as part of the mean loss; 0: none.</summary>
    public double RatioLoss { get; init; } = 0.03;

    /// <summary>Settings of the dynamic-chunking layers within; null: there are none.</summary>
    public ChunkingConfig? Inner { get; init; }

    /// <summary>The network over chunks as a model of its own.</summary>
    /// <param name="outer">The model that it is part of.</param>
    public ModelConfig Network(ModelConfig outer)
    {
        ArgumentNullException.ThrowIfNull(outer);
        return outer with
        {
            Layout = Layout,
            NLayer = NLayer,
            DModel = DModel > 0 ? DModel : outer.DModel,
            Mlp = outer.Mlp is { } mlp ? mlp with { DFf = DFf > 0 ? DFf : mlp.DFf, Experts = 1 } : null,
            Chunking = Inner ?? new ChunkingConfig(),
        };
    }

    /// <summary>Every problem of the settings.</summary>
    public IEnumerable<string> Validate(ModelConfig outer)
    {
        ArgumentNullException.ThrowIfNull(outer);
        if (outer.Bidirectional) yield return "dynamic chunking is causal: bidirectional must be off";
        if (DModel != 0 && DModel < outer.DModel) yield return $"d_model must be 0 (the model's) or at least the model's {outer.DModel}, not {DModel}";
        if (DFf < 0) yield return $"d_ff must be 0 (the model's) or positive, not {DFf}";
        if (Target <= 1) yield return $"target must be more than 1 position a chunk, not {Target}";
        if (RatioLoss < 0) yield return $"ratio_loss must be at least 0, not {RatioLoss}";
        if (Inner is null && Network(outer).LayerMixers().Contains(Mixers.MixerFamilies.DynamicChunking))
        {
            yield return "layout has dynamic-chunking within, whose settings chunking.inner must give";
        }
        else
        {
            foreach (string p in Network(outer).Validate()) yield return p;
        }
    }
}
