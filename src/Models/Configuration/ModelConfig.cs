using GenoSeq.Models.Mixers;

namespace GenoSeq.Models;

/// <summary>
/// What a model is made of: an embedding, a list of layers (each a mixer and, if wanted, an MLP, in the order
/// add, norm, mixer), a final norm and a head. Families are settings of this record, not classes.
/// </summary>
public sealed record ModelConfig
{
    internal const string LayerNorm = "layer";

    /// <summary>Alphabet of the input: <c>caduceus</c> (12 tokens, 16 rows) or <c>bytes</c> (256 bytes, 264 rows).</summary>
    public string Alphabet { get; init; } = "caduceus";

    /// <summary>Rows of the embedding, a multiple of 8.</summary>
    public int VocabSize { get; init; } = 16;

    /// <summary>Width of the residual stream.</summary>
    public int DModel { get; init; } = 256;

    /// <summary>Number of layers.</summary>
    public int NLayer { get; init; } = 4;

    /// <summary>
    /// Mixers by layer, repeated to <see cref="NLayer"/>: names as <c>genoseq models</c> lists them, separated by blanks; <c>M</c> is
    /// mamba, <c>A</c> attention, <c>S</c> shared-attention, <c>H</c> dynamic-chunking. <c>M M M A</c> and <c>mamba2*3 attention</c> are 3:1 hybrids.
    /// </summary>
    public string Layout { get; init; } = "M";

    /// <summary>Mixers see both sides of a position (masked modelling) instead of what precedes it (causal).</summary>
    public bool Bidirectional { get; init; }

    /// <summary>Both strands are processed with the same weights, so that outputs are reverse-complement equivariant (Caduceus-PS).</summary>
    public bool RcEquivariant { get; init; }

    /// <summary>
    /// The two strands change places at every block, as in the fused path that the published PS weights were trained with.
    /// </summary>
    public bool RcpsSwapHalves { get; init; }

    /// <summary>Settings of the Mamba mixers.</summary>
    public MambaConfig Mamba { get; init; } = new();

    /// <summary>Settings of the recurrent mixers other than Mamba-1.</summary>
    public RecurrentConfig Recurrent { get; init; } = new();

    /// <summary>Settings of the mixers that convolve.</summary>
    public HyenaConfig Hyena { get; init; } = new();

    /// <summary>Settings of the attention mixers.</summary>
    public AttentionConfig Attention { get; init; } = new();

    /// <summary>Settings of the block that shared-attention layers share.</summary>
    public SharedConfig Shared { get; init; } = new();

    /// <summary>Settings of dynamic-chunking layers.</summary>
    public ChunkingConfig Chunking { get; init; } = new();

    /// <summary>Settings of the MLP behind each mixer; none when null.</summary>
    public MlpConfig? Mlp { get; init; }

    /// <summary>Norms of the residual stream: <c>rms</c>, or <c>layer</c> (with a bias), as HyenaDNA has them.</summary>
    public string Norm { get; init; } = "rms";

    /// <summary>Epsilon of the norms.</summary>
    public double NormEps { get; init; } = 1e-5;

    /// <summary>The head's weight is the embedding's.</summary>
    public bool TieEmbeddings { get; init; } = true;

    /// <summary>Logits are c tanh(l / c) with this c, so that none exceeds it; 0: as they are.</summary>
    public double LogitCap { get; init; }

    /// <summary>Factor of the squared log partition in the training loss, which keeps logits small (z-loss); 0: none.</summary>
    public double ZLoss { get; init; }

    /// <summary>Standard deviation of the embedding's initial values (and of all weights of attention and MLP).</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>Divide the initial output projections by sqrt(residual branches * n_layer) (GPT-2, Mamba).</summary>
    public bool RescalePrenormResidual { get; init; } = true;

    /// <summary>The mixer of each layer, by name; one that there is not comes back as the layout has it.</summary>
    public IReadOnlyList<string> LayerMixers()
    {
        string[] pattern = [.. MixerFamilies.Parse(Layout)];
        return [.. Enumerable.Range(0, Math.Max(NLayer, 0)).Select(i => pattern.Length == 0 ? "" : pattern[i % pattern.Length])];
    }

