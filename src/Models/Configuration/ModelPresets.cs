using GenoSeq.Models.Mixers;

namespace GenoSeq.Models;

/// <summary>A named model.</summary>
/// <param name="Name">Its name, as <c>--preset</c> takes it.</param>
/// <param name="Description">What it is.</param>
/// <param name="Context">Bases of a window that it is meant for.</param>
/// <param name="Config">What it is made of.</param>
public sealed record ModelPreset(string Name, string Description, int Context, ModelConfig Config);

/// <summary>Named models: the published Caduceus sizes, and their causal and Transformer counterparts, hybrids, and a small one of every mixer.</summary>
public static class ModelPresets
{
    /// <summary>All presets.</summary>
    public static IReadOnlyList<ModelPreset> All { get; } =
    [
        Caduceus("tiny", 64, 2, 1024, "for trying out on a CPU"),
        Caduceus("1k-d118", 118, 4, 1024, "as published, 1k"),
        Caduceus("1k-d256", 256, 4, 1024, "as published, 1k"),
        Caduceus("32k", 256, 8, 32768, "as published, 32k"),
        Caduceus("131k", 256, 16, 131072, "as published, 131k"),
        Caduceus("tiny", 64, 2, 1024, "for trying out on a CPU", ps: false),
        Caduceus("1k-d118", 118, 4, 1024, "as published, 1k", ps: false),
        Caduceus("1k-d256", 256, 4, 1024, "as published, 1k", ps: false),
        Caduceus("131k", 256, 16, 131072, "as published, 131k", ps: false),
        new("mamba-tiny", "causal Mamba for trying out on a CPU", 1024, new ModelConfig { DModel = 64, NLayer = 2 }),
        new("mamba-1.4m", "causal Mamba", 1024, new ModelConfig { DModel = 128, NLayer = 12 }),
        new("mamba-7m", "causal Mamba", 131072, new ModelConfig { DModel = 256, NLayer = 16 }),
        Transformer("transformer-tiny", 64, 2, 4, bidirectional: false, "causal Transformer for trying out on a CPU"),
        Transformer("transformer-7m", 256, 8, 8, bidirectional: false, "causal Transformer baseline"),
        Transformer("transformer-25m", 512, 8, 8, bidirectional: false, "causal Transformer baseline"),
        Transformer("transformer-mlm-7m", 256, 8, 8, bidirectional: true, "bidirectional Transformer baseline"),
        new("hybrid-7m", "causal 3:1 mixture of Mamba and attention", 8192, new ModelConfig
        {
            DModel = 256,
            NLayer = 12,
            Layout = "M M M A",
            Attention = new AttentionConfig { NHead = 8, SlidingWindow = 2048 },
        }),
        Ratio(5, 12), Ratio(7, 16), Ratio(10, 11),
        new("falcon-mamba-7m", "causal Mamba with norms of dt, B and C (Zuo et al. 2024)", 131072,
            new ModelConfig { DModel = 256, NLayer = 16, Mamba = new MambaConfig { StabilityNorms = "plain" } }),
        Jamba("jamba-tiny", 64, 4, "M M A M", "for trying out on a CPU"),
        Jamba("jamba-11m", 256, 8, "M*4 A M*3", "seven Mamba to one attention, experts in every other layer (Lieber et al. 2024)"),
        new("zamba-7m", "causal hybrid: Mamba and one attention block at several depths (Glorioso et al. 2024)", 8192, new ModelConfig
        {
            DModel = 256,
            NLayer = 14,
            Layout = "M*6 S",
            Attention = new AttentionConfig { NHead = 8 },
            Shared = new SharedConfig { DFf = 512 },
        }),
        Hybrid("nemotron-h-11m", "six Mamba-2 to one attention, MLPs (NVIDIA 2025)", "mamba2*3 A mamba2*3", 14, 0),
        new("mamba2-7m", "causal Mamba-2", 131072, Mamba2(256, 16)),
        new("caduceus-mamba2-tiny", "Caduceus-PS with Mamba-2, for trying out on a CPU", 1024,
            Mamba2(64, 2) with { Bidirectional = true, RcEquivariant = true }),
        new("caduceus-gated-deltanet-tiny", "Caduceus-PS with Gated DeltaNet, for trying out on a CPU", 1024,
            new ModelConfig { DModel = 64, NLayer = 2, Layout = "gated-deltanet", Bidirectional = true, RcEquivariant = true }),
        new("caduceus-attention-tiny", "Caduceus-PS with attention, for trying out on a CPU", 1024,
            new ModelConfig { DModel = 64, NLayer = 2, Layout = "A", Bidirectional = true, RcEquivariant = true, Mlp = new MlpConfig { DFf = 192 } }),
        new("caduceus-mamba2-131k", "Caduceus-PS with Mamba-2", 131072, Mamba2(256, 16) with { Bidirectional = true, RcEquivariant = true }),
        Hybrid("samba-7m", "Mamba and attention in a window, MLPs (Ren et al. 2024)", "M A", 12, 2048),
        Hybrid("griffin-7m", "two RG-LRU to one attention in a window, MLPs (De et al. 2024)", "rg-lru*2 A", 9, 1024),
        Hybrid("mamba2-hybrid-7m", "seven Mamba-2 to one attention, MLPs", "mamba2*3 A mamba2*4", 8, 0),
        Hybrid("based-7m", "Taylor linear attention and attention in a short window, MLPs (Arora et al. 2024)", "based A", 8, 128),
        Chunks("hnet-tiny", 64, 3, "mamba2 H mamba2", new ChunkingConfig { Layout = "mamba2 A", NLayer = 2 }, "for trying out on a CPU"),
        Chunks("hnet-5m", 256, 5, "mamba2*2 H mamba2*2", new ChunkingConfig { Layout = "mamba2*3 A", NLayer = 8 }, "one level of chunks"),
        HyenaDna("tiny-1k", 128, 2, 1024, "as published, 1k"),
        HyenaDna("tiny-1k-d256", 256, 2, 1024, "as published, 1k"),
        HyenaDna("tiny-16k-d128", 128, 2, 16384, "as published, 16k"),
        HyenaDna("small-32k", 256, 4, 32768, "as published, 32k"),
        HyenaDna("medium-160k", 256, 8, 160000, "as published, 160k"),
        HyenaDna("medium-450k", 256, 8, 450000, "as published, 450k"),
        HyenaDna("large-1m", 256, 8, 1000000, "as published, 1m"),
        HyenaDna("d256-n8", 256, 8, 1048576, "of the largest published size, for 2^20 bases"),
        new("h3-7m", "causal H3, MLPs (Fu et al. 2022)", 8192, new ModelConfig
        {
            DModel = 256,
            NLayer = 10,
            Layout = "h3",
            Mlp = new MlpConfig { DFf = 512 },
        }),
        Evo2("tiny", 64, 7, 4, 1024),
        Evo2("11m", 256, 14, 8, 8192),
        .. MixerFamilies.All.Where(f => f.Letter is null).Select(f => new ModelPreset($"{f.Name}-tiny",
            $"causal {f.Name}, for trying out on a CPU", 1024, new ModelConfig { DModel = 64, NLayer = 2, Layout = f.Name })),
    ];

