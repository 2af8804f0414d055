using GenoSeq.Models.Mixers.Convolution;
using GenoSeq.Models.Mixers.Recurrent;

namespace GenoSeq.Models.Mixers;

/// <summary>How a mixer carries what it has read: what its speed, its memory and its kernels depend on.</summary>
public enum RecurrenceClass
{
    /// <summary>Softmax attention: a cache of all positions, or of a window.</summary>
    Attention,

    /// <summary>E1: every channel decays by itself.</summary>
    Diagonal,

    /// <summary>E2: a matrix for each head, which decays by one number.</summary>
    ScalarDecay,

    /// <summary>E3: a matrix for each head, whose rows decay each by a number of its own.</summary>
    VectorDecay,

    /// <summary>E4: a matrix for each head, in which a key's value is replaced.</summary>
    DeltaRule,

    /// <summary>E5: a convolution, by FFT where its filter is long.</summary>
    Convolution,

    /// <summary>E6: one position, or one chunk, after the other.</summary>
    Sequential,

    /// <summary>A network of further layers, over chunks.</summary>
    Network,
}

/// <summary>A kind of mixer that layouts name.</summary>
/// <param name="Name">Its name in <c>model.layout</c>.</param>
/// <param name="Class">How it carries what it has read.</param>
/// <param name="What">What it is, with its paper.</param>
/// <param name="Create">Makes one.</param>
public sealed record MixerFamily(string Name, RecurrenceClass Class, string What, Func<ModelConfig, Mixer> Create)
{
    /// <summary>A letter that stands for it in a layout without blanks; none for most.</summary>
    public char? Letter { get; init; }

    /// <summary>Problems of the settings that it reads.</summary>
    public Func<ModelConfig, IEnumerable<string>> Problems { get; init; } = static c => c.Recurrent.Validate().Select(p => $"recurrent.{p}");
}

/// <summary>Every kind of mixer. A further one is a file with its <see cref="Recurrence"/> and a line here.</summary>
public static class MixerFamilies
{
    /// <summary>The name of Mamba-1.</summary>
    public const string Mamba = "mamba";

    /// <summary>The name of softmax attention.</summary>
    public const string Attention = "attention";

    /// <summary>The name of the attention block that several depths share.</summary>
    public const string SharedAttention = "shared-attention";