    /// <summary>
    /// The family that the settings amount to: caduceus-ps, caduceus-ph, mamba, transformer, hybrid, or the name of the one other
    /// mixer, with -ph where it is bidirectional and -ps where it is equivariant too.
    /// </summary>
    public string Family()
    {
        string[] kinds = [.. LayerMixers().Distinct()];
        return kinds switch
        {
            [MixerFamilies.Mamba] when Bidirectional && Mlp is null => RcEquivariant ? "caduceus-ps" : "caduceus-ph",
            [MixerFamilies.Mamba] when !RcEquivariant && Mlp is null => MixerFamilies.Mamba,
            [MixerFamilies.Attention] when !RcEquivariant => "transformer",
            [not (MixerFamilies.Mamba or MixerFamilies.Attention)] => kinds[0] + (RcEquivariant ? "-ps" : Bidirectional ? "-ph" : ""),
            _ => "hybrid",
        };
    }

    /// <summary>Every problem of the settings, each in one sentence; empty when they make a model.</summary>
    public IEnumerable<string> Validate()
    {
        if (DModel < 1) yield return $"d_model must be at least 1, not {DModel}";
        if (NLayer < 1) yield return $"n_layer must be at least 1, not {NLayer}";
        if (VocabSize < 2) yield return $"vocab_size must be at least 2, not {VocabSize}";
        if (NormEps <= 0) yield return $"norm_eps must be positive, not {NormEps}";
        if (LogitCap < 0) yield return $"logit_cap must be positive, or 0 for none, not {LogitCap}";
        if (ZLoss < 0) yield return $"z_loss must be at least 0, not {ZLoss}";
        if (Norm is not ("rms" or LayerNorm)) yield return $"norm must be rms or layer, not '{Norm}'";
        if (Alphabet is not ("caduceus" or "bytes")) yield return $"alphabet must be caduceus or bytes, not '{Alphabet}'";
        MixerFamily?[] mixers = [.. LayerMixers().Distinct().Select(MixerFamilies.Find)];
        if (mixers.Contains(null))
        {
            yield return $"layout may hold {string.Join(", ", MixerFamilies.All.Select(f => f.Name))}, and M (mamba), A (attention), S (shared-attention) and H (dynamic-chunking), not '{Layout}'";
        }

        if (RcpsSwapHalves && !RcEquivariant) yield return "rcps_swap_halves needs rc_equivariant";
        if (RcEquivariant && !Bidirectional)
        {
            yield return "rc_equivariant needs bidirectional: a causal model would see the other strand's future";
        }

        // Without a width nothing else can be said of the mixers.
        foreach (string p in DModel < 1 ? [] : mixers.SelectMany(m => m?.Problems(this) ?? []).Distinct()) yield return p;
        foreach (string p in Mlp?.Validate() ?? []) yield return $"mlp.{p}";
    }
}

/// <summary>A Mamba-1 mixer (Gu and Dao 2023), or the two of a bidirectional one (Schiff et al. 2024).</summary>
public sealed record MambaConfig
{
    /// <summary>States per channel.</summary>
    public int DState { get; init; } = 16;

    /// <summary>Width of the causal convolution.</summary>
    public int DConv { get; init; } = 4;

    /// <summary>d_inner / d_model.</summary>
    public int Expand { get; init; } = 2;

    /// <summary>Rank of the step size's projection; 0: ceil(d_model / 16).</summary>
    public int DtRank { get; init; }

    /// <summary>Smallest initial step size.</summary>
    public double DtMin { get; init; } = 0.001;

    /// <summary>Largest initial step size.</summary>
    public double DtMax { get; init; } = 0.1;

    /// <summary>Floor of the initial step sizes.</summary>
    public double DtInitFloor { get; init; } = 1e-4;

    /// <summary>Scale of the initial dt_proj weights.</summary>
    public double DtScale { get; init; } = 1;

    /// <summary>The convolution has a bias.</summary>
    public bool ConvBias { get; init; } = true;

    /// <summary>in_proj and out_proj have biases.</summary>
    public bool Bias { get; init; }

    /// <summary>
    /// RMS norms of dt, B and C behind x_proj, for stability: <c>none</c>, <c>plain</c> (without weights, FalconMamba) or <c>weighted</c> (Jamba).
    /// </summary>
    public string StabilityNorms { get; init; } = "none";