    /// <summary>A preset by name, or null.</summary>
    public static ModelPreset? Find(string name) => All.FirstOrDefault(p => p.Name == name);

    private static ModelPreset Caduceus(string size, int dModel, int nLayer, int context, string what, bool ps = true) => new(
        $"caduceus-{(ps ? "ps" : "ph")}-{size}",
        ps ? $"Caduceus-PS, reverse-complement equivariant, {what}" : $"Caduceus-Ph, bidirectional, {what}",
        context,
        new ModelConfig { DModel = dModel, NLayer = nLayer, Bidirectional = true, RcEquivariant = ps });

    private static ModelConfig Mamba2(int dModel, int nLayer) =>
        new() { DModel = dModel, NLayer = nLayer, Layout = "mamba2", Recurrent = new RecurrentConfig { DKey = 64 } };

    private static ModelPreset Ratio(int mamba, int layers) => new(
        $"hybrid-{mamba}to1", $"causal {mamba}:1 mixture of Mamba and attention", 8192, new ModelConfig
        {
            DModel = 256,
            NLayer = layers,
            Layout = $"M*{mamba} A",
            Attention = new AttentionConfig { NHead = 8, SlidingWindow = 2048 },
        });

    private static ModelPreset Jamba(string name, int dModel, int nLayer, string layout, string what) => new(
        name, $"causal hybrid: Jamba, {what}", 8192, new ModelConfig
        {
            DModel = dModel,
            NLayer = nLayer,
            Layout = layout,
            NormEps = 1e-6,
            Mamba = new MambaConfig { StabilityNorms = "weighted" },
            Attention = new AttentionConfig { NHead = 8, NKvHead = 2, RopeTheta = 0 },
            Mlp = new MlpConfig { DFf = 2 * dModel, Experts = 4, ExpertPeriod = 2, ExpertOffset = 1 },
        });

