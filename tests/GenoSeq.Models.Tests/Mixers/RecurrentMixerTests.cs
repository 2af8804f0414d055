using GenoSeq.Models.Mixers;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Mixers;

/// <summary>What holds for every recurrent mixer. A new one takes a line in <see cref="Mixers"/>.</summary>
public sealed class RecurrentMixerTests
{
    private const int Batch = 2, Length = 37;

    public static TheoryData<string, RecurrentConfig> Mixers() => new()
    {
        { "mamba2", new RecurrentConfig { NHead = 4, DKey = 5, NGroups = 2, Bias = true, DtLimitMin = 0.01, DtLimitMax = 1 } },
        { "mamba3", new RecurrentConfig { NHead = 4, DKey = 5, NGroups = 2, Bias = true } },
        { "mamba3", new RecurrentConfig { NHead = 2, DKey = 8, Rank = 3 } },
        { "retnet", new RecurrentConfig { NHead = 2 } },
        { "simple-gla", new RecurrentConfig { NHead = 2 } },
        { "linear-attention", new RecurrentConfig { NHead = 2 } },
        { "based", new RecurrentConfig { NHead = 2, DKey = 3 } },
        { "mlstm", new RecurrentConfig { NHead = 2 } },
        { "gla", new RecurrentConfig { NHead = 2 } },
        { "hgrn2", new RecurrentConfig { NHead = 2 } },
        { "rwkv6", new RecurrentConfig { NHead = 2 } },
        { "rwkv7", new RecurrentConfig { NHead = 2 } },
        { "deltanet", new RecurrentConfig { NHead = 2 } },
        { "gated-deltanet", new RecurrentConfig { NHead = 2, DConv = 3 } },
        { "titans", new RecurrentConfig { NHead = 2, DConv = 2 } },
        { "titans-mlp", new RecurrentConfig { NHead = 2, MemoryChunk = 6 } },
        { "slstm", new RecurrentConfig { NHead = 2 } },
        { "s4d", new RecurrentConfig { DKey = 5, DtMax = 0.5 } },
        { "lru", new RecurrentConfig { DKey = 7, Expand = 2 } },
        { "rg-lru", new RecurrentConfig { NHead = 4 } },
        { "mingru", new RecurrentConfig() },
        { "minlstm", new RecurrentConfig() },
        { "hgrn", new RecurrentConfig() },
        { "hyena", new RecurrentConfig { Bias = true } },
        { "h3", new RecurrentConfig { DKey = 6, DtMax = 0.5 } },
        { "hyena-se", new RecurrentConfig() },
        { "hyena-mr", new RecurrentConfig() },
        { "hyena-li", new RecurrentConfig() },
    };

    [Fact]
    public void Mixers_Table_HasEveryFamily() => Assert.Equal(
        MixerFamilies.All.Where(f => f.Letter is null).Select(f => f.Name).Order(),
        Mixers().Select(row => (string)row[0]).Distinct().Order());

    /// <summary>One position at a time in double precision is the recurrence itself: the chunked form gives its numbers, in single precision too.</summary>
    [Theory]
    [MemberData(nameof(Mixers))]
    public void Forward_AnyChunk_IsTheRecurrence(string name, RecurrentConfig settings)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor x = Input();
        RecurrentMixer mixer = Create(name, settings with { Chunk = 8 });
        Tensor single = mixer.forward(x);
        ToDouble(mixer);
        Tensor wide = x.to(float64);
        Tensor chunked = mixer.forward(wide);
        Closeness.Check(chunked, single, 2e-5, $"{name}: single precision");

        using MixerState state = mixer.initial_state(Batch);
        long bytes = state.Bytes;
        Tensor stepped = stack([.. Enumerable.Range(0, Length).Select(t => mixer.step(wide.select(1, t), state))], 1);
        Closeness.Check(stepped, chunked, 1e-10, $"{name}: step by step");
        if (mixer.Fwd.GrowthBytes == 0)
        {
            Assert.Equal(bytes, state.Bytes);
        }