    /// <summary>Epsilon of these norms.</summary>
    public double StabilityEps { get; init; } = 1e-6;

    /// <summary>How two directions are joined: <c>add</c> or <c>ew_multiply</c>.</summary>
    public string BidirectionalStrategy { get; init; } = "add";

    /// <summary>Two directions share in_proj and out_proj.</summary>
    public bool TieProjections { get; init; } = true;

    /// <summary>Channels inside the mixer.</summary>
    public int DInner(int dModel) => Expand * dModel;

    /// <summary>Rank of the step size's projection, resolved.</summary>
    public int Rank(int dModel) => DtRank > 0 ? DtRank : (dModel + 15) / 16;

    /// <summary>Every problem of the settings.</summary>
    public IEnumerable<string> Validate(int dModel)
    {
        _ = dModel;
        if (DState < 1) yield return $"d_state must be at least 1, not {DState}";
        if (DConv is < 1 or > 8) yield return $"d_conv must be 1 to 8, not {DConv}";
        if (Expand < 1) yield return $"expand must be at least 1, not {Expand}";
        if (DtRank < 0) yield return $"dt_rank must be 0 (automatic) or positive, not {DtRank}";
        if (!(DtMin > 0 && DtMax >= DtMin)) yield return $"dt_min and dt_max must satisfy 0 < dt_min <= dt_max, not {DtMin} and {DtMax}";
        if (StabilityNorms is not ("none" or "plain" or "weighted")) yield return $"stability_norms must be none, plain or weighted, not '{StabilityNorms}'";
        if (StabilityEps <= 0) yield return $"stability_eps must be positive, not {StabilityEps}";
        if (BidirectionalStrategy is not ("add" or "ew_multiply"))
        {
            yield return $"bidirectional_strategy must be add or ew_multiply, not '{BidirectionalStrategy}'";
        }
    }
}

/// <summary>A softmax-attention mixer with rotary positions and grouped queries.</summary>
public sealed record AttentionConfig
{
    /// <summary>Query heads.</summary>
    public int NHead { get; init; } = 4;

    /// <summary>Key and value heads; 0: as many as query heads.</summary>
    public int NKvHead { get; init; }

    /// <summary>Width of a head; 0: d_model / n_head.</summary>
    public int DHead { get; init; }

    /// <summary>Base of the rotary angles; 0: no positions.</summary>
    public double RopeTheta { get; init; } = 10000;

    /// <summary>Positions are divided by this (linear interpolation to longer contexts).</summary>
    public double RopeScale { get; init; } = 1;

    /// <summary>A position sees this many positions back (and forward, when bidirectional), itself included; 0: all.</summary>
    public int SlidingWindow { get; init; }

    /// <summary>The projections have biases.</summary>
    public bool Bias { get; init; }

    /// <summary>Key and value heads, resolved.</summary>
    public int KvHeads => NKvHead > 0 ? NKvHead : NHead;

    /// <summary>Width of a head, resolved.</summary>
    public int HeadWidth(int dModel) => DHead > 0 ? DHead : dModel / Math.Max(NHead, 1);

    /// <summary>Every problem of the settings.</summary>
    public IEnumerable<string> Validate(int dModel)
    {
        if (NHead < 1) yield return $"n_head must be at least 1, not {NHead}";
        if (NKvHead < 0 || (NHead > 0 && NHead % KvHeads != 0)) yield return $"n_kv_head must divide n_head ({NHead}), not {NKvHead}";
        if (DHead == 0 && NHead > 0 && dModel % NHead != 0) yield return $"n_head ({NHead}) must divide d_model ({dModel}), or d_head be given";
        if (RopeTheta > 0 && HeadWidth(dModel) % 2 != 0) yield return $"d_head must be even for rotary positions, not {HeadWidth(dModel)}";
        if (RopeTheta < 0) yield return $"rope_theta must be positive, or 0 for none, not {RopeTheta}";
        if (RopeScale <= 0) yield return $"rope_scale must be positive, not {RopeScale}";
        if (SlidingWindow < 0) yield return $"sliding_window must be 0 (all) or positive, not {SlidingWindow}";
    }
}
