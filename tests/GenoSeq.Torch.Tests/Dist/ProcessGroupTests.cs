using System.Diagnostics;
using static GenoSeq.Torch.torch;
using static GenoSeq.Torch.torch.distributed;

namespace GenoSeq.Torch.Tests.Dist;

public sealed class ProcessGroupTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AllReduce_EveryReduction_GivesEveryRankTheSame(int size) => Ranks.Run(size, g =>
    {
        double[] values = Enumerable.Range(1, size).Select(k => (double)k).ToArray();
        Check(ReduceOp.SUM, values.Sum());
        Check(ReduceOp.AVG, values.Average());
        Check(ReduceOp.PRODUCT, values.Aggregate((a, b) => a * b));
        Check(ReduceOp.MIN, 1);
        Check(ReduceOp.MAX, size);

        void Check(ReduceOp op, double expected)
        {
            Tensor t = full([3, 5], g.Rank + 1);
            g.all_reduce(t, op);
            Assert.All(t.ToArray<float>(), v => Assert.Equal((float)expected, v, 1e-6f));
        }
    });

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Int64)]
    [InlineData(ScalarType.Int32)]
    [InlineData(ScalarType.Byte)]
    public void Collectives_OfEveryType_GiveExactSmallNumbers(ScalarType type) => Ranks.Run(2, g =>
    {
        Tensor sum = full([7], g.Rank + 3, type);
        g.all_reduce(sum);
        Assert.Equal(type, sum.dtype);
        Assert.Equal(7.0 * 7, sum.to(float64).sum().ToDouble());

        Tensor copy = full([4], g.Rank + 5, type);
        g.broadcast(copy, 1);
        Assert.Equal(24, copy.to(float64).sum().ToDouble());

        Tensor[] all = [zeros([2], type), zeros([2], type)];
        g.all_gather(all, full([2], g.Rank + 1, type));
        Assert.Equal(2, all[0].to(float64).sum().ToDouble());
        Assert.Equal(4, all[1].to(float64).sum().ToDouble());

        Tensor part = zeros([3], type);
        g.reduce_scatter_tensor(part, arange(0, 6).to(type));
        double[] expected = g.Rank == 0 ? [0, 2, 4] : [6, 8, 10];
        Assert.Equal(expected, part.to(float64).ToArray<double>());
    });

    [Theory]
    [InlineData(ScalarType.Bool)]
    [InlineData(ScalarType.Int16)]
    public void Copies_OfTypesThatGlooDoesNotKnow_Work(ScalarType type) => Ranks.Run(2, g =>
    {
        Tensor t = full([5], g.Rank, type);
        g.broadcast(t, 1);
        Assert.Equal(5, t.to(float64).sum().ToDouble());
        Tensor both = zeros([2], type);
        g.all_gather_into_tensor(both, full([1], g.Rank, type));
        Assert.Equal(new double[] { 0, 1 }, both.to(float64).ToArray<double>());
    });

    [Fact]
    public void GatherAndReduceScatter_OfThreeRanks_KeepTheOrder() => Ranks.Run(3, g =>
    {
        Tensor mine = full([2, 2], g.Rank * 10);
        Tensor into = zeros([6, 2]);
        g.all_gather_into_tensor(into, mine);
        Assert.Equal(new float[] { 0, 0, 0, 0, 10, 10, 10, 10, 20, 20, 20, 20 }, into.ToArray<float>());

        Tensor[] parts = Enumerable.Range(0, 3).Select(k => full([2], (100 * k) + g.Rank)).ToArray();
        Tensor part = zeros([2]);
        g.reduce_scatter(part, parts, ReduceOp.AVG);
        Assert.All(part.ToArray<float>(), v => Assert.Equal((100 * g.Rank) + 1f, v));
        Assert.Equal((200f + g.Rank), parts[2].ToArray<float>()[0]); // not changed
        Tensor max = zeros([1]);
        g.reduce_scatter_tensor(max, full([3], g.Rank), ReduceOp.MAX);
        Assert.Equal(2, max.ToDouble());
    });

    [Fact]
    public void AllReduce_OfAParameterAndItsGradient_WritesThrough() => Ranks.Run(2, g =>
    {
        using var p = new nn.Parameter(full([2], g.Rank));
        (p * (g.Rank + 1)).sum().backward();
        using Tensor grad = p.grad!;
        g.all_reduce(grad, ReduceOp.AVG);
        g.broadcast(p);
        Assert.Equal(new float[] { 1.5f, 1.5f }, p.grad!.ToArray<float>());
        Assert.Equal(new float[] { 0, 0 }, p.ToArray<float>());
        Assert.True(p.is_leaf);
    });

    [Fact]
    public void Async_TensorsLiveUntilWaitedForEvenWhenDisposed() => Ranks.Run(2, g =>
    {
        var works = new List<Work>();
        Tensor kept;
        using (NewDisposeScope())
        {
            for (int k = 0; k < 50; k++)
            {
                works.Add(g.all_reduce(full([10_000], 1), async_op: true));
            }

            kept = full([1000], g.Rank + 1, bfloat16).MoveToOuterDisposeScope();
            works.Add(g.all_reduce(kept, ReduceOp.AVG, async_op: true));
            GC.Collect();
        }

        foreach (Work w in works)
        {
            w.Wait();
            w.Wait();
            Assert.True(w.IsCompleted);
        }

        Assert.All(kept.to(float32).ToArray<float>(), v => Assert.Equal(1.5f, v));
    });

    [Fact]
    public void Async_DroppedUnwaited_DoesNotCrash() => Ranks.Run(2, g =>
    {
        for (int k = 0; k < 20; k++)
        {
            using (NewDisposeScope())
            {
                Work w = g.all_reduce(ones([50_000]), async_op: true);
                if (k % 2 == 0)
                {
                    w.Dispose();
                }
            }

            GC.Collect();
        }

        GC.WaitForPendingFinalizers();
        Tensor t = ones([1]);
        g.all_reduce(t);
        Assert.Equal(2, t.ToDouble());
    });

    [Fact]
    public void Collectives_LeaveNoTensors()
    {
        long live = DisposeScopeManager.Statistics.Live;
        Ranks.Run(2, g =>
        {
            for (int k = 0; k < 5; k++)
            {
                Tensor t = ones([4]);
                g.all_reduce(t, ReduceOp.AVG);
                g.reduce_scatter_tensor(zeros([2], bfloat16), ones([4], bfloat16));
                g.all_gather_into_tensor(zeros([8]), t);
            }
        });
        Assert.Equal(live, DisposeScopeManager.Statistics.Live);
    }

    [Fact]
    public void Barrier_HoldsUntilTheLastComes()
    {
        int arrived = 0;
        Ranks.Run(3, g =>
        {
            Thread.Sleep(g.Rank * 150);
            Interlocked.Increment(ref arrived);
            g.barrier();
            Assert.Equal(3, Volatile.Read(ref arrived));
        });
    }

    [Fact]
    public void TwoGroups_OverOneStore_DoNotMix()
    {
        using var server = new TCPStore("127.0.0.1", 0, 2, true, Ranks.Patience);
        Parallel.For(0, 2, new ParallelOptions { MaxDegreeOfParallelism = 2 }, rank =>
        {
            using DisposeScope scope = NewDisposeScope();
            using var store = new TCPStore("127.0.0.1", server.Port, 2, false, Ranks.Patience);
            using var a = new ProcessGroup(store, "gloo", rank, 2, Ranks.Patience, "a", "127.0.0.1");
            using var b = new ProcessGroup(store, "gloo", 1 - rank, 2, Ranks.Patience, "b", "127.0.0.1");
            Tensor x = full([1], rank);
            b.broadcast(x, 0); // b's rank 0 is a's rank 1
            Assert.Equal(1, x.ToDouble());
            a.all_reduce(x);
            Assert.Equal(2, x.ToDouble());
        });
    }

    [Fact]
    public void Arguments_ThatDoNotFit_AreRefusedBeforeAnythingIsSent() => Ranks.Run(1, g =>
    {
        Assert.Contains("strides", Assert.Throws<ArgumentException>(() => g.all_reduce(zeros([2, 3]).t())).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => g.all_reduce(arange(0, 2), ReduceOp.AVG));
        Assert.Throws<ArgumentException>(() => g.all_gather([zeros([1]), zeros([1])], zeros([1])));
        Assert.Throws<ArgumentException>(() => g.all_gather([zeros([1], float64)], zeros([1])));
        Assert.Throws<ArgumentException>(() => g.reduce_scatter_tensor(zeros([2]), zeros([3])));
        Assert.Throws<ArgumentOutOfRangeException>(() => g.broadcast(zeros([1]), 1));
    });

    [Fact]
    public void Join_ARankNeverComes_ErrorNamesRankOperationAndSeconds()
    {
        var patience = TimeSpan.FromSeconds(2);
        using var store = new TCPStore("127.0.0.1", 0, 2, true, patience);
        long began = Stopwatch.GetTimestamp();
        var e = Assert.Throws<DistributedException>(
            () => new ProcessGroup(store, "gloo", 0, 2, patience, interface_host: "127.0.0.1"));
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 1, 10);
        Assert.Equal(0, e.Rank);
        Assert.StartsWith("rank 0: joining the group 'world' of 2 failed after 2", e.Message, StringComparison.Ordinal);
        Assert.Contains("(timeout 2 s)", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AllReduce_ARankNeverComes_ErrorNamesRankOperationAndSeconds()
    {
        long began = 0;
        Ranks.Run(2, g =>
        {
            g.barrier();
            began = Stopwatch.GetTimestamp();
            if (g.Rank == 1)
            {
                Thread.Sleep(4000);
                return;
            }

            var e = Assert.Throws<DistributedException>(() => g.all_reduce(ones([4])));
            Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 1.5, 10);
            Assert.StartsWith("rank 0: all_reduce failed after ", e.Message, StringComparison.Ordinal);
            Assert.Contains("(timeout 2 s)", e.Message, StringComparison.Ordinal);
            Assert.Equal("all_reduce", e.Operation);
        }, TimeSpan.FromSeconds(2));
    }

    [Fact]
    public void Wait_ShorterThanTheOther_TimesOutAndCanBeRepeated() => Ranks.Run(2, g =>
    {
        g.barrier();
        if (g.Rank == 1)
        {
            Thread.Sleep(1000);
        }

        Tensor t = ones([4]);
        using Work w = g.all_reduce(t, async_op: true);
        if (g.Rank == 0)
        {
            var e = Assert.Throws<DistributedException>(() => w.Wait(TimeSpan.FromMilliseconds(100)));
            Assert.Equal(TimeSpan.FromMilliseconds(100), e.Timeout);
        }

        w.Wait();
        Assert.Equal(8, t.sum().ToDouble());
    });

    [Fact]
    public void Join_UnknownBackend_IsMissing()
    {
        using var store = new TCPStore("127.0.0.1", 0, 1, true, Ranks.Patience);
        Assert.Contains("'carrier-pigeon'",
            Assert.Throws<MissingLibraryException>(() => new ProcessGroup(store, "carrier-pigeon", 0, 1)).Message,
            StringComparison.Ordinal);
        Assert.True(is_gloo_available());
    }

    [Fact]
    public void Disposed_IsRefused() => Ranks.Run(1, g =>
    {
        g.Dispose();
        g.Dispose();
        Assert.Throws<ObjectDisposedException>(() => g.all_reduce(ones([1])));
    });

    [Fact]
    public void InitProcessGroup_OneProcess_FindsItsOwnPort()
    {
        using DisposeScope scope = NewDisposeScope();
        using ProcessGroup g = init_process_group("gloo", Ranks.Patience, new DistributedEnvironment());
        Tensor t = ones([1]);
        g.all_reduce(t);
        Assert.Equal(1, t.ToDouble());
        Assert.Throws<ArgumentException>(() => init_process_group("gloo", Ranks.Patience,
            new DistributedEnvironment { Rank = 5, WorldSize = 2 }));
    }
}
