using GenoSeq.Emulator;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Mixers;

/// <summary>
/// Engines beyond the delta rule against loops over positions in double precision, and their gradients against the loops' own: a transition of
/// rank one beside a diagonal, momentum, trapezoids of turning states, memories that learn, the sequential LSTM.
/// </summary>
public sealed class DeltaEngineTests
{
    private const int Batch = 2, Heads = 2, N = 3, P = 4, Rank = 2;

    public static TheoryData<string, int, int, bool, long> Cases()
    {
        var data = new TheoryData<string, int, int, bool, long>();
        foreach (string engine in new[] { "lowrank", "bounded", "momentum", "trapezoid" })
        {
            data.Add(engine, 1, 8, false, 1 << 24);
            data.Add(engine, 37, 8, true, 1 << 24);
            data.Add(engine, 35, 32, false, 1 << 24);
            data.Add(engine, 29, 4, true, 1);
        }

        data.Add("bounded", 75, 128, true, 1 << 24);

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Run_AnyChunk_IsTheLoopAndItsGradient(string engine, int length, int chunk, bool packed, long elements)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor? ids = packed ? randint(0, 10, [Batch, length], int64).eq(0).to(int32).cumsum(1).to(int32) : null;
        Tensor[] inputs = Inputs(engine, length, ids);
        long before = SegmentedRecurrence.Elements;
        SegmentedRecurrence.Elements = elements;
        try
        {
            (Tensor Y, Tensor State) ours = Run(engine, inputs, ids, chunk);
            (Tensor Y, Tensor State) loop = Loop(engine, inputs, ids);
            Closeness.Check(loop.Y, ours.Y, 1e-12, $"{engine}: y");
            Closeness.Check(loop.State, ours.State, 1e-12, $"{engine}: state");
            (Tensor wy, Tensor ws) = (randn(ours.Y.shape, float64), randn(ours.State.shape, float64));
            Tensor?[] expected = autograd.grad([loop.Y, loop.State], inputs, [wy, ws], allow_unused: true);
            Tensor?[] actual = autograd.grad([ours.Y, ours.State], inputs, [wy, ws], allow_unused: true);
            for (int i = 0; i < inputs.Length; i++)
            {
                Closeness.Check(expected[i] ?? zeros_like(inputs[i]), actual[i] ?? zeros_like(inputs[i]), 1e-10, $"{engine}: gradient {i}");
            }
        }
        finally
        {
            SegmentedRecurrence.Elements = before;
        }
    }

    /// <summary>The dual form of a chunk is descent of every position's own gradient, as autograd has it.</summary>
    [Fact]
    public void DeepMemory_Chunks_AreDescent()
    {
        const int Length = 11, Chunk = 4, Hidden = 5;
        using DisposeScope scope = NewDisposeScope();
        Tensor[] x =
        [
            randn([1, Length, 1, N], float64), randn([1, Length, 1, N], float64), randn([1, Length, 1, P], float64),
            randn([1, Length, 1], float64).sigmoid().log(), randn([1, Length, 1], float64).sigmoid().log(), randn([1, Length, 1], float64).sigmoid(),
        ];
        (Tensor w1, Tensor w2) = (randn([1, 1, N, Hidden], float64), randn([1, 1, Hidden, P], float64));
        var fresh = new DeepMemory(w1, zeros_like(w1), w2, zeros_like(w2));
        (Tensor y, _) = new DeepMemory.Carry(w1, w2, fresh, zeros([1], float64)).InChunks(x, Chunk, true);
        Tensor[] weights = [w1, w2], momentum = [zeros_like(w1), zeros_like(w2)], at = weights;
        for (int t = 0; t < Length; t++)
        {
            at = t % Chunk == 0 ? weights : at;
            Tensor[] leaves = Array.ConvertAll(at, w => w.detach().requires_grad_());
            Tensor Row(int which) => x[which].select(1, t).unsqueeze(-2);
            double Gate(int which) => x[which].select(1, t).item();
            Tensor loss = (Read(Row(1), leaves) - Row(2)).square().sum() * 0.5;
            Tensor?[] g = autograd.grad([loss], leaves, [ones_like(loss)]);
            for (int i = 0; i < 2; i++)
            {
                momentum[i] = (momentum[i] * Math.Exp(Gate(4))) - (g[i]! * (Gate(5) / Math.Max(1, g[i]!.norm().item())));
                weights = [.. weights.Select((w, j) => j == i ? (w * Math.Exp(Gate(3))) + momentum[i] : w)];
            }

            Closeness.Check(Read(Row(0), weights).squeeze(-2), y.select(1, t), 1e-10, $"position {t}");
        }

        // Whatever is read, the weights stay within bounds.
        DeepMemory.Carry carry = new(w1, w2, fresh, zeros([1], float64));
        x[2] = x[2] * 1e6;
        for (int i = 0; i < 30; i++)
        {
            (_, carry) = carry.InChunks(x, Chunk, false);
        }

        Assert.InRange(carry.Weights.In.norm().item() + carry.Weights.Out.norm().item(), 0, 1000);

        static Tensor Read(Tensor key, Tensor[] w) => nn.functional.silu(key.matmul(w[0])).matmul(w[1]);
    }

