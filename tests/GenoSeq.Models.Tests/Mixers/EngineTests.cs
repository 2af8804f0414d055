using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Models.Tests.Oracle;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Mixers;

/// <summary>The chunked engines against plain loops in double precision, over chunks, stretches, lengths, states and packed sequences.</summary>
public sealed class EngineTests
{
    private const int Batch = 2, Heads = 2, N = 3, P = 4;

    public static TheoryData<string, int, int, bool, long> Cases()
    {
        var data = new TheoryData<string, int, int, bool, long>();
        foreach (string engine in new[] { "scalar", "shared", "vector", "before", "delta" })
        {
            data.Add(engine, 1, 8, false, 1 << 24);
            data.Add(engine, 37, 8, false, 1 << 24);
            data.Add(engine, 37, 8, true, 1 << 24);
            data.Add(engine, 70, 64, true, 1 << 24);
            data.Add(engine, 50, 4, true, 1);
            data.Add(engine, 50, 1, true, 100);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Run_AnyChunk_IsTheLoop(string engine, int length, int chunk, bool packed, long elements)
    {
        using DisposeScope scope = NewDisposeScope();
        Problem x = Problem.Random(engine, length, packed);
        (double[] y, double[] state) = x.Oracle();
        WithElements(elements, () =>
        {
            (Tensor Y, Tensor State) r = x.Run(chunk);
            Closeness.Check(y, r.Y, 1e-12, $"{engine}: y");
            Closeness.Check(state, r.State, 1e-12, $"{engine}: state");
        });
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Backward_AnyChunk_IsTheSlope(string engine, int length, int chunk, bool packed, long elements)
    {
        using DisposeScope scope = NewDisposeScope();
        Problem x = Problem.Random(engine, length, packed);
        WithElements(elements, () =>
        {
            (Tensor y, Tensor state) = x.Run(chunk, true);
            (Tensor wy, Tensor ws) = (randn(y.shape, float64), randn(state.shape, float64));
            ((y * wy).sum() + (state * ws).sum()).backward();
            foreach (Tensor input in x.Inputs())
            {
                using IDisposable mode = no_grad();
                Tensor direction = randn(input.shape, float64);
                double ours = (input.grad! * direction).sum().item();
                double Moved(double by)
                {
                    input.add_(direction * by);
                    (Tensor a, Tensor b) = x.Run(chunk);
                    input.add_(direction * -by);
                    return ((a * wy).sum() + (b * ws).sum()).item();
                }

                double slope = (Moved(1e-5) - Moved(-1e-5)) / 2e-5;
                Assert.True(Math.Abs(slope - ours) <= 1e-7 * (1 + Math.Abs(slope)), $"{engine}: slope {slope:g9}, ours {ours:g9}");
            }
        });
    }

    private static void WithElements(long elements, Action body)
    {
        long before = SegmentedRecurrence.Elements;
        SegmentedRecurrence.Elements = elements;
        try
        {
            body();
        }
        finally
        {
            SegmentedRecurrence.Elements = before;
        }
    }

    private sealed record Problem(string Engine, Tensor Q, Tensor K, Tensor V, Tensor G, Tensor Beta, Tensor State, Tensor? Ids)
    {
        internal static Problem Random(string engine, int length, bool packed)
        {
            long shared = engine == "shared" ? 1 : Heads;
            long rows = engine is "vector" or "before" ? N : 1;
            Tensor k = randn([Batch, length, shared, N], float64);
            // Keys of length 1, as the delta rule wants them.
            k = k * k.square().sum([-1], true).rsqrt();
            Tensor? ids = packed ? randint(0, 10, [Batch, length], int64).eq(0).to(int32).cumsum(1).to(int32) : null;
            return new Problem(engine, randn([Batch, length, shared, N], float64), k, randn([Batch, length, Heads, P], float64),
                nn.functional.softplus(randn(rows == 1 ? [Batch, length, Heads] : [Batch, length, Heads, rows], float64)).neg(),
                randn([Batch, length, Heads], float64).sigmoid(), randn([Batch, Heads, N, P], float64), ids);
        }

        internal IEnumerable<Tensor> Inputs() => Engine == "delta" ? [Q, K, V, G, Beta, State] : [Q, K, V, G, State];

        internal (Tensor Y, Tensor State) Run(int chunk, bool gradients = false)
        {
            foreach (Tensor t in gradients ? Inputs() : [])
            {
                t.requires_grad_();
            }

            return Engine switch
            {
                "delta" => DeltaRule.Run(Q, K, V, G, Beta, State, Ids, chunk),
                "vector" or "before" => VectorDecay.Run(Q, K, V, G, State, Ids, chunk, Engine == "before"),
                _ => ScalarDecay.Run(Q, K, V, G, State, Ids, chunk),
            };
        }

        internal (double[] Y, double[] State) Oracle()
        {
            long length = Q.size(1);
            var y = new double[Batch * length * Heads * P];
            var states = new List<double>();
            for (int b = 0; b < Batch; b++)
            {
                int[]? ids = Ids?.select(0, b).ToArray<int>();
                bool[] resets = [.. Enumerable.Range(0, (int)length).Select(t => ids is not null && t > 0 && ids[t] != ids[t - 1])];
                for (int h = 0; h < Heads; h++)
                {
                    double[][] state = Rows(State.select(0, b).select(0, h));
                    double[][] g = G.dim() == 4 ? Of(G, b, h) : [.. G.select(0, b).select(1, h).ToArray<double>().Select(x => Enumerable.Repeat(x, N).ToArray())];
                    double[]? beta = Engine == "delta" ? Beta.select(0, b).select(1, h).ToArray<double>() : null;
                    double[][] own = OracleRecurrence.Run(Of(Q, b, h), Of(K, b, h), Of(V, b, h), g, beta, state, resets, Engine == "before");
                    for (int t = 0; t < length; t++) own[t].CopyTo(y, (((b * length) + t) * Heads * P) + (h * P));
                    states.AddRange(state.SelectMany(r => r));
                }
            }

            return (y, [.. states]);
        }

        private static double[][] Of(Tensor t, int b, int h) => Rows(t.select(0, b).select(1, Math.Min(h, t.size(2) - 1)));

        private static double[][] Rows(Tensor t) => [.. t.ToArray<double>().Chunk((int)t.size(1))];
    }
}
