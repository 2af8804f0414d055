using static GenoSeq.Torch.torch;

namespace GenoSeq.Torch.Tests;

public sealed class CheckpointTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Run_OfALayer_EqualsThePlainRunBitForBit(int depth)
    {
        (byte[] plainValue, byte[] plainGrads) = Run(0, depth);
        (byte[] value, byte[] grads) = Run(1, depth);
        Assert.Equal(plainValue, value);
        Assert.Equal(plainGrads, grads);
    }

    [Fact]
    public void Run_Nested_EqualsThePlainRunBitForBit()
    {
        (byte[] plainValue, byte[] plainGrads) = Run(0, 3);
        (byte[] value, byte[] grads) = Run(2, 3);
        Assert.Equal(plainValue, value);
        Assert.Equal(plainGrads, grads);
    }

    [Fact]
    public void Run_SeveralOutputs_DifferentiatesThoseThatAreUsed()
    {
        Tensor x = tensor<float>([1f, 2]).requires_grad_();
        Tensor[] y = utils.checkpoint.run(i => [i[0]! * 2, i[0]! * i[0]!, i[0]! * 100], x);
        (y[0] + y[1]).sum().backward();
        Assert.Equal(new float[] { 4, 6 }, x.grad!.ToArray<float>());
    }

    [Fact]
    public void Run_InputsThatNeedNoGradientOrAreAbsent_GetNone()
    {
        Tensor x = tensor<float>([3f]).requires_grad_();
        Tensor c = tensor<float>([5f]);
        bool? differentiated = null;
        Tensor[] y = utils.checkpoint.run(i =>
        {
            differentiated = i[1]!.requires_grad;
            Assert.Null(i[2]);
            return [i[0]! * i[1]!];
        }, x, c, null);
        y[0].backward();
        Assert.False(differentiated);
        Assert.Equal(5, x.grad!.ToDouble());
        Assert.Null(c.grad);
    }

    [Fact]
    public void Run_OutputThatDependsOnNothingTrained_IsLeftOut()
    {
        Tensor x = tensor<float>([3f]).requires_grad_();
        Tensor[] y = utils.checkpoint.run(i => [ones([1]) * 2], x);
        y[0].backward();
        Assert.True(x.grad is null || x.grad!.ToDouble() == 0);
    }

    [Fact]
    public void Run_BackwardTwiceOverARetainedGraph_Accumulates()
    {
        Tensor x = tensor<float>([3f]).requires_grad_();
        Tensor w = tensor<float>([2f]).requires_grad_();
        Tensor y = utils.checkpoint.run(i => [i[0]! * w], x)[0];
        y.backward(retain_graph: true);
        y.backward();
        Assert.Equal(4, x.grad!.ToDouble());
        Assert.Equal(6, w.grad!.ToDouble());
    }

    [Fact]
    public void Run_BodyRunsOnceForwardOnceBackwardAndNeverWithoutGrad()
    {
        Tensor x = ones([1]).requires_grad_();
        int runs = 0;
        Tensor[] Body(Tensor?[] i)
        {
            runs++;
            return [i[0]! * 2];
        }

        using (no_grad())
        {
            utils.checkpoint.run(Body, x);
        }

        Assert.Equal(1, runs);
        Tensor y = utils.checkpoint.run(Body, x)[0];
        Assert.Equal(2, runs);
        y.backward();
        Assert.Equal(3, runs);
    }

    [Fact]
    public void Run_KeepsOnlyInputsBetweenForwardAndBackward()
    {
        Tensor x = ones([4]).requires_grad_();
        long live = DisposeScopeManager.Statistics.Live;
        using (NewDisposeScope())
        {
            Tensor y;
            using (NewDisposeScope())
            {
                y = utils.checkpoint.run(i => [((i[0]! * 2).exp() + 1).log()], x)[0].MoveToOuterDisposeScope();
            }

            Assert.Equal(live + 2, DisposeScopeManager.Statistics.Live);
            y.sum().backward();
        }

        Assert.Equal(live, DisposeScopeManager.Statistics.Live);
    }

    // wrap 0: plain; 1: every layer in a checkpoint; 2: that, and all of them in another.
    private static (byte[] Value, byte[] Grads) Run(int wrap, int depth)
    {
        manual_seed(11);
        Tensor x = randn([5, 8]).requires_grad_();
        Tensor[] w = Enumerable.Range(0, depth).Select(_ => randn([8, 8]).requires_grad_()).ToArray();
        Tensor Layer(Tensor h, int k) => nn.functional.silu(h.matmul(w[k])) + h;
        Tensor Stack(Tensor h)
        {
            for (int k = 0; k < depth; k++)
            {
                int layer = k;
                h = wrap == 0 ? Layer(h, layer) : utils.checkpoint.run(i => [Layer(i[0]!, layer)], h)[0];
            }

            return h;
        }

        Tensor y = wrap == 2 ? utils.checkpoint.run(i => [Stack(i[0]!)], x)[0] : Stack(x);
        y.square().mean().backward();
        var grads = new List<byte>(Bytes(x.grad!));
        foreach (Tensor p in w)
        {
            grads.AddRange(Bytes(p.grad!));
        }

        return (Bytes(y), [.. grads]);
    }

    private static byte[] Bytes(Tensor t) =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(t.ToArray<float>()).ToArray();
}
