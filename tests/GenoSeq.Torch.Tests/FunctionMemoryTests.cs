using System.Runtime.CompilerServices;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Torch.Tests;

public sealed class FunctionMemoryTests
{
    [Fact]
    public void ForwardAndBackward_200Times_LeaveNothing()
    {
        using Tensor x = ones([16]).requires_grad_();
        var functions = new List<WeakReference>();
        Step(x, functions);
        long live = DisposeScopeManager.Statistics.Live;
        for (int k = 0; k < 200; k++)
        {
            Step(x, functions);
        }

        Assert.Equal(live, DisposeScopeManager.Statistics.Live);
        Memory.Collect();
        Assert.DoesNotContain(functions, f => f.IsAlive);
        Assert.Equal(201, functions.Count);
    }

    [Fact]
    public void GraphDropped_WithoutBackward_FreesSavedTensorsAndTheFunction()
    {
        using Tensor x = ones([16]).requires_grad_();
        long live = DisposeScopeManager.Statistics.Live;
        WeakReference function = Forward(x);
        Assert.Equal(live, DisposeScopeManager.Statistics.Live);
        Memory.Collect();
        Assert.False(function.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Forward(Tensor x)
        {
            using DisposeScope scope = NewDisposeScope();
            var f = new Square();
            Tensor y = f.apply(x)[0]!;
            Assert.Equal(2, scope.Count + 1); // the output is the scope's, the saved tensor nobody's
            Assert.True(y.requires_grad);
            return new WeakReference(f);
        }
    }

    [Fact]
    public void RetainedGraph_KeepsSavedTensorsUntilItGoes()
    {
        using Tensor x = ones([16]).requires_grad_();
        long live = DisposeScopeManager.Statistics.Live;
        using (NewDisposeScope())
        {
            Tensor y = new Square().apply(x)[0]!.sum();
            y.backward(retain_graph: true);
            Assert.Equal(live + 3, DisposeScopeManager.Statistics.Live); // two outputs and the saved one
            y.backward();
            Assert.Equal(live + 2, DisposeScopeManager.Statistics.Live);
        }

        Assert.Equal(live, DisposeScopeManager.Statistics.Live);
    }

    [Fact]
    public void BackwardThatThrows_LeavesNothing()
    {
        using Tensor x = ones([16]).requires_grad_();
        long live = DisposeScopeManager.Statistics.Live;
        for (int k = 0; k < 50; k++)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor y = new Square { Fails = true }.apply(x)[0]!.sum();
            Assert.Throws<InvalidTimeZoneException>(() => y.backward());
        }

        Assert.Equal(live, DisposeScopeManager.Statistics.Live);
        Assert.Null(x.grad);
    }

    [Fact]
    public void HookThatThrows_LeavesNoGradients()
    {
        using Tensor x = ones([1 << 20]).requires_grad_();
        long live = DisposeScopeManager.Statistics.Live;
        long before = 0;
        for (int k = 0; k < 60; k++)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor y = x * 2;
            y.register_hook(_ => throw new InvalidTimeZoneException());
            Assert.Throws<InvalidTimeZoneException>(() => y.sum().backward());
            before = k == 10 ? Memory.Resident() : before;
        }

        Assert.Equal(live, DisposeScopeManager.Statistics.Live);
        // 50 gradients of 4 MiB.
        Assert.InRange(Memory.Resident() - before, long.MinValue, 60L << 20);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Step(Tensor x, List<WeakReference> functions)
    {
        using DisposeScope scope = NewDisposeScope();
        var f = new Square();
        functions.Add(new WeakReference(f));
        f.apply(x)[0]!.sum().backward();
    }

    private sealed class Square : autograd.Function
    {
        internal bool Fails { get; init; }

        protected override Tensor?[] forward(Tensor?[] inputs)
        {
            save_for_backward(inputs[0]);
            return [inputs[0]!.square()];
        }

        protected override Tensor?[] backward(Tensor?[] grad_outputs)
        {
            Tensor g = grad_outputs[0]! * saved(0)! * 2;
            return Fails ? throw new InvalidTimeZoneException() : [g];
        }
    }
}