    /// <summary>The passes of every vector width and of the emulated device against the operators in double precision, with heads that no width divides.</summary>
    [Theory]
    [InlineData(KernelPath.Scalar, false, 19, 21)]
    [InlineData(KernelPath.Vector256, false, 19, 21)]
    [InlineData(KernelPath.Vector512, false, 19, 21)]
    [InlineData(KernelPath.Scalar, true, 19, 21)]
    [InlineData(KernelPath.Scalar, true, 117, 3)]
    public void SequentialLstm_AnyKernel_IsTheComposedOne(KernelPath path, bool emulated, int width, int length)
    {
        if (!KernelDispatch.IsSupported(path))
        {
            return;
        }

        using DisposeScope scope = NewDisposeScope();
        using KernelDispatch.Scope use = KernelDispatch.Use(path);
        Tensor ids = tensor([.. Enumerable.Range(0, 2 * length).Select(i => i / 8)], 2, length);
        Tensor x = (randn([2, length, 2, 4 * width]) * 2).requires_grad_(), r = (randn([2, width, 4 * width]) * (1 / Math.Sqrt(width))).requires_grad_();
        Tensor[] wide = [x.detach().to(float64).requires_grad_(), r.detach().to(float64).requires_grad_()];
        (Tensor expected, SequentialLstm.State lastWide) = SequentialLstm.Run(wide[0], wide[1], null, ids);
        using EmulatedDevice.Scope device = emulated ? new EmulatedDevice { Seed = 3 }.Use() : default;
        (Tensor h, SequentialLstm.State last) = SequentialLstm.Run(x, r, null, ids);
        Closeness.Check(expected, h, 2e-5, "h");
        Closeness.Check(lastWide.C / lastWide.N, last.C / last.N, 2e-5, "c / n");
        Closeness.Check(lastWide.M, last.M, 2e-5, "m");
        Tensor w = randn(h.shape);
        Tensor?[] actual = autograd.grad([h], [x, r], [w]);
        Tensor?[] slopes = autograd.grad([expected], wide, [w.to(float64)]);
        Closeness.Check(slopes[0]!, actual[0]!, 1e-4, "gradient of x");
        Closeness.Check(slopes[1]!, actual[1]!, 1e-4, "gradient of r");
    }

    private static Tensor[] Inputs(string engine, int length, Tensor? ids)
    {
        Tensor Random(params long[] shape) => randn([Batch, length, .. shape], float64);
        Tensor Unit(Tensor t) => t * t.square().sum([-1], true).rsqrt();
        Tensor Log(params long[] shape) => Random(shape).sigmoid().log();
        Tensor rho = Random(Heads).sigmoid();
        Tensor[] all = engine switch
        {
            "lowrank" => [Random(Heads, N), Random(Heads, N), Random(Heads, P), Unit(Random(Heads, N)), Unit(Random(Heads, N)) * 0.7, Log(Heads, N), randn([Batch, Heads, N, P], float64)],
            "bounded" => [.. Inputs("lowrank", length, ids).Select((t, i) => i == 5 ? t.exp() * -1.25 : t)],
            "momentum" => [Random(Heads, N), Unit(Random(Heads, N)), Random(Heads, P), Log(Heads), Log(Heads), Random(Heads).sigmoid(), randn([Batch, Heads, 2 * N, P], float64)],
            _ =>
            [
                Random(1, Rank, N), Random(1, Rank, N), Random(Heads, P), Log(Heads), Random(Heads).sigmoid(),
                ids is null ? rho : rho * DiagonalScan.Continues(cat([ids.narrow(1, 0, 1), ids], 1), float64),
                Random(Heads).sigmoid(), Random(1), randn([Heads, Rank, N], float64), randn([Heads, Rank, N], float64), randn([Heads, Rank, P], float64),
                randn([Heads], float64), randn([Batch, Heads, N + Rank, P + Rank], float64),
            ],
        };
        return Array.ConvertAll(all, t => t.detach().requires_grad_());
    }

