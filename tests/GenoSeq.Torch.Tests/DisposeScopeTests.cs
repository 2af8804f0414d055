using static GenoSeq.Torch.torch;

namespace GenoSeq.Torch.Tests;

public sealed class DisposeScopeTests
{
    [Fact]
    public void Dispose_Nested_EachFreesItsOwn()
    {
        Tensor outerTensor, innerTensor;
        using (DisposeScope outer = NewDisposeScope())
        {
            outerTensor = ones([1]);
            using (DisposeScope inner = NewDisposeScope())
            {
                innerTensor = ones([1]);
                Assert.Same(outer, inner.Outer);
                Assert.Same(inner, DisposeScopeManager.Current);
                Assert.Equal(1, inner.Count);
            }

            Assert.True(innerTensor.IsDisposed);
            Assert.False(outerTensor.IsDisposed);
            Assert.Same(outer, DisposeScopeManager.Current);
        }

        Assert.True(outerTensor.IsDisposed);
        Assert.Null(DisposeScopeManager.Current);
    }

    [Fact]
    public void MoveToOuter_KeepsTheTensorUntilTheOuterEnds()
    {
        Tensor t;
        using (NewDisposeScope())
        {
            using (NewDisposeScope())
            {
                using (NewDisposeScope())
                {
                    t = ones([1]).MoveToOuterDisposeScope();
                }

                Assert.False(t.IsDisposed);
                t.MoveToOuterDisposeScope();
            }

            Assert.False(t.IsDisposed);
        }

        Assert.True(t.IsDisposed);
    }

    [Fact]
    public void MoveToOuter_OfTheOutermost_LeavesNoOwner()
    {
        Tensor t;
        using (NewDisposeScope())
        {
            t = ones([1]).MoveToOuterDisposeScope();
        }

        Assert.False(t.IsDisposed);
        t.Dispose();
    }

    [Fact]
    public void DetachAndAttach_ChangeTheOwner()
    {
        Tensor t;
        using (DisposeScope a = NewDisposeScope())
        {
            t = ones([1]);
            t.DetachFromDisposeScope();
            Assert.Equal(0, a.Count);
        }

        Assert.False(t.IsDisposed);
        using (DisposeScope b = NewDisposeScope())
        {
            Assert.Same(t, b.Attach(t));
            Assert.Equal(1, b.Count);
            b.Attach(t);
            Assert.Equal(1, b.Count);
        }

        Assert.True(t.IsDisposed);
    }

    [Fact]
    public void Attach_ToAClosedScope_IsRefused()
    {
        DisposeScope closed = NewDisposeScope();
        closed.Dispose();
        using Tensor t = ones([1]);
        Assert.Throws<ObjectDisposedException>(() => closed.Attach(t));
        closed.Dispose();
    }

    [Fact]
    public void Dispose_OuterBeforeInner_IsRefusedAndChangesNothing()
    {
        DisposeScope outer = NewDisposeScope();
        Tensor t = ones([1]);
        DisposeScope inner = NewDisposeScope();
        Assert.Throws<InvalidOperationException>(outer.Dispose);
        Assert.False(t.IsDisposed);
        Assert.Same(inner, DisposeScopeManager.Current);
        inner.Dispose();
        outer.Dispose();
        Assert.True(t.IsDisposed);
    }

    [Fact]
    public void Dispose_OnAnotherThread_IsRefused()
    {
        using DisposeScope scope = NewDisposeScope();
        Exception? seen = null;
        var thread = new Thread(() => seen = Record.Exception(scope.Dispose));
        thread.Start();
        thread.Join();
        Assert.IsType<InvalidOperationException>(seen);
        Assert.Same(scope, DisposeScopeManager.Current);
    }

    [Fact]
    public void Scope_OfOneThread_DoesNotOwnAnothersTensors()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor? t = null;
        var thread = new Thread(() => t = ones([1]));
        thread.Start();
        thread.Join();
        Assert.Equal(0, scope.Count);
        t!.Dispose();
    }

    [Fact]
    public void Statistics_AreExact()
    {
        DisposeStatistics before = DisposeScopeManager.Statistics;
        Tensor kept;
        using (NewDisposeScope())
        {
            Tensor a = ones([1]);
            Tensor b = a + a;
            kept = (b * 2).MoveToOuterDisposeScope();
            a.Dispose();
            a.Dispose();
            b.add_(1); // in place: no wrapper
        }

        DisposeStatistics after = DisposeScopeManager.Statistics;
        Assert.Equal(3, after.Created - before.Created);
        Assert.Equal(2, after.Disposed - before.Disposed);
        Assert.Equal(before.Live + 1, after.Live);
        kept.Dispose();
        Assert.Equal(before.Live, DisposeScopeManager.Statistics.Live);
    }

    [Fact]
    public void Scopes_OnFourThreads_CountEveryTensorOnce()
    {
        DisposeStatistics before = DisposeScopeManager.Statistics;
        Thread[] threads = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            for (int k = 0; k < 250; k++)
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor x = ones([2]);
                using (NewDisposeScope())
                {
                    (x + x).MoveToOuterDisposeScope().mul_(2);
                }

                Assert.Equal(2, scope.Count);
            }
        })).ToArray();
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        DisposeStatistics after = DisposeScopeManager.Statistics;
        Assert.Equal(2000, after.Created - before.Created);
        Assert.Equal(2000, after.Disposed - before.Disposed);
    }

    [Fact]
    public void Dispose_OfATensorOnAnotherThread_TakesItOffItsScope()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] tensors = Enumerable.Range(0, 4000).Select(_ => ones([1])).ToArray();
        // One thread disposes while this one makes more.
        var thread = new Thread(() => Array.ForEach(tensors, t => t.Dispose()));
        thread.Start();
        for (int k = 0; k < 4000; k++)
        {
            ones([1]);
        }

        thread.Join();
        Assert.Equal(4000, scope.Count);
    }

    [Fact]
    public void Scope_TensorsDisposedEarlyInAnyOrder_DoesNotGrow()
    {
        using DisposeScope scope = NewDisposeScope();
        for (int k = 0; k < 1000; k++)
        {
            Tensor a = ones([1]);
            Tensor b = ones([1]);
            a.Dispose();
            b.Dispose();
        }

        Assert.Equal(0, scope.Slots);
    }

    [Fact]
    public void Dispose_WhenAnExceptionPasses_StillFrees()
    {
        Tensor? t = null;
        Assert.Throws<TorchException>(() =>
        {
            using DisposeScope scope = NewDisposeScope();
            t = ones([2]);
            t.matmul(ones([3]));
        });
        Assert.True(t!.IsDisposed);
        Assert.Null(DisposeScopeManager.Current);
    }
}
