using GenoSeq.Models.Blocks;
using GenoSeq.Models.Losses;
using GenoSeq.Models.Mixers;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Mixers;

/// <summary>Dynamic chunking against its equations, one position and one sequence at a time, in double precision.</summary>
public sealed class DynamicChunkingTests
{
    private const int Batch = 3, Length = 29, Width = 6;

    [Fact]
    public void Forward_AnySequence_IsTheEquations()
    {
        using DisposeScope scope = NewDisposeScope();
        DynamicChunking layer = Create(new ChunkingConfig { Layout = "M A", DModel = 8 });
        Tensor x = randn([Batch, Length, Width], float64).requires_grad_();
        Tensor w = randn([Batch, Length, Width], float64);
        var side = new SideLosses();
        Tensor y = layer.forward(x, new MixContext(Side: side));
        ((y * w).sum() + side.Total()!).backward();
        var ours = Gradients(layer, x);
        (Tensor twin, Tensor ratio, int[] chunks) = Twin(layer, x, 4);
        Assert.True(chunks.Distinct().Count() > 1 && chunks.All(c => c is > 3 and < Length - 3), $"chunks {string.Join(", ", chunks)}");
        Closeness.Check(twin, y, 1e-12, "output");
        ((twin * w).sum() + (ratio * 0.03)).backward();
        Assert.All(Gradients(layer, x), g => Closeness.Check(g.Value, ours[g.Key], 1e-10, g.Key));
    }

