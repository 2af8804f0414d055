using static GenoSeq.Torch.torch;

namespace GenoSeq.Torch.Tests;

public sealed class HooksTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void TensorHook_SeesAndReplacesTheGradient()
    {
        Tensor x = tensor<float>([1f, 2]).requires_grad_();
        Tensor y = x * 3;
        float[]? seen = null;
        y.register_hook(g =>
        {
            seen = g.ToArray<float>();
            return g * 10;
        });
        (y * 2).sum().backward();
        Assert.Equal(new float[] { 2, 2 }, seen);
        Assert.Equal(new float[] { 60, 60 }, x.grad!.ToArray<float>());
    }

    [Fact]
    public void TensorHook_Null_LeavesTheGradient()
    {
        Tensor x = ones([1]).requires_grad_();
        int calls = 0;
        x.register_hook(_ =>
        {
            calls++;
            return null;
        });
        (x * 3).backward();
        Assert.Equal(1, calls);
        Assert.Equal(3, x.grad!.ToDouble());
    }

    [Fact]
    public void TensorHooks_RunInOrderAndOneCanBeRemoved()
    {
        Tensor x = ones([1]).requires_grad_();
        x.register_hook(g => g + 1);
        IDisposable second = x.register_hook(g => g * 10);
        (x * 3).backward();
        Assert.Equal(40, x.grad!.ToDouble());
        second.Dispose();
        second.Dispose();
        x.grad = null;
        (x * 3).backward();
        Assert.Equal(4, x.grad!.ToDouble());
    }

    [Fact]
    public void TensorHook_RemovedAfterItsWrapperWasDisposed_IsSilent()
    {
        Tensor x = ones([1]).requires_grad_();
        Tensor y = x * 2;
        Tensor z = y * 3;
        IDisposable hook = y.register_hook(g => g * 100);
        y.Dispose();
        hook.Dispose();
        z.backward();
        Assert.Equal(6, x.grad!.ToDouble());
    }

    [Fact]
    public void TensorHook_Exception_ComesOutOfBackward()
    {
        var thrown = new InvalidTimeZoneException();
        Tensor x = ones([1]).requires_grad_();
        x.register_hook(_ => throw thrown);
        Tensor y = x * 2;
        Assert.Same(thrown, Assert.Throws<InvalidTimeZoneException>(() => y.backward()));
        Assert.Null(x.grad);
    }

    [Fact]
    public void TensorHook_OfAnOutputThatTookNoPart_IsNotCalled()
    {
        Tensor x = arange(0, 4).to(float32).requires_grad_();
        Tensor[] parts = x.split([2, 2]);
        int calls = 0;
        parts[0].register_hook(g =>
        {
            calls++;
            return g * 1;
        });
        parts[1].sum().backward();
        Assert.Equal(0, calls);
        Assert.Equal(new float[] { 0, 0, 1, 1 }, x.grad!.ToArray<float>());
    }

    [Fact]
    public void TensorHook_OnATensorWithoutGradient_IsRefusedAndFreed()
    {
        Tensor x = ones([1]);
        Assert.Throws<TorchException>(() => x.register_hook(_ => null));
    }

    [Fact]
    public void PostAccumulate_IsCalledOncePerBackwardAfterGradIsSet()
    {
        Tensor x = tensor<float>([2f]).requires_grad_();
        var seen = new List<double>();
        using IDisposable hook = x.register_post_accumulate_grad_hook(() => seen.Add(x.grad!.ToDouble()));
        // Three uses of one leaf: still one accumulation.
        ((x * x) + x).backward();
        Assert.Equal(new double[] { 5 }, seen);
        (x * 1).backward();
        Assert.Equal(new double[] { 5, 6 }, seen);
    }

    [Fact]
    public void PostAccumulate_Several_RunInOrderOfRegistration()
    {
        Tensor x = ones([1]).requires_grad_();
        var order = new List<int>();
        using IDisposable a = x.register_post_accumulate_grad_hook(() => order.Add(1));
        using IDisposable b = x.register_post_accumulate_grad_hook(() => order.Add(2));
        (x * 1).backward();
        Assert.Equal(new[] { 1, 2 }, order);
    }

    [Fact]
    public void PostAccumulate_Leaves_AreReportedAsBackwardReachesThem()
    {
        // The gradient of the later layer is known first: what data parallelism overlaps with.
        Tensor first = tensor<float>([2f]).requires_grad_();
        Tensor second = tensor<float>([3f]).requires_grad_();
        var order = new List<string>();
        using IDisposable a = first.register_post_accumulate_grad_hook(() => order.Add("first"));
        using IDisposable b = second.register_post_accumulate_grad_hook(() => order.Add("second"));
        ((first * 2).exp() * second).backward();
        Assert.Equal(new[] { "second", "first" }, order);
    }

    [Fact]
    public void PostAccumulate_Disposed_IsNotCalledEvenByAGraphMadeBefore()
    {
        Tensor x = ones([1]).requires_grad_();
        int calls = 0;
        IDisposable hook = x.register_post_accumulate_grad_hook(() => calls++);
        Tensor y = x * 1;
        hook.Dispose();
        hook.Dispose();
        y.backward();
        (x * 1).backward();
        Assert.Equal(0, calls);
        using IDisposable again = x.register_post_accumulate_grad_hook(() => calls++);
        (x * 1).backward();
        Assert.Equal(1, calls);
    }

    [Fact]
    public void PostAccumulate_RetainedGraph_IsCalledByEveryPass()
    {
        Tensor x = tensor<float>([2f]).requires_grad_();
        var seen = new List<double>();
        using IDisposable hook = x.register_post_accumulate_grad_hook(() => seen.Add(x.grad!.ToDouble()));
        Tensor y = x * x;
        y.backward(retain_graph: true);
        y.backward();
        Assert.Equal(new double[] { 4, 8 }, seen);
    }

    [Fact]
    public void PostAccumulate_Exception_ComesOutOfBackward()
    {
        Tensor x = ones([1]).requires_grad_();
        using IDisposable hook = x.register_post_accumulate_grad_hook(() => throw new InvalidTimeZoneException());
        Tensor y = x * 1;
        Assert.Throws<InvalidTimeZoneException>(() => y.backward());
    }

    [Fact]
    public void PostAccumulate_OnWhatIsNoTrainedLeaf_IsRefused()
    {
        Tensor x = ones([1]).requires_grad_();
        Assert.Throws<TorchException>(() => ones([1]).register_post_accumulate_grad_hook(() => { }));
        Assert.Throws<TorchException>(() => (x * 2).register_post_accumulate_grad_hook(() => { }));
    }

    [Fact]
    public void PostAccumulate_InACheckpoint_IsCalled()
    {
        Tensor w = tensor<float>([2f]).requires_grad_();
        Tensor x = tensor<float>([3f]).requires_grad_();
        int calls = 0;
        using IDisposable hook = w.register_post_accumulate_grad_hook(() => calls++);
        utils.checkpoint.run(i => [i[0]! * w], x)[0].backward();
        Assert.Equal(1, calls);
        Assert.Equal(3, w.grad!.ToDouble());
    }
}
