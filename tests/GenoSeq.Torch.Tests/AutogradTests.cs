using static GenoSeq.Torch.torch;

namespace GenoSeq.Torch.Tests;

public sealed class AutogradTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Backward_MatmulSum_MatchesHand()
    {
        Tensor a = tensor<float>([1f, 2, 3, 4], 2, 2).requires_grad_();
        Tensor b = tensor<float>([5f, 6, 7, 8], 2, 2);
        Tensor c = a.matmul(b);
        c.sum().backward();
        Assert.Equal(new float[] { 19, 22, 43, 50 }, c.ToArray<float>());
        Assert.Equal(new float[] { 11, 15, 11, 15 }, a.grad!.ToArray<float>());
    }

    [Fact]
    public void Backward_Twice_AccumulatesAndNullClears()
    {
        Tensor x = tensor<float>([2f]).requires_grad_();
        (x * x).backward();
        (x * x).backward();
        Assert.Equal(8, x.grad!.ToDouble());
        x.grad = null;
        Assert.Null(x.grad);
        x.grad = tensor<float>([5f]);
        (x * 1).backward();
        Assert.Equal(6, x.grad!.ToDouble());
    }

    [Fact]
    public void Grad_WrongShape_IsRefused()
    {
        Tensor x = ones([2]).requires_grad_();
        Tensor y = x * 2;
        Assert.Throws<TorchException>(() => y.backward());
        Assert.Throws<TorchException>(() => y.backward(ones([3])));
        Assert.Throws<ArgumentException>(() => autograd.backward([y], [null, null]));
        Assert.Throws<ArgumentException>(() => autograd.grad([y], [x], []));
    }

    [Fact]
    public void Grad_LeavesGradUntouched()
    {
        Tensor x = tensor<float>([3f]).requires_grad_();
        Tensor y = tensor<float>([4f]).requires_grad_();
        Tensor?[] g = autograd.grad([x * y], [x, y], [tensor<float>([2f])]);
        Assert.Equal(8, g[0]!.ToDouble());
        Assert.Equal(6, g[1]!.ToDouble());
        Assert.Null(x.grad);
    }

    [Fact]
    public void Grad_UnusedInput_IsAnErrorUnlessAllowed()
    {
        Tensor x = ones([1]).requires_grad_();
        Tensor unused = ones([1]).requires_grad_();
        var e = Assert.Throws<TorchException>(() => autograd.grad([x * 2], [x, unused]));
        Assert.Contains("allow_unused", e.Message, StringComparison.Ordinal);
        Tensor?[] g = autograd.grad([x * 2], [x, unused], allow_unused: true);
        Assert.Equal(2, g[0]!.ToDouble());
        Assert.Null(g[1]);
    }

    [Fact]
    public void Grad_WithoutRetainGraph_RefusesASecondPass()
    {
        Tensor x = tensor<float>([3f]).requires_grad_();
        Tensor y = x.exp() * x;
        autograd.grad([y], [x], retain_graph: true);
        autograd.grad([y], [x]);
        var e = Assert.Throws<TorchException>(() => autograd.grad([y], [x]));
        Assert.Contains("second time", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Grad_CreateGraph_GivesHigherDerivatives()
    {
        Tensor x = tensor<double>([2.0]).requires_grad_();
        Tensor first = autograd.grad([x.pow(4)], [x], create_graph: true)[0]!;
        Tensor second = autograd.grad([first], [x], create_graph: true)[0]!;
        Tensor third = autograd.grad([second], [x])[0]!;
        Assert.Equal(32, first.ToDouble(), 10);
        Assert.Equal(48, second.ToDouble(), 10);
        Assert.Equal(48, third.ToDouble(), 10);
    }

    [Fact]
    public void Backward_SeveralRoots_SumIntoTheLeaf()
    {
        Tensor x = tensor<float>([3f]).requires_grad_();
        autograd.backward([x * x, x * 5], [null, tensor<float>([2f])]);
        Assert.Equal(16, x.grad!.ToDouble());
    }

    [Fact]
    public void Backward_ManyRoots_AreAllTaken()
    {
        Tensor x = tensor<float>([1f]).requires_grad_();
        Tensor[] roots = Enumerable.Range(1, 5000).Select(k => x * 1.0).ToArray();
        autograd.backward(roots);
        Assert.Equal(5000, x.grad!.ToDouble());
    }

    [Fact]
    public void Backward_WithoutGraph_IsRefused()
    {
        Assert.Throws<TorchException>(() => ones([1]).backward());
        Tensor x = ones([1]).requires_grad_();
        Assert.Throws<TorchException>(() => (x * 2).detach().backward());
    }

    [Fact]
    public void Leaf_IsLeafAndItsChildIsNot()
    {
        Tensor x = ones([1]).requires_grad_();
        Tensor y = x.exp();
        Assert.True(x.is_leaf);
        Assert.False(y.is_leaf);
        Assert.Equal("", x.grad_fn_name);
        Assert.Equal("ExpBackward0", y.grad_fn_name);
        Assert.Throws<TorchException>(() => x.add_(1));
        Assert.Throws<TorchException>(() => y.requires_grad = false);
        Assert.Throws<TorchException>(() => arange(0, 3).requires_grad_());
    }

    [Fact]
    public void Backward_OnFourThreads_KeepsPassesApart()
    {
        double[] results = new double[4];
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, k =>
        {
            for (int i = 0; i < 50; i++)
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor x = full([8], k + 1).requires_grad_();
                (x * x).sum().backward();
                results[k] = x.grad!.sum().ToDouble();
            }
        });
        Assert.Equal(new double[] { 16, 32, 48, 64 }, results);
    }
}