    /// <summary>The name of the layer with a network over chunks.</summary>
    public const string DynamicChunking = "dynamic-chunking";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<MixerFamily> All { get; } =
    [
        new(Mamba, RecurrenceClass.Diagonal, "Mamba-1 (Gu and Dao 2023)", c => new MambaMixer(c.Mamba, c.DModel, c.Bidirectional))
        {
            Letter = 'M',
            Problems = c => c.Mamba.Validate(c.DModel).Select(p => $"mamba.{p}"),
        },
        new(Attention, RecurrenceClass.Attention, "softmax attention, full or in a window", c => new AttentionMixer(c.Attention, c.DModel, c.Bidirectional))
        {
            Letter = 'A',
            Problems = c => c.Attention.Validate(c.DModel).Select(p => $"attention.{p}"),
        },
        new(SharedAttention, RecurrenceClass.Attention, "attention block that all its depths share, over stream and embeddings (Glorioso et al. 2024, Zamba)",
            c => new SharedAttention(c))
        {
            Letter = 'S',
            Problems = c => c.Attention.Validate(2 * c.DModel).Select(p => $"attention.{p}").Concat(c.Shared.Validate().Select(p => $"shared.{p}")),
        },
        new(DynamicChunking, RecurrenceClass.Network, "a network over chunks whose boundaries are learned (Hwang et al. 2025, H-Net)",
            c => new DynamicChunking(c))
        {
            Letter = 'H',
            Problems = c => c.Chunking.Validate(c).Select(p => $"chunking.{p}"),
        },
        Recurrent(Mamba2.LayoutName, RecurrenceClass.ScalarDecay, "Mamba-2 (Dao and Gu 2024)", c => new Mamba2(c), Mamba2.Problems),
        Recurrent("mamba3", RecurrenceClass.ScalarDecay, "Mamba-3: trapezoids, turning states, SISO or MIMO (arXiv 2603.15569)", c => new Mamba3(c), Mamba3.Problems),
        Recurrent("retnet", RecurrenceClass.ScalarDecay, "retention with fixed decays (Sun et al. 2023)", c => new RetNet(c)),
        Recurrent("simple-gla", RecurrenceClass.ScalarDecay, "gated linear attention, one gate a head (Yang et al. 2024)", c => new SimpleGla(c)),
        Recurrent("linear-attention", RecurrenceClass.ScalarDecay, "linear attention (Katharopoulos et al. 2020)", c => new LinearAttention(c)),
        Recurrent("based", RecurrenceClass.ScalarDecay, "linear attention with a Taylor feature map (Arora et al. 2024)", c => new Based(c)),
        Recurrent("mlstm", RecurrenceClass.ScalarDecay, "xLSTM's matrix memory (Beck et al. 2024)", c => new MLstm(c)),
        Recurrent("gla", RecurrenceClass.VectorDecay, "gated linear attention (Yang et al. 2024)", c => new Gla(c)),
        Recurrent("hgrn2", RecurrenceClass.VectorDecay, "HGRN2: gated linear RNN with a matrix state (Qin et al. 2024)", c => new Hgrn2(c)),
        Recurrent("rwkv6", RecurrenceClass.VectorDecay, "RWKV-6 time mixing (Peng et al. 2024)", c => new Rwkv6(c)),
        Recurrent("rwkv7", RecurrenceClass.DeltaRule, "RWKV-7 time mixing (Peng et al. 2025)", c => new Rwkv7(c)),
        Recurrent("deltanet", RecurrenceClass.DeltaRule, "DeltaNet (Yang et al. 2024)", c => new DeltaNet(c)),
        Recurrent("gated-deltanet", RecurrenceClass.DeltaRule, "Gated DeltaNet (Yang et al. 2024)", c => new GatedDeltaNet(c)),
        Recurrent("titans", RecurrenceClass.DeltaRule, "Titans' memory, linear: momentum and forgetting (Behrouz et al. 2024)", c => new Titans(c)),
        Recurrent("titans-mlp", RecurrenceClass.Sequential, "Titans' memory, an MLP that learns as it reads (Behrouz et al. 2024)", c => new TitansMlp(c)),
        Recurrent("slstm", RecurrenceClass.Sequential, "xLSTM's scalar memory (Beck et al. 2024)", c => new SLstm(c)),
        Recurrent("s4d", RecurrenceClass.Diagonal, "diagonal state-space model (Gu et al. 2022)", c => new S4d(c)),
        Recurrent("lru", RecurrenceClass.Diagonal, "linear recurrent unit (Orvieto et al. 2023)", c => new Lru(c)),
        Recurrent("rg-lru", RecurrenceClass.Diagonal, "Griffin's gated linear recurrent unit (De et al. 2024)", c => new RgLru(c), RgLru.Problems),
        Recurrent("mingru", RecurrenceClass.Diagonal, "minGRU (Feng et al. 2024)", c => new MinGru(c)),
        Recurrent("minlstm", RecurrenceClass.Diagonal, "minLSTM (Feng et al. 2024)", c => new MinLstm(c)),
        Recurrent("hgrn", RecurrenceClass.Diagonal, "HGRN: hierarchically gated linear RNN (Qin et al. 2023)", c => new Hgrn(c)),
        Convolution("hyena", "Hyena with implicit filters, as in HyenaDNA (Poli et al. 2023, Nguyen et al. 2023)", c => new Hyena(c)),
        Convolution("h3", "H3: shift and diagonal state-space convolutions (Fu et al. 2022)", c => new H3(c), c => H3.Problems(c).Select(p => $"recurrent.{p}")),
        Convolution("hyena-se", "StripedHyena 2's short explicit convolution (Ku et al. 2025)", c => new HyenaSe(c)),
        Convolution("hyena-mr", "StripedHyena 2's medium regularised convolution (Ku et al. 2025)", c => new HyenaMr(c)),
        Convolution("hyena-li", "StripedHyena 2's long implicit convolution (Ku et al. 2025)", c => new HyenaLi(c)),
    ];

    /// <summary>The family of a name, or null.</summary>
    public static MixerFamily? Find(string name) => All.FirstOrDefault(f => f.Name == name);

    /// <summary>
    /// The names that a layout lists once: words separated by blanks, each a name (<c>mamba2</c>), a name repeated
    /// (<c>mamba2*3</c>), or letters (<c>MMA</c>). What is none of these comes back as it is.
    /// </summary>
    internal static IEnumerable<string> Parse(string layout)
    {
        foreach (string word in layout.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = word.Split('*');
            bool repeated = parts.Length == 2 && int.TryParse(parts[1], out int n) && n is > 0 and <= 1024;
            string name = repeated ? parts[0] : word;
            string[] once = Find(name) is null && name.All(c => Lettered(c) is not null) ? [.. name.Select(c => Lettered(c)!)] : [name];
            for (int i = repeated ? int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture) : 1; i > 0; i--)
            {
                foreach (string m in once)
                {
                    yield return m;
                }
            }
        }
    }

    private static string? Lettered(char c) => All.FirstOrDefault(f => f.Letter == c)?.Name;

    private static MixerFamily Convolution(string name, string what, Func<ModelConfig, Recurrence> create, Func<ModelConfig, IEnumerable<string>>? problems = null)
    {
        MixerFamily family = Recurrent(name, RecurrenceClass.Convolution, what, create);
        return family with
        {
            Problems = c => [.. family.Problems(c), .. c.Hyena.Validate(c.DModel).Select(p => $"hyena.{p}"), .. problems?.Invoke(c) ?? []],
        };
    }

    private static MixerFamily Recurrent(string name, RecurrenceClass kind, string what, Func<ModelConfig, Recurrence> create,
        Func<ModelConfig, IEnumerable<string>>? problems = null)
    {
        var family = new MixerFamily(name, kind, what, c => new RecurrentMixer(c, create));
        return problems is null ? family : family with { Problems = c => family.Problems(c).Concat(problems(c).Select(p => $"recurrent.{p}")) };
    }
}
