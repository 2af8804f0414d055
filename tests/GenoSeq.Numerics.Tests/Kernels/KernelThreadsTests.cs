using GenoSeq.Models.Kernels;

namespace GenoSeq.Numerics.Tests.Kernels;

public sealed class KernelThreadsTests
{
    [Fact]
    public void For_ManyItems_RunsEachOnce()
    {
        for (int round = 0; round < 200; round++)
        {
            int[] runs = new int[97];
            KernelThreads.For(runs.Length, item => Interlocked.Increment(ref runs[item]));
            Assert.All(runs, count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void For_ItemThrows_RethrowsOnCaller()
    {
        InvalidOperationException e = Assert.Throws<InvalidOperationException>(
            () => KernelThreads.For(50, item =>
            {
                if (item == 7) throw new InvalidOperationException("seven");
            }));
        Assert.Equal("seven", e.Message);
        int sum = 0;
        KernelThreads.For(10, item => Interlocked.Add(ref sum, item));
        Assert.Equal(45, sum);
    }

    [Fact]
    public void For_Nested_RunsInline()
    {
        int runs = 0;
        KernelThreads.For(4, _ =>
        {
            int caller = Environment.CurrentManagedThreadId;
            KernelThreads.For(5, _ =>
            {
                Assert.Equal(caller, Environment.CurrentManagedThreadId);
                Interlocked.Increment(ref runs);
            });
        });
        Assert.Equal(20, runs);
    }

    [Fact]
    public void For_ConcurrentCallers_AllFinish()
    {
        int runs = 0;
        Thread[] callers = [.. Enumerable.Range(0, 6).Select(_ => new Thread(() =>
        {
            for (int round = 0; round < 100; round++) KernelThreads.For(8, _ => Interlocked.Increment(ref runs));
        }))];
        foreach (Thread caller in callers) caller.Start();
        foreach (Thread caller in callers) caller.Join();
        Assert.Equal(6 * 100 * 8, runs);
    }

    [Fact]
    public void For_AfterParking_WakesWorkers()
    {
        for (int round = 0; round < 20; round++)
        {
            Thread.Sleep(3);
            int runs = 0;
            KernelThreads.For(16, _ => Interlocked.Increment(ref runs));
            Assert.Equal(16, runs);
        }
    }

    [Fact]
    public void For_NoItems_DoesNothing() => KernelThreads.For(0, _ => throw new InvalidOperationException());

    [Fact]
    public void Count_BelowOne_Throws() => Assert.Throws<ArgumentOutOfRangeException>(() => KernelThreads.Count = 0);
}