    [Fact]
    public void Forward_Packed_IsEachAlone()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        DynamicChunking layer = Create(new ChunkingConfig { Layout = "M mamba2 H", NLayer = 3, Inner = new ChunkingConfig { NLayer = 1 } });
        Tensor x = randn([Batch, Length, Width], float64);
        int[] cuts = [5, 1, 12, 11];
        Tensor ids = tensor([.. Enumerable.Repeat(cuts.SelectMany((n, k) => Enumerable.Repeat(k, n)), Batch).SelectMany(r => r)], Batch, Length);
        Tensor packed = layer.forward(x, new MixContext(SequenceIds: ids));
        int first = 0;
        foreach (int count in cuts)
        {
            Closeness.Check(layer.forward(x.narrow(1, first, count)), packed.narrow(1, first, count), 1e-10, $"from {first}");
            first += count;
        }
    }

    [Fact]
    public void Extend_CutAnywhere_IsForward()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        DynamicChunking layer = Create(new ChunkingConfig { Layout = "mamba2 H", DModel = 8, Inner = new ChunkingConfig { NLayer = 1, Layout = "S" } });
        Tensor x = randn([Batch, Length, Width], float64);
        using MixerState state = layer.initial_state(Batch);
        Tensor[] parts = [.. new[] { (0, 1), (1, 1), (2, 13), (15, 1), (16, Length - 16) }.Select(c => layer.extend(x.narrow(1, c.Item1, c.Item2), state))];
        Closeness.Check(layer.forward(x), cat(parts, 1), 1e-6, "cut");
    }

    /// <summary>Whatever is recomputed, and whatever filling the levels need, the loss holds both levels' ratios.</summary>
    [Fact]
    public void Loss_TwoLevels_HoldsTheirRatios()
    {
        using DisposeScope scope = NewDisposeScope();
        ModelConfig config = TestModels.Causal("M H", 2, 16) with
        {
            Chunking = new ChunkingConfig { Layout = "H", NLayer = 1, RatioLoss = 2, Inner = new ChunkingConfig { NLayer = 1, RatioLoss = 3 } },
        };
        using SequenceModel model = TestModels.Build(config);
        (double kept, Tensor slope) = Run(false);
        (double again, Tensor recomputed) = Run(true);
        Assert.Equal(kept, again, 1e-3);
        Closeness.Check(slope, recomputed, 1e-5, "router");

        (double, Tensor) Run(bool recompute)
        {
            model.zero_grad();
            model.Recompute = recompute;
            LossTotals totals = model.Loss(TestModels.Ids(TestModels.Sequences(3, 40)), TestModels.Ids(TestModels.Sequences(3, 40, seed: 8)));
            totals.Sum.backward();
            Assert.True(totals.Sum.item() > totals.LossSum + (2 * totals.WeightSum), "two ratios are there");
            return (totals.Sum.item(), ((DynamicChunking)model.Layers[1].Mixer).QProj.weight.grad!.clone());
        }
    }

    [Fact]
    public void RatioLoss_AtTheTarget_IsOneAndLeast()
    {
        double At(double share, double mean) => new RatioTerm(1, 5, 0).Loss(tensor([share * 100, mean * 100, 100])).item();
        Assert.Equal(1, At(0.2, 0.2), 1e-12);
        Assert.True(At(0.5, 0.5) > 1.05 && At(0.05, 0.05) > 1.02);
        Assert.True(At(0.4, 0.3) > At(0.4, 0.2), "too many chunks: fewer must be likely");
    }

    [Theory]
    [InlineData("H", "chunking.inner")]
    [InlineData("nothing", "layout may hold")]
    public void Validate_NetworkThatCannotBe_IsSaid(string layout, string said)
    {
        ModelConfig config = TestModels.Causal("M H") with { Chunking = new ChunkingConfig { Layout = layout } };
        Assert.Contains(config.Validate(), p => p.Contains(said, StringComparison.Ordinal));
        Assert.Contains((config with { Bidirectional = true }).Validate(), p => p.Contains("causal", StringComparison.Ordinal));
    }

    private static DynamicChunking Create(ChunkingConfig chunking)
    {
        manual_seed(4);
        ModelConfig config = TestModels.Causal("H", 1, Width) with { Chunking = chunking, Recurrent = new RecurrentConfig { NHead = 2, DKey = 4 } };
        Assert.Empty(config.Validate());
        var layer = new DynamicChunking(config) { ComputeType = float64 };
        using IDisposable mode = no_grad();
        foreach (nn.Parameter p in layer.parameters())
        {
            p.set_data((p.detach() + (randn(p.shape) * 0.2)).to(float64));
        }

        return layer;
    }

    private static Dictionary<string, Tensor> Gradients(DynamicChunking layer, Tensor x)
    {
        var all = layer.named_parameters().Select(p => (p.name, (Tensor)p.parameter)).Append(("x", x)).ToDictionary(p => p.Item1, p => p.Item2.grad!.clone());
        layer.zero_grad();
        x.grad = null;
        return all;
    }

    // The paper's equations 2 to 10, sequence by sequence: chunks without filling, the average as a loop, positions one by one.
    private static (Tensor Y, Tensor Ratio, int[] Chunks) Twin(DynamicChunking layer, Tensor x, double target)
    {
        var outputs = new List<Tensor>();
        Tensor probability = zeros([1], float64);
        int boundaries = 0;
        int[] chunks = new int[Batch];
        for (int row = 0; row < Batch; row++)
        {
            Tensor h = x.select(0, row);
            Tensor q = layer.QProj.forward(h), k = layer.KProj.forward(h);
            var p = new Tensor[Length];
            for (int t = 0; t < Length; t++)
            {
                p[t] = t == 0 ? ones([], float64)
                    : (1 - ((q.select(0, t) * k.select(0, t - 1)).sum() / (q.select(0, t).norm() * k.select(0, t - 1).norm()))) * 0.5;
                probability = probability + p[t];
            }

            int[] at = [.. Enumerable.Range(0, Length).Where(t => p[t].item() >= 0.5)];
            (chunks[row], boundaries) = (at.Length, boundaries + at.Length);
            Tensor z = Network(layer, stack([.. at.Select(t => h.select(0, t))]).unsqueeze(0)).squeeze(0);
            Tensor average = zeros([Width], float64);
            int chunk = -1;
            for (int t = 0; t < Length; t++)
            {
                bool begins = chunk + 1 < at.Length && at[chunk + 1] == t;
                if (begins)
                {
                    chunk++;
                    average = (z.select(0, chunk) * p[t]) + (average * (1 - p[t]));
                }

                Tensor confidence = begins ? p[t] : 1 - p[t];
                outputs.Add((average * (confidence + (1 - confidence).detach())) + layer.ResidualProj.forward(h.select(0, t)));
            }
        }

        double share = boundaries / (double)(Batch * Length);
        Tensor mean = probability / (double)(Batch * Length);
        Tensor ratio = (((target - 1) * share * mean) + ((1 - share) * (1 - mean))) * (target / (target - 1));
        return (stack([.. outputs]).view(Batch, Length, Width), ratio, chunks);
    }

    private static Tensor Network(DynamicChunking layer, Tensor x)
    {
        x = cat([x, layer.Pad!.expand(1, x.size(1), layer.Pad.size(0))], -1);
        Tensor? r = null;
        foreach (Block b in layer.Layers)
        {
            (x, r) = b.forward(x, r, default);
        }

        return layer.NormF.AddNorm(x, r, false).Normed.narrow(-1, 0, Width);
    }
}