    private static ModelPreset Chunks(string name, int dModel, int nLayer, string layout, ChunkingConfig chunking, string what) => new(
        name, $"causal H-Net: {what} (Hwang et al. 2025)", 8192, new ModelConfig
        {
            DModel = dModel,
            NLayer = nLayer,
            Layout = layout,
            Chunking = chunking,
            Recurrent = new RecurrentConfig { DKey = 64 },
        });

    private static ModelPreset Hybrid(string name, string what, string layout, int nLayer, int window) => new(
        name, $"causal hybrid: {what}", 8192, new ModelConfig
        {
            DModel = 256,
            NLayer = nLayer,
            Layout = layout,
            Attention = new AttentionConfig { NHead = 8, SlidingWindow = window },
            Mlp = new MlpConfig { DFf = 512 },
            Recurrent = new RecurrentConfig { DKey = layout.StartsWith("mamba2", StringComparison.Ordinal) ? 64 : 0 },
        });

    // Filters are stretched over two positions more than the window, as published.
    private static ModelPreset HyenaDna(string size, int dModel, int nLayer, int context, string what) => new(
        $"hyenadna-{size}", $"HyenaDNA, causal, {what} (Nguyen et al. 2023)", context, new ModelConfig
        {
            DModel = dModel,
            NLayer = nLayer,
            Layout = "hyena",
            Norm = ModelConfig.LayerNorm,
            Hyena = new HyenaConfig { LMax = context + 2 },
            Recurrent = new RecurrentConfig { Bias = true },
            Mlp = new MlpConfig { Kind = MlpConfig.Gelu, DFf = 4 * dModel, Bias = true },
        });

    // Attention in the fourth of every seven layers.
    private static ModelPreset Evo2(string size, int dModel, int nLayer, int heads, int context) => new(
        $"evo2-like-{size}", "causal, Evo 2's pattern of convolutions and attention, MLPs (Brixi et al. 2025)", context, new ModelConfig
        {
            DModel = dModel,
            NLayer = nLayer,
            Layout = "hyena-se hyena-mr hyena-li A hyena-se hyena-mr hyena-li",
            NormEps = 1e-6,
            Attention = new AttentionConfig { NHead = heads },
            Mlp = new MlpConfig { DFf = ((8 * dModel / 3) + 63) / 64 * 64 },
        });

    private static ModelPreset Transformer(string name, int dModel, int nLayer, int heads, bool bidirectional, string what) => new(
        name, what, 2048, new ModelConfig
        {
            DModel = dModel,
            NLayer = nLayer,
            Layout = "A",
            Bidirectional = bidirectional,
            Attention = new AttentionConfig { NHead = heads },
            // 8/3 of the width, as gating has three matrices where an ordinary MLP of 4 has two.
            Mlp = new MlpConfig { DFf = ((8 * dModel / 3) + 63) / 64 * 64 },
        });
}