        RecurrentMixer whole = Create(name, settings with { Chunk = 256 });
        ToDouble(whole);
        Closeness.Check(stepped, whole.forward(wide), 1e-10, $"{name}: one chunk");
    }

    /// <summary>A stretch, and then another from the state that it left, is both at once.</summary>
    [Theory]
    [MemberData(nameof(Mixers))]
    public void Forward_FromAState_GoesOn(string name, RecurrentConfig settings)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        RecurrentMixer mixer = Create(name, settings with { Chunk = 8 });
        ToDouble(mixer);
        Tensor wide = Input().to(float64);
        Tensor projected = mixer.InProj?.forward(wide) ?? wide;
        using RecurrentState state = mixer.Fwd.initial_state(Batch, float64, CPU);
        Tensor[] parts = [.. new[] { (0, 2), (2, 19), (21, Length - 21) }.Select(c => mixer.Fwd.forward(projected.narrow(1, c.Item1, c.Item2), state, null))];
        Closeness.Check(mixer.Fwd.forward(projected, null, null), cat(parts, 1), 1e-10, name);
    }

    [Theory]
    [MemberData(nameof(Mixers))]
    public void Backward_EveryParameter_IsTheSlope(string name, RecurrentConfig settings)
    {
        using DisposeScope scope = NewDisposeScope();
        RecurrentMixer mixer = Create(name, settings with { Chunk = 8 }, true);
        ToDouble(mixer);
        Tensor x = Input().to(float64).requires_grad_();
        Tensor w = randn([Batch, Length, x.size(2)], float64);
        (mixer.forward(x) * w).sum().backward();
        using IDisposable mode = no_grad();
        foreach ((string parameter, Tensor p) in mixer.named_parameters().Select(n => (n.name, (Tensor)n.parameter)).Append(("x", x)))
        {
            Tensor gradient = p.grad!;
            Assert.True(gradient.norm().item() > 0, $"{name}: {parameter} has no gradient");
            Tensor direction = randn(p.shape, float64);
            double Moved(double by)
            {
                p.add_(direction * by);
                double value = (mixer.forward(x) * w).sum().item();
                p.add_(direction * -by);
                return value;
            }

            double slope = (Moved(1e-5) - Moved(-1e-5)) / 2e-5;
            double ours = (gradient * direction).sum().item();
            Assert.True(Math.Abs(slope - ours) <= 1e-5 * (1 + Math.Abs(slope)), $"{name}: {parameter} slope {slope:g9}, ours {ours:g9}");
        }
    }

    /// <summary>Sequences in one row do not see each other, and both directions are each other's mirror images.</summary>
    [Theory]
    [MemberData(nameof(Mixers))]
    public void Forward_PackedAndMirrored_IsEachAlone(string name, RecurrentConfig settings)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        RecurrentMixer mixer = Create(name, settings with { Chunk = 8 }, true);
        ToDouble(mixer);
        Tensor x = Input().to(float64);
        int[] cuts = [5, 1, 17, 14];
        Tensor ids = tensor([.. Enumerable.Repeat(cuts.SelectMany((n, k) => Enumerable.Repeat(k, n)), Batch).SelectMany(r => r)], Batch, Length);
        Tensor packed = mixer.forward(x, new MixContext(SequenceIds: ids));
        int first = 0;
        foreach (int count in cuts)
        {
            Closeness.Check(mixer.forward(x.narrow(1, first, count)), packed.narrow(1, first, count), 1e-10, $"{name}: {first}");
            first += count;
        }

        var context = new MixContext(true, ids.flip(1));
        Closeness.Check(packed, mixer.forward(x.flip(1, 2), context).flip(1, 2), 1e-10, $"{name}: mirrored");
    }

    /// <summary>In a model that reads both strands, beside attention.</summary>
    [Theory]
    [MemberData(nameof(Mixers))]
    public void Forward_EquivariantHybrid_IsMirrored(string name, RecurrentConfig settings)
    {
        ModelConfig config = Config(settings) with { Layout = $"{name} A", NLayer = 2, Bidirectional = true, RcEquivariant = true, RcpsSwapHalves = true };
        Assert.Empty(config.Validate());
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        using SequenceModel model = ModelFile.Create(config);
        int[][] sequences = TestModels.Sequences(2, 23);
        int[][] others = [.. sequences.Select(s => s.Reverse().Select(Oracle.OracleModel.Complement).ToArray())];
        int[] map = [.. Enumerable.Range(0, config.VocabSize).Select(Oracle.OracleModel.Complement)];
        Tensor back = model.forward(TestModels.Ids(others)).flip(1).index_select(2, tensor(map).to(int64));
        Closeness.Check(model.forward(TestModels.Ids(sequences)), back, 1e-5, name);
    }

    public static TheoryData<string> Families() => [.. MixerFamilies.All.Where(f => f.Letter is null or 'M' or 'A').Select(f => f.Name)];

    /// <summary>Every family's preset learns a short period; Hyena's filters come from sines of ten times their argument, so it takes smaller steps.</summary>
    [Theory]
    [MemberData(nameof(Families))]
    public void Train_Preset_LowersTheLoss(string name)
    {
        ModelConfig config = ModelPresets.Find(name == MixerFamilies.Attention ? "transformer-tiny" : $"{name}-tiny")!.Config;
        Assert.Empty(config.Validate());
        using DisposeScope scope = NewDisposeScope();
        manual_seed(3);
        using SequenceModel model = ModelFile.Create(config);
        using var optimizer = new optim.AdamW([new optim.ParamGroup([.. model.named_parameters()], 0)], name == "hyena" ? 0.002 : 0.01);
        Tensor ids = TestModels.Ids([.. Enumerable.Range(0, 2).Select(r => Enumerable.Range(r, 33).Select(t => 7 + (t * t % 5)).ToArray())]);
        double first = 0, last = 0;
        for (int step = 0; step < 6; step++)
        {
            using DisposeScope inner = NewDisposeScope();
            model.zero_grad();
            Tensor logits = model.forward(ids.narrow(1, 0, 32)).reshape(-1, model.Config.VocabSize);
            Tensor loss = nn.functional.cross_entropy(logits, ids.narrow(1, 1, 32).reshape(-1).to(int64));
            loss.backward();
            optimizer.step();
            (first, last) = (step == 0 ? loss.item() : first, loss.item());
        }

        Assert.True(last < 0.8 * first, $"{name}: {first:g4} to {last:g4}");
    }

    private static Tensor Input() => randn([Batch, Length, 12]);

    private static ModelConfig Config(RecurrentConfig settings) => TestModels.Causal() with
    {
        Recurrent = settings,
        // Filters that end within the sequence and ones that do not, and an MLP that does not multiply rounding by hundreds.
        Hyena = new HyenaConfig { LMax = 48, FilterOrder = 8, ActivationFreq = 1, FilterGroups = 4, SeLength = 5, MrLength = 20, Poles = 3 },
    };

    // The same parameters for every chunk, away from where gates sit at their start.
    private static RecurrentMixer Create(string name, RecurrentConfig settings, bool bidirectional = false)
    {
        using IDisposable mode = no_grad();
        manual_seed(5);
        var mixer = (RecurrentMixer)MixerFamilies.Find(name)!.Create(Config(settings) with { Layout = name, Bidirectional = bidirectional });
        foreach ((_, nn.Parameter p) in mixer.named_parameters())
        {
            p.add_(randn(p.shape) * 0.2);
        }

        return mixer;
    }

    private static void ToDouble(RecurrentMixer mixer)
    {
        mixer.ComputeType = float64;
        foreach ((_, nn.Parameter p) in mixer.named_parameters())
        {
            p.set_data(p.detach().to(float64));
        }
    }
}
