using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using GenoSeq.Emulator;
using GenoSeq.Models.Context;
using GenoSeq.Models.Losses;
using GenoSeq.Models.Mixers.Fused;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;
using static GenoSeq.Torch.torch.distributed;

namespace GenoSeq.Models.Tests.Context;

/// <summary>Models whose positions are divided among ranks (threads here) against the same models with all of them.</summary>
public sealed class ContextParallelTests
{
    private const int Batch = 2;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    public static TheoryData<string, ModelConfig, int, bool, bool> Models() => new()
    {
        { "ph", TestModels.Caduceus(false), 2, false, false },
        { "ps", TestModels.Caduceus(true), 3, false, false },
        { "ps swapped, odd layers", TestModels.Caduceus(true, true, 3), 2, false, false },
        { "ps swapped, recomputed", TestModels.Caduceus(true, true), 2, false, true },
        { "causal, norms", With(TestModels.Causal(), m => m with { StabilityNorms = "weighted" }), 3, false, false },
        { "multiply", With(TestModels.Caduceus(true), m => m with { BidirectionalStrategy = "ew_multiply" }), 2, false, false },
        { "untied", With(TestModels.Caduceus(false), m => m with { TieProjections = false }), 2, false, false },
        { "three taps, no bias", With(TestModels.Causal(), m => m with { DConv = 3, ConvBias = false }), 2, false, false },
        { "device ph", OnDevice(TestModels.Caduceus(false)), 2, true, false },
        { "device ps", OnDevice(TestModels.Caduceus(true)), 3, true, false },
        { "device ps swapped", OnDevice(TestModels.Caduceus(true, true)), 2, true, false },
        { "device causal, norms", OnDevice(With(TestModels.Causal(), m => m with { StabilityNorms = "weighted" })), 2, true, false },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void Ranks_TogetherGiveLossAndGradientsOfOne(string name, ModelConfig config, int ranks, bool device, bool recompute)
    {
        const int length = 41;
        using DisposeScope scope = NewDisposeScope();
        (long chunk, DeviceMambaLayer.ChunkTokens) = (DeviceMambaLayer.ChunkTokens, 8);
        try
        {
            Outcome expected = Run(Build(config, recompute), length, null, device);
            Outcome[] parts = OnRanks(Build, config, ranks, length, device, recompute);
            Assert.Equal(expected.Loss, parts.Sum(p => p.Loss), 1e-5 * Math.Abs(expected.Loss));
            Assert.Equal(expected.Without, parts.Sum(p => p.Without), 1e-5 * Math.Abs(expected.Loss));
            foreach ((string key, Tensor gradient) in expected.Gradients)
            {
                Tensor sum = parts.Select(p => p.Gradients[key]).Aggregate((a, b) => a + b);
                Closeness.Check(gradient, sum, 1e-4, $"{name}: {key}");
            }
        }
        finally
        {
            DeviceMambaLayer.ChunkTokens = chunk;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Bytes_HandedOver_DoNotGrowWithTheLength(bool device)
    {
        using DisposeScope scope = NewDisposeScope();
        ModelConfig config = OnDevice(TestModels.Caduceus(true));
        long[] bytes = Array.ConvertAll([16, 96], length => OnRanks(Build, config, 2, length, device, false).Sum(p => p.Bytes));
        Assert.Equal(bytes[0], bytes[1]);
        // Layers, passes (forward, backward, and a forward without gradients), strands, directions; states and halo, in f32.
        long d = config.Mamba.DInner(config.DModel);
        Assert.Equal(config.NLayer * 3 * Batch * 2 * 2 * d * (config.Mamba.DState + 3) * sizeof(float), bytes[0]);
    }

    [Fact]
    public void Context_OfAModelWithAttention_IsRefused() => OnRanks((config, _) =>
    {
        using SequenceModel hybrid = Build(TestModels.Causal("MA"), false);
        Assert.Throws<NotSupportedException>(() => Join(0, 1, null!, hybrid));
        return Build(config, false);
    }, TestModels.Causal(), 1, 8, false, false);

    private static Outcome[] OnRanks(Func<ModelConfig, bool, SequenceModel> build, ModelConfig config, int ranks, int length, bool device, bool recompute)
    {
        SequenceModel[] models = [.. Enumerable.Range(0, ranks).Select(_ => build(config, recompute))];
        int port = FreePort();
        var outcomes = new Outcome[ranks];
        var errors = new Exception?[ranks];
        Thread[] threads = [.. Enumerable.Range(0, ranks).Select(r => new Thread(() => errors[r] = Record.Exception(() =>
        {
            using var store = new TCPStore("127.0.0.1", port, ranks, r == 0, s_patience);
            using ContextParallel context = Join(r, ranks, store, models[r]);
            outcomes[r] = Run(models[r], length, context, device);
        })))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        if (errors.Where(e => e is not null).OrderBy(e => e is DistributedException).FirstOrDefault() is { } first)
        {
            ExceptionDispatchInfo.Throw(first);
        }

        return outcomes;
    }

    private static ContextParallel Join(int rank, int size, TCPStore store, SequenceModel model)
    {
        var context = new ContextParallel(rank, size, (name, position, count) =>
            new ProcessGroup(store, "gloo", position, count, s_patience, name, "127.0.0.1"));
        model.Context = context;
        return context;
    }

    private static Outcome Run(SequenceModel model, int length, ContextParallel? context, bool device)
    {
        if (device)
        {
            using EmulatedDevice.Scope scope = new EmulatedDevice().Use();
            return Run(model, length, context);
        }

        return Run(model, length, context);
    }

    private static Outcome Run(SequenceModel model, int length, ContextParallel? context)
    {
        int[][] ids = TestModels.Sequences(Batch, length);
        int[][] targets = TestModels.Sequences(Batch, length, seed: 11);
        (int first, int count) = context?.Part(length) ?? (0, length);
        Tensor Part(int[][] rows) => TestModels.Ids(Array.ConvertAll(rows, r => r[first..(first + count)])).to(int32);
        LossTotals totals = model.Loss(Part(ids), Part(targets));
        totals.Sum.backward();
        double without;
        using (no_grad())
        {
            without = model.Loss(Part(ids), Part(targets)).LossSum;
        }

        return new Outcome(totals.LossSum, without, model.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad!), context?.BytesSent ?? 0);
    }

    private static SequenceModel Build(ModelConfig config, bool recompute)
    {
        manual_seed(3);
        SequenceModel model = TestModels.Build(config);
        model.Recompute = recompute;
        return model;
    }

    // The shapes that the kernels take.
    private static ModelConfig OnDevice(ModelConfig config) => With(config with { DModel = 16 }, m => m with { DState = 16 });

    private static ModelConfig With(ModelConfig config, Func<MambaConfig, MambaConfig> change) => config with { Mamba = change(config.Mamba) };

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed record Outcome(double Loss, double Without, Dictionary<string, Tensor> Gradients, long Bytes);
}