    private static (Tensor Y, Tensor State) Run(string engine, Tensor[] t, Tensor? ids, int chunk) => engine switch
    {
        "lowrank" or "bounded" => DiagonalLowRank.Run(
            new DiagonalLowRank.Inputs(t[0], t[1], t[2], t[3], t[4], t[5]) { Bounded = engine == "bounded" }, t[6], ids, chunk),
        "momentum" => MomentumDelta.Run(new MomentumDelta.Inputs(t[0], t[1], t[2], t[3], t[4], t[5]), t[6], ids, chunk),
        _ => Trapezoid.Run(new Trapezoid.Inputs(t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7]),
            new Trapezoid.Constants(t[8], t[9], t[10], t[11]), Corner(t[12]), ids, chunk),
    };

    private static (Tensor Y, Tensor State) Loop(string engine, Tensor[] t, Tensor? ids)
    {
        Tensor state = engine == "trapezoid" ? Corner(t[12]) : t[^1];
        var y = new Tensor[t[0].size(1)];
        for (int i = 0; i < y.Length; i++)
        {
            if (ids is not null && i > 0)
            {
                state = state * ids.select(1, i).eq(ids.select(1, i - 1)).to(float64).reshape(-1, 1, 1, 1);
            }

            Tensor[] x = Array.ConvertAll(t, s => s.dim() > 1 && s.size(1) == y.Length && s.size(0) == Batch ? s.select(1, i) : s);
            (y[i], state) = engine switch
            {
                "lowrank" or "bounded" => LowRank(x, state),
                "momentum" => Descent(x, state),
                _ => Turning(x, state),
            };
        }

        return (stack(y, 1), state);
    }

    private static (Tensor Y, Tensor State) LowRank(Tensor[] x, Tensor s)
    {
        s = (s * x[5].exp().unsqueeze(-1)) + (x[4].unsqueeze(-1) * x[3].unsqueeze(-2).matmul(s)) + (x[1].unsqueeze(-1) * x[2].unsqueeze(-2));
        return (x[0].unsqueeze(-2).matmul(s).squeeze(-2), s);
    }

    private static (Tensor Y, Tensor State) Descent(Tensor[] x, Tensor state)
    {
        Tensor Gate(int i) => x[i].unsqueeze(-1).unsqueeze(-1);
        (Tensor m, Tensor s) = (state.narrow(2, 0, N), state.narrow(2, N, N));
        Tensor error = x[2] - x[1].unsqueeze(-2).matmul(m).squeeze(-2);
        s = (Gate(4).exp() * s) + (Gate(5) * x[1].unsqueeze(-1) * error.unsqueeze(-2));
        m = (Gate(3).exp() * m) + s;
        return (x[0].unsqueeze(-2).matmul(m).squeeze(-2), cat([m, s], 2));
    }

    // In the frame of the position: what came before is turned back by its step.
    private static (Tensor Y, Tensor State) Turning(Tensor[] x, Tensor state)
    {
        Tensor angle = (x[6].unsqueeze(-1) * x[7].unsqueeze(1)).neg().unsqueeze(-2);
        Tensor Scale(int i) => x[i].unsqueeze(-1).unsqueeze(-1);
        Tensor s = state.narrow(2, 0, N).narrow(3, 0, P) + (Scale(5) * state.narrow(2, 0, N).narrow(3, P, Rank).matmul(state.narrow(2, N, Rank).narrow(3, 0, P)));
        s = PlaneTurns.Run(s.transpose(-1, -2), angle.cos(), angle.sin()).transpose(-1, -2) * Scale(3).exp();
        (Tensor q, Tensor k) = (x[0] + x[8], (x[1] + x[9]).transpose(-1, -2));
        Tensor v = x[2].unsqueeze(2) * x[10];
        s = s + (Scale(4) * k.matmul(v));
        Tensor below = cat([v, zeros([Batch, Heads, Rank, Rank], float64)], 3);
        return (q.matmul(s) + (v * x[11].reshape(-1, 1, 1)), cat([cat([s, k], 3), below], 2));
    }

    // The corner of the state says nothing.
    private static Tensor Corner(Tensor state) => cat([
        state.narrow(2, 0, N),
        cat([state.narrow(2, N, Rank).narrow(3, 0, P), zeros([Batch, Heads, Rank, Rank], float64)], 3),
    ], 2);
}
